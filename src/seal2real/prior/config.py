"""Settings of a run from plain values: checked, with one line for every mistake."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from seal2real.errors import UsageError

Config = TypeVar("Config")
PRECISIONS = ("auto", "bf16", "no")  # no fp16: score differences are small, and training with it diverges (DMD2)


class FileValues(dict[str, Any]):
    """What a file says, key by key.

    Attributes:
        lines: key -> its line, from 1.
    """

    def __init__(self, values: Mapping[str, Any] = types.MappingProxyType({}), lines: Mapping[str, int] | None = None):
        super().__init__(values)
        self.lines = dict(lines or {})


def read_config(kind: type[Config], values: Mapping[str, Any], where: str) -> Config:
    """A config dataclass from plain values.

    Args:
        kind: a dataclass whose fields are bool, int, float, str, a tuple of one of these, or one of these or None.
        values: field names to values, as YAML or the command line gives them; with their lines if they are of a file.
        where: what an error message names as the source.

    Raises:
        UsageError: an unknown key (the message names the nearest known one), a missing one, or a value of another type.
    """
    hints = typing.get_type_hints(kind)
    checked = {}
    lines = values.lines if isinstance(values, FileValues) else {}
    for key, value in values.items():
        place = f"{where}:{lines[key]}" if key in lines else where
        if key not in hints:
            near = difflib.get_close_matches(key, hints, n=1, cutoff=0.0)
            raise UsageError(f"{place}: unknown key {key!r}; did you mean {near[0]!r}?")
        checked[key] = _typed(hints[key], value, f"{place}: {key}")
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        if field.default is dataclasses.MISSING and field.name not in checked:
            raise UsageError(f"{where}: {field.name} is missing")
    return kind(**checked)


def read_config_file(path: Path) -> FileValues:
    """The keys and values of a YAML file.

    Raises:
        UsageError: no such file, no valid YAML, no mapping, or a key that is given twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
        values, node = yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except OSError as error:
        raise UsageError(f"{path}: {(error.strerror or 'cannot be read').lower()}; give a YAML file") from None
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = path if mark is None else f"{path}:{mark.line + 1}"
        reason = getattr(error, "problem", None) or " ".join(str(error).split())
        raise UsageError(f"{place}: not readable as YAML ({reason})") from None
    if values is None or node is None:
        return FileValues()
    if not isinstance(values, dict):
        raise UsageError(f"{path}: expected 'key: value' lines, found a {type(values).__name__}")
    lines: dict[str, int] = {}
    for key, _ in node.value:
        line, name = key.start_mark.line + 1, str(key.value)
        if name in lines:
            raise UsageError(f"{path}:{line}: key {name!r} is given twice; keep one of them")
        lines[name] = line
    return FileValues({str(key): value for key, value in values.items()}, lines)


def check_choices(config: Any, **choices: tuple[str, ...]) -> None:
    """Refuse a field whose value is none of its choices.

    Raises:
        UsageError: naming the field, its value and the choices.
    """
    for name, allowed in choices.items():
        if getattr(config, name) not in allowed:
            raise UsageError(f"{name} is {getattr(config, name)!r}; choose from {', '.join(allowed)}")


def check_names(what: str, given: Iterable[str], known: Collection[str]) -> None:
    """Refuse a list with a name that is not known.

    Raises:
        UsageError: naming it, what it was to be, and those that are known.
    """
    for name in given:
        if name not in known:
            raise UsageError(f"no {what} {name!r}; use some of {', '.join(known)}")


def check_positive(config: Any, *names: str) -> None:
    """Refuse a field that is zero or below; None passes.

    Raises:
        UsageError: naming the field and its value.
    """
    for name in names:
        value = getattr(config, name)
        if value is not None and not value > 0:
            raise UsageError(f"{name} is {value}; it must be above 0")


def check_seed(config: Any) -> None:
    """Refuse a seed below zero, which random generators do not take.

    Raises:
        UsageError: naming it.
    """
    if config.seed < 0:
        raise UsageError(f"seed is {config.seed}; it must be 0 or more")


def plain(value: Any) -> Any:
    """The value as YAML gives it back: tuples become lists, paths strings."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _typed(hint: Any, value: Any, what: str) -> Any:
    options = typing.get_args(hint) if typing.get_origin(hint) in (types.UnionType, typing.Union) else (hint,)
    for option in options:
        if option is type(None) and value is None:
            return None
        if option is bool and isinstance(value, bool):
            return value
        if option is float and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if option is str and value is False:
            return "no"  # what YAML makes of "precision: no"
        if option is str and isinstance(value, int | Path) and not isinstance(value, bool):
            return str(value)  # "stage: 2" in YAML is a number
        if typing.get_origin(option) is tuple and isinstance(value, list | tuple):
            inner = typing.get_args(option)
            if inner[-1] is Ellipsis:
                return tuple(_typed(inner[0], item, what) for item in value)
            if len(inner) == len(value):
                return tuple(_typed(part, item, what) for part, item in zip(inner, value, strict=True))
        if isinstance(option, type) and isinstance(value, option) and not isinstance(value, bool):
            return value
    name = getattr(hint, "__name__", str(hint)) if len(options) == 1 else " or ".join(o.__name__ for o in options)
    raise UsageError(f"{what} is {value!r}; expected {name.replace('NoneType', 'null')}")
