"""Triangular stamps: inspection marks of workshops (检验合格, QC), and ДЛЯ СПРАВОК of offices in Russia."""

from __future__ import annotations

from typing import Any

import numpy as np
import skia
from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout, Mark
from seal2real.seal.kinds.base import SealKind
from seal2real.seal.lettering import straight_text


def sample(rng: Generator) -> SealDesign:
    """Equilateral, sides of 20 to 46 mm."""
    options: dict[str, Any] = {"corner_mm": round(float(rng.uniform(0.3, 2.2)), 2)}
    roll = rng.random()
    if roll < 0.5:  # a mark with a number
        side = float(rng.uniform(18.0, 30.0))
        texts = {"notice": names.pick(rng, "inspection_zh"), "serial": f"{int(rng.integers(1, 100)):02d}"}
        font = ("hei", "bold-hei", "song", "bold-song")[int(rng.integers(4))]
    elif roll < 0.75:  # a company along the sides
        side = float(rng.uniform(36.0, 44.0))
        name = names.place(rng) + names.brand(rng) + names.pick(rng, "trades")
        texts = {"name": name + "有限公司", "notice": names.pick(rng, "inspection_zh")}
        font = ("song", "hei", "fangsong")[int(rng.integers(3))]
    else:
        side = float(rng.uniform(38.0, 46.0))
        texts = {
            "name": f"ООО «{names.cyrillic_brand(rng)}»",
            "place": f"ИНН {names.digits(rng, 10)}",
            "code": f"Г. {names.cyrillic_town(rng).upper()}",
            "notice": ("ДЛЯ СПРАВОК", "ДЛЯ РЕЦЕПТОВ", "ДЛЯ СЧЕТОВ")[int(rng.integers(3))],
        }
        options["ink"] = "blue" if rng.random() < 0.7 else "violet"
        font = "hei" if rng.random() < 0.6 else "bold-hei"
    if rng.random() < 0.35:
        options["inner_line_mm"] = round(float(rng.uniform(0.2, 0.35)), 2)
    return SealDesign(
        kind="triangle",
        size_mm=(round(side, 2), round(side * 3.0**0.5 / 2.0, 2)),
        texts=texts,
        font=font,
        ring_mm=round(float(rng.uniform(0.5, 1.1)), 2),
        height_mm=round(side * float(rng.uniform(0.075, 0.085)), 2),
        condense=round(float(rng.uniform(0.8, 1.0)), 2),
        weight=round(float(rng.uniform(0.06, 0.18)), 3),
        options=options,
    )


def _corners(width: float, height: float, inset: float) -> np.ndarray:
    """Apex, right and left foot ``[3, 2]`` of the triangle of this size, its sides moved inwards by ``inset``."""
    outer = np.array([(0.0, -height / 2.0), (width / 2.0, height / 2.0), (-width / 2.0, height / 2.0)])
    edges = np.linalg.norm(np.roll(outer, -1, axis=0) - outer, axis=1)
    middle = (outer * np.roll(edges, -1)[:, None]).sum(axis=0) / edges.sum()  # centre of the inscribed circle
    radius = width * height / edges.sum()
    return middle + (outer - middle) * max(1.0 - inset / radius, 0.05)


def _outline(points: np.ndarray, width: float, rounding: float) -> Mark:
    path = skia.Path()
    path.addPoly([skia.Point(float(x), float(y)) for x, y in points], True)
    return Mark(path, width=width, fill=False, rounding=rounding)


def plan(design: SealDesign) -> Layout:
    """Frame, texts along the sides (left, right, foot), the notice in the middle and a number above it."""
    width, height = design.size_mm
    options = design.options
    layout = Layout(_corners(width, height, 0.0).astype(np.float32))
    rounding = float(options.get("corner_mm", 1.0))
    layout.marks.append(_outline(_corners(width, height, design.ring_mm / 2.0), design.ring_mm, rounding))
    inset = design.ring_mm
    if line := float(options.get("inner_line_mm", 0.0)):
        layout.marks.append(_outline(_corners(width, height, inset + 0.5 + line / 2.0), line, 0.6 * rounding))
        inset += 0.5 + line
    letters = design.height_mm
    sides = [role for role in ("name", "place", "code") if design.texts.get(role)]
    if sides:
        apex, right, left = _corners(width, height, inset + 0.6 + letters / 2.0)
        parts = [(role, design.texts[role]) for role in sides]
        if len(parts) == 1:  # one text takes the left and the right side
            text = parts[0][1]
            parts = [("name", text[: len(text) // 2]), ("name", text[len(text) // 2 :])]
        for (role, text), (start, end) in zip(parts, ((left, apex), (apex, right), (left, right)), strict=False):
            length = float(np.hypot(*(end - start)))
            straight_text(
                layout,
                text,
                role=role,
                font=design.font,
                centre=(float((start[0] + end[0]) / 2.0), float((start[1] + end[1]) / 2.0)),
                height=letters,
                width=length - 2.6 * letters,
                condense=design.condense,
                weight=design.weight,
                turn=float(np.degrees(np.arctan2(end[1] - start[1], end[0] - start[0]))),
            )
        inset += 0.9 + letters
    apex, right, left = _corners(width, height, inset + 0.5)
    # the number stands where it is narrow, the word below it
    rows = [(role, design.texts[role]) for role in ("serial", "notice") if design.texts.get(role)]
    if len(rows) == 1 and len(rows[0][1]) > 5:
        rows = [(rows[0][0], word) for word in _halves(rows[0][1])]
    depth = float(right[1] - apex[1])
    letter = depth * (0.3, 0.26, 0.22)[len(rows) - 1]
    y = float(right[1]) - 0.12 * depth - len(rows) * 1.25 * letter + 0.75 * letter
    for role, text in rows:
        # the row must fit where the triangle is narrower, at its top
        share = (y - letter / 2.0 - float(apex[1])) / depth
        room = max(share * float(right[0] - left[0]) - 0.8, 1.2 * letter)
        straight_text(
            layout,
            text,
            role=role,
            font=design.font,
            centre=(0.0, y),
            height=min(letter, 1.35 * room / len(text)),
            width=room,
            condense=1.0,
            weight=1.2 * design.weight,
        )
        y += 1.25 * letter
    return layout


def _halves(text: str) -> list[str]:
    words = text.split()
    if len(words) > 1:
        return [words[0], " ".join(words[1:])]
    return [text[: len(text) // 2], text[len(text) // 2 :]]


KIND = SealKind(
    "triangle",
    sample,
    plan,
    share=0.01,
    foreign_share=0.03,
    colours={"red": 0.55, "blue": 0.33, "violet": 0.08, "black": 0.04},
)
