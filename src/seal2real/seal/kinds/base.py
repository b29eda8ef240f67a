"""What a kind of seal is: a way to choose a design, and a way to lay it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from numpy.random import Generator

from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout

# Official Chinese seals are red; photocopies and a few offices give the rest.
CHINESE_COLOURS = {"red": 0.93, "blue": 0.035, "violet": 0.01, "black": 0.025}


class Sampler(Protocol):
    """Chooses a design at random."""

    def __call__(self, rng: Generator) -> SealDesign: ...


class Planner(Protocol):
    """Lays a design out, in millimetres from its centre."""

    def __call__(self, design: SealDesign) -> Layout: ...


@dataclass(frozen=True)
class SealKind:
    """One kind of seal.

    Attributes:
        name: registry name.
        sample: chooses a design.
        plan: lays a design out.
        share: how often the kind is drawn when none is asked for (relative).
        foreign_share: the same on a page without Chinese text.
        colours: how often each colour class of ink is met (relative).
        upright: stamped with care, within a few degrees (boxes and square seals).
    """

    name: str
    sample: Sampler
    plan: Planner
    share: float
    foreign_share: float = 0.02
    colours: Mapping[str, float] = field(default_factory=lambda: dict(CHINESE_COLOURS))
    upright: bool = False
