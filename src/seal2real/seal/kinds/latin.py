"""Round stamps of companies that write in Latin letters: name above, address below, a logo, date or words within."""

from __future__ import annotations

from typing import Any

from numpy.random import Generator

from seal2real.seal import names
from seal2real.seal.design import SealDesign
from seal2real.seal.emblems import LOGOS
from seal2real.seal.kinds import ringstamp
from seal2real.seal.kinds.base import SealKind


def sample(rng: Generator) -> SealDesign:
    """36 to 45 mm, two rings."""
    texts = {"name": names.english_company(rng).upper()}
    texts["place"] = names.latin_place(rng) if rng.random() < 0.5 else names.latin_address(rng).upper()
    options: dict[str, Any] = {"around": False, "rings": 2}
    roll = rng.random()
    if roll < 0.55:
        options["logo"] = LOGOS[int(rng.integers(len(LOGOS)))]
        if rng.random() < 0.45:
            texts["purpose"] = (
                f"EST. {int(rng.integers(1950, 2024))}" if rng.random() < 0.4 else names.latin_centre(rng)
            )
    elif roll < 0.75:
        texts["date"] = names.date(rng, "en")
    else:
        texts["purpose"] = names.latin_centre(rng) if rng.random() < 0.6 else names.english_department(rng)
        if rng.random() < 0.4:
            texts["notice"] = f"Reg. No. {names.digits(rng, 7)}"
    if rng.random() < 0.12:
        options["waves"] = int(rng.integers(40, 70))
    return ringstamp.two_rings(rng, "latin", texts, options)


KIND = SealKind(
    "latin",
    sample,
    ringstamp.plan,
    share=0.008,
    foreign_share=0.08,
    colours={"red": 0.22, "blue": 0.52, "violet": 0.16, "black": 0.10},
)
