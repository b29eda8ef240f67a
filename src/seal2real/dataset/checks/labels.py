"""Checks of a row's plain values."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from seal2real.dataset.checks.finding import WARNING, Problem
from seal2real.dataset.checks.opened import Opened
from seal2real.dataset.formats.fields import is_whole
from seal2real.dataset.formats.native import CATEGORIES

SPLITS = ("train", "validation", "test")


def split(opened: Opened) -> Iterator[Problem]:
    """The split is one of the three."""
    name = opened.row["split"]
    if name not in SPLITS:
        yield Problem(opened.file, f"no split {name!r}; {_nearest(name, SPLITS)}it is one of {', '.join(SPLITS)}")


def provenance(opened: Opened) -> Iterator[Problem]:
    """Index, seed, forger and version are told."""
    told = opened.row["provenance"]
    if not is_whole(told.get("index")) or told["index"] < 0:
        yield Problem(opened.file, "provenance.index is missing, or no whole number from 0 on")
    if not is_whole(told.get("seed")):
        yield Problem(opened.file, "provenance.seed is missing, or no whole number", WARNING)
    for name in ("forger", "version", "page"):
        if not isinstance(told.get(name), str) or not told[name]:
            yield Problem(opened.file, f"provenance.{name} is missing", WARNING)


def names(opened: Opened) -> Iterator[Problem]:
    """Kinds and ink colours are those that the package knows."""
    from seal2real.press import COLOURS
    from seal2real.seal import KINDS

    for number, seal in enumerate(opened.row["seals"]):
        if seal["colour"] is not None and seal["colour"] not in COLOURS:
            near = _nearest(seal["colour"], COLOURS)
            yield Problem(
                opened.file,
                f"seals[{number}].colour is {seal['colour']!r}; {near}it is one of {', '.join(COLOURS)}",
            )
        if seal["kind"] not in KINDS:
            near = _nearest(seal["kind"], KINDS)
            yield Problem(opened.file, f"seals[{number}].kind is {seal['kind']!r}, {near or 'unknown here'}", WARNING)


def objects(opened: Opened) -> Iterator[Problem]:
    """The boxes for object detection are those of the seals."""
    listed, seals = opened.row["objects"], opened.row["seals"]
    boxes, categories = listed["bbox"], listed["categories"]
    if len(boxes) != len(categories):
        yield Problem(opened.file, f"objects has {len(boxes)} boxes and {len(categories)} categories")
    if boxes != [seal["bbox"] for seal in seals]:
        yield Problem(opened.file, f"objects.bbox ({len(boxes)}) is not the boxes of the {len(seals)} seals, in order")
    for category in sorted({value for value in categories if not 0 <= value < len(CATEGORIES)}):
        yield Problem(opened.file, f"objects has category {category}; known: 0 to {len(CATEGORIES) - 1}")


def _nearest(name: str, known: object) -> str:
    near = get_close_matches(name, list(known), n=1)  # type: ignore[call-overload]
    return f"did you mean {near[0]!r}? " if near else ""
