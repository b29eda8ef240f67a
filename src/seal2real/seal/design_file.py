"""Designs in YAML files: read with the line of every mistake, written so that they read back equal."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from seal2real.errors import UsageError
from seal2real.images import write_atomic
from seal2real.seal.completion import Source, complete
from seal2real.seal.design import SealDesign
from seal2real.seal.drawing import INK_RGB
from seal2real.seal.fonts import STYLES


def load_design(path: Path | str, seed: int = 0, **changes: Any) -> SealDesign:
    """The design in a YAML file.

    Keys: ``kind`` (required), ``text`` (the main text) or ``texts`` (role to text), ``size_mm`` (a number, or [width,
    height]), ``font`` (paths count from the file's folder), ``colour``, ``ring_mm``, ``star_mm``, ``height_mm``,
    ``condense``, ``weight``, ``wear``, ``options``, ``seed``. See
    `seal2real.seal.complete_design` for what is left open.

    Args:
        path: the file.
        seed: as for `complete_design`; the file's own ``seed`` goes before it.
        changes: values that go before those of the file; ``texts`` and ``options`` are merged key by key.

    Raises:
        UsageError: no such file, invalid YAML, an unknown or repeated key, a value of a wrong type or out of range. The
            message names the file, the line, and the nearest known name.
        MissingGlyphError: if a font lacks characters of the text.
    """
    path = Path(path)
    values, lines = _read(path)
    values = _merged(_with_own_fonts(values, path.parent), changes)
    # what a change brings is not to be found in the file
    kept = {place: line for place, line in lines.items() if place[0] not in changes or len(place) > 1}
    return complete(values, seed, Source(str(path), kept))


def save_design(design: SealDesign, path: Path | str) -> None:
    """Write a design as YAML, complete, so that `load_design` gives an equal one. The file appears whole or not at all.

    The path of a font file is written as seen from the YAML file's folder if it is relative.

    Raises:
        Seal2RealError: the file cannot be written.
    """
    write_atomic(path, design_yaml(design, Path(path).parent).encode("utf-8"))


def design_yaml(design: SealDesign, folder: Path | str = ".") -> str:
    """The text that `save_design` writes into a file in ``folder``."""
    values = design.to_dict()
    options = values.pop("options")
    if options.get("ink") in INK_RGB:
        values["colour"] = options.pop("ink")
    if "wear" in options:
        values["wear"] = options.pop("wear")
    values["font"] = _seen_from(folder, design.font)
    values["options"] = {key: _seen_from(folder, part) if "font" in key else part for key, part in options.items()}
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _seen_from(folder: Path | str, font: Any) -> Any:
    """The path of a font file from a folder; whatever else it is stays."""
    if not isinstance(font, str) or font in STYLES or not Path(font).is_file() or Path(font).is_absolute():
        return font
    return Path(os.path.relpath(font, folder)).as_posix()


def _merged(values: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for key, value in changes.items():
        old = merged.get(key)
        merged[key] = {**old, **value} if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _with_own_fonts(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Font files that lie beside the YAML file, by a path that holds from here."""

    def found(key: str, font: Any) -> Any:
        if "font" not in key or not isinstance(font, str) or font in STYLES or Path(font).is_absolute():
            return font
        base, mark, face = font.rpartition("#")
        name = base if mark and face.isdecimal() else font
        return str(folder / font) if (folder / name).is_file() else font

    values = {key: found(key, value) for key, value in values.items()}
    if isinstance(options := values.get("options"), dict):
        values["options"] = {key: found(key, value) for key, value in options.items()}
    return values


def _read(path: Path) -> tuple[dict[str, Any], dict[tuple[str, ...], int]]:
    """The file's values, and the line of every key and of every key in ``texts`` and ``options``."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        if node is None or not isinstance(node, yaml.MappingNode):
            raise UsageError(f"{path}: no design in it; write lines such as 'kind: company'")
        lines: dict[tuple[str, ...], int] = {}
        values: dict[str, Any] = {}
        for key, value_node in _pairs(node, path, (), lines):
            if key in ("texts", "options") and isinstance(value_node, yaml.MappingNode):
                pairs = _pairs(value_node, path, (key,), lines)
                values[key] = {name: _value(part, path, as_text=key == "texts") for name, part in pairs}
            else:
                values[key] = _value(value_node, path, as_text=key == "text")
        return values, lines
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file; give a YAML file with a seal's design") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not a text file in UTF-8; give a YAML file with a seal's design") from None
    except OSError as error:
        raise UsageError(f"{path}: {(error.strerror or 'cannot be read').lower()}; check the path") from None
    except RecursionError:
        raise UsageError(f"{path}: nested too deeply, or an alias that holds itself; write the values out") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        reason = getattr(error, "problem", None) or " ".join(str(error).split())
        raise UsageError(f"{path}{line}: no valid YAML ({reason})") from None


def _pairs(
    node: yaml.MappingNode, path: Path, above: tuple[str, ...], lines: dict[tuple[str, ...], int]
) -> Iterator[tuple[str, yaml.Node]]:
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise UsageError(f"{path}:{line}: a key is a word, not a list or a mapping")
        key = str(key_node.value)
        if (*above, key) in lines:
            raise UsageError(f"{path}:{line}: key {key!r} is given twice; keep one of them")
        lines[(*above, key)] = line
        yield key, value_node


def _value(node: yaml.Node, path: Path, as_text: bool) -> Any:
    """The value of a node. As text, numbers and dates stay as they are written: ``code: 0123`` keeps its zero."""
    if as_text and isinstance(node, yaml.ScalarNode) and not node.tag.endswith(":null"):
        return str(node.value)
    value = _Constructor().construct_document(node)
    if not _plain(value):
        line = node.start_mark.line + 1
        raise UsageError(f"{path}:{line}: give text, a number, true or false, a list or a mapping")
    return value


def _plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _plain(part) for key, part in value.items())
    if isinstance(value, list):
        return all(map(_plain, value))
    return value is None or isinstance(value, str | int | float)


class _Constructor(yaml.constructor.SafeConstructor):
    """Makes values of single nodes; dates stay text."""


def _as_written(constructor: Any, node: Any) -> str:
    return str(node.value)


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", _as_written)


class _Dumper(yaml.SafeDumper):
    """Short lists in one line, and text that looks like a number in quotes."""

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        return super().represent_sequence(tag, sequence, flow_style=True)


_Dumper.add_representer(tuple, lambda dumper, value: dumper.represent_list(list(value)))
