"""Dies that are not the genuine one: a design with one thing changed, as forgers of seals get wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.random import Generator

from seal2real.errors import MissingGlyphError, UsageError
from seal2real.seal import SealDesign, draw
from seal2real.seal.names import words

Change = tuple[SealDesign, str, str]  # the altered design, what it was, what it is now
_FONTS = ("song", "fangsong", "bold-song", "kai", "hei", "bold-hei", "li")
# Characters that are taken for each other at a glance.
_LOOKALIKES = (
    "大太天夫", "土士王玉", "日目白自", "人入八", "干千于", "田由甲申", "木本未末", "力刀", "问间闻", "今令", "己已巳",
    "科料", "技枝", "贸货", "易昌", "源沅", "洪供", "建健", "宏宝", "鑫金", "海梅", "兴六", "东车",
    "江汇", "新断", "星呈", "明朋", "达迭", "安女", "昌晶", "林材", "中申", "山出", "石右", "云去", "民氏", "未朱",
    "市布",
)  # fmt: skip
_SORTS = (
    "0123456789",
    "ABCDEFGHJKLMNPQRTUWXY",
    "abcdefghijklmnopqrstuvwxyz",
    "АБВГДЕЖЗИКЛМНОПРСТУФХЭЮЯ",
    "абвгдежзиклмнопрстуфхэюя",
)
_ROLES = ("name", "purpose", "place", "code", "tax-number", "serial")
_FORMS = "有限责任公司股份专用章"  # every seal has them; nobody changes those
_DIFFERENT = 0.002  # share of the ink that must differ
_TRIES = 12


def alter_design(design: SealDesign, rng: Generator, change: str | None = None) -> tuple[SealDesign, dict[str, str]]:
    """A design with one thing changed, so that an impression of it is not one of the genuine die.

    Args:
        design: the genuine one.
        rng: source of every choice.
        change: one of `CHANGES`; None for a random one that the design allows.

    Returns:
        The other design, and what was changed: ``{"what": name of the change, "was": .., "now": ..}``.

    Raises:
        UsageError: unknown change, or the design does not allow it (no star to turn, say).
    """
    if change is not None and change not in CHANGES:
        raise UsageError(f"no change {change!r} of a seal's design; use one of {', '.join(CHANGES)}")
    genuine = draw(design, 100.0).coverage
    weights = np.array([_SHARES[name] for name in CHANGES])
    for _ in range(_TRIES):
        what = change or list(CHANGES)[int(rng.choice(len(weights), p=weights / weights.sum()))]
        changed = CHANGES[what](design, rng)
        if changed is None:
            continue
        other, was, now = changed
        try:
            coverage = draw(other, 100.0).coverage
        except (MissingGlyphError, UsageError):  # another try, another character or font
            continue
        if coverage.shape != genuine.shape or np.abs(coverage - genuine).sum() > _DIFFERENT * genuine.sum():
            return other, {"what": what, "was": was, "now": now}
    raise UsageError(f"the design of a {design.kind} seal does not allow the change {change or 'of anything'}")


def _character(design: SealDesign, rng: Generator) -> Change | None:
    """One character of the text: often one that looks alike, else another of its sort."""
    places = [
        (role, index)
        for role in _ROLES
        for index, character in enumerate(design.texts.get(role, ""))
        if _others(character) and character not in _FORMS
    ]
    if not places:
        return None
    names = [place for place in places if place[0] == "name"]
    places = names if names and rng.random() < 0.7 else places
    alike = [place for place in places if _alike(design.texts[place[0]][place[1]])]
    places = alike if alike and rng.random() < 0.5 else places
    role, index = places[int(rng.integers(len(places)))]
    was = design.texts[role][index]
    others = _alike(was) if _alike(was) and rng.random() < 0.6 else _others(was)
    now = others[int(rng.integers(len(others)))]
    text = design.texts[role][:index] + now + design.texts[role][index + 1 :]
    return replace(design, texts={**design.texts, role: text}), was, now


def _alike(character: str) -> str:
    return "".join(group.replace(character, "") for group in _LOOKALIKES if character in group)


def _others(character: str) -> str:
    """Characters of the same sort."""
    for sort in _SORTS:
        if character in sort:
            return sort.replace(character, "")
    if "\u4e00" <= character <= "\u9fff":
        known = "".join((*words("brand_first"), *words("brand_second"), *words("place_first"), *words("place_second")))
        return known.replace(character, "")
    return ""


def _font(design: SealDesign, rng: Generator) -> Change | None:
    """Another style of characters."""
    others = [font for font in _FONTS if font != design.font]
    font = others[int(rng.integers(len(others)))]
    return replace(design, font=font), design.font, font


def _star(design: SealDesign, rng: Generator) -> Change | None:
    """The star turned about its middle."""
    if design.star_mm <= 0:
        return None
    turn = round(float(rng.uniform(7.0, 36.0)) * (1.0 if rng.random() < 0.5 else -1.0), 1)
    was = float(design.options.get("star_turn", 0.0))
    return replace(design, options={**design.options, "star_turn": was + turn}), f"{was:g} deg", f"{was + turn:g} deg"


def _ring(design: SealDesign, rng: Generator) -> Change | None:
    """A wider or a narrower ring or frame."""
    if design.ring_mm <= 0:
        return None
    factor = float(rng.uniform(0.5, 0.78) if rng.random() < 0.5 else rng.uniform(1.3, 1.75))
    now = round(design.ring_mm * factor, 2)
    return replace(design, ring_mm=now), f"{design.ring_mm:g} mm", f"{now:g} mm"


def _size(design: SealDesign, rng: Generator) -> Change | None:
    """Everything 3 to 10 % larger or smaller."""
    percent = round(float(rng.uniform(3.0, 10.0)) * (1.0 if rng.random() < 0.5 else -1.0), 1)
    factor = 1.0 + percent / 100.0

    def scaled(value: float) -> float:
        return round(value * factor, 4)

    options: dict[str, Any] = {
        key: scaled(value) if key.endswith("_mm") and isinstance(value, int | float) else value
        for key, value in design.options.items()
    }
    other = replace(
        design,
        size_mm=(scaled(design.size_mm[0]), scaled(design.size_mm[1])),
        ring_mm=scaled(design.ring_mm),
        star_mm=scaled(design.star_mm),
        height_mm=scaled(design.height_mm),
        weight=scaled(design.weight),
        options=options,
    )
    return other, f"{design.size_mm[0]:g} x {design.size_mm[1]:g} mm", f"{other.size_mm[0]:g} x {other.size_mm[1]:g} mm"


CHANGES: dict[str, Callable[[SealDesign, Generator], Change | None]] = {
    "character": _character,
    "font": _font,
    "star-turn": _star,
    "ring-width": _ring,
    "size": _size,
}
_SHARES = {"character": 0.34, "font": 0.18, "star-turn": 0.16, "ring-width": 0.14, "size": 0.18}
