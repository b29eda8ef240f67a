"""One cross-page seal (骑缝章) over the edges of a document's sheets: each sheet gets its part of one impression."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from seal2real.errors import UsageError
from seal2real.press.compose import compose
from seal2real.press.issuers import PERSONS
from seal2real.press.placement import ink_of, is_signed, lay
from seal2real.press.settings import DEFAULT, PressSettings
from seal2real.press.stamping import NOT_RIDING, given_design, invented_design, is_own, own_colour, strike
from seal2real.press.strikes import Riding, double_strike, partial_strike, riding_centre, riding_part, size_of
from seal2real.sample import Page, PlacedSeal, Sample
from seal2real.seal import KINDS, SealDesign, SealKind, draw, kind_of

_MADE_FOR_IT = 30.0  # how much oftener than elsewhere it is a seal that says 骑缝章


def stamp_sheet(
    page: Page,
    rng: Generator,
    sheet: int,
    sheets: int,
    kinds: Sequence[str] | None = None,
    colour: str | None = None,
    accept: Callable[[SealDesign], bool] | None = None,
    settings: PressSettings = DEFAULT,
    designs: Sequence[SealDesign] = (),
    design_share: float = 1.0,
    *,
    foreign: bool = False,
    riding: Riding | None = None,
    signing: Generator | None = None,
) -> Sample:
    """Stamp one sheet of a document. Generators in the same state give parts of the same impression.

    So the sheets of a document can be made apart from each other, in any order. The parts fit together whatever the
    pages are, as long as they have one resolution.

    Args:
        page: the sheet.
        rng: source of every choice about the cross-page seal; in the same state for every sheet.
        sheet: number of the sheet; 0 is the top one.
        sheets: how many there are.
        kinds: as for `stamp_page`, as are ``colour``, ``accept``, ``designs`` and ``design_share``.
        colour: class of the ink.
        accept: which invented designs may be used.
        settings: the rates of double and partial strikes count for the cross-page seal, all for the other.
        designs: given ones.
        design_share: their share, 0..1.
        foreign: whether the document is without Chinese text; without ``kinds``, that chooses among them.
        riding: how the seal is split; None for a random way.
        signing: where the sheet is signed, the same die is also put down there, by this generator; None for nowhere.

    Returns:
        The sample. Its first seal is the cross-page one; ``effects["riding"]`` tells which part it is.

    Raises:
        UsageError: unknown kind or colour, no design is accepted, ``sheet`` is not one of ``sheets``, fewer than two
            sheets, or ``riding`` is for another number of them.
    """
    riding = Riding.random(rng, sheets) if riding is None else riding
    if riding.sheets != sheets:
        raise UsageError(f"the seal is to be split over {riding.sheets} sheets, yet there are {sheets} pages")
    if not 0 <= sheet < sheets:
        raise UsageError(f"sheet {sheet} of {sheets}; count from 0 to {sheets - 1}")
    if is_own(rng, designs, design_share):
        design = given_design(rng, designs)
        colour = own_colour(design, colour)
    else:
        allowed = _kinds() if kinds is None else [kind_of(name) for name in kinds]
        shares = np.array([_share(kind, foreign) for kind in allowed])
        design = invented_design(rng, allowed, shares, accept)
    angle = float(rng.normal(0.0, 6.0))
    drawn = draw(design, page.dpi, angle)
    ink = ink_of(rng, drawn, colour)
    size, extent = size_of(drawn), (page.image.shape[1], page.image.shape[0])
    seal = lay(drawn, riding_centre(riding, sheet, size, extent), angle, *ink)
    if rng.random() < settings.double_strike:
        seal = double_strike(seal, page.dpi, rng)
    if rng.random() < settings.partial_strike:
        seal = partial_strike(seal, rng)
    seals: list[PlacedSeal] = [riding_part(seal, riding, sheet, size, extent, page.dpi)]
    if signing is not None and is_signed(page):
        plain = replace(settings, riding=0.0, riding_unsigned=0.0, over_seal=0.0)
        seals.append(strike(page, signing, design, seals, colour, plain, ink))
    return compose(page, seals)


def stamp_sheets(
    pages: Sequence[Page],
    rng: Generator,
    design: SealDesign | None = None,
    colour: str | None = None,
    riding: Riding | None = None,
) -> tuple[Sample, ...]:
    """Stamp one cross-page seal over the edges of stacked sheets: each gets its part of the same impression.

    Args:
        pages: two or more sheets of one resolution, the top one first.
        rng: source of every choice that is not given.
        design: None for a random company's seal.
        colour: colour class of the ink; None for the design's own, or the kind's usual mix.
        riding: how it is split; None for a random way.

    Returns:
        A sample per page, with one seal each. ``effects["riding"]`` tells which part it is.

    Raises:
        UsageError: fewer than two pages, pages of several resolutions, or ``riding`` is for another number of sheets.
    """
    if len(pages) < 2:
        raise UsageError(f"a cross-page seal needs 2 pages or more, not {len(pages)}")
    if len({page.dpi for page in pages}) > 1:
        raise UsageError("the pages under a cross-page seal have several resolutions; give all at the same dpi")
    seed = int(rng.integers(2**62))
    settings = PressSettings(double_strike=0.0, partial_strike=0.0)
    return tuple(
        stamp_sheet(
            page, np.random.default_rng(seed), sheet, len(pages), ["company"], colour,
            settings=settings, designs=() if design is None else (design,), riding=riding,
        )
        for sheet, page in enumerate(pages)
    )  # fmt: skip


def _kinds() -> list[SealKind]:
    return [kind for kind in KINDS.values() if kind.name not in NOT_RIDING and not kind.name.startswith(PERSONS)]


def _share(kind: SealKind, foreign: bool) -> float:
    share = kind.foreign_share if foreign else kind.share
    return share * _MADE_FOR_IT if kind.name == "riding" and not foreign else share
