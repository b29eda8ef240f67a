"""Notice stamps: a word in a box (作废, 已审核, PAID, RECEIVED), perhaps with a date or lines to fill in."""

from __future__ import annotations

from typing import Any

from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout, frame, rectangle_points, segments
from seal2real.seal.kinds.base import SealKind
from seal2real.seal.lettering import is_cjk, straight_text

_PAD = 0.35  # white around a row, as a share of its height


def sample(rng: Generator) -> SealDesign:
    """A box as wide as its word wants, 5 to 11 mm letters."""
    language = "zh" if rng.random() < 0.55 else "en"
    text = names.notice(rng, language)
    height = float(rng.uniform(5.0, 9.5)) * (1.0 if len(text) < 9 else 0.75)
    aspect = 0.95 if language == "zh" else 0.72
    inner = height * (len(text) * (aspect + 0.15) + 2.0 * _PAD)
    texts = {"notice": text}
    options: dict[str, Any] = {"rows": ["notice"]}
    roll = rng.random()
    if language == "en" and rng.random() < 0.2:
        texts["name"] = names.english_company(rng).upper()
        options["rows"] = ["name", "notice"]
    if roll < 0.32:
        texts["date"] = names.date(rng, ("zh", "iso", "dots")[int(rng.integers(3))] if language == "zh" else "en")
        options["rows"].append("date")
    elif roll < 0.45:
        texts["serial"] = "BY            DATE        " if language == "en" else "经办人：          日期：        "
        options["rows"].append("serial")
    inner = max(inner, 34.0 if len(texts) > 1 else 0.0)
    small = height * float(rng.uniform(0.42, 0.6))
    options["small_mm"] = round(max(small, 2.2), 2)
    rows = height * (1.0 + 2.0 * _PAD) + (len(texts) - 1) * options["small_mm"] * (1.0 + 1.4 * _PAD)
    thickness = round(float(rng.uniform(0.5, 1.3)), 2)
    if rng.random() < 0.25:
        options["inner_frame_mm"] = round(float(rng.uniform(0.2, 0.4)), 2)
    options["corner_mm"] = round(float(rng.choice([0.0, rng.uniform(0.5, 2.5)])), 2)
    if height > 6.0 and rng.random() < (0.16 if language == "en" else 0.04):  # hollow letters
        options["contour_mm"] = round(float(rng.uniform(0.3, 0.5)), 2)
    bare = len(texts) == 1 and rng.random() < 0.12
    margin = 0.0 if bare else thickness + (0.9 if "inner_frame_mm" in options else 0.0)
    if bare:
        options.pop("inner_frame_mm", None)
    fonts = ("hei", "bold-hei", "song", "bold-song", "kai") if language == "zh" else ("hei", "bold-hei", "bold-song")
    return SealDesign(
        kind="notice",
        size_mm=(round(inner + 2.0 * margin, 2), round(rows + 2.0 * margin, 2)),
        texts=texts,
        font=fonts[int(rng.integers(len(fonts)))],
        ring_mm=0.0 if bare else thickness,
        height_mm=round(height, 2),
        condense=round(float(rng.uniform(0.85, 1.05)), 2),
        weight=round(float(rng.uniform(0.1, 0.35)), 3),
        options=options,
    )


def plan(design: SealDesign) -> Layout:
    """Frame, perhaps a thin second one, and the rows from top to bottom."""
    width, height = design.size_mm
    options = design.options
    layout = Layout(rectangle_points(width, height))
    margin = design.ring_mm
    if design.ring_mm > 0:
        layout.marks.append(frame(width, height, design.ring_mm, float(options.get("corner_mm", 0.0))))
        if inner := float(options.get("inner_frame_mm", 0.0)):
            gap = 2.0 * (design.ring_mm + 0.5)
            layout.marks.append(frame(width - gap, height - gap, inner, float(options.get("corner_mm", 0.0)) * 0.6))
            margin += 0.5 + inner
    rows = [role for role in options.get("rows", ["notice"]) if design.texts.get(role)]
    small = float(options.get("small_mm", 3.0))
    heights = [design.height_mm if role == "notice" else small for role in rows]
    spare = height - 2.0 * margin - sum(heights)
    gap = spare / (len(rows) + 1)
    y = -height / 2.0 + margin + gap
    for role, row in zip(rows, heights, strict=True):
        text = design.texts[role]
        available = width - 2.0 * margin - 2.0 * min(0.35 * row, 2.0)
        centre = (0.0, y + row / 2.0)
        if role == "serial":
            _form_line(design, layout, text, centre, row, available)
        else:
            straight_text(
                layout,
                text,
                role=role,
                font=design.font,
                centre=centre,
                height=row,
                width=available,
                condense=design.condense,
                spacing=0.16 if any(map(is_cjk, text)) else 0.1,
                weight=design.weight * row / design.height_mm,
                contour=float(options.get("contour_mm", 0.0)) if role == "notice" else 0.0,
            )
        y += row + gap
    return layout


def _form_line(
    design: SealDesign, layout: Layout, text: str, centre: tuple[float, float], row: float, width: float
) -> None:
    """Words with lines to write on between them: each word takes the start of its share of the row."""
    words = text.split()
    share = width / len(words)
    for index, word in enumerate(words):
        left = centre[0] - width / 2.0 + index * share
        letters = min(0.55 * share, row * 0.8 * len(word))
        taken = straight_text(
            layout,
            word,
            role="serial",
            font=design.font,
            centre=(left + letters / 2.0, centre[1]),
            height=row * 0.75,
            width=letters,
            weight=0.5 * design.weight * row / design.height_mm,
        )
        start, foot = left + letters / 2.0 + taken / 2.0 + 0.6, centre[1] + 0.4 * row
        if start < left + share - 1.0:
            layout.marks.append(segments([(start, foot, left + share - 0.6, foot)], 0.25))


KIND = SealKind(
    "notice",
    sample,
    plan,
    share=0.10,
    foreign_share=0.25,
    colours={"red": 0.5, "blue": 0.28, "violet": 0.09, "black": 0.13},
    upright=True,
)
