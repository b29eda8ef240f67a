"""Seals with a person's name: square, rectangular or oval, in relief (red characters) or intaglio (red plate).

Columns are read from right to left, each from top to bottom; every column is one text line of the labels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import skia
from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout, Mark, ellipse_points, frame, rectangle_points, ring
from seal2real.seal.kinds.base import SealKind
from seal2real.seal.lettering import straight_text, vertical_text

FONTS = ("seal", "song", "bold-song", "kai", "li", "hei", "bold-hei", "fangsong")
_FONT_SHARES = (0.3, 0.14, 0.14, 0.12, 0.14, 0.06, 0.06, 0.04)
_COLOURS = {"red": 0.95, "blue": 0.03, "black": 0.02}


def _name(rng: Generator) -> str:
    """A name, often with 印 or 之印 to fill the square."""
    name = names.person_name(rng)
    roll = rng.random()
    if len(name) == 2:
        return name + ("之印" if roll < 0.35 else "印" if roll < 0.5 else "")
    return name + ("印" if roll < 0.5 else "之印" if roll < 0.58 else "")


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


def sample_oval(rng: Generator) -> SealDesign:
    """One column in an upright ellipse of 10 to 14 mm, or one row in a lying one."""
    name = names.person_name(rng)
    upright = bool(rng.random() < 0.6)
    short = float(rng.uniform(10.0, 14.0))
    long = short * (1.05 + 0.26 * (len(name) - 1)) * float(rng.uniform(0.95, 1.05))
    size = (round(short, 2), round(long, 2)) if upright else (round(long, 2), round(short, 2))
    return _design(rng, "personal-oval", name, size, "column" if upright else "row")


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
    font = FONTS[int(rng.choice(len(FONTS), p=_FONT_SHARES))]
    if font == "seal":  # fills its field, close to the frame
        options["margin_mm"] = round(0.6 * options["margin_mm"], 2)
        options["gap_mm"] = round(0.6 * options["gap_mm"], 2)
    return SealDesign(
        kind=kind,
        size_mm=size,
        texts={"name": name},
        font=font,
        ring_mm=0.0 if intaglio else round(float(rng.uniform(0.6, 1.2)) * min(1.0, small / 14.0), 2),
        height_mm=round(small / 2.4, 2),
        weight=round(float(rng.uniform(0.1, 0.3)) * min(1.0, small / 16.0), 3),
        options=options,
    )


def columns(text: str) -> list[str]:
    """The columns of a two-column seal, the right one first: 2 = 1+1, 3 = 1+2, 4 = 2+2, 5 = 2+3, 6 = 3+3.

    A name of three with 之印 is 3+2: the name stands on the right, 之印 on the left.
    """
    first = max(len(text) // 2, 1) if not (len(text) == 5 and text.endswith("之印")) else 3
    return [part for part in (text[:first], text[first:]) if part]


def plan(design: SealDesign) -> Layout:
    """Frame or plate, then the characters, which fill their cells."""
    width, height = design.size_mm
    options = design.options
    intaglio = bool(options.get("intaglio", False))
    margin = float(options.get("margin_mm", 0.8)) + (0.5 if intaglio else design.ring_mm)
    gap = float(options.get("gap_mm", 0.5))
    arrangement = str(options.get("arrangement", "columns"))
    if design.kind == "personal-oval":
        layout = _oval(width, height, design.ring_mm, intaglio)
        # the field of the characters: a box whose corners touch the inner ellipse
        a, b = width / 2.0 - 0.75 * margin, height / 2.0 - 0.75 * margin
        inner_w, inner_h = (1.30 * a, 1.52 * b) if arrangement == "column" else (1.6 * a, 1.2 * b)
    else:
        layout = _box(width, height, design.ring_mm, intaglio, float(options.get("corner_mm", 0.5)))
        inner_w, inner_h = width - 2.0 * margin, height - 2.0 * margin
    text = design.texts["name"]
    weight = design.weight * (0.5 if intaglio else 1.0)  # a cut is narrower than a stroke, or the plate falls apart
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


def _box(width: float, height: float, frame_mm: float, intaglio: bool, corner: float) -> Layout:
    """A frame, or a plate, with rounded corners."""
    layout = Layout(rectangle_points(width, height))
    if not intaglio:
        if frame_mm > 0:
            layout.marks.append(frame(width, height, frame_mm, corner))
        return layout
    plate = skia.Path()
    plate.addRoundRect(skia.Rect.MakeXYWH(-width / 2, -height / 2, width, height), corner, corner)
    layout.marks.append(Mark(plate))
    return layout


def _oval(width: float, height: float, ring_mm: float, intaglio: bool) -> Layout:
    """A ring, or an elliptic plate."""
    layout = Layout(ellipse_points(width / 2.0, height / 2.0))
    if not intaglio:
        if ring_mm > 0:
            layout.marks.append(ring(width / 2.0, height / 2.0, ring_mm))
        return layout
    plate = skia.Path()
    plate.addOval(skia.Rect.MakeXYWH(-width / 2, -height / 2, width, height))
    layout.marks.append(Mark(plate))
    return layout


SQUARE = SealKind("personal-square", sample_square, plan, share=0.08, colours=_COLOURS, upright=True)
RECTANGLE = SealKind("personal-rectangle", sample_rectangle, plan, share=0.03, colours=_COLOURS, upright=True)
OVAL = SealKind("personal-oval", sample_oval, plan, share=0.01, colours=_COLOURS, upright=True)
