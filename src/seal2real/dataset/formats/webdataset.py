"""WebDataset: tar files that are read from end to end, for training from disks and object stores alike.

``SPLIT-000000.tar``, each of bounded size, holds for every sample, under one key:

======================== ===========================================================
``KEY.stamped.jpg``      the stamped image
``KEY.clean.jpg``        the same without seals
``KEY.ink.png``          visible ink, 255 = all light absorbed
``KEY.json``             the row of the native format
``KEY.mask_0_full.png``  design of seal 0, ``..._visible.png`` its visible ink
``KEY.line_0_1.png``     straightened crop of line 1 of seal 0
``KEY.reference_0.jpg``  genuine impression to compare seal 0 with, if it has one
======================== ===========================================================

The same data set gives the same bytes. `webdataset.WebDataset` reads the files; no package is needed to write them.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path, PurePosixPath

from seal2real.dataset.formats.base import Format, Progress
from seal2real.dataset.formats.folder import all_file_bytes, new_folder, rows_to_export
from seal2real.dataset.formats.foreign import split_rank
from seal2real.dataset.formats.native import Row, dump_row, row_files
from seal2real.errors import Seal2RealError, UsageError

FILE_BYTES = 256 << 20  # a tar file is closed when it has as much
_README = """# Documents with seals, made by Seal2Real, as WebDataset

Every image here is synthetic. Names of organisations and persons, numbers and texts are invented.

```python
import webdataset

data = webdataset.WebDataset("{example}", shardshuffle=100).decode("rgb8")
for sample in data:
    sample["stamped.jpg"], sample["clean.jpg"], sample["json"]["seals"]
```

| tar files | samples |
|---|---|
{table}

A sample has `stamped.jpg`, `clean.jpg`, `ink.png`, `json` (its labels), and for seal *i* and line *j*
`mask_i_full.png`, `mask_i_visible.png` and `line_i_j.png`, which is missing where the line runs off the image. Samples
for verification have `reference_i.jpg`, too.
"""


def write(dataset: Path, out: Path, progress: Progress = lambda done: None) -> None:
    """Write a native dataset as WebDataset tar files.

    Args:
        dataset: folder of the native dataset.
        out: folder to make.
        progress: called with the count of samples just done.

    Raises:
        UsageError: no such dataset, or ``out`` is not empty.
        Seal2RealError: a file cannot be read or written.
    """
    with new_folder(out) as folder:
        writers: dict[str, _SplitWriter] = {}
        try:
            for row in rows_to_export(dataset, progress):
                split = row["split"]
                if split not in writers:
                    writers[split] = _SplitWriter(folder, split)
                writers[split].add(row, all_file_bytes(dataset, row))
        finally:
            for writer in writers.values():
                writer.close()
        ordered = sorted(writers.values(), key=lambda writer: split_rank(writer.split))
        table = "\n".join(f"| `{writer.pattern}` | {writer.samples} |" for writer in ordered)
        (folder / "README.md").write_text(_README.format(example=ordered[0].pattern, table=table), encoding="utf-8")


def read(folder: Path) -> Iterator[tuple[Row, dict[str, bytes]]]:
    """The native rows of a folder that `write` made, split by split, with their files by native path.

    Raises:
        UsageError: there is none.
        Seal2RealError: a tar file is damaged, or a sample lacks a file.
    """
    paths = sorted(folder.glob("*.tar"), key=lambda path: (split_rank(path.name.rsplit("-", 1)[0]), path.name))
    if not paths:
        raise UsageError(f"{folder} has no .tar files; convert a dataset to it first")
    for path in paths:
        yield from _read_tar(path)


def member_names(row: Row) -> dict[str, str]:
    """For every file that a native row names, what it is called after ``KEY.``: native path -> name."""
    names = {
        row[part]: name + PurePosixPath(row[part]).suffix
        for part, name in (("file_name", "stamped"), ("clean", "clean"), ("ink", "ink"))
        if row[part]
    }
    for number, seal in enumerate(row["seals"]):
        names[seal["mask_full"]] = f"mask_{number}_full.png"
        names[seal["mask_visible"]] = f"mask_{number}_visible.png"
        if seal.get("reference"):
            names[seal["reference"]] = f"reference_{number}{PurePosixPath(seal['reference']).suffix}"
        for position, line in enumerate(seal["lines"]):
            names[line["crop"]] = f"line_{number}_{position}.png"
    others = [path for path in row_files(row) if path not in names]  # of a later version's rows
    names |= {path: f"file_{number}{PurePosixPath(path).suffix}" for number, path in enumerate(others)}
    return {path: name for path, name in names.items() if path}


class _SplitWriter:
    def __init__(self, folder: Path, split: str):
        self.split, self.samples = split, 0
        self._folder, self._files, self._bytes = folder, 0, 0
        self._tar: tarfile.TarFile | None = None

    @property
    def pattern(self) -> str:
        """The names of all files as webdataset spells them."""
        last = self._files - 1
        return f"{self.split}-{{000000..{last:06d}}}.tar" if last else f"{self.split}-000000.tar"

    def add(self, row: Row, files: dict[str, bytes]) -> None:
        key = PurePosixPath(row["file_name"]).stem.replace(".", "_")  # a key ends at its first dot
        contents = {f"{key}.{name}": files[path] for path, name in member_names(row).items()}
        contents[f"{key}.json"] = dump_row(row).encode()
        if self._tar is None:
            path = self._folder / f"{self.split}-{self._files:06d}.tar"
            self._tar = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115 (closed in close)
            self._files, self._bytes = self._files + 1, 0
        for name, data in sorted(contents.items()):
            member = tarfile.TarInfo(name)  # of time 0 and user 0, so that bytes do not tell when and by whom
            member.size = len(data)
            self._tar.addfile(member, io.BytesIO(data))
            self._bytes += len(data)
        self.samples += 1
        if self._bytes >= FILE_BYTES:
            self.close()

    def close(self) -> None:
        if self._tar is not None:
            self._tar.close()
        self._tar = None


def _read_tar(path: Path) -> Iterator[tuple[Row, dict[str, bytes]]]:
    try:
        with tarfile.open(path, "r|") as tar:
            for key, members in groupby(_members(tar), key=lambda member: member[0].partition(".")[0]):
                yield _to_row(key, {name.partition(".")[2]: data for name, data in members})
    except (tarfile.TarError, OSError, ValueError, KeyError, TypeError) as error:
        raise Seal2RealError(f"{path}: damaged or of another making ({error}); convert the dataset again") from error


def _members(tar: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for member in tar:
        stream = tar.extractfile(member)
        if stream is not None:
            yield member.name, stream.read()


def _to_row(key: str, contents: dict[str, bytes]) -> tuple[Row, dict[str, bytes]]:
    if "json" not in contents:
        raise ValueError(f"sample {key} has no {key}.json")
    row: Row = json.loads(contents["json"])
    row_files(row)
    missing = [name for name in member_names(row).values() if name not in contents]
    if missing:
        raise ValueError(f"sample {key} has no {key}.{missing[0]}")
    return row, {path: contents[name] for path, name in member_names(row).items()}


FORMAT = Format("webdataset", "WebDataset: tar files of bounded size, to be read from end to end", write, read)
