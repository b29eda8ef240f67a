"""Seals of governments, courts and institutions: a neutral emblem where the state's would be, the name around."""

from __future__ import annotations

from typing import Any

from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.emblems import emblem
from seal2real.seal.geometry import Layout
from seal2real.seal.kinds import ringed
from seal2real.seal.kinds.base import SealKind
from seal2real.seal.lettering import name_span, straight_text

_POLICE = "户口专用章"  # of household registers, which no other office keeps


def sample(rng: Generator) -> SealDesign:
    """42 to 45 mm, ring 1 to 1.2 mm; unions and associations have a second, fine ring."""
    roll = rng.random()
    options: dict[str, Any] = {"emblem": "wreath"}
    if roll < 0.62:
        name = names.authority_name(rng)
    elif roll < 0.85:
        name, options["emblem"] = names.institution_name(rng), ("wreath", "gear", "scales")[int(rng.integers(3))]
    else:
        name, options["emblem"] = names.place(rng) + "市总工会", "gear"
        options["inner_line_mm"] = round(float(rng.uniform(0.1, 0.2)), 2)
    diameter = round(float(rng.uniform(41.6, 45.2)), 2)
    span = min(name_span(len(name)) * float(rng.uniform(1.05, 1.22)), 285.0)
    options["span"] = round(span, 1)
    options["inset_mm"] = round(float(rng.uniform(0.6, 1.3)), 2)
    options["emblem_mm"] = round(diameter * float(rng.uniform(0.46, 0.53)), 2)
    texts = {"name": name}
    if rng.random() < 0.15:
        texts["purpose"] = ("专用章", "业务专用章", "行政审批专用章", _POLICE)[int(rng.integers(4))]
        if texts["purpose"] == _POLICE and not name.endswith("公安局"):
            texts["purpose"] = "专用章"
        options["span"] = min(options["span"], 235.0)
        options["emblem_mm"] = round(0.82 * options["emblem_mm"], 2)
    elif rng.random() < 0.4 and span < 262.0:
        texts["code"] = ringed.code(rng)
        options.update(ringed.code_options(rng, 360.0 - span))
    features = ringed.security_features(rng)
    features.pop("inner_line_mm", None)
    options.update(features)
    return SealDesign(
        kind="government",
        size_mm=(diameter, diameter),
        texts=texts,
        font=("song", "bold-song", "fangsong")[int(rng.choice(3, p=(0.7, 0.2, 0.1)))],
        ring_mm=round(float(rng.uniform(0.9, 1.25)), 2),
        height_mm=round((6.1 - 0.09 * max(len(name) - 7, 0)) * float(rng.uniform(0.92, 1.06)), 2),
        condense=round(float(rng.uniform(0.7, 0.95)), 2),
        weight=round(float(rng.uniform(0.08, 0.2)), 3),
        options=options,
    )


def plan(design: SealDesign) -> Layout:
    """Ring, name, emblem; a "purpose" in a row under it."""
    layout, axes = ringed.start(design)
    row = design.texts.get("purpose")
    free = axes[0] - float(design.options.get("inset_mm", 1.0)) - design.height_mm - 0.9
    size = min(float(design.options.get("emblem_mm", 0.42 * design.size_mm[0])), 2.0 * free)
    ringed.put_name(design, layout, axes)
    layout.marks.extend(emblem(str(design.options.get("emblem", "wreath")), size, (0.0, -1.6 if row else 0.0)))
    if row:
        straight_text(
            layout,
            row,
            role="purpose",
            font=design.font,
            centre=(0.0, size / 2.0 + 1.6),
            height=3.8,
            width=1.15 * axes[0],
            condense=0.9,
            weight=design.weight,
        )
    ringed.put_code(design, layout, axes)
    return ringed.finish(design, layout)


KIND = SealKind("government", sample, plan, share=0.03)
