"""Japanese seals: the round name seal (認印), the square company seal (角印), the representative's seal (代表者印)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout, ellipse_points, frame, rectangle_points, ring
from seal2real.seal.kinds.base import SealKind
from seal2real.seal.lettering import arc_text, vertical_text

_COLOURS = {"red": 0.97, "black": 0.03}


def _font(rng: Generator) -> str:
    return ("seal", "li", "kai", "song", "bold-song")[int(rng.choice(5, p=(0.5, 0.14, 0.14, 0.1, 0.12)))]


def sample_name(rng: Generator) -> SealDesign:
    """A family name in a circle of 10 to 15 mm (認印, 銀行印) or in an upright oval."""
    width = round(float(rng.uniform(10.0, 15.0)), 2)
    height = width if rng.random() < 0.85 else round(width * 1.25, 2)
    return SealDesign(
        kind="hanko",
        size_mm=(width, height),
        texts={"name": names.pick(rng, "japanese_surnames")},
        font=_font(rng),
        ring_mm=round(float(rng.uniform(0.4, 0.75)), 2),
        height_mm=round(0.4 * width, 2),
        weight=round(float(rng.uniform(0.05, 0.2)), 3),
        options={"gap_mm": round(float(rng.uniform(0.1, 0.4)), 2)},
    )


def _column(
    layout: Layout, design: SealDesign, text: str, box: tuple[float, float, float, float], gap: float, role: str
) -> None:
    """Characters of one column that share a box (left, top, width, height) evenly."""
    left, top, width, height = box
    cell = (height - gap * (len(text) - 1)) / len(text)
    tops = top + np.arange(len(text)) * (cell + gap)
    cells = np.array([[left, y, width, cell] for y in tops])
    vertical_text(layout, text, role=role, font=design.font, cells=cells, weight=design.weight)


def plan_name(design: SealDesign) -> Layout:
    """Ring and one column that fills it."""
    a, b = design.size_mm[0] / 2.0, design.size_mm[1] / 2.0
    layout = Layout(ellipse_points(a, b))
    layout.marks.append(ring(a, b, design.ring_mm))
    a, b = a - design.ring_mm - 0.15, b - design.ring_mm - 0.15
    text = design.texts["name"]
    # half height of the column as a share of b; the corners of its box touch the inside of the ring
    tall = {1: 0.7, 2: 0.84}.get(len(text), 0.88)
    wide = (1.0 - tall**2) ** 0.5
    # characters are cut narrower at the column's ends than its box, so they may reach a little further
    wide = min(1.12 * wide, (1.0 - (tall * (1.0 - 0.5 / len(text))) ** 2) ** 0.5, 0.97)
    gap = float(design.options.get("gap_mm", 0.2))
    box = (-wide * a, -tall * b, 2.0 * wide * a, 2.0 * tall * b)
    scale = min(1.0, 1.0 / float(np.hypot(wide, tall)))
    _column(layout, design, text, (box[0] * scale, box[1] * scale, box[2] * scale, box[3] * scale), gap, "name")
    return layout


def sample_company(rng: Generator) -> SealDesign:
    """A company's name in a square of 21 to 27 mm, three columns, filled up with 之印 or 印."""
    name = names.japanese_company(rng)
    tail = min(("之印", "印"), key=lambda end: ((-(len(name) + len(end)) % 3), -len(end)))
    side = round(float(rng.uniform(21.0, 27.0)), 2)
    return SealDesign(
        kind="hanko-company",
        size_mm=(side, side),
        texts={"name": name + tail},
        font=_font(rng),
        ring_mm=round(float(rng.uniform(0.6, 1.1)), 2),
        height_mm=round(side / 4.0, 2),
        weight=round(float(rng.uniform(0.08, 0.24)), 3),
        options={
            "columns": 3,
            "corner_mm": round(float(rng.uniform(0.0, 1.2)), 2),
            "gap_mm": round(float(rng.uniform(0.2, 0.6)), 2),
            "margin_mm": round(float(rng.uniform(0.3, 0.9)), 2),
        },
    )


def plan_company(design: SealDesign) -> Layout:
    """Frame and columns from right to left, the longer ones first."""
    width, height = design.size_mm
    options = design.options
    layout = Layout(rectangle_points(width, height))
    layout.marks.append(frame(width, height, design.ring_mm, float(options.get("corner_mm", 0.6))))
    margin = design.ring_mm + float(options.get("margin_mm", 0.6))
    gap = float(options.get("gap_mm", 0.4))
    text, count = design.texts["name"], int(options.get("columns", 3))
    short, longer = divmod(len(text), count)
    cell = (width - 2.0 * margin - gap * (count - 1)) / count
    at = 0
    for index in range(count):
        part = text[at : at + short + (1 if index < longer else 0)]
        at += len(part)
        left = width / 2.0 - margin - (index + 1) * cell - index * gap
        if part:
            _column(layout, design, part, (left, margin - height / 2.0, cell, height - 2.0 * margin), gap, "name")
    return layout


def sample_representative(rng: Generator) -> SealDesign:
    """18 mm: the company between two rings, the office in two or three columns within."""
    diameter = round(float(rng.uniform(16.5, 18.5)), 2)
    options: dict[str, Any] = {
        "thin_mm": round(float(rng.uniform(0.25, 0.45)), 2),
        "inner_mm": round(diameter * float(rng.uniform(0.54, 0.6)), 2),
    }
    return SealDesign(
        kind="hanko-representative",
        size_mm=(diameter, diameter),
        texts={"name": names.japanese_company(rng), "purpose": names.pick(rng, "japanese_offices")},
        font=_font(rng),
        ring_mm=round(float(rng.uniform(0.55, 0.85)), 2),
        height_mm=round(diameter * float(rng.uniform(0.14, 0.16)), 2),
        condense=1.1,
        weight=round(float(rng.uniform(0.03, 0.1)), 3),
        options=options,
    )


def plan_representative(design: SealDesign) -> Layout:
    """Two rings; the name between them starts below on the left and runs clockwise; the office in columns."""
    radius = design.size_mm[0] / 2.0
    layout = Layout(ellipse_points(radius, radius))
    layout.marks.append(ring(radius, radius, design.ring_mm))
    inner = float(design.options.get("inner_mm", 1.14 * radius)) / 2.0
    thin = float(design.options.get("thin_mm", 0.35))
    layout.marks.append(ring(inner + thin, inner + thin, thin))
    band = radius - design.ring_mm - inner - thin
    height = min(design.height_mm, band - 0.5)
    name = design.texts["name"]
    inset = (band - height) / 2.0
    arc_text(
        layout,
        name,
        role="name",
        font=design.font,
        axes=(radius - design.ring_mm, radius - design.ring_mm),
        inset=inset * 0.7,
        height=height,
        span=min(37.0 * len(name), 322.0),
        condense=design.condense,
        fill=0.95,
        weight=design.weight,
    )
    office = design.texts["purpose"]
    half = 0.72 * inner
    count = 2 if len(office) <= 6 else 3
    short, longer = divmod(len(office), count)
    gap, at = 0.25, 0
    cell = (2.0 * half - gap * (count - 1)) / count
    for index in range(count):
        part = office[at : at + short + (1 if index < longer else 0)]
        at += len(part)
        left = half - (index + 1) * cell - index * gap
        _column(layout, design, part, (left, -half, cell, 2.0 * half), gap, "purpose")
    return layout


NAME = SealKind("hanko", sample_name, plan_name, share=0.008, foreign_share=0.01, colours=_COLOURS)
COMPANY = SealKind(
    "hanko-company", sample_company, plan_company, share=0.005, foreign_share=0.01, colours=_COLOURS, upright=True
)
REPRESENTATIVE = SealKind(
    "hanko-representative",
    sample_representative,
    plan_representative,
    share=0.005,
    foreign_share=0.01,
    colours=_COLOURS,
)
