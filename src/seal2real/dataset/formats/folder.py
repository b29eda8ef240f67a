"""The folders that exports are read from and written to."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seal2real.dataset.formats.base import Progress
from seal2real.dataset.formats.foreign import SPLITS
from seal2real.dataset.formats.native import METADATA, Row, read_rows, row_files
from seal2real.errors import Seal2RealError, UsageError
from seal2real.images import as_url


def require_new(out: Path) -> None:
    """Check that a folder is absent or empty.

    Raises:
        UsageError: it is not, or it is a URL.
    """
    url = as_url(out)
    if url is not None:
        raise UsageError(f"{url} is a URL; give a folder of this machine, and copy it there afterwards")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is a file or not empty; give a new or an empty folder")


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A hidden folder beside ``out``, which takes that name when the block ends well, and else is removed.

    Args:
        out: folder to make; it must be absent or empty.

    Raises:
        UsageError: ``out`` is a file or holds something, or it is a URL.
        Seal2RealError: it cannot be written, or the disk is full.
    """
    try:
        require_new(out)
        staging = out.parent / f".{out.name}.{uuid.uuid4().hex[:12]}.tmp"  # the name never reaches the result
        staging.mkdir(parents=True)
        try:
            yield staging
            staging.replace(out)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        where = error.filename or out
        raise Seal2RealError(
            f"{where}: cannot be written ({(error.strerror or str(error)).lower()}); "
            "check the folder's rights and free space"
        ) from error


def rows_to_export(dataset: Path, progress: Progress) -> Iterator[Row]:
    """The rows of a dataset, each reported as done when the next one is asked for.

    Raises:
        UsageError: no such dataset.
        Seal2RealError: a line is no row, its split is none of ours, or there is no row.
    """
    row = None
    for row in read_rows(dataset):
        if row["split"] not in SPLITS:
            raise Seal2RealError(
                f"{dataset}: {row['file_name']} is in split {row['split']!r}; it must be one of {', '.join(SPLITS)}"
            )
        yield row
        progress(1)
    if row is None:
        raise Seal2RealError(f"{dataset} has no samples; generate some first")


def file_bytes(dataset: Path, path: str) -> bytes:
    """A file that a row of the dataset names.

    Raises:
        Seal2RealError: it cannot be read.
    """
    try:
        return (dataset / path).read_bytes()
    except OSError as error:
        raise Seal2RealError(
            f"{dataset / path}: {(error.strerror or 'cannot be read').lower()}, yet {METADATA} names it; "
            "generate the dataset again"
        ) from None


def all_file_bytes(dataset: Path, row: Row) -> dict[str, bytes]:
    """Every file that a row names, by its relative path.

    Raises:
        Seal2RealError: one cannot be read.
    """
    return {path: file_bytes(dataset, path) for path in row_files(row)}
