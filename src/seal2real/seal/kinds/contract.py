"""Contract seals (合同专用章): round, 38 to 42 mm, or the old style of 58 mm with the bank, telephone and address."""

from __future__ import annotations

from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout
from seal2real.seal.kinds import department, ringed
from seal2real.seal.kinds.base import SealKind
from seal2real.seal.lettering import name_span, straight_text

_DETAILS = ("bank", "account", "telephone", "address")


def sample(rng: Generator) -> SealDesign:
    """One in eight is of the old style."""
    name, row = names.company_name(rng), names.pick(rng, "contract_purposes")
    if rng.random() > 0.125:
        return department.special(rng, "contract", name, row, star_share=0.6)
    texts = {
        "name": name,
        "purpose": "合同专用章",
        "bank": f"开户银行：{names.place(rng)}{names.pick(rng, 'banks')}{names.place(rng)}支行",
        "account": f"账号：{names.digits(rng, int(rng.integers(12, 18)))}",
        "telephone": f"电话：{names.telephone(rng)}",
        "address": f"地址：{names.address(rng)}",
    }
    return SealDesign(
        kind="contract",
        size_mm=(58.0, 58.0),
        texts=texts,
        font="song" if rng.random() < 0.7 else "fangsong",
        ring_mm=round(float(rng.uniform(1.3, 1.6)), 2),
        height_mm=round(float(rng.uniform(6.2, 7.0)), 2),
        condense=round(float(rng.uniform(0.66, 0.85)), 2),
        weight=round(float(rng.uniform(0.08, 0.16)), 3),
        options={
            "old_style": True,
            "inset_mm": round(float(rng.uniform(0.8, 1.4)), 2),
            "span": round(min(name_span(len(name)), 236.0), 1),
            **ringed.security_features(rng),
        },
    )


def plan(design: SealDesign) -> Layout:
    """The department's layout, or (option "old_style") the purpose and four rows of details."""
    if not design.options.get("old_style"):
        return department.plan(design)
    layout, axes = ringed.start(design)
    ringed.put_name(design, layout, axes)
    reach = axes[0] - float(design.options.get("inset_mm", 1.0)) - design.height_mm - 0.8
    rows = [("purpose", design.texts["purpose"], 4.6)]
    rows += [(role, design.texts[role], 2.7) for role in _DETAILS if design.texts.get(role)]
    y = -5.2
    for role, text, height in rows:
        radius = reach if y < 9.0 else axes[0] - 1.5  # below the name's ends the rows may reach to the ring
        far = abs(y) + height / 2.0
        straight_text(
            layout,
            text,
            role=role if role == "purpose" else "notice",
            font=design.font,
            centre=(0.0, y),
            height=height,
            width=2.0 * max(radius**2 - far**2, 25.0) ** 0.5 - 1.0,
            condense=0.9,
            weight=design.weight * height / 5.0,
        )
        y += height / 2.0 + 1.3 + 1.35 + (1.1 if role == "purpose" else 0.0)
    return ringed.finish(design, layout)


KIND = SealKind("contract", sample, plan, share=0.035)
