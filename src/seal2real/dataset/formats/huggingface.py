"""Parquet for Hugging Face ``datasets``: one folder that ``load_dataset`` opens, with the images inside.

``data/SPLIT-00000-of-00002.parquet`` and a card (README.md) that names the splits. The features are typed (images,
lists of structs, class labels) and stand in each file's schema, so that nothing is guessed. Files are written group by
group; memory does not grow with the data set.

Fields that the features do not know, such as those of a later version, are kept as JSON in the column ``more`` beside
them, and their files in ``files``; so `read` gives every row back as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seal2real.dataset.formats.base import Format, Progress
from seal2real.dataset.formats.folder import all_file_bytes, new_folder, rows_to_export
from seal2real.dataset.formats.foreign import json_line, split_rank
from seal2real.dataset.formats.native import CATEGORIES, METADATA, Row, read_rows, row_files
from seal2real.errors import Seal2RealError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

GROUP_BYTES = 32 << 20  # of images in one row group: what a reader holds at a time
FILE_BYTES = 400 << 20  # a file is closed when it has as much

_Feature = Any  # as `datasets` writes features in JSON: a dict with "_type", a dict of features, or a list of one
_STRING, _BOOL = {"dtype": "string", "_type": "Value"}, {"dtype": "bool", "_type": "Value"}
_INTEGER, _REAL = {"dtype": "int64", "_type": "Value"}, {"dtype": "float64", "_type": "Value"}
_IMAGE = {"_type": "Image"}
_POINTS = [[_REAL]]
_CARD = """---
pretty_name: Seal2Real documents with seals
task_categories: [image-segmentation, object-detection, image-to-text, image-to-image]
tags: [synthetic, document-ai, seal, stamp]
configs:
- config_name: default
  data_files:
{data_files}
---

# Documents with seals, made by Seal2Real

**Every image here is synthetic.** Names of organisations and persons, numbers and texts are invented; a likeness to real
ones is chance.

```python
from datasets import load_dataset

data = load_dataset("THIS FOLDER")
```

| split | samples |
|---|---|
{counts}

Coordinates are pixels, x to the right, y down; `bbox` is [x, y, width, height]. `image` is the stamped page, `clean` the
same scan without seals, `ink` its visible ink (255 = all light absorbed). A seal has its `mask_full` (the design) and
`mask_visible` (what can be seen after wear), and its `lines` with polygons, a quad per character and a straightened
`crop`; seals for verification have a `reference`. `design`, `provenance` and `more` are JSON.
"""  # noqa: E501 (a paragraph of Markdown)


def features(kinds: Sequence[str], colours: Sequence[str]) -> dict[str, _Feature]:
    """The features of a row, in the JSON form of `datasets.Features`.

    Args:
        kinds: names of the seal kinds, in the order of their class numbers.
        colours: ink classes, likewise.
    """
    line = {
        "text": _STRING,
        "role": _STRING,
        "curved": _BOOL,
        "polygon": _POINTS,
        "characters": [_POINTS],
        "crop": _IMAGE,
        "more": _STRING,
    }
    seal = {
        "kind": _classes(kinds),
        "colour": _classes(colours),
        "bbox": [_REAL],
        "angle": _REAL,
        "polygon": _POINTS,
        "mask_full": _IMAGE,
        "mask_visible": _IMAGE,
        "reference": _IMAGE,
        "lines": [line],
        "authenticity": _STRING,
        "design": _STRING,
        "more": _STRING,
    }
    text = {"text": _STRING, "bbox": [_REAL], "under_seal": _REAL, "under_ink": _REAL, "more": _STRING}
    return {
        "image": _IMAGE,
        "clean": _IMAGE,
        "ink": _IMAGE,
        "width": _INTEGER,
        "height": _INTEGER,
        "dpi": _REAL,
        "seals": [seal],
        "text": [text],
        "objects": {"bbox": [[_REAL]], "categories": [_classes(CATEGORIES)]},
        "provenance": _STRING,
        "files": [_IMAGE],
        "more": _STRING,
    }


def write(dataset: Path, out: Path, progress: Progress = lambda done: None) -> None:
    """Write a native dataset as Parquet.

    Args:
        dataset: folder of the native dataset.
        out: folder to make.
        progress: called with the count of samples just done.

    Raises:
        UsageError: no such dataset, ``out`` is not empty, or ``pyarrow`` is missing.
        Seal2RealError: a file cannot be read or written.
    """
    _require_pyarrow()
    known = features(*_class_names(dataset))
    with new_folder(out) as folder:
        (folder / "data").mkdir()
        writers: dict[str, _SplitWriter] = {}
        try:
            for row in rows_to_export(dataset, progress):
                split = row["split"]
                if split not in writers:
                    writers[split] = _SplitWriter(folder / "data", split, known)
                writers[split].add(row, all_file_bytes(dataset, row))
        finally:
            for writer in writers.values():
                writer.close()
        splits = sorted(writers, key=split_rank)
        card = _CARD.format(
            data_files="\n".join(f"  - split: {split}\n    path: data/{split}-*.parquet" for split in splits),
            counts="\n".join(f"| {split} | {writers[split].samples} |" for split in splits),
        )
        for split in splits:
            writers[split].name_files()
        (folder / "README.md").write_text(card, encoding="utf-8")


def read(folder: Path) -> Iterator[tuple[Row, dict[str, bytes]]]:
    """The native rows of a folder that `write` made, split by split, with their files by native path.

    Raises:
        UsageError: there is none, or ``pyarrow`` is missing.
        Seal2RealError: a file is damaged or has other columns.
    """
    _require_pyarrow()
    paths = {path: path.name.rsplit("-", 3)[0] for path in sorted((folder / "data").glob("*-*-of-*.parquet"))}
    if not paths:
        raise UsageError(f"{folder} has no data/SPLIT-00000-of-00001.parquet; convert a dataset to it first")
    for path in sorted(paths, key=lambda path: (split_rank(paths[path]), path.name)):
        yield from _read_parquet(path, paths[path])


def _read_parquet(path: Path, split: str) -> Iterator[tuple[Row, dict[str, bytes]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            known = json.loads(file.schema_arrow.metadata[b"huggingface"])["info"]["features"]
            for batch in file.iter_batches(batch_size=8):
                for columns in batch.to_pylist():
                    yield _to_row(columns, known, split)
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        raise Seal2RealError(f"{path}: not a file of this format ({reason}); convert the dataset again") from error


class _SplitWriter:
    """The files of one split; how many there are is known, and written into their names, at the end."""

    def __init__(self, folder: Path, split: str, known: dict[str, _Feature]):
        import pyarrow as pa

        self.samples = 0
        self._folder, self._split, self._known = folder, split, known
        info = json.dumps({"info": {"features": known}})
        self._schema = pa.schema([(name, _arrow_type(f)) for name, f in known.items()], {"huggingface": info})
        self._files: list[Path] = []
        self._writer: pq.ParquetWriter | None = None
        self._rows: list[dict[str, Any]] = []
        self._row_bytes = self._file_bytes = 0

    def add(self, row: Row, files: dict[str, bytes]) -> None:
        try:
            self._rows.append(_to_columns(row, self._known, files))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Seal2RealError(f"{METADATA}: the row of {row['file_name']} is damaged ({error!r})") from error
        self.samples += 1
        size = sum(map(len, files.values()))
        self._row_bytes += size
        self._file_bytes += size
        if self._row_bytes >= GROUP_BYTES:
            self._flush()
        if self._file_bytes >= FILE_BYTES:
            self.close()

    def close(self) -> None:
        self._flush()
        if self._writer is not None:
            self._writer.close()
        self._writer, self._file_bytes = None, 0

    def name_files(self) -> None:
        for number, path in enumerate(self._files):
            path.replace(self._folder / f"{self._split}-{number:05d}-of-{len(self._files):05d}.parquet")

    def _flush(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not self._rows:
            return
        if self._writer is None:
            self._files.append(self._folder / f"{self._split}-{len(self._files):05d}.tmp")
            self._writer = pq.ParquetWriter(self._files[-1], self._schema)
        try:
            table = pa.Table.from_pylist(self._rows, self._schema)
        except pa.ArrowException as error:
            name = self._rows[0]["image"]["path"]
            raise Seal2RealError(f"{METADATA}: a row from {name} on has a value of a wrong type ({error})") from error
        self._writer.write_table(table)
        self._rows, self._row_bytes = [], 0


def _to_columns(row: Row, known: dict[str, _Feature], files: dict[str, bytes]) -> dict[str, Any]:
    plain = {key: value for key, value in row.items() if key not in ("file_name", "split")}
    taken: set[str] = set()
    columns = dict(_pack(plain | {"image": row["file_name"], "files": []}, known, files, taken))
    return columns | {"files": [{"bytes": files[path], "path": path} for path in sorted(files.keys() - taken)]}


def _pack(value: Any, feature: _Feature, files: dict[str, bytes], taken: set[str]) -> Any:
    """A value of a native row as its feature wants it; the paths of the files that it takes are added to ``taken``."""
    if isinstance(feature, list):
        return [_pack(item, feature[0], files, taken) for item in value]
    if "_type" not in feature:
        packed = {key: _pack(value.get(key), f, files, taken) for key, f in feature.items() if key != "more"}
        if "more" in feature:
            packed["more"] = json_line({key: item for key, item in value.items() if key not in packed})
        return packed
    if value is None:
        return None
    match feature["_type"]:
        case "Image":
            taken.add(value)
            return {"bytes": files[value], "path": value}
        case "ClassLabel":
            return feature["names"].index(value) if isinstance(value, str) else value
    return json_line(value) if isinstance(value, dict) else value


def _to_row(columns: dict[str, Any], known: dict[str, _Feature], split: str) -> tuple[Row, dict[str, bytes]]:
    files: dict[str, bytes] = {}
    plain = _unpack(columns, known, files)
    del plain["files"]
    row = {"file_name": plain.pop("image"), **plain, "split": split}
    row["objects"]["categories"] = [CATEGORIES.index(name) for name in row["objects"]["categories"]]
    row["provenance"] = json.loads(row["provenance"])
    row["objects"]["bbox"] = [_box(box) for box in row["objects"]["bbox"]]
    for seal in row["seals"]:
        seal["bbox"], seal["design"] = _box(seal["bbox"]), json.loads(seal["design"])
        if seal["reference"] is None:  # which most rows do not speak of
            del seal["reference"]
    missing = set(row_files(row)) - files.keys()
    if missing:
        raise ValueError(f"no bytes for {sorted(missing)[0]}")
    return row, files


def _unpack(value: Any, feature: _Feature, files: dict[str, bytes]) -> Any:
    if isinstance(feature, list):
        return [_unpack(item, feature[0], files) for item in value]
    if "_type" not in feature:
        plain = {key: _unpack(value[key], f, files) for key, f in feature.items() if key != "more"}
        return {**plain, **json.loads(value.get("more") or "{}")}
    if value is None:
        return None
    match feature["_type"]:
        case "Image":
            files[value["path"]] = value["bytes"]
            return value["path"]
        case "ClassLabel":
            return feature["names"][value]
    return value


def _arrow_type(feature: _Feature) -> pa.DataType:
    import pyarrow as pa

    if isinstance(feature, list):
        return pa.list_(_arrow_type(feature[0]))
    if "_type" not in feature:
        return pa.struct([(name, _arrow_type(f)) for name, f in feature.items()])
    match feature["_type"]:
        case "Image":
            return pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        case "ClassLabel":
            return pa.int64()
    return {"string": pa.string(), "bool": pa.bool_(), "int64": pa.int64(), "float64": pa.float64()}[feature["dtype"]]


def _class_names(dataset: Path) -> tuple[list[str], list[str]]:
    """Kinds and colours: those of this version first, so that numbers agree between data sets, then any others."""
    from seal2real.press import COLOURS
    from seal2real.seal import KINDS

    seals = {(seal["kind"], seal["colour"]) for row in read_rows(dataset) for seal in row["seals"]}
    kinds, colours = {kind for kind, _ in seals if kind}, {colour for _, colour in seals if colour}
    return [*KINDS, *sorted(kinds - set(KINDS))], [*COLOURS, *sorted(colours - set(COLOURS))]


def _classes(names: Sequence[str]) -> dict[str, Any]:
    return {"names": list(names), "_type": "ClassLabel"}


def _box(box: Sequence[float]) -> list[float]:
    """A box of whole pixels, as the tight boxes of masks are, has whole numbers."""
    return [int(value) for value in box] if all(value == int(value) for value in box) else list(box)


def _require_pyarrow() -> None:
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise UsageError("Parquet needs the package pyarrow; install it: pip install pyarrow") from None


FORMAT = Format("huggingface", "Parquet for Hugging Face datasets: images inside, typed features", write, read)
