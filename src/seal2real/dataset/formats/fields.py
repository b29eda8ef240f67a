"""Whether a row of ``metadata.jsonl`` has every field, each of the right type."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any

import numpy as np

_Test = Callable[[Any], bool]
_MOST = 5  # complaints about one row; a wrong writer gets the same field wrong everywhere


def parse_row(line: str | bytes) -> dict[str, Any]:
    """A row as JSON.

    Raises:
        ValueError: not JSON, not an object, or with NaN or Infinity, which JSON does not know.
    """
    row = json.loads(line, parse_constant=_refuse)
    if not isinstance(row, dict):
        raise ValueError(f"a row is an object, not {_named(row)}")
    return row


def is_converted(row: dict[str, Any]) -> bool:
    """Whether a row came from another format, which need not carry all that ours does; null is what it does not."""
    told = row.get("provenance")
    return isinstance(told, dict) and isinstance(told.get("converted_from"), str)


def field_problems(row: dict[str, Any], converted: bool | None = None) -> list[str]:
    """What is missing or of the wrong type, at most a handful. Fields that are not in the format are let be.

    Args:
        row: the row.
        converted: whether it may lack what other formats do not carry; None asks the row itself.
    """
    found = []
    for problem in _walk(row, ROW, "", is_converted(row) if converted is None else converted):
        found.append(problem)
        if len(found) == _MOST:
            break
    return found


def is_inside_path(value: Any) -> bool:
    """Whether a value is a relative path that stays in the dataset's folder."""
    if not isinstance(value, str) or not value or "\\" in value or "\0" in value:
        return False
    path = PurePosixPath(value)
    return not path.is_absolute() and ".." not in path.parts


def is_number(value: Any) -> bool:
    """A finite number; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def is_whole(value: Any) -> bool:
    """An integer; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_points(least: int) -> _Test:
    def test(value: Any) -> bool:
        try:
            points = np.array(value)
        except ValueError:  # ragged
            return False
        of_points = points.ndim == 2 and points.shape[1] == 2 and len(points) >= least
        return bool(of_points and points.dtype.kind in "fi" and np.isfinite(points).all())

    return test


def _is_box(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(map(is_number, value)) and min(value[2:]) >= 0


class _Field:
    """A value's type: a test, the words for it, and what else it may be in a row that came from another format."""

    def __init__(self, wanted: str, test: _Test, *, instead: tuple[Any, ...] = ()):
        self.wanted, self.test, self.instead = wanted, test, instead

    def where_known(self, unknown: Any = None) -> _Field:
        """The same, or ``unknown`` in a row that was converted from another format."""
        return _Field(self.wanted, self.test, instead=(unknown,))


_TEXT = _Field("text", lambda value: isinstance(value, str))
_NAME = _Field("text that is not empty", lambda value: isinstance(value, str) and value != "")
_PATH = _Field("a relative path inside the dataset", is_inside_path)
_NUMBER = _Field("a finite number", is_number)
_SHARE = _Field("a number from 0 to 1", lambda value: is_number(value) and 0 <= value <= 1)
_POSITIVE = _Field("a number above 0", lambda value: is_number(value) and value > 0)
_SIZE = _Field("a whole number above 0", lambda value: is_whole(value) and value > 0)
_INTEGER = _Field("a whole number", is_whole)
_FLAG = _Field("true or false", lambda value: isinstance(value, bool))
_OBJECT = _Field("an object", lambda value: isinstance(value, dict))
_BOX = _Field("[x, y, width, height], finite numbers, sizes 0 or more", _is_box)
_POLYGON = _Field("a list of at least 3 finite points [x, y]", _is_points(3))
_QUAD = _Field("4 finite points [x, y]", lambda value: _is_points(4)(value) and len(value) == 4)
_CROP = _Field("a relative path inside the dataset, or null", lambda value: value is None or is_inside_path(value))

_Spec = Any  # a _Field, {name: spec}, or [spec] for a list

ROW: dict[str, _Spec] = {
    "file_name": _PATH,
    "clean": _PATH.where_known(),
    "ink": _PATH.where_known(),
    "width": _SIZE,
    "height": _SIZE,
    "dpi": _POSITIVE.where_known(),
    "split": _NAME,
    "seals": [
        {
            "kind": _NAME,
            "colour": _NAME.where_known(),
            "bbox": _BOX,
            "angle": _NUMBER.where_known(),
            "polygon": _POLYGON,
            "mask_full": _PATH.where_known(),
            "mask_visible": _PATH.where_known(),
            "lines": [
                {
                    "text": _NAME.where_known(""),
                    "role": _NAME,
                    "polygon": _POLYGON,
                    "characters": [_QUAD],
                    "curved": _FLAG,
                    "crop": _CROP,
                }
            ],
            "authenticity": _NAME.where_known(),
            "design": _OBJECT,
        }
    ],
    "text": [{"text": _TEXT, "bbox": _BOX, "under_seal": _SHARE.where_known(), "under_ink": _SHARE.where_known()}],
    "objects": {"bbox": [_BOX], "categories": [_INTEGER]},
    "provenance": _OBJECT,
}


def _walk(value: Any, spec: _Spec, where: str, converted: bool) -> Iterator[str]:
    if isinstance(spec, _Field):
        if not spec.test(value) and not (converted and value in spec.instead):
            yield f"{where} is {_shown(value)}; it must be {spec.wanted}"
    elif isinstance(spec, list):
        if not isinstance(value, list):
            yield f"{where} is {_shown(value)}; it must be a list"
            return
        for number, item in enumerate(value):
            yield from _walk(item, spec[0], f"{where}[{number}]", converted)
    elif not isinstance(value, dict):
        yield f"{where} is {_shown(value)}; it must be an object"
    else:
        for name, inner in spec.items():
            path = f"{where}.{name}" if where else name
            if name in value:
                yield from _walk(value[name], inner, path, converted)
            else:
                yield f"{path} is missing"


def _shown(value: Any) -> str:
    if isinstance(value, (list, dict)):
        return _named(value)
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "..."


def _named(value: Any) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "an object" if isinstance(value, dict) else _shown(value)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")
