"""What every export format offers: a function that writes it, and one that reads it back where there is a way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from seal2real.dataset.formats.native import Row

__all__ = ["Format", "Progress", "Row"]

Progress = Callable[[int], None]  # called with the count of samples just done


@dataclass(frozen=True)
class Format:
    """One export format.

    Attributes:
        name: what the user calls it, e.g. "coco".
        doc: one line that says what it is.
        write: ``write(native dataset folder, new output folder, progress)``. The output is complete or absent: it is
            written into a temporary sibling folder, which is then renamed.
        read: ``read(folder)`` yields rows of the native schema with as much as this format carries, each with its
            files (relative native path -> bytes); None where there is no way back.
    """

    name: str
    doc: str
    write: Callable[[Path, Path, Progress], None]
    read: Callable[[Path], Iterator[tuple[Row, dict[str, bytes]]]] | None
