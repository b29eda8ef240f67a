"""Sentence pools and their patterns, and the ways in which Chinese documents write numbers."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import yaml

T = TypeVar("T")
Filler = Callable[[np.random.Generator], str]
_FIELD = re.compile(r"\{(\w+)\}")

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLAIN_DIGITS = "〇一二三四五六七八九"
_UNITS = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿")


@functools.cache
def pool(name: str) -> Any:
    """The words of ``pools/NAME.yaml``; to be read only, as the same object is given every time."""
    text = (Path(__file__).parent / "pools" / f"{name}.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


def choose(rng: np.random.Generator, options: Sequence[T]) -> T:
    """One of the options, all as likely."""
    return options[int(rng.integers(len(options)))]


def some(rng: np.random.Generator, options: Sequence[T], count: int) -> list[T]:
    """``count`` different options (fewer if there are fewer), in random order."""
    order = rng.permutation(len(options))[:count]
    return [options[int(i)] for i in order]


def chance(rng: np.random.Generator, probability: float) -> bool:
    """True with this probability."""
    return bool(rng.random() < probability)


def uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number in [low, high), rounded to 3 decimals to keep the template's input short."""
    return round(float(rng.uniform(low, high)), 3)


def fill(rng: np.random.Generator, pattern: str, values: Mapping[str, str], fillers: Mapping[str, Filler]) -> str:
    """Replace each ``{name}`` by the fixed value of that name, else by a fresh word of the filler of that name.

    Raises:
        KeyError: neither knows the name.
    """

    def word(match: re.Match[str]) -> str:
        name = match.group(1)
        return values[name] if name in values else fillers[name](rng)

    return _FIELD.sub(word, pattern)


def digits(rng: np.random.Generator, count: int) -> str:
    """``count`` random digits, the first not zero."""
    return str(rng.integers(1, 10)) + "".join(str(d) for d in rng.integers(0, 10, size=count - 1))


def capital_amount(cents: int) -> str:
    """An amount in Chinese financial capitals, e.g. 123400 -> 壹仟贰佰叁拾肆元整.

    Args:
        cents: the amount in fen, 0 <= cents < 10**14.
    """
    yuan, jiao, fen = cents // 100, cents // 10 % 10, cents % 10
    text = _capital_integer(yuan) + "元" if yuan else ""
    if not jiao and not fen:
        return (text or "零元") + "整"
    if jiao:
        text += _DIGITS[jiao] + "角"
    elif yuan:
        text += "零"
    return text + (_DIGITS[fen] + "分" if fen else "整")


def _capital_integer(value: int) -> str:
    parts: list[str] = []
    group = 0
    gap = False  # whether a zero has to be read before the digits on the left
    while value:
        value, four = divmod(value, 10000)
        if four:
            text, zero = "", False
            for place in range(4):
                digit = four // 10**place % 10
                if digit:
                    text = _DIGITS[digit] + _UNITS[place] + ("零" if zero and text else "") + text
                    zero = False
                else:
                    zero = True
            parts.insert(0, text + _GROUPS[group] + ("零" if gap and parts else ""))
            gap = four < 1000
        elif parts:
            gap = True
        group += 1
    return "".join(parts)


def chinese_number(value: int) -> str:
    """1..99 in plain Chinese numerals, e.g. 12 -> 十二."""
    tens, ones = divmod(value, 10)
    head = "" if tens == 0 else ("十" if tens == 1 else _PLAIN_DIGITS[tens] + "十")
    return head + (_PLAIN_DIGITS[ones] if ones else "")


def chinese_digits(value: int) -> str:
    """Digit by digit, as in years: 2023 -> 二〇二三."""
    return "".join(_PLAIN_DIGITS[int(d)] for d in str(value))
