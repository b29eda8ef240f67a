"""The user's own seal designs: found, read, told apart, and shared out among the splits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seal2real.dataset.splits import Shares, place_of, seal_identity, share_out
from seal2real.errors import UsageError
from seal2real.seal import SealDesign, load_design

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class OwnDesigns:
    """Designs from files.

    Attributes:
        designs: in the order of the files' names.
        digests: file as seen from the folder -> SHA-256 of its bytes; the fonts that designs bring are among them.
    """

    designs: tuple[SealDesign, ...]
    digests: Mapping[str, str]

    @property
    def identities(self) -> frozenset[str]:
        """Whose seals they are (`seal_identity`)."""
        found = (seal_identity(design.texts) for design in self.designs)
        return frozenset(identity for identity in found if identity is not None)


def load_designs(path: Path | str) -> OwnDesigns:
    """The design in a YAML file, or those in a folder and its subfolders.

    Raises:
        UsageError: no such path, no design in it, or a mistake in a file (named with its line).
        MissingGlyphError: a font lacks characters.
    """
    path = Path(path)
    files, folder = _files(path), path if path.is_dir() else path.parent
    designs = tuple(load_design(file) for file in files)
    digests: dict[str, str] = {}
    for file, design in zip(files, designs, strict=True):
        digests[file.relative_to(folder).as_posix()] = _digest(file)
        fonts = (design.font, *(value for key, value in design.options.items() if "font" in key))
        for font in fonts:
            base, _, face = str(font).rpartition("#")
            own = Path(base if base and face.isdecimal() else str(font))
            if own.is_file():
                name = own.relative_to(folder).as_posix() if own.is_relative_to(folder) else own.as_posix()
                digests[name] = _digest(own)
    return OwnDesigns(designs, digests)


def design_parts(designs: Sequence[SealDesign], shares: Shares) -> dict[str, tuple[SealDesign, ...]]:
    """The designs, shared out as files of pages are: those of one name, or of equal content, stay together.

    Returns:
        Split -> its designs. Splits for which there was nothing are missing: train never, else the smallest first.
    """
    units: dict[str, list[SealDesign]] = {}
    for design in designs:
        units.setdefault(design_key(design), []).append(design)
    keys = sorted(units, key=place_of)
    return {
        split: tuple(design for key in taken for design in units[key])
        for split, taken in share_out(keys, shares).items()
    }


def design_key(design: SealDesign) -> str:
    """What two designs share only if nobody should learn from the one and be tested on the other."""
    return seal_identity(design.texts) or json.dumps(design.to_dict(), sort_keys=True, ensure_ascii=False)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UsageError(
            f"designs {str(path)!r} do not exist; name a YAML file of a seal's design, or a folder of them"
        )
    found = sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in SUFFIXES and file.is_file() and not file.name.startswith(".")
    )
    if not found:
        raise UsageError(f"no design in {str(path)!r}: it holds no .yaml files; put some there (docs/designs.md)")
    return found


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
