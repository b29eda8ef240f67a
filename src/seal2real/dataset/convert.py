"""Convert datasets between formats. The native format is the hub: every format is written from it and read into it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory

from seal2real.dataset.formats import MODULES, Format, Progress, format_of
from seal2real.dataset.formats.folder import new_folder, require_new
from seal2real.dataset.formats.native import METADATA, Row, dump_row, require_folder
from seal2real.errors import Seal2RealError, UsageError

NATIVE = "native"
AUTO = "auto"
_README = """# Documents with seals, converted by Seal2Real

Converted from `{origin}`. `{metadata}` has one image a line; what `{origin}` does not carry is null there.
"""


def convert(
    dataset: Path,
    targets: Sequence[str],
    out: Path,
    origin: str = AUTO,
    progress: Progress = lambda done: None,
) -> dict[str, Path]:
    """Write a dataset in other formats.

    Args:
        dataset: folder of the dataset.
        targets: names of formats, or "native".
        out: new or empty folder. One format is written there, several each into a subfolder of its name.
        origin: name of the dataset's format, "native", or "auto" to recognise it.
        progress: called with the count of samples just done, per format; reading from another format counts as one.

    Returns:
        Format -> its folder.

    Raises:
        UsageError: an unknown format, or one that cannot be read; ``dataset`` is none; ``out`` is not empty.
        Seal2RealError: a file of the dataset is missing or damaged.
    """
    wanted = {name: _known(name) for name in targets}
    if not wanted:
        raise UsageError("no format to convert to; give at least one")
    if origin not in (AUTO, NATIVE):
        _reader_of(origin)
    require_folder(dataset)
    require_new(out)
    origin = recognise(dataset) if origin == AUTO else origin
    if origin == NATIVE and NATIVE in wanted:
        raise UsageError(f"{dataset} is in the native format already; name another format")
    folders = {name: out / name if len(wanted) > 1 else out for name in wanted}
    with ExitStack() as stack:
        if origin != NATIVE:
            native = folders.get(NATIVE)
            if native is None:
                out.parent.mkdir(parents=True, exist_ok=True)  # the images are linked: on one file system
                native = Path(stack.enter_context(TemporaryDirectory(prefix=".convert-", dir=out.parent))) / NATIVE
            import_dataset(dataset, native, origin, progress)
            dataset = native
        for name, target in wanted.items():
            if target is not None:
                target.write(dataset, folders[name], progress)
    return folders


def import_dataset(dataset: Path, out: Path, origin: str = AUTO, progress: Progress = lambda done: None) -> Path:
    """Write a dataset of another format as a native one.

    Args:
        dataset: folder of the dataset.
        out: new or empty folder.
        origin: name of the dataset's format, or "auto" to recognise it.
        progress: called with the count of samples just done.

    Returns:
        ``out``.

    Raises:
        UsageError: an unknown format, or one that cannot be read; ``dataset`` is none; ``out`` is not empty.
        Seal2RealError: a file of the dataset is missing or damaged.
    """
    origin = recognise(dataset) if origin == AUTO else origin
    read = _reader_of(origin)
    with new_folder(out) as folder, (folder / METADATA).open("w", encoding="utf-8", newline="\n") as metadata:
        for row, files in read(dataset):
            for path, data in files.items():
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
            metadata.write(dump_row(row))
            progress(1)
        if not metadata.tell():
            raise Seal2RealError(f"{dataset}: the {origin} dataset has no images")
        (folder / "README.md").write_text(_README.format(origin=origin, metadata=METADATA), encoding="utf-8")
    return out


def recognise(dataset: Path) -> str:
    """The format of a dataset, by its files.

    Raises:
        UsageError: it is none that can be read.
    """
    if _is_native(dataset):
        return NATIVE
    for name, is_it in _SIGNS.items():
        if _holds(is_it, dataset):
            return name
    readable = ", ".join((NATIVE, *_SIGNS))
    raise UsageError(f"{dataset} is no dataset that can be recognised ({readable}); check the folder, or give --from")


def count_samples(dataset: Path) -> int | None:
    """Samples of a native dataset, by its lines; None of another."""
    if not _is_native(dataset):
        return None
    with (dataset / METADATA).open("rb") as file:
        return sum(1 for _ in file)


def _known(name: str) -> Format | None:
    """A format to write; None for the native one."""
    if name == NATIVE:
        return None
    if name not in MODULES and get_close_matches(name.lower(), [NATIVE, *MODULES], n=1, cutoff=0.4) == [NATIVE]:
        raise UsageError(f"unknown format {name!r}; did you mean {NATIVE!r}? known: {', '.join((NATIVE, *MODULES))}")
    return format_of(name)


def _reader_of(name: str) -> Callable[[Path], Iterator[tuple[Row, dict[str, bytes]]]]:
    target = _known(name)
    if target is None:
        raise UsageError("the dataset is native already; there is nothing to read it from")
    if target.read is None:
        raise UsageError(f"{name} cannot be read back: it does not carry enough; convert from another format")
    return target.read


def _is_native(dataset: Path) -> bool:
    path = dataset / METADATA
    if not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.readline()
    try:
        row = json.loads(first)
    except ValueError:
        return True  # a damaged row; reading it names the line
    return isinstance(row, dict) and "seals" in row


def _holds(is_it: Callable[[Path], bool], dataset: Path) -> bool:
    try:
        return is_it(dataset)
    except Seal2RealError:
        return False  # a damaged file, which may belong to another format


def _is_coco(dataset: Path) -> bool:
    from seal2real.dataset.formats import coco

    return bool(coco.label_files(dataset))


def _is_yolo(dataset: Path) -> bool:
    from seal2real.dataset.formats import yolo

    return yolo.settings_file(dataset) is not None


def _is_voc(dataset: Path) -> bool:
    from seal2real.dataset.formats import voc

    return bool(voc.label_files(dataset))


def _is_rest(dataset: Path) -> bool:
    from seal2real.dataset.formats import icdar_rest

    return bool(icdar_rest.label_files(dataset))


def _is_labelme(dataset: Path) -> bool:
    from seal2real.dataset.formats import labelme

    return bool(labelme.label_files(dataset))


def _is_parquet(dataset: Path) -> bool:
    return any(dataset.glob("data/*-*-of-*.parquet"))


def _is_webdataset(dataset: Path) -> bool:
    return any(dataset.glob("*.tar"))


_SIGNS: dict[str, Callable[[Path], bool]] = {
    "coco": _is_coco,
    "yolo": _is_yolo,
    "voc": _is_voc,
    "icdar-rest": _is_rest,
    "labelme": _is_labelme,
    "huggingface": _is_parquet,
    "webdataset": _is_webdataset,
}
