"""The oval invoice seal (发票专用章), after announcement 7 of 2011 of the State Taxation Administration."""

from __future__ import annotations

from typing import Any

from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout
from seal2real.seal.kinds import ringed
from seal2real.seal.kinds.base import SealKind
from seal2real.seal.lettering import straight_text


def sample(rng: Generator) -> SealDesign:
    """40 x 30 mm, ring 1 mm, name 4.2 mm high over 210 to 260 degrees, 18 characters of taxpayer number."""
    name = names.company_name(rng)
    texts = {"name": name, "tax-number": names.tax_number(rng), "purpose": "发票专用章"}
    if rng.random() < 0.35:
        texts["serial"] = f"({int(rng.integers(1, 10))})"
    scale = float(rng.normal(1.0, 0.008))
    span = 210.0 + 50.0 * min(max((len(name) - 8) / 9.0, 0.0), 1.0)
    options: dict[str, Any] = {
        "span": round(min(span * float(rng.uniform(0.98, 1.02)), 262.0), 1),
        "inset_mm": round(float(rng.uniform(0.4, 0.7)), 2),
        "number_font": "hei" if rng.random() < 0.8 else "bold-hei",
        "number_height_mm": round(3.7 * float(rng.uniform(0.92, 1.04)), 2),
        "number_width_mm": round(26.0 * float(rng.uniform(0.96, 1.03)), 2),
    }
    options.update(ringed.security_features(rng))
    return SealDesign(
        kind="invoice",
        size_mm=(round(40.0 * scale, 2), round(30.0 * scale, 2)),
        texts=texts,
        font="fangsong" if rng.random() < 0.75 else ringed.name_font(rng),
        ring_mm=round(float(rng.uniform(0.85, 1.15)), 2),
        height_mm=round(4.2 * float(rng.uniform(0.94, 1.05)), 2),
        condense=round(float(rng.uniform(0.66, 0.85)), 2),
        weight=round(float(rng.uniform(0.05, 0.14)), 3),
        options=options,
    )


def plan(design: SealDesign) -> Layout:
    """Ring, name, taxpayer number in the middle, purpose below it, serial number at the foot."""
    layout, axes = ringed.start(design)
    unit = design.size_mm[1] / 30.0
    ringed.put_name(design, layout, axes)
    if number := design.texts.get("tax-number"):
        height = float(design.options.get("number_height_mm", 3.7))
        straight_text(
            layout,
            number,
            role="tax-number",
            font=str(design.options.get("number_font", "hei")),
            centre=(0.0, 0.0),
            height=height,
            width=float(design.options.get("number_width_mm", 26.0)),
            condense=0.75,
            spacing=0.05,
            weight=0.05,
        )
    straight_text(
        layout,
        design.texts.get("purpose", "发票专用章"),
        role="purpose",
        font=design.font,
        centre=(0.0, float(design.options.get("row_y_mm", 4.2 + 2.3)) * unit),
        height=4.6 * unit,
        width=17.0 * unit,
        condense=0.72,
        spacing=0.11,
        weight=design.weight,
    )
    if serial := design.texts.get("serial"):
        straight_text(
            layout,
            serial,
            role="serial",
            font="hei",
            centre=(0.0, 11.1 * unit),
            height=2.2 * unit,
            width=8.0 * unit,
        )
    return ringed.finish(design, layout)


KIND = SealKind("invoice", sample, plan, share=0.11)
