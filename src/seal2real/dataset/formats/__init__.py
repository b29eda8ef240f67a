"""The export formats by name.

A format is one module here with a `Format`, and one line in `MODULES`. Modules load when they are
used, so that an optional dependency is needed only by its own format.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from seal2real.dataset.formats.base import Format, Progress, Row
from seal2real.errors import UsageError

__all__ = ["FORMATS", "MODULES", "Format", "Progress", "Row", "format_of"]

MODULES: dict[str, str] = {  # name -> module:attribute
    "coco": "seal2real.dataset.formats.coco:FORMAT",
    "yolo": "seal2real.dataset.formats.yolo:FORMAT",
    "yolo-detect": "seal2real.dataset.formats.yolo:DETECT",
    "voc": "seal2real.dataset.formats.voc:FORMAT",
    "labelme": "seal2real.dataset.formats.labelme:FORMAT",
    "icdar-rest": "seal2real.dataset.formats.icdar_rest:FORMAT",
    "paddle": "seal2real.dataset.formats.paddle:FORMAT",
    "paddle-page": "seal2real.dataset.formats.paddle:WITH_PAGE_TEXT",
    "huggingface": "seal2real.dataset.formats.huggingface:FORMAT",
    "webdataset": "seal2real.dataset.formats.webdataset:FORMAT",
    "donut": "seal2real.dataset.formats.donut:FORMAT",
}


class _Formats(Mapping[str, Format]):
    """``MODULES``, loaded item by item."""

    def __getitem__(self, name: str) -> Format:
        module, _, attribute = MODULES[name].partition(":")
        loaded: Format = getattr(importlib.import_module(module), attribute)
        return loaded

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)


FORMATS: Mapping[str, Format] = _Formats()


def format_of(name: str) -> Format:
    """The format of that name.

    Raises:
        UsageError: there is none; it suggests the nearest name.
    """
    if name not in MODULES:
        near = get_close_matches(name.lower(), MODULES, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UsageError(f"unknown format {name!r}; {hint}known: {', '.join(MODULES)}")
    return FORMATS[name]
