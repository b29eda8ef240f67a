"""Round red stamps of Vietnamese companies: registration number above, district and town below, the name in rows."""

from __future__ import annotations

from numpy.random import Generator

from seal2real.seal.design import SealDesign
from seal2real.seal.kinds import ringstamp
from seal2real.seal.kinds.base import SealKind


def sample(rng: Generator) -> SealDesign:
    """36 to 45 mm, two rings."""
    return ringstamp.two_rings(rng, "vietnamese", *ringstamp.vietnamese(rng))


KIND = SealKind(
    "vietnamese", sample, ringstamp.plan, share=0.004, foreign_share=0.03, colours={"red": 0.97, "violet": 0.03}
)
