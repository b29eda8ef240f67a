"""The registry of seal kinds. A new kind is one file here and one line below."""

from __future__ import annotations

from seal2real.errors import UsageError
from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout
from seal2real.seal.kinds import (
    bilingual,
    block,
    branch,
    company,
    contract,
    customs,
    cyrillic,
    dater,
    department,
    finance,
    government,
    hanko,
    incoming,
    invoice,
    latin,
    notice,
    oval,
    personal,
    personnel,
    riding,
    ringstamp,
    triangle,
    vietnamese,
)
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
        government.KIND,
        finance.KIND,
        contract.KIND,
        personnel.KIND,
        branch.KIND,
        customs.KIND,
        bilingual.KIND,
        riding.KIND,
        personal.OVAL,
        dater.ROUND,
        dater.BOX,
        incoming.KIND,
        triangle.KIND,
        cyrillic.KIND,
        latin.KIND,
        vietnamese.KIND,
        hanko.NAME,
        hanko.COMPANY,
        hanko.REPRESENTATIVE,
        block.KIND,
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
        UsageError: on an unknown kind or font, a size that is not positive, a text that is empty or missing.
        MissingGlyphError: if the font lacks a character.
    """
    if min(*design.size_mm, design.height_mm) <= 0:
        raise UsageError(
            f"a {design.kind} seal of {design.size_mm} mm with {design.height_mm} mm letters; give sizes > 0"
        )
    try:
        layout = kind_of(design.kind).plan(design)
    except KeyError as error:
        raise UsageError(f"a {design.kind} seal needs {error.args[0]!r} in its texts or options; add it") from None
    # a line of no width would be drawn one pixel wide
    layout.marks = [mark for mark in layout.marks if mark.fill or mark.width > 0]
    return layout


__all__ = ["KINDS", "SealKind", "kind_of", "layout_of"]
