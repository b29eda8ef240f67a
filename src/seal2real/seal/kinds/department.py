"""The round seal of a department or for a purpose: the name on the ring, the purpose in a row (财务专用章)."""

from __future__ import annotations

from typing import Any

from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout
from seal2real.seal.kinds import ringed
from seal2real.seal.kinds.base import SealKind
from seal2real.seal.lettering import name_span, straight_text


def sample(rng: Generator) -> SealDesign:
    """A special seal of a company, or the seal of its department, with or without a star."""
    name = names.company_name(rng) if rng.random() < 0.85 else names.office_name(rng)
    row = names.purpose(rng) if rng.random() < 0.8 else names.department(rng)
    return special(rng, "department", name, row)


def special(rng: Generator, kind: str, name: str, row: str, star_share: float = 0.7) -> SealDesign:
    """A round special seal with this name on the ring and this row below the centre.

    Args:
        rng: source of every other choice.
        kind: registry name that the design carries.
        name: on the ring.
        row: the purpose.
        star_share: how often there is a star.
    """
    diameter = round((38.0 if rng.random() < 0.6 else 40.0) + float(rng.normal(0.0, 0.35)), 2)
    span = min(name_span(len(name)) * float(rng.uniform(0.92, 1.0)), 262.0)
    texts = {"name": name, "purpose": row}
    options: dict[str, Any] = {"inset_mm": round(float(rng.uniform(0.5, 1.4)), 2), "span": round(span, 1)}
    with_star = rng.random() < star_share
    if rng.random() < 0.5:
        texts["code"] = ringed.code(rng)
        options.update(ringed.code_options(rng, 360.0 - span))
    if rng.random() < 0.15:  # several seals of one kind are told apart by a number
        texts["serial"] = f"({int(rng.integers(1, 9))})"
    if not with_star and rng.random() < 0.3:  # a date between the name and the purpose, set by wheels
        texts["date"] = names.date(rng, "dots" if rng.random() < 0.6 else "iso")
    options["row_height_mm"] = round(float(rng.uniform(3.4, 4.4)), 2)
    options["row_y_mm"] = round(float(rng.uniform(0.30, 0.36)) * diameter / 2.0 * (1.45 if with_star else 1.0), 2)
    options.update(ringed.security_features(rng))
    height = 5.3 - 0.06 * max(len(name) - 8, 0)
    return SealDesign(
        kind=kind,
        size_mm=(diameter, diameter),
        texts=texts,
        font=ringed.name_font(rng),
        ring_mm=round(float(rng.uniform(0.85, 1.2)), 2),
        star_mm=round(diameter * float(rng.uniform(0.25, 0.31)), 2) if with_star else 0.0,
        height_mm=round(height * float(rng.uniform(0.9, 1.08)), 2),
        condense=round(float(rng.uniform(0.62, 0.92)), 2),
        weight=round(float(rng.uniform(0.06, 0.18)), 3),
        options=options,
    )


def plan(design: SealDesign) -> Layout:
    """Ring, name, star (somewhat above the centre) or date, purpose, serial number, code."""
    layout, axes = ringed.start(design)
    row_height = float(design.options.get("row_height_mm", 4.0))
    y = float(design.options.get("row_y_mm", 0.45 * axes[1]))
    if design.star_mm > 0:
        centre = -0.06 * axes[1]
        y = max(y, centre + 0.45 * design.star_mm + 0.6 + row_height / 2.0)
        ringed.put_star(design, layout, centre)
    ringed.put_name(design, layout, axes)
    inner = axes[0] - float(design.options.get("inset_mm", 0.8)) - design.height_mm - 0.6
    if date := design.texts.get("date"):
        height = 0.8 * row_height
        straight_text(
            layout,
            date,
            role="date",
            font="hei",
            centre=(0.0, y - row_height / 2.0 - 1.2 - height / 2.0),
            height=height,
            width=1.75 * inner,
            spacing=0.1,
            weight=0.08,
        )
    straight_text(
        layout,
        design.texts["purpose"],
        role="purpose",
        font=str(design.options.get("row_font", design.font)),
        centre=(0.0, y),
        height=row_height,
        width=_chord(inner, y, row_height),
        condense=min(design.condense + 0.1, 0.95),
        weight=design.weight,
    )
    if serial := design.texts.get("serial"):
        straight_text(
            layout,
            serial,
            role="serial",
            font="hei",
            centre=(0.0, y + row_height / 2.0 + 1.7),
            height=2.0,
            width=8.0,
        )
    ringed.put_code(design, layout, axes)
    return ringed.finish(design, layout)


def _chord(radius: float, y: float, height: float) -> float:
    """Width that a row of this height has inside a circle; never less than the radius, as the name ends above it."""
    far = abs(y) + height / 2.0
    return max(2.0 * max(radius**2 - far**2, 0.0) ** 0.5, radius)


KIND = SealKind("department", sample, plan, share=0.24, foreign_share=0.05)
