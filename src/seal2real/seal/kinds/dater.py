"""Date stamps: the round dater (company, date between two lines, purpose) and the box of three rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout, ellipse_points, frame, rectangle_points, ring, segments
from seal2real.seal.kinds.base import SealKind
from seal2real.seal.lettering import arc_text, name_span, straight_text
from seal2real.seal.separators import separators

_COLOURS = {"red": 0.55, "blue": 0.27, "violet": 0.11, "black": 0.07}


def _texts(rng: Generator) -> tuple[dict[str, str], bool]:
    """Name, date and purpose, and whether they are Chinese."""
    if rng.random() < 0.55:
        name = names.place(rng) + names.brand(rng) + names.pick(rng, "trades") + "有限公司"
        date = names.date(rng, ("iso", "dots", "zh")[int(rng.choice(3, p=(0.4, 0.4, 0.2)))])
        return {"name": name, "date": date, "purpose": names.pick(rng, "dater_purposes")}, True
    date = names.date(rng, "en" if rng.random() < 0.7 else "iso")
    return {"name": names.english_company(rng).upper(), "date": date, "purpose": names.pick(rng, "dater_en")}, False


def sample_round(rng: Generator) -> SealDesign:
    """24 to 38 mm across."""
    texts, chinese = _texts(rng)
    diameter = round(float(rng.uniform(26.0, 38.0)), 2)
    options: dict[str, Any] = {
        "date_lines": ("band", "lines", "none")[int(rng.choice(3, p=(0.5, 0.3, 0.2)))],
        "date_mm": round(diameter * float(rng.uniform(0.10, 0.125)), 2),
        "inner_ring": bool(rng.random() < 0.3),
        "arc_below": bool(not chinese and rng.random() < 0.6),
    }
    if rng.random() < 0.3:
        texts["serial"] = f"({int(rng.integers(1, 30))})" if chinese else f"No. {int(rng.integers(1, 30))}"
    return SealDesign(
        kind="dater",
        size_mm=(diameter, diameter),
        texts=texts,
        font=("song", "hei", "bold-song", "fangsong")[int(rng.integers(4))]
        if chinese
        else ("hei", "bold-hei")[int(rng.integers(2))],
        ring_mm=round(float(rng.uniform(0.5, 1.0)), 2),
        height_mm=round(diameter * float(rng.uniform(0.105, 0.125) if chinese else rng.uniform(0.075, 0.09)), 2),
        condense=round(float(rng.uniform(0.75, 1.0)), 2),
        weight=round(float(rng.uniform(0.05, 0.15)), 3),
        options=options,
    )


def plan_round(design: SealDesign) -> Layout:
    """Ring, name on the upper arc, the date in the middle, purpose and number below."""
    options = design.options
    radius = design.size_mm[0] / 2.0
    layout = Layout(ellipse_points(radius, radius))
    layout.marks.append(ring(radius, radius, design.ring_mm))
    inside = radius - design.ring_mm
    name, purpose = design.texts["name"], design.texts.get("purpose", "")
    latin = name.isascii()
    inset, height = 0.022 * design.size_mm[0], design.height_mm
    date_mm = float(options.get("date_mm", 3.5))
    band = date_mm / 2.0 + 0.045 * design.size_mm[0]  # from the centre to the line above the date
    style = str(options.get("date_lines", "lines"))
    widest = 196.0
    if style == "band":  # the lines run from ring to ring, and the name keeps above them
        widest = 2.0 * float(np.degrees(np.arccos((band + 0.5) / (inside - inset - height))))
    arc_text(
        layout,
        name,
        role="name",
        font=design.font,
        axes=(inside, inside),
        inset=inset,
        height=height,
        span=min(11.0 * len(name) if latin else name_span(len(name)), widest),
        condense=design.condense,
        proportional=latin,
        weight=design.weight,
    )
    free = inside - inset - height - 0.5
    if options.get("inner_ring") and style != "band":
        layout.marks.append(ring(free, free, 0.25))
        free -= 0.45
    if style != "none":
        half = ((inside if style == "band" else free) ** 2 - band**2) ** 0.5 - (0.0 if style == "band" else 0.6)
        layout.marks.append(segments([(-half, y, half, y) for y in (-band, band)], 0.3))
    date_width = 2.0 * ((inside if style == "band" else free) ** 2 - (date_mm / 2.0) ** 2) ** 0.5 - 2.4
    straight_text(
        layout,
        design.texts["date"],
        role="date",
        font="hei",
        centre=(0.0, 0.0),
        height=date_mm,
        width=date_width,
        condense=0.95,
        spacing=0.08,
        weight=0.1,
    )
    if purpose and options.get("arc_below"):
        arc_text(
            layout,
            purpose,
            role="purpose",
            font=design.font,
            axes=(inside, inside),
            inset=inset,
            height=height,
            span=min(13.0 * len(purpose), 120.0),
            condense=1.0,
            lower=True,
            proportional=True,
            weight=design.weight,
        )
        if not design.texts.get("serial"):
            layout.marks.extend(separators("star", 0.62 * free, (180.0,), 0.16 * free))
    foot = band + 0.4  # where the rows below the date begin
    if purpose and not options.get("arc_below"):
        size = min(1.25 * height, (0.3 if design.texts.get("serial") else 0.36) * free)
        _row(layout, purpose, "purpose", design.font, foot, size, free, design.weight)
        foot += 1.3 * size
    if serial := design.texts.get("serial"):
        size = min(0.8 * height, 0.2 * free)
        _row(
            layout,
            serial,
            "serial",
            "hei",
            foot + (0.2 * free if options.get("arc_below") else 0.0),
            size,
            inside,
            0.05,
        )
    return layout


def _row(
    layout: Layout, text: str, role: str, font: str, top: float, size: float, radius: float, weight: float
) -> None:
    """A row of letters of this size below ``top``, as wide as the circle allows at its foot."""
    chord = 2.0 * max(radius**2 - (top + 1.15 * size) ** 2, 1.0) ** 0.5 - 0.8
    middle = (0.0, top + 0.65 * size)
    straight_text(layout, text, role=role, font=font, centre=middle, height=size, width=chord, weight=weight)


def sample_box(rng: Generator) -> SealDesign:
    """Three rows in a box of 26 to 46 mm: company, date, purpose."""
    texts, chinese = _texts(rng)
    width = round(float(rng.uniform(30.0, 46.0)), 2)
    row = float(rng.uniform(3.4, 4.4))
    frame_mm = round(float(rng.uniform(0.4, 0.9)), 2) if rng.random() < 0.85 else 0.0
    return SealDesign(
        kind="date-box",
        size_mm=(width, round(4.9 * row + 2.0 * frame_mm, 2)),
        texts=texts,
        font=("song", "hei", "bold-hei")[int(rng.integers(3))]
        if chinese
        else ("hei", "bold-hei")[int(rng.integers(2))],
        ring_mm=frame_mm,
        height_mm=round(row * (1.0 if chinese else 0.85), 2),
        condense=round(float(rng.uniform(0.8, 1.0)), 2),
        weight=round(float(rng.uniform(0.06, 0.18)), 3),
        options={
            "lines": bool(frame_mm and rng.random() < 0.6),
            "corner_mm": round(float(rng.choice([0.0, rng.uniform(0.6, 2.0)])), 2),
            "order": ["name", "date", "purpose"] if rng.random() < 0.6 else ["purpose", "date", "name"],
            "latin": not chinese,
        },
    )


def plan_box(design: SealDesign) -> Layout:
    """Frame, three rows of equal height, perhaps lines between them."""
    width, height = design.size_mm
    layout = Layout(rectangle_points(width, height))
    if design.ring_mm > 0:
        layout.marks.append(frame(width, height, design.ring_mm, float(design.options.get("corner_mm", 0.0))))
    rows = [role for role in design.options.get("order", ["name", "date", "purpose"]) if design.texts.get(role)]
    inner_w, inner_h = width - 2.0 * design.ring_mm, height - 2.0 * design.ring_mm
    pitch = inner_h / len(rows)
    for index, role in enumerate(rows):
        y = -inner_h / 2.0 + (index + 0.5) * pitch
        letter = min(design.height_mm * (1.0 if role != "name" else 0.86), 0.72 * pitch)
        straight_text(
            layout,
            design.texts[role],
            role=role,
            font="hei" if role == "date" else design.font,
            centre=(0.0, y),
            height=letter,
            width=inner_w - 2.0,
            condense=design.condense,
            spacing=0.3 if role == "purpose" and not design.texts[role].isascii() else 0.12,
            weight=design.weight,
        )
        if index and design.options.get("lines"):
            layout.marks.append(segments([(-inner_w / 2.0, y - pitch / 2.0, inner_w / 2.0, y - pitch / 2.0)], 0.3))
    return layout


ROUND = SealKind("dater", sample_round, plan_round, share=0.02, foreign_share=0.08, colours=_COLOURS)
BOX = SealKind("date-box", sample_box, plan_box, share=0.01, foreign_share=0.05, colours=_COLOURS, upright=True)
