"""Designs from some of their values: what is left open is filled in, what is wrong is explained.

A value that is not given comes from a design that the kind itself samples: out of `_CANDIDATES` of them, drawn from the
seed, the first whose texts are most like the given ones (the same roles, the same script, about as many characters), so
that the letters have the size and the span that such a name gets. Lengths are scaled along if a size is given. Equal
input gives an equal design.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from seal2real.errors import MissingGlyphError, Seal2RealError, UsageError
from seal2real.seal.design import SealDesign, check_value, nearest
from seal2real.seal.drawing import INK_RGB, lay_out
from seal2real.seal.fonts import font_family
from seal2real.seal.kinds import KINDS, kind_of
from seal2real.seal.option_values import check_option
from seal2real.seeding import rng_for

_CANDIDATES = 256
_SLACK = 2  # a name that is longer or shorter by this many characters still looks well in the same setting
FIELDS = tuple(SealDesign.__dataclass_fields__)
KEYS = (*FIELDS, "text", "colour", "wear", "seed")
_LENGTHS = ("ring_mm", "star_mm", "height_mm", "weight")


@dataclass(frozen=True)
class Source:
    """Where the values come from, for the messages."""

    name: str = ""
    lines: Mapping[tuple[str, ...], int] = field(default_factory=dict)

    def error(self, message: str, *path: str) -> UsageError:
        line = next((self.lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.lines), None)
        where = f"{self.name}:{line}: " if line else f"{self.name}: " if self.name else ""
        return UsageError(where + message)


def complete_design(values: Mapping[str, Any], seed: int = 0) -> SealDesign:
    """A design from some of its values; the rest is filled in as the kind has it, the same for the same input.

    Args:
        values: the fields of `SealDesign` and "text" (the main text), "colour" (for ``options["ink"]``), "wear" (for
            ``options["wear"]``, how worn its impressions are, 0 to 1), "seed". Only "kind" must be there. ``size_mm``
            may be one number, the width. None takes a text or an option out, and leaves any other value open. Texts
            that the kind cannot do without are made up if they are not given; no other text is added, unless no text
            is given at all. Where every field of `SealDesign` is given, nothing is filled in.
        seed: chooses among the ways to fill in what is open.

    Raises:
        UsageError: an unknown key, kind, role, option or font (the message names the nearest known one), a value of a
            wrong type or out of range, a design that cannot be laid out.
        MissingGlyphError: if a font lacks characters of the text.
    """
    return complete(dict(values), seed, Source())


def complete(values: dict[str, Any], seed: int, source: Source) -> SealDesign:
    for key in values:
        if key not in KEYS:
            raise source.error(f"unknown key {key!r}; {nearest(key, KEYS)}", key)
    values = {key: value for key, value in values.items() if value is not None}
    kind = _checked("kind", values.get("kind"), source) if "kind" in values else None
    if kind is None:
        raise source.error(f"key 'kind' is missing; give one of {', '.join(KINDS)}")
    if kind not in KINDS:
        raise source.error(f"no seal kind {kind!r}; {nearest(kind, KINDS)}", "kind")
    seed = values.get("seed", seed)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise source.error(f"seed is {seed!r}; give a whole number from 0", "seed")
    candidates = _candidates(kind, seed)
    whole = all(key in values for key in FIELDS)
    given = _given_texts(values, candidates, source)
    chosen = _most_alike(candidates, {role: text for role, text in given.items() if text is not None})
    design = replace(chosen, options={}) if whole else chosen
    design = _scaled(design, values, source)
    for key in ("font", "ring_mm", "star_mm", "height_mm", "condense", "weight"):
        if key in values:
            design = replace(design, **{key: _checked(key, values[key], source)})
    design = replace(design, options=_options(design, values, candidates, source))
    texts = {role: text for role, text in given.items() if text is not None}
    design = replace(design, texts=texts if whole else _texts(design, given, chosen))
    _check_layout(design, values, candidates, source)
    return design


def _checked(key: str, value: Any, source: Source) -> Any:
    try:
        value = check_value(key, value)
        if key == "font":
            font_family(value)  # reads it
    except UsageError as error:
        raise source.error(str(error), key) from None
    return value


@lru_cache(maxsize=64)
def _candidates(kind: str, seed: int) -> tuple[SealDesign, ...]:
    return tuple(kind_of(kind).sample(rng_for(seed, index, "design")) for index in range(_CANDIDATES))


def _given_texts(
    values: Mapping[str, Any], candidates: tuple[SealDesign, ...], source: Source
) -> dict[str, str | None]:
    """The texts that are given, None for one that is to be left out."""
    texts = values.get("texts", {})
    if not isinstance(texts, Mapping):
        raise source.error(f"texts is {texts!r}; give roles and their texts, such as 'name: ...'", "texts")
    texts = dict(texts)
    if "text" in values:
        main = _main_role(candidates)
        if texts.get(main) is not None:
            raise source.error(f"'text' and {main!r} in 'texts' say the same twice; keep one of them", "text")
        texts[main] = values["text"]
    for role, text in texts.items():
        if text is None:
            continue
        place = ("texts", role) if ("texts", role) in source.lines else ("text",)
        if not isinstance(text, str):
            raise source.error(f"text {role!r} is {text!r}; give text in quotes", *place)
        if not text.strip():
            raise source.error(f"text {role!r} is empty; give at least one character, or leave it out", *place)
        try:
            check_value("texts", {role: text})
        except UsageError as error:
            raise source.error(str(error), *place) from None
    return texts


def _main_role(candidates: tuple[SealDesign, ...]) -> str:
    """The first of the roles that every design of the kind has."""
    common = set.intersection(*(set(design.texts) for design in candidates))
    return next((role for role in candidates[0].texts if role in common), next(iter(candidates[0].texts), "name"))


def _most_alike(candidates: tuple[SealDesign, ...], texts: Mapping[str, str]) -> SealDesign:
    """The first candidate with the same roles, scripts and lengths of text, as near as there is one."""
    if not texts:
        return candidates[0]

    def distance(design: SealDesign) -> tuple[int, int, int, int]:
        shared = [role for role in texts if role in design.texts]
        script = sum(_script(texts[role]) != _script(design.texts[role]) for role in shared)
        lengths = sum(max(abs(len(texts[role]) - len(design.texts[role])) - _SLACK, 0) for role in shared)
        return len(texts) - len(shared), script, len(design.texts) - len(shared), lengths

    return min(candidates, key=distance)


def _script(text: str) -> str:
    """Which of the scripts that are set differently a text is in, by its last letter of one."""
    for character in reversed(text):
        if "\u2e80" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff":
            return "han"
        if "\u3040" <= character <= "\u30ff":
            return "kana"
        if "\u0400" <= character <= "\u04ff":
            return "cyrillic"
        if character.isalpha():
            return "latin"
    return "none"


def _scaled(chosen: SealDesign, values: Mapping[str, Any], source: Source) -> SealDesign:
    """The design at the given size, its lengths along with it. One number is the width, and keeps the proportions."""
    if "size_mm" not in values:
        return chosen
    size = values["size_mm"]
    if isinstance(size, int | float) and not isinstance(size, bool):
        size = [size, size * chosen.size_mm[1] / chosen.size_mm[0]]
    size = _checked("size_mm", size, source)
    scale = min(size[0] / chosen.size_mm[0], size[1] / chosen.size_mm[1])
    lengths = {key: round(getattr(chosen, key) * scale, 3) for key in _LENGTHS}
    options = {key: _times(value, scale) if key.endswith("_mm") else value for key, value in chosen.options.items()}
    return replace(chosen, size_mm=(round(size[0], 3), round(size[1], 3)), options=options, **lengths)


def _times(value: Any, scale: float) -> Any:
    if isinstance(value, list | tuple):
        return [_times(part, scale) for part in value]
    return round(value * scale, 3) if isinstance(value, float) else value


def _options(
    design: SealDesign, values: Mapping[str, Any], candidates: tuple[SealDesign, ...], source: Source
) -> dict[str, Any]:
    """The filled options with the given ones in their place, their types as the kind's own designs have them."""
    try:
        given = check_value("options", values.get("options", {}))
    except UsageError as error:
        raise source.error(str(error), "options") from None
    options = dict(design.options)
    roles = dict.fromkeys(role for candidate in candidates for role in candidate.texts)
    for key, value in given.items():
        if value is None:
            options.pop(key, None)
            continue
        usual = {_type(c.options[key]) for c in candidates if key in c.options}
        if usual and _type(value) not in usual:
            wanted = " or ".join(sorted(usual))
            raise source.error(f"option {key!r} is {value!r}; give {wanted}", "options", key)
        if "font" in key and isinstance(value, str):
            try:
                font_family(value)
            except UsageError as error:
                raise source.error(str(error), "options", key) from None
        try:
            check_option(design.kind, key, value, roles)
        except UsageError as error:
            raise source.error(str(error), "options", key) from None
        options[key] = value
    if "wear" in values:
        try:
            check_option(design.kind, "wear", values["wear"], roles)
        except UsageError as error:
            raise source.error(str(error), "wear") from None
        options["wear"] = float(values["wear"])
    if "colour" in values:
        if values["colour"] not in INK_RGB:
            message = f"no ink colour {values['colour']!r}; {nearest(str(values['colour']), INK_RGB)}"
            raise source.error(message, "colour")
        options["ink"] = values["colour"]
    return options


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list | tuple) else "a mapping"


def _texts(design: SealDesign, given: Mapping[str, str | None], chosen: SealDesign) -> dict[str, str]:
    """The given texts, and those of the chosen design that the kind cannot be laid out without."""
    if not given:
        return dict(chosen.texts)
    texts = {role: text for role, text in given.items() if text is not None}
    needed = [role for role in chosen.texts if role not in given]
    if not texts:  # only texts to leave out are given
        return {role: chosen.texts[role] for role in needed}
    while needed:
        try:
            kind_of(design.kind).plan(replace(design, texts=texts))
            break
        except KeyError as error:
            role = str(error.args[0]) if error.args and error.args[0] in needed else needed[0]
        except MissingGlyphError:
            break  # of a given text: told when all is complete
        except (Seal2RealError, ValueError, IndexError):
            role = needed[0]
        needed.remove(role)
        texts[role] = chosen.texts[role]
    order = [role for role in chosen.texts if role in texts] + [role for role in texts if role not in chosen.texts]
    return {role: texts[role] for role in order}


def _check_layout(
    design: SealDesign, values: Mapping[str, Any], candidates: tuple[SealDesign, ...], source: Source
) -> None:
    """Lay the design out once, and refuse what fails or what nothing looks at."""
    texts, options = _Watched(design.texts), _Watched(design.options)
    try:
        lay_out(replace(design, texts=texts, options=options))
    except MissingGlyphError as error:
        raise MissingGlyphError(error.characters, error.font, source.name) from None
    except Seal2RealError as error:
        raise source.error(str(error)) from None
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise source.error(f"a {design.kind} seal cannot be laid out with these values ({reason})") from None
    roles = dict.fromkeys(role for candidate in candidates for role in candidate.texts) | dict.fromkeys(texts.seen)
    for role in values.get("texts", {}):
        if role not in roles:
            raise source.error(f"a {design.kind} seal has no text {role!r}; {nearest(role, roles)}", "texts", role)
    names = dict.fromkeys(name for candidate in candidates for name in candidate.options) | dict.fromkeys(options.seen)
    for name in values.get("options", {}):
        if name not in names and name not in ("ink", "wear"):
            raise source.error(f"a {design.kind} seal has no option {name!r}; {nearest(name, names)}", "options", name)


class _Watched(dict[str, Any]):
    """A dictionary that notes which of its keys were looked up."""

    def __init__(self, values: Mapping[str, Any]):
        super().__init__(values)
        self.seen: list[str] = []

    def __getitem__(self, key: str) -> Any:
        self.seen.append(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.seen.append(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self.seen.append(str(key))
        return super().__contains__(key)
