"""The oval stamp of a joint venture or trading company: Chinese and English around two ellipses."""

from __future__ import annotations

from typing import Any

from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout, ellipse_points, ring, star
from seal2real.seal.kinds.base import SealKind
from seal2real.seal.lettering import arc_text, straight_text
from seal2real.seal.separators import separators


def sample(rng: Generator) -> SealDesign:
    """About 45 x 30 mm; English around, Chinese in the middle, or the other way round."""
    chinese, foreign = names.company_name(rng, "有限公司"), names.english_company(rng)
    english = (names.in_english(chinese) or foreign).upper()
    outside = "english" if rng.random() < 0.65 else "chinese"
    texts = {"name": english, "purpose": chinese} if outside == "english" else {"name": chinese, "purpose": english}
    options: dict[str, Any] = {
        "thin_mm": round(float(rng.uniform(0.2, 0.5)), 2),
        "double_outer": bool(rng.random() < 0.5),
        "inner_ring": bool(rng.random() < 0.75),
        "separator": ("star", "asterisk", "dot")[int(rng.integers(3))],
    }
    fonts = ("song", "fangsong", "hei", "bold-song")
    return SealDesign(
        kind="oval",
        size_mm=(round(float(rng.uniform(42.0, 48.0)), 2), round(float(rng.uniform(28.0, 32.0)), 2)),
        texts=texts,
        font=fonts[int(rng.integers(4))],
        ring_mm=round(float(rng.uniform(0.5, 1.05)), 2),
        star_mm=round(float(rng.uniform(3.0, 4.5)), 2) if rng.random() < 0.3 else 0.0,
        height_mm=round(float(rng.uniform(2.9, 3.7)), 2),
        condense=round(float(rng.uniform(0.75, 0.95)), 2),
        weight=round(float(rng.uniform(0.05, 0.15)), 3),
        options=options,
    )


def plan(design: SealDesign) -> Layout:
    """Rings, the text around, its separator below, and one or two rows in the middle."""
    options = design.options
    a, b = design.size_mm[0] / 2.0, design.size_mm[1] / 2.0
    thin = float(options.get("thin_mm", 0.3))
    layout = Layout(ellipse_points(a, b))
    layout.marks.append(ring(a, b, design.ring_mm))
    a, b = a - design.ring_mm, b - design.ring_mm
    if options.get("double_outer"):
        layout.marks.append(ring(a - 0.45, b - 0.45, thin))
        a, b = a - 0.45 - thin, b - 0.45 - thin
    text = design.texts["name"]
    inset = 0.55
    arc_text(
        layout,
        text,
        role="name",
        font=design.font,
        axes=(a, b),
        inset=inset,
        height=design.height_mm,
        span=min(320.0, 12.5 * len(text)) if text.isascii() else min(300.0, 17.0 * len(text) + 20.0),
        condense=design.condense,
        fill=0.95,
        proportional=text.isascii(),
        weight=design.weight,
    )
    reach = inset + design.height_mm / 2.0
    kind = str(options.get("separator", "star"))
    layout.marks.extend(separators(kind, b - reach, (180.0,), 0.7 * design.height_mm))
    a, b = a - 2.0 * reach, b - 2.0 * reach
    if options.get("inner_ring", True):
        layout.marks.append(ring(a, b, thin * 1.2))
        a, b = a - 1.2 * thin, b - 1.2 * thin
    if design.star_mm > 0:
        layout.marks.append(star(design.star_mm, -0.55 * b))
    rows = _rows(design.texts.get("purpose", ""))
    height = min(0.42 * b, 3.8) if len(rows) < 2 else min(0.32 * b, 3.2)
    shift = 0.22 * b if design.star_mm > 0 else 0.0
    for index, row in enumerate(rows):
        y = shift + (index - (len(rows) - 1) / 2.0) * 1.3 * height
        chord = 2.0 * a * max(1.0 - ((abs(y) + height / 2.0) / b) ** 2, 0.05) ** 0.5 - 1.2
        straight_text(
            layout,
            row,
            role="purpose",
            font=design.font,
            centre=(0.0, y),
            height=height,
            width=chord,
            condense=design.condense,
            weight=design.weight,
        )
    return layout


def _rows(text: str) -> list[str]:
    """One row, or two where the text is long: at a space, or before the trade."""
    if not text:
        return []
    if text.isascii():
        words = text.split()
        return [words[0], " ".join(words[1:])] if len(words) > 1 else words
    return [text] if len(text) <= 10 else list(names.split_company(text))


KIND = SealKind(
    "oval",
    sample,
    plan,
    share=0.05,
    foreign_share=0.15,
    colours={"red": 0.72, "blue": 0.2, "violet": 0.05, "black": 0.03},
)
