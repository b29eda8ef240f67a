"""Cross-page seals (骑缝章): a seal made to be split over the edges of stacked sheets; round, or a long upright box.

A company's ordinary seal serves as one too; how a seal is split over the sheets is a matter of its placement.
"""

from __future__ import annotations

from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout
from seal2real.seal.kinds import department, ringed, squared
from seal2real.seal.kinds.base import SealKind


def sample(rng: Generator) -> SealDesign:
    """Two round ones to one box of 40 to 60 mm by 16 to 24 mm, which is stamped across the edge."""
    name = names.company_name(rng) if rng.random() < 0.7 else names.institution_name(rng)
    row = "骑缝章" if rng.random() < 0.6 else "骑缝专用章"
    if rng.random() < 0.67:
        return department.special(rng, "riding", name, row, star_share=0.5)
    width, height = round(float(rng.uniform(42.0, 60.0)), 2), round(float(rng.uniform(16.0, 22.0)), 2)
    texts = {"name": name, "purpose": row}
    if rng.random() < 0.4:
        texts["code"] = ringed.code(rng)
    per_row = 10
    rows = len(squared.split_rows(name, per_row)) + 1 + (0.55 if "code" in texts else 0.0)
    return SealDesign(
        kind="riding",
        size_mm=(width, height),
        texts=texts,
        font=("song", "bold-song", "hei")[int(rng.integers(3))],
        ring_mm=round(float(rng.uniform(0.7, 1.2)), 2),
        height_mm=round(0.78 * (height - 4.0) / rows, 2),
        weight=round(float(rng.uniform(0.06, 0.16)), 3),
        options={"shape": "box", "per_row": per_row, "corner_mm": round(float(rng.uniform(0.0, 1.0)), 2)},
    )


def plan(design: SealDesign) -> Layout:
    """The department's layout, or rows in a box (option "shape": "box")."""
    return squared.plan_rows(design) if design.options.get("shape") == "box" else department.plan(design)


KIND = SealKind("riding", sample, plan, share=0.01)
