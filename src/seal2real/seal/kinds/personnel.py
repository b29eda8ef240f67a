"""Personnel seals (人事专用章, 人力资源专用章)."""

from __future__ import annotations

from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.kinds import department
from seal2real.seal.kinds.base import SealKind


def sample(rng: Generator) -> SealDesign:
    """Of a company or an institution."""
    name = names.company_name(rng) if rng.random() < 0.8 else names.institution_name(rng)
    return department.special(rng, "hr", name, names.pick(rng, "hr_purposes"))


KIND = SealKind("hr", sample, department.plan, share=0.015)
