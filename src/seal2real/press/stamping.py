"""Stamping a page as people do: how many seals, where, how put down; then the traditional composition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from seal2real.errors import UsageError
from seal2real.press.compose import compose
from seal2real.press.flex import bent
from seal2real.press.issuers import FIRM, OFFICE, Issuer, is_strange, issued_by, issuers_of, names_another, scripts_of
from seal2real.press.placement import ink_of, is_chinese, is_signed, lay, random_angle, random_centre
from seal2real.press.settings import DEFAULT, PressSettings
from seal2real.press.strikes import Riding, double_strike, partial_strike, riding_centre, riding_part, size_of
from seal2real.sample import Page, PlacedSeal, Sample
from seal2real.seal import KINDS, SealDesign, SealKind, draw, kind_of, random_design
from seal2real.seal.random_text import with_random_text

# Boxes and rings with a date or a word are not split over sheets.
NOT_RIDING = frozenset({"notice", "dater", "date-box", "form"})
_RIDING_KIND_SHARE = 0.9  # of seals that say 骑缝章
_UPSIDE_DOWN = 120.0  # degrees, from which on it is told
_PLACES = 3  # that an issuer's seal may have
_OTHERS = 3  # designs that are tried for an issuer
_STRANGE = 0.1  # of the seals that are strange to a page
_ALSO = 0.3  # of the public offices: they seal what others have issued
_DESIGN_DRAWS, _KIND_DRAWS = 400, 20  # until a design is accepted


def stamp_page(
    page: Page,
    rng: Generator,
    count: int | None = None,
    kinds: Sequence[str] | None = None,
    colour: str | None = None,
    accept: Callable[[SealDesign], bool] | None = None,
    settings: PressSettings = DEFAULT,
    designs: Sequence[SealDesign] = (),
    design_share: float = 1.0,
) -> Sample:
    """Stamp a page as people do: random designs, places, inks and strikes, then the traditional composition.

    Args:
        page: the clean page.
        rng: source of every choice.
        count: number of seals; None for one to three, mostly one, by the settings' shares.
        kinds: names of the kinds to choose from; None for all, by their shares on pages with or without Chinese text.
        colour: colour class of the ink; None for the usual mix.
        accept: which designs may be used; others are drawn anew, first within their kind. None takes every one.
        settings: how often which kind of strike happens, and the share of pages without any seal (also where ``count``
            is given).
        designs: given ones, each as often as the others, and on one page each once before any comes again. They keep
            their own colour and wear; ``kinds`` and ``accept`` are for the others.
        design_share: share of the seals that are of ``designs``, 0..1; the others are invented.

    Raises:
        UsageError: on an unknown kind or colour, an empty list of kinds, a negative count, or if no design is accepted.
    """
    if kinds is not None and not kinds:
        raise UsageError("the list of seal kinds is empty; name at least one, or leave it out for all")
    if count is not None and count < 0:
        raise UsageError(f"the number of seals is {count}; give 0 or more")
    allowed = list(KINDS.values()) if kinds is None else [kind_of(name) for name in kinds]
    if settings.negatives > 0 and rng.random() < settings.negatives:
        return compose(bare_page(page, rng, settings.red_negatives), ())
    if count is None:
        weights = np.asarray(settings.counts, dtype=float)
        count = 1 + int(rng.choice(len(weights), p=weights / weights.sum()))
    foreign = kinds is None and not is_chinese(page)
    shares = np.array([kind.foreign_share if foreign else kind.share for kind in allowed])
    seals: list[PlacedSeal] = []
    issuers = issuers_of(page) if settings.issuer > 0 else ()
    scripts = scripts_of(page) if settings.issuer > 0 and kinds is None else frozenset()
    offices = any(kind.name == OFFICE for kind in allowed)
    for _ in range(count):
        if is_own(rng, designs, design_share):
            design = given_design(rng, designs, seals)
            seals.append(strike(page, rng, design, seals, own_colour(design, colour), settings))
        else:
            design, issuer, told = _lettered(
                lambda: invented_design(rng, allowed, shares, accept, scripts), issuers, rng, accept, settings, offices
            )
            seal = strike(page, rng, design, seals, colour, settings, near=issuer)
            seals.append(replace(seal, effects={**seal.effects, **told}))
    return compose(page, seals)


def _lettered(
    invent: Callable[[], SealDesign],
    issuers: Sequence[Issuer],
    rng: Generator,
    accept: Callable[[SealDesign], bool] | None,
    settings: PressSettings,
    offices: bool,
) -> tuple[SealDesign, Issuer | None, dict[str, bool]]:
    """An invented design, whom of the page's issuers it names, if any, and what is told of that; ``offices``: their
    seals may be drawn."""
    design = invent()
    if settings.random_text > 0 and rng.random() < settings.random_text:
        return with_random_text(design, rng), None, {"random-text": True}
    if not issuers or rng.random() >= settings.issuer:
        return design, None, {}
    issuer = issuers[int(rng.integers(len(issuers)))]
    for _ in range(_OTHERS):
        emblem = offices and design.kind == FIRM and issuer.has_emblem
        named = issued_by(random_design(rng, OFFICE) if emblem else design, issuer, rng, accept)
        if named is not None:
            return named, issuer, {"issuer": True}
        if not names_another(design) or (design.kind == OFFICE and rng.random() < _ALSO):
            break
        design = invent()  # who seals a page that names him has no seal of somebody else's
    return design, None, {}


def bare_page(page: Page, rng: Generator, red: float) -> Page:
    """A page that gets no seal; with probability ``red`` it gets red things that are no seals, told in ``source``."""
    if rng.random() >= red:
        return page
    from seal2real.page.red import red_things

    image, added, names = red_things(page.image, page.dpi, page.text, rng)
    source = page.source + "".join(f" +red-{name}" for name in names)
    return replace(page, image=image, text=(*page.text, *added), source=source)


def is_own(rng: Generator, designs: Sequence[SealDesign], share: float) -> bool:
    """Whether the next seal is of the given designs."""
    return bool(designs) and (share >= 1.0 or bool(rng.random() < share))


def given_design(rng: Generator, designs: Sequence[SealDesign], seals: Sequence[PlacedSeal] = ()) -> SealDesign:
    """One of the given designs, of those that are not on the page yet if there are any."""
    there = [seal.design for seal in seals]
    fresh = [design for design in designs if design.to_dict() not in there]
    choice = fresh or designs
    return choice[int(rng.integers(len(choice)))]


def own_colour(design: SealDesign, colour: str | None) -> str | None:
    """The colour of a given design's ink: its own goes before what is asked for the others."""
    return design.options.get("ink", colour)


def invented_design(
    rng: Generator,
    kinds: Sequence[SealKind],
    shares: npt.NDArray[np.float64],
    accept: Callable[[SealDesign], bool] | None,
    scripts: frozenset[str] = frozenset(),
) -> SealDesign:
    """A design that is accepted; redrawn within its kind, so that choosy callers get the same mix of kinds. What is
    strange to a page of ``scripts`` is mostly redrawn."""
    for _ in range(_KIND_DRAWS):
        kind = kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]
        for _ in range(_DESIGN_DRAWS):
            design = random_design(rng, kind.name)
            if accept is None or accept(design):
                break
        else:
            continue
        if not is_strange(design, scripts) or rng.random() < _STRANGE:
            return design
    raise UsageError(f"no design of {', '.join(kind.name for kind in kinds)} is accepted; allow more designs or kinds")


def strike(
    page: Page,
    rng: Generator,
    design: SealDesign,
    seals: Sequence[PlacedSeal],
    colour: str | None,
    settings: PressSettings,
    ink: tuple[str, npt.NDArray[np.float32]] | None = None,
    near: Issuer | None = None,
) -> PlacedSeal:
    """One more seal, put down in one way or another.

    Args:
        page: where.
        rng: source of every choice.
        design: what.
        seals: that are there already.
        colour: class of the ink; None as the design and its kind have it.
        settings: rates.
        ink: the colour class and the absorbance of one that is given; None for a random one.
        near: whose seal it is; of `_PLACES` places that people choose, it gets the one nearest to the name.
    """
    height, width = page.image.shape[:2]
    riding = None
    if rng.random() < _riding_share(page, design.kind, settings):
        riding = Riding.random(rng)
        sheet = int(rng.integers(riding.sheets))
    angle = float(rng.normal(0.0, 6.0)) if riding is not None else random_angle(rng, design.kind, settings)
    drawn = draw(design, page.dpi, angle)
    size = size_of(drawn)
    told: dict[str, object] = {"upside-down": True} if abs(angle) > _UPSIDE_DOWN else {}
    if riding is not None:
        centre = riding_centre(riding, sheet, size, (width, height))
    elif seals and rng.random() < settings.over_seal:
        centre = _across(rng, size, seals[int(rng.integers(len(seals)))])
        told["over-seal"] = True
    else:
        places = [_beside(rng, page, size, seals, settings) for _ in range(1 if near is None else _PLACES)]
        centre, role = places[0] if near is None else min(places, key=lambda place: near.distance(place[0]))
        if role == "off-page":
            told["off-page"] = True
        elif role == "signature":
            told["over-signature"] = True
    colour, absorbance = ink_of(rng, drawn, colour) if ink is None else ink
    seal = lay(drawn, centre, angle, colour, absorbance)
    seal = replace(seal, effects={**seal.effects, **told})
    if riding is None and settings.bend > 0 and rng.random() < settings.bend:
        seal = bent(seal, page.dpi, rng)
    if rng.random() < settings.double_strike:
        seal = double_strike(seal, page.dpi, rng)
    if rng.random() < settings.partial_strike:
        seal = partial_strike(seal, rng)
    if riding is not None:
        seal = riding_part(seal, riding, sheet, size, (width, height), page.dpi)
    return seal


def _riding_share(page: Page, kind: str, settings: PressSettings) -> float:
    share = settings.riding if is_signed(page) else settings.riding_unsigned
    if kind in NOT_RIDING:
        return 0.0
    return _RIDING_KIND_SHARE if kind == "riding" and share > 0 else share


def _across(rng: Generator, size: tuple[float, float], other: PlacedSeal) -> tuple[float, float]:
    """A centre for a seal that is put across another: they share a part, and neither hides the other."""
    h, w = other.coverage.shape
    heading = float(rng.uniform(0.0, 2.0 * np.pi))
    reach = float(rng.uniform(0.35, 0.85)) / 2.0
    x = other.offset[0] + w / 2.0 + reach * (size[0] + w) * float(np.cos(heading))
    return x, other.offset[1] + h / 2.0 + reach * (size[1] + h) * float(np.sin(heading))


def _beside(
    rng: Generator, page: Page, size: tuple[float, float], seals: Sequence[PlacedSeal], settings: PressSettings
) -> tuple[tuple[float, float], str]:
    """A centre that keeps off the other seals: by a few tries, then by moving beside one of them."""
    for _ in range(6):
        centre, role = random_centre(rng, page, size, settings)
        if not any(_close(centre, size, other) for other in seals):
            return centre, role
    height, width = page.image.shape[:2]
    for index in rng.permutation(4 * len(seals)).tolist():
        other = seals[index // 4]
        h, w = other.coverage.shape
        gap = float(rng.uniform(0.51, 0.65))
        x, y = other.offset[0] + w / 2.0, other.offset[1] + h / 2.0
        side = ((-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0))[index % 4]
        beside = (x + side[0] * gap * (size[0] + w), y + side[1] * gap * (size[1] + h))
        on_page = size[0] / 2 <= beside[0] <= width - size[0] / 2 and size[1] / 2 <= beside[1] <= height - size[1] / 2
        if on_page and not any(_close(beside, size, seal) for seal in seals):
            return beside, "free"
    return centre, role


def _close(centre: tuple[float, float], size: tuple[float, float], other: PlacedSeal) -> bool:
    h, w = other.coverage.shape
    dx, dy = centre[0] - (other.offset[0] + w / 2.0), centre[1] - (other.offset[1] + h / 2.0)
    return abs(dx) < (size[0] + w) / 2.0 and abs(dy) < (size[1] + h) / 2.0
