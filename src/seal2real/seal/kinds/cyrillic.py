"""Round stamps of Russian companies: legal form and town on the outer ring, ИНН and ОГРН within, the name inmost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.kinds import ringstamp
from seal2real.seal.kinds.base import SealKind


def sample(rng: Generator) -> SealDesign:
    """36 to 45 mm; ОГРН has 13 digits (15 for a sole trader), ИНН 10 (12)."""
    form = names.cyrillic_form(rng)
    sole = form.startswith("ИНДИВИД")
    if rng.random() < 0.25:
        form = form.capitalize()
    town = f"Г. {names.cyrillic_town(rng).upper()}"
    if rng.random() < 0.35:
        town = f"{names.pick(rng, 'cyrillic_regions')}, {town}"
    ogrn = f"{'ОГРНИП' if sole else 'ОГРН'} {'3' if sole else '1'}{names.digits(rng, 14 if sole else 12)}"
    inn = f"ИНН {names.digits(rng, 12 if sole else 10)}"
    brand = names.cyrillic_brand(rng)
    texts = {
        "name": form,
        "place": town,
        "code": ogrn,
        "purpose": f"«{brand}»" if rng.random() < 0.75 else brand.upper(),
    }
    options: dict[str, Any] = {"rings": 3, "around": bool(rng.random() < 0.2)}
    if rng.random() < 0.75:
        texts["tax-number"] = inn
        options["core_ring"] = bool(rng.random() < 0.75)
    elif rng.random() < 0.6:
        texts["code"] = f"{ogrn} * {inn}"
    if rng.random() < 0.25:
        texts["notice"] = names.pick(rng, "cyrillic_purposes")
    if rng.random() < 0.15:
        options["waves"] = int(rng.integers(40, 70))
    design = ringstamp.two_rings(rng, "cyrillic", texts, options)
    height = float(rng.uniform(2.1, 2.8)) * design.size_mm[0] / 40.0  # three rings leave less room than two
    return replace(design, height_mm=round(height, 2), condense=round(float(rng.uniform(0.8, 1.0)), 2))


KIND = SealKind(
    "cyrillic",
    sample,
    ringstamp.plan,
    share=0.008,
    foreign_share=0.06,
    colours={"red": 0.05, "blue": 0.72, "violet": 0.13, "black": 0.10},
)
