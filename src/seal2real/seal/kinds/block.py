"""Text stamps without a frame: a signatory's block (For NAME, DIRECTOR), an address, a large word."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout, rectangle_points, segments
from seal2real.seal.kinds.base import SealKind
from seal2real.seal.lettering import is_cjk, straight_text

_PITCH = 1.45  # of rows, in heights of their letters
_EDGE_MM = 0.4


def sample(rng: Generator) -> SealDesign:
    """One to five rows of 2.4 to 9 mm letters, 24 to 72 mm wide."""
    roll = rng.random()
    if roll < 0.25:
        texts, heights = _word(rng)
    elif roll < 0.65:
        texts, heights = _signatory(rng)
    else:
        texts, heights = _address(rng)
    options: dict[str, Any] = {
        "rows": list(texts),
        "heights_mm": [round(height, 2) for height in heights],
        "left": bool(len(texts) > 1 and rng.random() < 0.5),
    }
    if roll >= 0.25 and rng.random() < 0.25:
        options["sign_line_mm"] = round(float(rng.uniform(0.2, 0.35)), 2)  # a line to sign on, above the rows
    wide = max(_natural(text) * height for text, height in zip(texts.values(), heights, strict=True))
    tall = _PITCH * sum(heights) + (3.0 if "sign_line_mm" in options else 0.0)
    fonts = ("hei", "bold-hei", "song", "bold-song")
    return SealDesign(
        kind="block",
        size_mm=(round(float(np.clip(wide, 18.0, 72.0)) + 2 * _EDGE_MM, 2), round(tall + 2 * _EDGE_MM, 2)),
        texts=texts,
        font=fonts[int(rng.integers(len(fonts)))],
        ring_mm=0.0,
        height_mm=round(max(heights), 2),
        condense=round(float(rng.uniform(0.85, 1.0)), 2),
        weight=round(float(rng.uniform(0.05, 0.25)), 3),
        options=options,
    )


def _natural(text: str) -> float:
    """About how wide a row is, in heights of its letters."""
    return sum(1.1 if is_cjk(character) else 0.68 for character in text)


def _word(rng: Generator) -> tuple[dict[str, str], list[float]]:
    """A large word, perhaps with a date below."""
    texts = {"notice": names.notice(rng, "en")}
    heights = [float(rng.uniform(5.5, 9.0))]
    if rng.random() < 0.5:
        texts["date"] = names.date(rng, "en")
        heights.append(heights[0] * float(rng.uniform(0.45, 0.75)))
    return texts, heights


def _signatory(rng: Generator) -> tuple[dict[str, str], list[float]]:
    """For whom, and as what; in capitals or not."""
    company = names.english_company(rng)
    texts = {"name": f"For {company}", "purpose": names.pick(rng, "signatories")}
    if rng.random() < 0.35:
        texts["place"] = names.latin_address(rng)
    if rng.random() < 0.3:
        texts = {role: text.upper() for role, text in texts.items()}
    height = float(rng.uniform(2.6, 4.0))
    return texts, [height * float(rng.uniform(0.85, 1.15)) for _ in texts]


def _address(rng: Generator) -> tuple[dict[str, str], list[float]]:
    """A firm's name, its department, address and telephone; or the same in Chinese."""
    if rng.random() < 0.25:
        texts = {
            "name": names.company_name(rng),
            "place": names.address(rng),
            "serial": f"电话：{names.telephone(rng)}",
        }
    else:
        texts = {"name": names.english_company(rng), "place": names.latin_address(rng)}
        if rng.random() < 0.5:
            texts = {"name": texts["name"], "purpose": names.english_department(rng).title(), "place": texts["place"]}
        if rng.random() < 0.5:
            texts["serial"] = f"Tel. {names.telephone(rng)}"
    height = float(rng.uniform(2.4, 3.4))
    heights = [height * float(rng.uniform(1.1, 1.5)), *[height] * (len(texts) - 1)]
    return texts, heights


def plan(design: SealDesign) -> Layout:
    """The rows from top to bottom, centred or from the left; no frame."""
    width, height = design.size_mm
    layout = Layout(rectangle_points(width, height))
    rows = [role for role in design.options.get("rows", list(design.texts)) if design.texts.get(role)]
    given = [float(value) for value in design.options.get("heights_mm", [])]
    heights = given if len(given) == len(rows) else [design.height_mm] * len(rows)
    line = float(design.options.get("sign_line_mm", 0.0))
    y = -height / 2.0 + _EDGE_MM
    if line:
        layout.marks.append(segments([(-width / 2.0 + _EDGE_MM, y + 0.5, width / 2.0 - _EDGE_MM, y + 0.5)], line))
        y += 3.0
    available = width - 2.0 * _EDGE_MM
    pitch = (height / 2.0 - _EDGE_MM - y) / max(sum(heights), 1e-6)
    for role, row in zip(rows, heights, strict=True):
        middle = y + row * pitch / 2.0
        aside = 0.0
        if design.options.get("left"):  # how wide the row becomes is known once it is set
            aside = (_row(Layout(layout.outline), design, role, row, pitch, (0.0, middle), available) - available) / 2.0
        _row(layout, design, role, row, pitch, (aside, middle), available)
        y += row * pitch
    return layout


def _row(
    layout: Layout,
    design: SealDesign,
    role: str,
    row: float,
    pitch: float,
    centre: tuple[float, float],
    available: float,
) -> float:
    """One row; the width that it takes."""
    text = design.texts[role]
    return straight_text(
        layout,
        text,
        role=role,
        font=design.font,
        centre=centre,
        height=min(row, row * pitch / 1.1),
        width=available,
        condense=design.condense,
        spacing=0.14 if any(map(is_cjk, text)) else 0.08,
        weight=design.weight * row / design.height_mm,
    )


KIND = SealKind(
    "block",
    sample,
    plan,
    share=0.003,
    foreign_share=0.14,
    colours={"blue": 0.5, "red": 0.14, "violet": 0.2, "black": 0.16},
    upright=True,
)
