"""Commands that draw seals alone: draw, fonts."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seal2real.errors import UsageError

if TYPE_CHECKING:
    from seal2real.seal import SealDesign
    from seal2real.seal.font_coverage import FontCoverage


def draw(
    designs: Annotated[
        list[Path] | None, typer.Argument(metavar="[DESIGN.yaml ...]", help="Designs; none with --kind or --random.")
    ] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE|DIR", help="File (.png, .jpg, .svg, .pdf; repeatable), or a folder for several designs."
        ),
    ] = None,
    format: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="png, jpg, svg or pdf, in a folder; repeatable.  [default: png]"),
    ] = None,
    kind: Annotated[str | None, typer.Option(metavar="KIND", help="Seal kind; goes before the file's.")] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(metavar="[ROLE=]TEXT", help="A text, such as name=...; without a role the main one; repeatable."),
    ] = None,
    size: Annotated[str | None, typer.Option(metavar="MM", help="Width in millimetres, or WIDTHxHEIGHT.")] = None,
    font: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="Style, font file or installed family (seal2real fonts).")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="An option of the kind; repeatable.")
    ] = None,
    colour: Annotated[
        str | None,
        typer.Option(metavar="INK", help="red, blue, violet, black or #rrggbb.  [default: the design's, else red]"),
    ] = None,
    angle: Annotated[float, typer.Option(help="Rotation in degrees, clockwise.")] = 0.0,
    dpi: Annotated[float, typer.Option(help="Resolution of PNG and JPEG, dots per inch.")] = 600.0,
    paper: Annotated[bool, typer.Option("--paper/--transparent", help="On white paper, or over nothing.")] = False,
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON to write: outlines, lines, characters.  [default: none]")
    ] = None,
    random: Annotated[bool, typer.Option("--random", help="Invent designs; writes their YAML beside them.")] = False,
    count: Annotated[int, typer.Option("--count", "-n", help="Designs to invent with --random.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of what is invented, or left open in a design.")] = 0,
    yaml: Annotated[bool, typer.Option("--yaml", help="Write the completed designs too, as YAML beside them.")] = False,
) -> None:
    """Draw seals from **DESIGN.yaml** or from options, as pixels or in true millimetres.

    What a design leaves open is filled in as its kind has it. Names are to be fictitious: this is no tool for copies of
    real seals.
    """
    from seal2real.images import write_atomic
    from seal2real.seal import save_design, save_seal
    from seal2real.seal.drawing import INK_RGB

    if not out:
        raise UsageError("--out is missing: name a file (.png, .jpg, .svg, .pdf) or a folder to write to")
    changes = _changes(kind, text, size, font, option)
    if random:
        if designs or set(changes) - {"kind"}:
            raise UsageError("--random invents designs; leave out files, --text, --size, --font and --option")
        named = _invented(kind, count, seed)
    else:
        if count != 1:
            raise UsageError("--count goes with --random; without it, every design is drawn once")
        named = _given(designs or [], changes, seed)
    targets = _targets(list(named), out, format, many=random or len(named) > 1)
    if colour in INK_RGB:
        named = {name: replace(design, options={**design.options, "ink": colour}) for name, design in named.items()}
    beside = {name: targets[name][0].with_suffix(".yaml") for name in named} if random or yaml else {}
    for file in designs or []:
        if any(path.resolve() == file.resolve() for path in beside.values()):
            raise UsageError(f"{file}: --yaml would write over the design itself; give another folder in --out")
    rows = []
    for name, design in named.items():
        rows += [save_seal(design, path, dpi=dpi, colour=colour, angle=angle, paper=paper) for path in targets[name]]
        if name in beside:
            save_design(design, beside[name])
    if labels is not None:
        text_of_labels = json.dumps({"seals": rows}, ensure_ascii=False, indent=1) + "\n"
        write_atomic(labels, text_of_labels.encode("utf-8"))
    for row in rows[:_LISTED]:
        print(f"{row['file']}: {row['kind']}, {row['width']:g} x {row['height']:g} {row['unit']}")
    if len(rows) > _LISTED:
        print(f"... {len(rows)} files of {len(named)} designs in all")


_LISTED = 20  # files that are printed by name


def fonts(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH ...]", help="Font files or folders.  [default: styles and installed fonts]"),
    ] = None,
    text: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Tell which fonts have all of it, and what the others lack.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List what seals can be set in, and the share of each script that it covers."""
    from seal2real.seal.font_coverage import list_fonts

    found, skipped = list_fonts(paths or [], text)
    if as_json:
        print(json.dumps([font.to_dict() for font in found], ensure_ascii=False, indent=1))
    else:
        _print_fonts(found, text)
    for _, reason in skipped:
        print(f"skipped {reason}", file=sys.stderr)


def _changes(
    kind: str | None, text: list[str] | None, size: str | None, font: str | None, option: list[str] | None
) -> dict[str, Any]:
    """The values that the command line gives, as a design's file would."""
    import yaml

    changes: dict[str, Any] = {}
    if kind is not None:
        changes["kind"] = kind
    for entry in text or []:
        role, equals, value = entry.partition("=")
        if equals and role.strip():
            changes.setdefault("texts", {})[role.strip()] = value
        else:
            changes["text"] = entry
    if size is not None:
        parts = size.lower().replace("×", "x").split("x")
        try:
            numbers = [float(part) for part in parts]
        except ValueError:
            numbers = []
        if len(numbers) not in (1, 2):
            raise UsageError(f"--size is {size!r}; give millimetres: 42 for the width, or 45x30")
        changes["size_mm"] = numbers if len(numbers) == 2 else numbers[0]
    if font is not None:
        changes["font"] = font
    for entry in option or []:
        name, equals, value = entry.partition("=")
        if not equals:
            raise UsageError(f"--option is {entry!r}; give NAME=VALUE")
        try:
            changes.setdefault("options", {})[name.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UsageError(f"--option {entry!r}: the value is no number, word or [list]") from None
    return changes


def _given(files: list[Path], changes: dict[str, Any], seed: int) -> dict[str, SealDesign]:
    """Name of the output (without suffix) to design. All are read before anything is drawn."""
    from seal2real.seal import complete_design, load_design

    if not files:
        if "kind" not in changes:
            raise UsageError("nothing to draw: give a DESIGN.yaml, or --kind KIND with --text TEXT, or --random")
        return {str(changes["kind"]): complete_design(changes, seed)}
    named: dict[str, SealDesign] = {}
    origin: dict[str, Path] = {}
    for file in files:
        if file.stem in origin:
            raise UsageError(f"{file} and {origin[file.stem]} would be drawn to one name; rename one of them")
        origin[file.stem] = file
        named[file.stem] = load_design(file, seed, **changes)
    return named


def _invented(kind: str | None, count: int, seed: int) -> dict[str, SealDesign]:
    from seal2real.seal import invent_design

    if count < 1:
        raise UsageError(f"count is {count}; it must be at least 1")
    if seed < 0:
        raise UsageError(f"seed is {seed}; give a whole number from 0")
    designs = [invent_design(seed, index, kind) for index in range(count)]
    return {f"{index:04d}-{design.kind}": design for index, design in enumerate(designs)}


def _targets(names: list[str], out: list[Path], formats: list[str] | None, many: bool) -> dict[str, list[Path]]:
    """The files of every design, in the order of ``out`` and the formats."""
    from seal2real.seal.design import nearest
    from seal2real.seal.export import SUFFIXES, check_suffix

    suffixes = []
    for name in formats or ["png"]:
        suffix = "." + name.lower().lstrip(".")
        if suffix not in SUFFIXES:
            raise UsageError(f"no format {name!r}; {nearest(name, [known[1:] for known in SUFFIXES])}")
        suffixes.append(suffix)
    targets: dict[str, list[Path]] = {name: [] for name in names}
    for path in out:
        if path.is_dir() or not path.suffix:
            for name in names:
                targets[name] += [path / (name + suffix) for suffix in suffixes]
        else:
            check_suffix(path)
            if many:
                raise UsageError(f"{path}: several designs go to a folder; give one, and --format for the format")
            if formats:
                raise UsageError(f"{path}: its suffix chooses the format; leave out --format, or give a folder")
            targets[names[0]].append(path)
    return targets


def _print_fonts(found: list[FontCoverage], text: str | None) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    table.add_column("font", overflow="fold")
    table.add_column("source")
    table.add_column("family", overflow="fold")
    for name in found[0].covers if found else ():
        table.add_column(name, justify="right")
    if text is not None:
        table.add_column("missing", overflow="fold")
    for font in found:
        row = [font.font, font.source, font.family, *(_share(share) for share in font.covers.values())]
        table.add_row(*row, *([] if text is None else [font.missing or "none"]))
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    if text is not None:
        whole = [font.font for font in found if font.complete]
        print(f"have all of {text!r}: {', '.join(whole)}" if whole else f"no font here has all of {text!r}")


def _share(share: float) -> str:
    """A percentage that says 100 or 0 only where it is exact."""
    if share in (0.0, 1.0):
        return "-" if share == 0.0 else "100 %"
    return f"{min(max(share, 0.001), 0.999):.1%}".replace("%", " %")
