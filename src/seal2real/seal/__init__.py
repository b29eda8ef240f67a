"""A seal before it touches paper: kinds, random design, names, fonts, and drawing to coverage and exact polygons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from seal2real.errors import UsageError
from seal2real.seal.completion import complete_design
from seal2real.seal.design import SealDesign, nearest
from seal2real.seal.design_file import load_design, save_design
from seal2real.seal.drawing import draw, picture
from seal2real.seal.export import save_seal
from seal2real.seal.fonts import STYLES, check_coverage
from seal2real.seal.kinds import KINDS, SealKind, kind_of, layout_of
from seal2real.seal.vector import to_pdf, to_svg
from seal2real.seeding import rng_for

__all__ = [
    "KINDS",
    "STYLES",
    "SealDesign",
    "SealKind",
    "check_coverage",
    "complete_design",
    "draw",
    "invent_design",
    "kind_of",
    "layout_of",
    "load_design",
    "picture",
    "random_design",
    "save_design",
    "save_seal",
    "to_pdf",
    "to_svg",
]


def random_design(rng: Generator, kind: str | None = None) -> SealDesign:
    """A design with sampled texts, sizes and styles.

    Args:
        rng: source of every choice.
        kind: registry name; None draws one by the kinds' shares.

    Raises:
        UsageError: on an unknown kind.
    """
    if kind is None:
        shares = np.array([entry.share for entry in KINDS.values()])
        kind = list(KINDS)[int(rng.choice(len(shares), p=shares / shares.sum()))]
    return kind_of(kind).sample(rng)


def invent_design(seed: int, index: int = 0, kind: str | None = None) -> SealDesign:
    """Design ``index`` of a series, with the colour of its ink: the same for the same arguments.

    Args:
        seed: of the series, >= 0.
        index: number in the series, >= 0.
        kind: registry name; None draws one by the kinds' shares.

    Raises:
        UsageError: on an unknown kind; the message suggests the nearest one.
    """
    if kind is not None and kind not in KINDS:
        raise UsageError(f"no seal kind {kind!r}; {nearest(kind, KINDS)}")
    rng = rng_for(seed, index, "design")
    design = random_design(rng, kind)
    if "ink" in design.options:
        return design
    colours = KINDS[design.kind].colours
    shares = np.array(list(colours.values()))
    ink = list(colours)[int(rng.choice(len(shares), p=shares / shares.sum()))]
    return replace(design, options={**design.options, "ink": ink})
