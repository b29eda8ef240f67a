"""Finance seals (财务专用章): round, square or oval."""

from __future__ import annotations

from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout
from seal2real.seal.kinds import department, invoice, ringed, squared
from seal2real.seal.kinds.base import SealKind


def sample(rng: Generator) -> SealDesign:
    """Mostly round, 38 to 40 mm; square ones of 22 to 30 mm are what banks keep as the reserved seal."""
    name = names.company_name(rng) if rng.random() < 0.9 else names.institution_name(rng)
    row = names.pick(rng, "finance_purposes")
    roll = rng.random()
    if roll < 0.62:
        return department.special(rng, "finance", name, row)
    if roll < 0.88:
        return _square(rng, name, row)
    return SealDesign(
        kind="finance",
        size_mm=(round(float(rng.uniform(40.0, 45.0)), 2), 30.0),
        texts={"name": name, "purpose": row},
        font=ringed.name_font(rng),
        ring_mm=round(float(rng.uniform(0.85, 1.15)), 2),
        height_mm=round(float(rng.uniform(3.9, 4.4)), 2),
        condense=round(float(rng.uniform(0.66, 0.85)), 2),
        weight=round(float(rng.uniform(0.06, 0.15)), 3),
        options={"shape": "oval", "span": 240.0, "inset_mm": 0.6, "row_y_mm": 2.2, **ringed.security_features(rng)},
    )


def _square(rng: Generator, name: str, row: str) -> SealDesign:
    side = round(float(rng.uniform(22.0, 30.0)), 2)
    per_row = 6 if len(name) > 12 else 5
    rows = len(squared.split_rows(name, per_row)) + 1
    return SealDesign(
        kind="finance",
        size_mm=(side, round(side * float(rng.uniform(0.97, 1.03)), 2)),
        texts={"name": name, "purpose": row},
        font=("song", "bold-song", "fangsong", "li", "seal")[int(rng.choice(5, p=(0.34, 0.18, 0.16, 0.14, 0.18)))],
        ring_mm=round(float(rng.uniform(0.8, 1.3)), 2),
        height_mm=round(0.84 * (side - 4.0) / rows, 2),
        weight=round(float(rng.uniform(0.06, 0.16)), 3),
        options={"shape": "square", "per_row": per_row, "corner_mm": round(float(rng.uniform(0.0, 1.0)), 2)},
    )


def plan(design: SealDesign) -> Layout:
    """As the shape asks: "round" (as a department's seal), "square", "oval" (as the invoice seal, without a number)."""
    shape = design.options.get("shape", "round")
    if shape == "square":
        return squared.plan_rows(design)
    return invoice.plan(design) if shape == "oval" else department.plan(design)


KIND = SealKind("finance", sample, plan, share=0.045)
