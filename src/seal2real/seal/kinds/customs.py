"""Customs: the declarant's oval seal (报关专用章, 50 x 36 mm), and the round clearance stamp with a date (验讫章)."""

from __future__ import annotations

from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout, segments
from seal2real.seal.kinds import ringed
from seal2real.seal.kinds.base import SealKind
from seal2real.seal.lettering import straight_text


def sample(rng: Generator) -> SealDesign:
    """Three ovals to two round stamps."""
    if rng.random() < 0.6:
        name = names.company_name(rng)
        return SealDesign(
            kind="customs",
            size_mm=(round(float(rng.normal(50.0, 0.4)), 2), round(float(rng.normal(36.0, 0.3)), 2)),
            texts={"name": name, "purpose": "报关专用章", "code": names.digits(rng, 10)},
            font="song" if rng.random() < 0.6 else "fangsong",
            ring_mm=round(float(rng.uniform(0.9, 1.15)), 2),
            height_mm=round(float(rng.uniform(4.6, 5.2)), 2),
            condense=round(float(rng.uniform(0.68, 0.85)), 2),
            weight=round(float(rng.uniform(0.06, 0.15)), 3),
            options={
                "shape": "oval",
                "inset_mm": round(float(rng.uniform(0.6, 1.0)), 2),
                "span": round(float(rng.uniform(215.0, 245.0)), 1),
                **ringed.security_features(rng),
            },
        )
    diameter = round(float(rng.uniform(32.0, 38.0)), 2)
    texts = {
        "name": names.place(rng) + "海关",
        "date": names.date(rng, "iso" if rng.random() < 0.5 else "dots"),
        "purpose": ("验讫章", "放行章", "单证审核章", "监管验讫")[int(rng.integers(4))],
        "serial": f"({int(rng.integers(1, 60)):02d})",
    }
    return SealDesign(
        kind="customs",
        size_mm=(diameter, diameter),
        texts=texts,
        font=("song", "bold-song", "hei")[int(rng.integers(3))],
        ring_mm=round(float(rng.uniform(0.8, 1.1)), 2),
        height_mm=round(float(rng.uniform(4.4, 5.2)), 2),
        condense=0.95,
        weight=round(float(rng.uniform(0.08, 0.18)), 3),
        options={"shape": "round", "inset_mm": 0.9, "span": 150.0, "lines": bool(rng.random() < 0.6)},
    )


def plan(design: SealDesign) -> Layout:
    """Oval: name, purpose, code in a row. Round: name, date between two lines, purpose and number below."""
    layout, (a, b) = ringed.start(design)
    ringed.put_name(design, layout, (a, b))
    unit = design.size_mm[1] / 36.0

    def row(role: str, y: float, height: float, width: float, font: str) -> None:
        if text := design.texts.get(role):
            straight_text(
                layout, text, role=role, font=font, centre=(0.0, y * unit), height=height * unit, width=width,
                condense=0.85, weight=design.weight * 0.8,
            )  # fmt: skip

    if design.options.get("shape", "oval") == "oval":
        row("purpose", 1.2, 5.0, 1.05 * a, design.font)
        row("code", 8.6, 3.4, 0.95 * a, "hei")
        return ringed.finish(design, layout)
    if design.options.get("lines"):
        layout.marks.append(segments([(-0.84 * a, y * unit, 0.84 * a, y * unit) for y in (-3.1, 3.1)], 0.3))
    row("date", 0.0, 3.9, 1.45 * a, "hei")
    row("purpose", 6.4, 4.2, 1.1 * a, design.font)
    row("serial", 11.6, 3.0, 0.6 * a, "hei")
    return ringed.finish(design, layout)


KIND = SealKind("customs", sample, plan, share=0.01, colours={"red": 0.8, "blue": 0.17, "violet": 0.01, "black": 0.02})
