"""Seals of a company's branch: the whole name on the ring, or the branch in a row under the star."""

from __future__ import annotations

from dataclasses import replace

from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.kinds import company, ringed
from seal2real.seal.kinds.base import SealKind
from seal2real.seal.lettering import name_span


def sample(rng: Generator) -> SealDesign:
    """38 to 40 mm."""
    base = company.sample(rng)
    form = "有限公司" if rng.random() < 0.75 else "股份有限公司"
    name = names.company_name(rng, form)
    branch = f"{names.place(rng)}{('分公司', '分公司', '办事处', '营业部')[int(rng.integers(4))]}"
    texts = {"name": name, "purpose": branch}
    if len(name) < 14 and rng.random() < 0.45:
        texts = {"name": name + branch}
    span = name_span(len(texts["name"]))
    options = {"inset_mm": base.options["inset_mm"], "span": span}
    if rng.random() < 0.6:
        texts["code"] = ringed.code(rng)
        options.update(ringed.code_options(rng, 360.0 - span))
    options.update(ringed.security_features(rng))
    diameter = round((38.0 if rng.random() < 0.5 else 40.0) + float(rng.normal(0.0, 0.3)), 2)
    return replace(
        base,
        kind="branch",
        size_mm=(diameter, diameter),
        texts=texts,
        ring_mm=round(float(rng.uniform(0.9, 1.15)), 2),
        star_mm=round(diameter / (3.0 if "purpose" not in texts else 3.6), 2),
        height_mm=round((5.3 - 0.07 * max(len(texts["name"]) - 8, 0)) * float(rng.uniform(0.92, 1.05)), 2),
        options=options,
    )


KIND = SealKind("branch", sample, company.plan, share=0.02)
