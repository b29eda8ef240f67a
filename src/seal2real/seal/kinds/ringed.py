"""What the round kinds share: the ring and its security features, the name on the arc, the code below."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout, Mark, ellipse_points, radial_gaps, ring, segments, star, wave_ring
from seal2real.seal.lettering import arc_text, name_span

# Styles of the name on the ring: Song rules, FangSong and Hei are met too.
NAME_FONTS = ("song", "fangsong", "bold-song", "kai", "hei")
NAME_FONT_SHARES = (0.42, 0.28, 0.14, 0.08, 0.08)


def name_font(rng: Generator) -> str:
    """A style for the name."""
    return NAME_FONTS[int(rng.choice(len(NAME_FONTS), p=NAME_FONT_SHARES))]


def security_features(rng: Generator) -> dict[str, Any]:
    """Options for micro gaps in the ring, hairlines over the seal or in the star, a fine ring or wave; mostly none."""
    options: dict[str, Any] = {}
    if rng.random() < 0.05:
        options["inner_line_mm"] = round(float(rng.uniform(0.12, 0.3)), 2)
    if rng.random() < 0.10:
        options["ring_gaps"] = [round(float(a), 2) for a in np.sort(rng.uniform(0, 360, int(rng.integers(1, 5))))]
        options["ring_gap_mm"] = round(float(rng.uniform(0.15, 0.35)), 3)
    if rng.random() < 0.06:
        options["hairlines"] = [round(float(a), 2) for a in rng.uniform(0, 180, int(rng.integers(1, 4)))]
        options["hairline_mm"] = round(float(rng.uniform(0.10, 0.18)), 3)
    roll = rng.random()
    if roll < 0.03 and "inner_line_mm" not in options:
        options["waves"] = int(rng.integers(70, 130))
    elif roll < 0.07:
        options["star_line_mm"] = round(float(rng.uniform(0.12, 0.22)), 2)
    return options


def start(design: SealDesign) -> tuple[Layout, tuple[float, float]]:
    """A layout with the outer ring, and the semi-axes of the inner edge of what rings there are."""
    a, b = design.size_mm[0] / 2.0, design.size_mm[1] / 2.0
    layout = Layout(ellipse_points(a, b))
    if design.ring_mm > 0:
        layout.marks.append(ring(a, b, design.ring_mm))
    if gaps := design.options.get("ring_gaps"):
        layout.marks.append(radial_gaps(a, b, design.ring_mm, gaps, float(design.options["ring_gap_mm"])))
    inside = design.ring_mm
    if line := float(design.options.get("inner_line_mm", 0.0)):  # the fine second ring of unions and some companies
        layout.marks.append(ring(a - inside - 0.5, b - inside - 0.5, line))
        inside += 0.5 + line
    if waves := int(design.options.get("waves", 0)):
        layout.marks.append(wave_ring(a - inside - 0.35, 0.3, waves, 0.1, b - inside - 0.35))
        inside += 0.55
    return layout, (a - inside, b - inside)


def put_star(design: SealDesign, layout: Layout, y: float = 0.0) -> None:
    """The star, if there is one, its middle at ``y``; hairlines from its middle to its points if the design asks."""
    if design.star_mm <= 0:
        return
    turn = float(design.options.get("star_turn", 0.0))
    layout.marks.append(star(design.star_mm, y, turn))
    if width := float(design.options.get("star_line_mm", 0.0)):
        tips = np.deg2rad(-90.0 + turn + 72.0 * np.arange(5))
        reach = 0.42 * design.star_mm
        lines = [(0.0, y, reach * c, y + reach * s) for c, s in zip(np.cos(tips), np.sin(tips), strict=True)]
        layout.marks.append(segments(lines, width, clear=True))


def finish(design: SealDesign, layout: Layout) -> Layout:
    """Adds what lies over everything: hairlines cut through the middle of the seal."""
    if angles := design.options.get("hairlines"):
        layout.marks.append(hairlines(design, [float(angle) for angle in angles]))
    return layout


def hairlines(design: SealDesign, angles: list[float]) -> Mark:
    """Fine cuts across the whole seal, each at an angle and somewhat off the centre."""
    reach = max(design.size_mm)
    lines = []
    for angle in angles:
        off = reach * 0.3 * np.sin(np.deg2rad(angle * 7.0))
        cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        lines.append(
            (-sin * off - cos * reach, cos * off - sin * reach, -sin * off + cos * reach, cos * off + sin * reach)
        )
    return segments(lines, float(design.options["hairline_mm"]), clear=True)


def put_name(design: SealDesign, layout: Layout, axes: tuple[float, float]) -> None:
    """The name along the upper arc."""
    text = design.texts["name"]
    arc_text(
        layout,
        text,
        role="name",
        font=design.font,
        axes=axes,
        inset=float(design.options.get("inset_mm", 0.8)),
        height=design.height_mm,
        span=float(design.options.get("span", name_span(len(text)))),
        condense=design.condense,
        fill=float(design.options.get("fill", 0.9)),
        weight=design.weight,
    )


def put_code(design: SealDesign, layout: Layout, axes: tuple[float, float]) -> None:
    """The registration code along the lower arc, if the design has one."""
    if code := design.texts.get("code"):
        arc_text(
            layout,
            code,
            role="code",
            font=str(design.options.get("code_font", "hei")),
            axes=axes,
            inset=float(design.options.get("code_inset_mm", 0.8)),
            height=float(design.options.get("code_height_mm", 1.8)),
            span=float(design.options.get("code_span", 72.0)),
            condense=float(design.options.get("code_condense", 0.95)),
            fill=0.75,
            lower=True,
            weight=0.04,
        )


def code_options(rng: Generator, name_gap: float) -> dict[str, Any]:
    """How the code is set, given the angle in degrees that the name leaves free at the bottom."""
    widest = min(name_gap - 10.0, 104.0)
    return {
        "code_font": "hei" if rng.random() < 0.7 else "song",
        "code_inset_mm": round(float(rng.uniform(0.5, 1.1)), 2),
        "code_height_mm": round(float(rng.uniform(1.5, 2.1)), 2),
        "code_span": round(float(rng.uniform(0.78, 1.0)) * widest, 1),
        "code_condense": round(float(rng.uniform(0.75, 1.0)), 2),
    }


def code(rng: Generator) -> str:
    """The code's digits."""
    return names.seal_code(rng)
