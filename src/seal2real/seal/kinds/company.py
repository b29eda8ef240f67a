"""The round company seal: the name on the ring, a star in the middle."""

from __future__ import annotations

from typing import Any

from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout
from seal2real.seal.kinds import ringed
from seal2real.seal.kinds.base import SealKind
from seal2real.seal.lettering import name_span, straight_text

# (diameter, ring width, star) in millimetres: limited company, company by shares, sole trader
_SIZES = {"有限公司": (40.0, 1.0), "有限责任公司": (40.0, 1.0), "股份有限公司": (42.0, 1.2)}


def sample(rng: Generator) -> SealDesign:
    """A company or a public office, in the sizes that the rules give, with their usual scatter."""
    if rng.random() < 0.2:
        name, (diameter, ring_mm) = names.office_name(rng), (42.0, 1.2)
    else:
        form = list(_SIZES)[int(rng.choice(3, p=(0.66, 0.12, 0.22)))]
        name, (diameter, ring_mm) = names.company_name(rng, form), _SIZES[form]
    diameter = round(diameter + float(rng.normal(0.0, 0.35)), 2)
    span = min(name_span(len(name)) * float(rng.uniform(0.96, 1.02)), 268.0)
    texts = {"name": name}
    options: dict[str, Any] = {"inset_mm": round(float(rng.uniform(0.5, 1.5)), 2), "span": round(span, 1)}
    if rng.random() < 0.6:
        texts["code"] = ringed.code(rng)
        options.update(ringed.code_options(rng, 360.0 - span))
    if rng.random() < 0.05:  # the rest of the name in a row under the star
        texts["purpose"] = names.department(rng)
    options.update(ringed.security_features(rng))
    height = 5.8 - 0.07 * max(len(name) - 8, 0)
    return SealDesign(
        kind="company",
        size_mm=(diameter, diameter),
        texts=texts,
        font=ringed.name_font(rng),
        ring_mm=round(ring_mm * float(rng.uniform(0.85, 1.2)), 2),
        star_mm=round(diameter / 3.0 * float(rng.uniform(0.92, 1.06)), 2),
        height_mm=round(height * float(rng.uniform(0.88, 1.15)), 2),
        condense=round(float(rng.uniform(0.6, 0.92)), 2),
        weight=round(float(rng.uniform(0.06, 0.18)), 3),
        options=options,
    )


def plan(design: SealDesign) -> Layout:
    """Ring, name, star, code; a row under the star if there is a "purpose"."""
    layout, axes = ringed.start(design)
    row = design.texts.get("purpose")
    ringed.put_star(design, layout, -0.35 if row else 0.0)
    ringed.put_name(design, layout, axes)
    if row:
        y = design.star_mm / 2.0 + 3.2
        straight_text(
            layout,
            row,
            role="purpose",
            font=design.font,
            centre=(0.0, y),
            height=3.6,
            width=axes[0] * 1.1,
            condense=0.9,
            weight=design.weight,
        )
    ringed.put_code(design, layout, axes)
    return ringed.finish(design, layout)


KIND = SealKind("company", sample, plan, share=0.40, foreign_share=0.12)
