"""What can be wrong with a dataset, one check per function.

A check of a row takes an `Opened` row and yields what it finds; `ROW_CHECKS` lists them. To add one: write the function
in the module of its kind, give it a name here, and describe it in ``docs/validate.md``. Checks of the whole dataset
(duplicates, leaks between splits, files that no row names) are in `whole`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from seal2real.dataset.checks import geometry, images, labels, masks, text
from seal2real.dataset.checks.finding import Finding, Problem
from seal2real.dataset.checks.opened import Opened

__all__ = ["ROW_CHECKS", "Finding", "Opened", "Problem"]

RowCheck = Callable[[Opened], Iterator[Problem]]

ROW_CHECKS: dict[str, RowCheck] = {  # name -> check; the name is what findings carry
    "size": images.size,
    "synthetic-mark": images.synthetic_mark,
    "clean": images.clean,
    "split": labels.split,
    "provenance": labels.provenance,
    "names": labels.names,
    "objects": labels.objects,
    "mask": masks.mask,
    "bbox": masks.bbox,
    "visible": masks.visible,
    "ink": masks.ink,
    "outline": geometry.outline,
    "line": geometry.line,
    "characters": geometry.characters,
    "reading-order": geometry.reading_order,
    "crop": geometry.crop,
    "text": text.characters,
    "page-text": text.page_text,
}
