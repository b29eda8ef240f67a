"""What the options of a design may say, where they choose among words or list things."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from seal2real.errors import UsageError
from seal2real.seal.design import nearest
from seal2real.seal.drawing import INK_RGB
from seal2real.seal.emblems import EMBLEMS

_ARRANGEMENTS = ("columns", "column", "row")
# Option -> its words; where kinds differ, under "kind option".
_WORDS: dict[str, tuple[str, ...]] = {
    "separator": ("star", "asterisk", "dot"),
    "emblem": tuple(EMBLEMS),
    "logo": tuple(EMBLEMS),
    "date_lines": ("lines", "band", "none"),
    "ink": tuple(INK_RGB),
    "personal-square arrangement": _ARRANGEMENTS,
    "personal-rectangle arrangement": _ARRANGEMENTS,
    "personal-oval arrangement": ("column", "row"),
    "finance shape": ("round", "oval", "square"),
    "customs shape": ("oval", "round"),
    "riding shape": ("round", "box"),
}
_ROLE_LISTS = ("rows", "order")  # of texts, from the top
_NUMBER_LISTS = ("ring_gaps", "hairlines")  # degrees
_TEXT_LISTS = ("fields",)


def option_words(kind: str, option: str) -> tuple[str, ...]:
    """The words that an option may be; none where it is no choice among words."""
    return _WORDS.get(f"{kind} {option}", _WORDS.get(option, ()))


def check_option(kind: str, option: str, value: Any, roles: Collection[str]) -> None:
    """Refuse a value that the kind would pass over in silence, or stumble on.

    Args:
        kind: registry name.
        option: its name.
        value: what is given; its type is the usual one.
        roles: of the kind's texts.

    Raises:
        UsageError: an unknown word (the nearest is suggested), or a list of other things than the option's.
    """
    words = option_words(kind, option)
    if words and value not in words:
        raise UsageError(f"option {option!r} is {value!r}; {nearest(str(value), words)}")
    if option == "wear" and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1):
        raise UsageError(f"wear is {value!r}; give a number from 0 (pristine) to 1 (heavy)")
    if not isinstance(value, list | tuple):
        return
    for part in value:
        if option in _ROLE_LISTS and part not in roles:
            raise UsageError(f"option {option!r}: no text {part!r}; {nearest(str(part), roles)}")
        if option in _NUMBER_LISTS and (isinstance(part, bool) or not isinstance(part, int | float)):
            raise UsageError(f"option {option!r}: {part!r} is no number; give degrees")
        if option in _TEXT_LISTS and not isinstance(part, str):
            raise UsageError(f"option {option!r}: {part!r} is no text; put it in quotes")
