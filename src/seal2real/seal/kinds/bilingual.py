"""Round seals in two languages: the Chinese name above and the English below, or English around and Chinese within."""

from __future__ import annotations

from typing import Any

from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout, ring, star
from seal2real.seal.kinds import ringed
from seal2real.seal.kinds.base import SealKind
from seal2real.seal.lettering import arc_text, name_span, straight_text
from seal2real.seal.separators import separators


def sample(rng: Generator) -> SealDesign:
    """40 to 45 mm; the English name is invented apart from the Chinese one."""
    chinese, foreign = names.company_name(rng, "有限公司"), names.english_company(rng)
    english = (names.in_english(chinese) or foreign).upper()
    rings = bool(rng.random() < 0.5)
    texts = {"name": chinese, "place": english}
    options: dict[str, Any] = {
        "outer_english": rings,
        "inset_mm": round(float(rng.uniform(0.5, 0.9)), 2),
        "latin_mm": round(float(rng.uniform(2.5, 3.1)), 2),
        "latin_font": ("hei", "song", "bold-song", "bold-hei")[int(rng.integers(4))],
        "thin_mm": round(float(rng.uniform(0.2, 0.4)), 2),
        "separator": ("star", "dot", "asterisk")[int(rng.integers(3))],
    }
    if rng.random() < 0.3:
        texts["purpose"] = names.purpose(rng)
    diameter = round(float(rng.uniform(42.0, 45.0) if rings else rng.uniform(40.0, 43.0)), 2)
    return SealDesign(
        kind="bilingual",
        size_mm=(diameter, diameter),
        texts=texts,
        font=ringed.name_font(rng),
        ring_mm=round(float(rng.uniform(0.8, 1.2)), 2),
        star_mm=round(diameter * (0.2 if rings else 0.28), 2),
        height_mm=round(float(rng.uniform(3.9, 4.5)), 2),
        condense=round(float(rng.uniform(0.7, 0.92)), 2),
        weight=round(float(rng.uniform(0.06, 0.15)), 3),
        options=options,
    )


def plan(design: SealDesign) -> Layout:
    """Outer ring, the texts, a star; a "purpose" in a row below it."""
    options = design.options
    layout, (a, b) = ringed.start(design)
    inset, latin_mm = float(options.get("inset_mm", 0.7)), float(options.get("latin_mm", 2.8))
    latin_font = str(options.get("latin_font", "hei"))
    chinese, english = design.texts["name"], design.texts.get("place", "")
    thin = float(options.get("thin_mm", 0.3))
    kind = str(options.get("separator", "star"))
    if english and options.get("outer_english"):
        arc_text(
            layout,
            english,
            role="place",
            font=latin_font,
            axes=(a, b),
            inset=inset,
            height=latin_mm,
            span=min(9.5 * len(english), 325.0),
            condense=1.0,
            fill=0.95,
            proportional=True,
            weight=0.8 * design.weight,
        )
        layout.marks.extend(separators(kind, a - inset - latin_mm / 2.0, (180.0,), 0.7 * latin_mm))
        a, b = a - 2.0 * inset - latin_mm, b - 2.0 * inset - latin_mm
        layout.marks.append(ring(a, b, thin))
        a, b = a - thin, b - thin
    span = min(name_span(len(chinese)), 256.0 if options.get("outer_english") else 205.0)
    arc_text(
        layout,
        chinese,
        role="name",
        font=design.font,
        axes=(a, b),
        inset=inset,
        height=design.height_mm,
        span=span,
        condense=design.condense,
        weight=design.weight,
    )
    if english and not options.get("outer_english"):
        lower = min(6.8 * len(english), 340.0 - span)
        arc_text(
            layout,
            english,
            role="place",
            font=latin_font,
            axes=(a, b),
            inset=inset,
            height=latin_mm,
            span=lower,
            condense=1.0,
            fill=0.95,
            lower=True,
            proportional=True,
            weight=0.8 * design.weight,
        )
    row = design.texts.get("purpose")
    free = a - inset - design.height_mm - 0.8
    size = min(design.star_mm, 1.2 * free if row else 1.7 * free)
    if size > 0:
        layout.marks.append(star(size, -0.18 * free if row else 0.0))
    if row:
        height = min(3.4, 0.3 * free)
        straight_text(
            layout,
            row,
            role="purpose",
            font=design.font,
            centre=(0.0, -0.18 * free + 0.41 * size + 0.7 + height / 2.0),
            height=height,
            width=1.7 * free if options.get("outer_english") else 1.75 * free,
            condense=0.9,
            weight=0.8 * design.weight,
        )
    return ringed.finish(design, layout)


KIND = SealKind(
    "bilingual",
    sample,
    plan,
    share=0.015,
    foreign_share=0.04,
    colours={"red": 0.85, "blue": 0.11, "violet": 0.02, "black": 0.02},
)
