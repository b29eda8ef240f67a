"""A seal before it touches paper: kinds, random design, names, fonts, and drawing to coverage and exact polygons."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from seal2real.seal.completion import complete_design
from seal2real.seal.design import SealDesign
from seal2real.seal.design_file import load_design, save_design
from seal2real.seal.drawing import draw, picture
from seal2real.seal.fonts import STYLES, check_coverage
from seal2real.seal.kinds import KINDS, SealKind, kind_of, layout_of
from seal2real.seal.vector import to_pdf, to_svg

__all__ = [
    "KINDS",
    "STYLES",
    "SealDesign",
    "SealKind",
    "check_coverage",
    "complete_design",
    "draw",
    "kind_of",
    "layout_of",
    "load_design",
    "picture",
    "random_design",
    "save_design",
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
