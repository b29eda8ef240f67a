"""Round stamps with two or three rings: Cyrillic, Latin and Vietnamese companies."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.emblems import emblem
from seal2real.seal.geometry import Layout, ellipse_points, ring, star, wave_ring
from seal2real.seal.kinds.base import SealKind
from seal2real.seal.lettering import arc_text, straight_text
from seal2real.seal.separators import separators

_FONTS = ("hei", "bold-hei", "song", "bold-song")


def sample(rng: Generator) -> SealDesign:
    """36 to 45 mm, one of three languages."""
    roll = rng.random()
    make = _cyrillic if roll < 0.45 else _latin if roll < 0.75 else vietnamese
    return two_rings(rng, "ring", *make(rng))


def two_rings(rng: Generator, kind: str, texts: dict[str, str], options: dict[str, Any]) -> SealDesign:
    """A design with these texts; sizes, fonts and rings are drawn.

    Args:
        rng: source of every other choice.
        kind: registry name that the design carries.
        texts: "name" and what else the layout takes.
        options: of the layout; more are added.
    """
    diameter = round(float(rng.uniform(36.0, 45.0)), 2)
    options = {
        "font_inner": _FONTS[int(rng.integers(4))],
        "double_outer": bool(rng.random() < 0.55),
        "thin_mm": round(float(rng.uniform(0.2, 0.45)), 2),
        "inner_ring": bool(rng.random() < 0.85),
        "separator": ("star", "star", "asterisk", "dot")[int(rng.integers(4))],
        **options,
    }
    return SealDesign(
        kind=kind,
        size_mm=(diameter, diameter),
        texts=texts,
        font=_FONTS[int(rng.choice(4, p=(0.4, 0.25, 0.2, 0.15)))],
        ring_mm=round(float(rng.uniform(0.5, 1.1)), 2),
        height_mm=round(float(rng.uniform(2.6, 3.4)) * diameter / 40.0, 2),
        condense=round(float(rng.uniform(0.85, 1.1)), 2),
        weight=round(float(rng.uniform(0.04, 0.16)), 3),
        options=options,
    )


def _cyrillic(rng: Generator) -> tuple[dict[str, str], dict[str, Any]]:
    brand = names.cyrillic_brand(rng)
    texts = {
        "name": names.cyrillic_form(rng),
        "place": f"Г. {names.cyrillic_town(rng).upper()}",
        "code": f"ОГРН {names.digits(rng, 13)}" + (f" * ИНН {names.digits(rng, 10)}" if rng.random() < 0.6 else ""),
        "purpose": f"«{brand}»" if rng.random() < 0.7 else brand.upper(),
    }
    return texts, {"around": bool(rng.random() < 0.5), "rings": 3}


def _latin(rng: Generator) -> tuple[dict[str, str], dict[str, Any]]:
    texts = {"name": names.english_company(rng).upper(), "place": names.latin_place(rng)}
    roll = rng.random()
    if roll < 0.3:
        texts["date"] = names.date(rng, "en")
    elif roll < 0.75:
        texts["purpose"] = names.latin_centre(rng) if rng.random() < 0.6 else names.english_department(rng)
    options: dict[str, Any] = {"around": False, "rings": 2}
    if roll >= 0.75:
        options["star_mm"] = round(float(rng.uniform(7.0, 11.0)), 2)
    return texts, options


def vietnamese(rng: Generator) -> tuple[dict[str, str], dict[str, Any]]:
    form, brand = names.vietnamese_company(rng)
    texts = {
        "name": f"M.S.D.N: {names.digits(rng, 10)} - C.T." + ("C.P" if "PHẦN" in form else "T.N.H.H"),
        "place": names.vietnamese_town(rng),
        "purpose": f"{form} {brand}",
    }
    return texts, {"around": False, "rings": 2, "ink": "red"}


def plan(design: SealDesign) -> Layout:
    """Rings from the outside in, the ring's texts, then the rows in the middle."""
    options = design.options
    radius = design.size_mm[0] / 2.0
    thin = float(options.get("thin_mm", 0.3))
    layout = Layout(ellipse_points(radius, radius))
    layout.marks.append(ring(radius, radius, design.ring_mm))
    inside = radius - design.ring_mm
    if options.get("double_outer"):
        layout.marks.append(ring(inside - 0.45, inside - 0.45, thin))
        inside -= 0.45 + thin
    height = design.height_mm
    inset = 0.55
    axes = (inside, inside)
    name, place = design.texts["name"], design.texts.get("place", "")
    kind = str(options.get("separator", "star"))
    around = partial(
        arc_text,
        layout,
        font=design.font,
        axes=axes,
        inset=inset,
        height=height,
        condense=design.condense,
        fill=0.97,
        weight=design.weight,
        proportional=True,
    )
    middle = inside - inset - height / 2.0
    if options.get("around"):  # one text all around, clockwise, its seam below
        text = f"{name} * {place} *" if place else f"{name} *"
        around(text, role="name", span=352.0)
    else:
        total = len(name) + len(place) + 4
        upper = min(max(360.0 * (len(name) + 0.5) / total, 150.0), 255.0) if place else 320.0
        around(name, role="name", span=upper - 12.0)
        if place:
            lower = min(360.0 - upper - 24.0, 9.0 + len(place) * 11.0)
            around(place, role="place", span=lower, lower=True)
            seam = (upper / 2.0 - 6.0 + 180.0 - lower / 2.0) / 2.0  # between the two texts, degrees from the top
            layout.marks.extend(separators(kind, middle, (-seam, seam), 0.62 * height))
    inside = middle - height / 2.0 - inset
    if options.get("inner_ring", True):
        layout.marks.append(ring(inside, inside, thin * 1.3))
        inside -= thin * 1.3
    else:
        inside -= 0.8
    if int(options.get("rings", 2)) > 2 and (code := design.texts.get("code")):
        inner_height = 0.78 * height
        second = design.texts.get("tax-number")
        inside_arc = partial(
            arc_text,
            layout,
            font=design.font,
            axes=(inside, inside),
            inset=0.4,
            height=inner_height,
            condense=design.condense,
            fill=0.97,
            proportional=True,
            weight=design.weight * 0.8,
        )
        if second:  # one number above, the other below
            # a character on the inner arc takes about as many degrees as its height is wide there
            step = float(np.rad2deg(0.82 * inner_height / max(inside - inner_height - 0.4, 1.0)))
            inside_arc(second, role="tax-number", span=min(step * len(second), 158.0))
            inside_arc(code, role="code", span=min(step * len(code), 158.0), lower=True)
            layout.marks.extend(separators(kind, inside - 0.4 - inner_height / 2.0, (-90.0, 90.0), 0.55 * height))
        else:
            inside_arc(code, role="code", span=min(345.0, 14.0 * len(code)))
        inside -= 0.8 + inner_height
        if options.get("core_ring", True):
            layout.marks.append(ring(inside, inside, thin))
        inside -= thin
    if waves := int(options.get("waves", 0)):  # a fine wave inside the innermost ring, against copying
        layout.marks.append(wave_ring(inside - 0.75, 0.4, waves, 0.12))
        inside -= 1.3
    _centre(design, layout, inside)
    return layout


def _centre(design: SealDesign, layout: Layout, radius: float) -> None:
    """A star, a logo, or one to four rows that keep inside the innermost ring; a small row below them."""
    options = design.options
    if size := float(options.get("star_mm", 0.0)):
        layout.marks.append(star(min(size, 1.5 * radius)))
        return
    role = "purpose" if "purpose" in design.texts else "date"
    text = design.texts.get(role, "")
    if logo := options.get("logo"):
        size = radius * (0.86 if text else 1.35)
        layout.marks.extend(emblem(str(logo), size, (0.0, -0.36 * radius if text else 0.0)))
    if not text:
        return
    if logo:
        rows = [text] if len(text) < 10 else wrap(text, 2)
        height, y = (0.30 if len(rows) == 1 else 0.22) * radius, (0.42 if len(rows) == 1 else 0.36) * radius
    else:
        rows = wrap(text, 1 if role == "date" or len(text) < 9 else 4)
        height = min(1.15 * radius / len(rows), (0.34 if len(rows) > 1 or role == "date" else 0.42) * radius)
        y = -(len(rows) - 1) / 2.0 * 1.3 * height
    note = design.texts.get("notice")
    if note and not logo:
        y -= 0.55 * height
    for index, row in enumerate(rows):
        _row(design, layout, row, role, y + index * 1.3 * height, height, radius)
    if note and not logo:
        small = 0.55 * height
        _row(
            design,
            layout,
            note,
            "notice",
            y + (len(rows) - 1) * 1.3 * height + 0.62 * height + 0.9 * small,
            small,
            radius,
        )


def _row(design: SealDesign, layout: Layout, text: str, role: str, y: float, height: float, radius: float) -> None:
    chord = 2.0 * max(radius**2 - (abs(y) + height / 2.0) ** 2, 1.0) ** 0.5 - 1.8
    straight_text(
        layout,
        text,
        role=role,
        font=str(design.options.get("font_inner", design.font)),
        centre=(0.0, y),
        height=height,
        width=chord,
        condense=1.0,
        spacing=0.08,
        weight=1.4 * design.weight,
    )


def wrap(text: str, rows: int) -> list[str]:
    """The words of ``text`` in at most ``rows`` rows of about even length."""
    words = text.split()
    count = min(rows, len(words), 1 + len(text) // 9)
    target = len(text) / count
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) / 2.0 > target and len(lines) < count:
            lines.append(word)
        else:
            lines[-1] += f" {word}"
    return lines


KIND = SealKind(
    "ring",
    sample,
    plan,
    share=0.12,
    foreign_share=0.5,
    colours={"red": 0.32, "blue": 0.46, "violet": 0.13, "black": 0.09},
)
