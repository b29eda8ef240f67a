"""Templates that bring their own recipe: the words and the style of a page, declared in the head of one .typ file.

The head is YAML in comments, between two lines ``// ---``, at the very top of ``templates/NAME-LANGUAGE.typ``::

    // ---
    // style: {size: [10, 10.5, 11], indent: 0}
    // data:
    //   buyer: "{firm}"
    //   title: [Purchase Order, PURCHASE ORDER]
    //   items: {goods: [3, 9]}
    //   sign: "For and on behalf of {buyer}"
    // ---

``style`` overrides what `style.page_style` draws; ``data`` becomes the template's data. Values are drawn in the order
in which they stand:

- text: ``{name}`` is an earlier value of that name, else a fresh word (`words_zh.FIELDS`, `words_en.FIELDS`; with the
  prefix ``zh_`` or ``en_`` of that language; ``digitsN`` for N digits);
- a list: one of its values, drawn at random;
- ``{all: [...]}``: the list itself; ``{table: [[...], ...]}``: its rows, every cell drawn;
- ``{some: [low, high], from: [...]}``: that many different ones, in their order;
- ``{between: [low, high]}``: a number, whole if both limits are;
- ``{repeat: [low, high], of: value}``: that many fresh values;
- ``{chance: p, then: value, else: value}``: ``then`` (true if left out) with probability p, otherwise ``else`` (or the
  empty value of the same kind);
- ``{goods: [low, high], tax: percent}``: rows of goods with their sums (see `goods`);
- ``{english: name}``: what the Chinese company that is the earlier value of that name calls itself in English;
- ``{money: [low, high]}``: an amount of 10**low to 10**high, as ``figure``, ``capital`` and ``words``;
- any other mapping: its values, each drawn.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from seal2real.errors import Seal2RealError
from seal2real.page import words_en, words_zh
from seal2real.page.style import page_style
from seal2real.page.text import Filler, capital_amount, chance, choose, digits, fill
from seal2real.seal import names

_FENCE = "// ---"
_LATER = {name: f"{{{name}}}" for name in ("i", "page", "pages")}  # for the template itself to fill in


def has_recipe(path: Path) -> bool:
    """Whether the template declares its own data."""
    with path.open(encoding="utf-8") as file:
        return file.readline().rstrip() == _FENCE


@functools.cache
def read_recipe(path: Path) -> Mapping[str, Any]:
    """The head of a template: ``style`` and ``data``.

    Raises:
        Seal2RealError: the head is not closed, is not YAML, or holds other keys.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    try:
        end = lines.index(_FENCE, 1)
        head = yaml.safe_load("\n".join(line.removeprefix("//").removeprefix(" ") for line in lines[1:end])) or {}
    except ValueError as error:
        raise Seal2RealError(
            f"template {path.name}: its recipe does not end; close it with a line {_FENCE!r}"
        ) from error
    except yaml.YAMLError as error:
        raise Seal2RealError(f"template {path.name}: its recipe is not YAML: {' '.join(str(error).split())}") from error
    unknown = set(head) - {"style", "data"} if isinstance(head, dict) else {"?"}
    if unknown:
        raise Seal2RealError(f"template {path.name}: its recipe may hold style and data, not {sorted(unknown)}")
    return dict(head)


def fill_recipe(path: Path, language: str, rng: np.random.Generator) -> dict[str, Any]:
    """Draw the words and the style of one page.

    Args:
        path: the template.
        language: "zh", "en" or "mixed" (Chinese with English: words and style are Chinese unless prefixed).
        rng: source of every choice.

    Returns:
        JSON values for the template: ``style`` and what the recipe declares.

    Raises:
        Seal2RealError: the recipe is wrong, e.g. names a word that nobody knows.
    """
    recipe = read_recipe(path)
    maker = _Maker(rng, "en" if language == "en" else "zh")
    style = page_style(rng, maker.language)
    try:
        drawn = maker.value(recipe.get("style", {}))
        style |= {**drawn, "margin": {**style["margin"], **drawn.get("margin", {})}}
        for key, recipe_value in recipe.get("data", {}).items():
            maker.known[key] = maker.value(recipe_value)
    except KeyError as error:
        raise Seal2RealError(f"template {path.name}: its recipe names {error}, which is no word or operator") from error
    except (TypeError, ValueError, IndexError) as error:
        raise Seal2RealError(f"template {path.name}: a value of its recipe cannot be drawn: {error}") from error
    return {**maker.known, "style": style}


class _Words(Mapping[str, Filler]):
    """Every word a pattern may name."""

    def __init__(self, rng: np.random.Generator, language: str):
        both = {"zh": words_zh.fields(rng), "en": words_en.fields(rng)}
        self._fillers = {**both[language]}
        for prefix, fillers in both.items():
            self._fillers |= {f"{prefix}_{name}": filler for name, filler in fillers.items()}

    def __getitem__(self, name: str) -> Filler:
        if name.startswith("digits") and name[6:].isdigit():
            return lambda rng: digits(rng, int(name[6:]))
        return self._fillers[name]

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self._fillers)

    def __len__(self) -> int:
        return len(self._fillers)


class _Maker:
    """Draws the values of one recipe."""

    def __init__(self, rng: np.random.Generator, language: str):
        self.rng, self.language = rng, language
        self.words = _Words(rng, language)
        self.known: dict[str, Any] = {}

    def value(self, recipe: Any) -> Any:
        """Draw one value."""
        if isinstance(recipe, str):
            texts = _LATER | {
                name: str(value) for name, value in self.known.items() if not isinstance(value, (dict, list))
            }
            return fill(self.rng, recipe, texts, self.words)
        if isinstance(recipe, list):
            return self.value(choose(self.rng, recipe))
        if not isinstance(recipe, dict):
            return recipe
        if "all" in recipe:
            return [self.value(v) for v in recipe["all"]]
        if "table" in recipe:
            return [[self.value(cell) for cell in row] for row in recipe["table"]]
        if "some" in recipe:
            options = recipe["from"]
            kept = sorted(int(i) for i in self.rng.permutation(len(options))[: self._count(recipe["some"])])
            return [self.value(options[i]) for i in kept]
        if "between" in recipe:
            low, high = recipe["between"]
            if isinstance(low, int) and isinstance(high, int):
                return int(self.rng.integers(low, high + 1))
            return round(float(self.rng.uniform(low, high)), 3)
        if "repeat" in recipe:
            return [self._numbered(recipe["of"], i) for i in range(1, self._count(recipe["repeat"]) + 1)]
        if "chance" in recipe:
            if chance(self.rng, recipe["chance"]):
                return self.value(recipe.get("then", True))
            other = recipe.get("else")
            return self.value(other) if other is not None else _empty(recipe.get("then", True))
        if "goods" in recipe:
            return goods(self.rng, self.language, self._count(recipe["goods"]), self.value(recipe.get("tax", 0)))
        if "english" in recipe:
            return names.in_english(self.known[recipe["english"]]) or words_en.firm(self.rng)
        if "money" in recipe:
            low, high = recipe["money"]
            cents = int(10 ** self.rng.uniform(low, high)) * 100
            if chance(self.rng, 0.6):
                cents -= cents % 10 ** max(len(str(cents)) - 3, 2)
            return amount(cents)
        return {name: self.value(v) for name, v in recipe.items()}

    def _count(self, limits: Any) -> int:
        low, high = limits if isinstance(limits, list) else (limits, limits)
        return int(self.rng.integers(low, high + 1))

    def _numbered(self, recipe: Any, number: int) -> Any:
        outer = self.known
        self.known = {**outer, "i": str(number)}
        try:
            return self.value(recipe)
        finally:
            self.known = outer


def _empty(value: Any) -> Any:
    """What stands where a value was left out."""
    if isinstance(value, bool):
        return False
    if isinstance(value, (int, float)):
        return 0
    return [] if isinstance(value, dict) and {"all", "table", "some", "repeat"} & set(value) else ""


def amount(cents: int) -> dict[str, str]:
    """An amount in the ways that documents write it: ``figure``, Chinese ``capital``, English ``words``."""
    english = words_en.number_words(cents // 100) if cents < 10**11 else ""
    return {
        "figure": f"{cents / 100:,.2f}",
        "capital": capital_amount(cents),
        "words": (english[:1].upper() + english[1:]) + (f" and {cents % 100:02d}/100" if cents % 100 else ""),
    }


def goods(rng: np.random.Generator, language: str, count: int, tax: float = 0) -> dict[str, Any]:
    """Lines of a trade document whose sums are right.

    Returns:
        ``rows`` of [number, name, model, unit, quantity, price, amount], and ``net``, ``tax`` and ``total`` as of
        `amount`.
    """
    rows, net = [], 0
    for number in range(1, count + 1):
        price, quantity = int(rng.integers(5, 4000)) * 50, int(rng.integers(1, 120))
        net += price * quantity
        name, unit = (words_en.goods(rng), choose(rng, ("pcs", "set", "box", "kg", "unit", "m")))
        if language == "zh":
            name, unit = words_zh.goods(rng), words_zh.unit(rng)
        model = words_zh.model_number(rng).replace("型", "") if language == "en" else words_zh.model_number(rng)
        sums = (f"{price / 100:,.2f}", f"{price * quantity / 100:,.2f}")
        rows.append([str(number), name, model, unit, str(quantity), *sums])
    due = round(net * tax / 100)
    return {"rows": rows, "net": amount(net), "tax": amount(due), "total": amount(net + due)}
