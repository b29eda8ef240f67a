"""Seals with a person's name: square or rectangular, in relief (red characters) or intaglio (red plate).

Columns are read from right to left, each from top to bottom; every column is one text line of the labels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import skia
from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout, Mark, frame, rectangle_points
from seal2real.seal.kinds.base import SealKind
from seal2real.seal.lettering import straight_text, vertical_text

FONTS = ("song", "bold-song", "kai", "li", "hei", "bold-hei", "fangsong")
_FONT_SHARES = (0.2, 0.2, 0.18, 0.2, 0.08, 0.08, 0.06)
_COLOURS = {"red": 0.95, "blue": 0.03, "black": 0.02}


def _name(rng: Generator) -> str:
    """A name, often with 印 or 之印 to fill the square."""
    name = names.person_name(rng)
    roll = rng.random()
    if len(name) == 2:
        return name + ("之印" if roll < 0.35 else "印" if roll < 0.5 else "")
    return name + ("印" if roll < 0.55 else "")


def sample_square(rng: Generator) -> SealDesign:
    """16 to 22 mm, two columns."""
    side = round(float(rng.uniform(16.0, 22.0)), 2)
    return _design(
        rng, "personal-square", _name(rng), (side, round(side * float(rng.uniform(0.97, 1.03)), 2)), "columns"
    )


def sample_rectangle(rng: Generator) -> SealDesign:
    """One column upright, or one row lying, as bank and signature stamps are."""
    name = names.person_name(rng)
    if rng.random() < 0.55:
        width, arrangement = float(rng.uniform(9.0, 13.0)), "column"
        name += "印" if rng.random() < 0.3 else ""
        height = width * (0.25 + 0.78 * len(name)) * float(rng.uniform(0.92, 1.08))
    else:
        height, arrangement = float(rng.uniform(7.0, 11.0)), "row"
        width = height * (0.45 + 0.75 * len(name)) * float(rng.uniform(0.95, 1.12))
    return _design(rng, "personal-rectangle", name, (round(width, 2), round(height, 2)), arrangement)


def _design(rng: Generator, kind: str, name: str, size: tuple[float, float], arrangement: str) -> SealDesign:
    intaglio = bool(rng.random() < 0.3)
    options: dict[str, Any] = {
        "arrangement": arrangement,
        "intaglio": intaglio,
        "corner_mm": round(float(rng.uniform(0.0, 1.4)), 2),
        "margin_mm": round(float(rng.uniform(0.5, 1.3)), 2),
        "gap_mm": round(float(rng.uniform(0.3, 0.9)), 2),
    }
    small = min(size)
    return SealDesign(
        kind=kind,
        size_mm=size,
        texts={"name": name},
        font=FONTS[int(rng.choice(len(FONTS), p=_FONT_SHARES))],
        ring_mm=0.0 if intaglio else round(float(rng.uniform(0.6, 1.2)) * min(1.0, small / 14.0), 2),
        height_mm=round(small / 2.4, 2),
        weight=round(float(rng.uniform(0.1, 0.3)) * min(1.0, small / 16.0), 3),
        options=options,
    )


def columns(text: str) -> list[str]:
    """The columns of a two-column seal, the right one first: 2 = 1+1, 3 = 1+2, 4 = 2+2, 5 = 2+3, 6 = 3+3."""
    first = max(len(text) // 2, 1)
    return [part for part in (text[:first], text[first:]) if part]


def plan(design: SealDesign) -> Layout:
    """Frame or plate, then the characters, which fill their cells."""
    width, height = design.size_mm
    options = design.options
    intaglio = bool(options.get("intaglio", False))
    corner = float(options.get("corner_mm", 0.5))
    layout = Layout(rectangle_points(width, height))
    if intaglio:
        plate = skia.Path()
        plate.addRoundRect(skia.Rect.MakeXYWH(-width / 2, -height / 2, width, height), corner, corner)
        layout.marks.append(Mark(plate))
    else:
        layout.marks.append(frame(width, height, design.ring_mm, corner))
    margin = float(options.get("margin_mm", 0.8)) + (0.5 if intaglio else design.ring_mm)
    gap = float(options.get("gap_mm", 0.5))
    inner_w, inner_h = width - 2.0 * margin, height - 2.0 * margin
    text = design.texts["name"]
    weight = design.weight * (0.5 if intaglio else 1.0)  # a cut is narrower than a stroke, or the plate falls apart
    arrangement = str(options.get("arrangement", "columns"))
    if arrangement == "row":
        straight_text(
            layout,
            text,
            role="name",
            font=design.font,
            centre=(0.0, 0.0),
            height=min(inner_h, 1.25 * inner_w / len(text)),
            width=inner_w,
            condense=1.1,
            spacing=0.12,
            weight=weight,
            clear=intaglio,
        )
        return layout
    parts = [text] if arrangement == "column" else columns(text)
    cell_w = (inner_w - gap * (len(parts) - 1)) / len(parts)
    for index, part in enumerate(parts):
        left = inner_w / 2.0 - (index + 1) * cell_w - index * gap
        cell_h = (inner_h - gap * (len(part) - 1)) / len(part)
        tops = -inner_h / 2.0 + np.arange(len(part)) * (cell_h + gap)
        cells = np.array([[left, top, cell_w, cell_h] for top in tops])
        vertical_text(layout, part, role="name", font=design.font, cells=cells, weight=weight, clear=intaglio)
    return layout


SQUARE = SealKind("personal-square", sample_square, plan, share=0.08, colours=_COLOURS)
RECTANGLE = SealKind("personal-rectangle", sample_rectangle, plan, share=0.03, colours=_COLOURS)
