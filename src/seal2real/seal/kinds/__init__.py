"""The registry of seal kinds. A new kind is one file here and one line below."""

from __future__ import annotations

from seal2real.errors import UsageError
from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout
from seal2real.seal.kinds import company, department, invoice, notice, oval, personal, ringstamp
from seal2real.seal.kinds.base import SealKind

KINDS: dict[str, SealKind] = {
    kind.name: kind
    for kind in (
        company.KIND,
        department.KIND,
        invoice.KIND,
        personal.SQUARE,
        personal.RECTANGLE,
        notice.KIND,
        ringstamp.KIND,
        oval.KIND,
    )
}


def kind_of(name: str) -> SealKind:
    """The kind of this name.

    Raises:
        UsageError: if there is none.
    """
    try:
        return KINDS[name]
    except KeyError:
        raise UsageError(f"no seal kind {name!r}; use one of {', '.join(KINDS)}") from None


def layout_of(design: SealDesign) -> Layout:
    """The geometry of a design.

    Raises:
        UsageError: on an unknown kind or font.
        MissingGlyphError: if the font lacks a character.
    """
    return kind_of(design.kind).plan(design)


__all__ = ["KINDS", "SealKind", "kind_of", "layout_of"]
