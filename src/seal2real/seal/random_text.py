"""Seals whose text is random characters: from them a recogniser learns characters that names seldom have."""

from __future__ import annotations

from dataclasses import replace

from numpy.random import Generator

from seal2real.seal.design import SealDesign
from seal2real.seal.font_coverage import scripts
from seal2real.seal.fonts import missing_characters

_RARE = 0.1  # of the Chinese characters: those of GB/T 2312 level 2
_KEPT = 0.3  # of the texts stay what they are
_TRIES = 8  # until a font has the character


def with_random_text(design: SealDesign, rng: Generator, rare: float = _RARE) -> SealDesign:
    """The design with the characters of most of its texts exchanged: Chinese ones (also kana) for any of GB/T 2312,
    letters for letters of their script and case, digits for digits. Signs and the count of characters stay.

    Args:
        design: any.
        rng: source of every choice.
        rare: share of the Chinese characters that are rarer ones, 0..1.
    """
    texts = {
        role: text
        if rng.random() < _KEPT
        else "".join(_another(character, design.font, rng, rare) for character in text)
        for role, text in design.texts.items()
    }
    return replace(design, texts=texts)


def _another(character: str, font: str, rng: Generator, rare: float) -> str:
    known = scripts()
    for pool in ("latin", "accented", "vietnamese", "cyrillic", "digits"):
        if character in known[pool]:
            same = [c for c in known[pool] if c.isupper() == character.isupper()]
            break
    else:
        if not "\u3040" <= character <= "\u9fff" or character in "〇々ー":
            return character
        same = list(known["gb2312-2" if rng.random() < rare else "gb2312-1"])
    for _ in range(_TRIES):
        other = same[int(rng.integers(len(same)))]
        if not missing_characters(other, font):
            return other
    return character
