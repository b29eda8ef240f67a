"""Samples for seal verification: genuine impressions beside digital pastes, colour copies and altered dies.

Each seal gets a reference: an impression of the genuine die, as on a bank's specimen card. What is made of a sample
depends on the random generators that are passed in alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.random import Generator

from seal2real.errors import UsageError
from seal2real.physics.strength import USUAL_CAPTURE, USUAL_WEAR, drawn
from seal2real.press import compose
from seal2real.press.alteration import alter_design
from seal2real.press.placement import lay, place
from seal2real.press.settings import parse_shares
from seal2real.press.tampering import Paste, flat_picture, paste_picture
from seal2real.sample import FloatMap, Image, Page, PlacedSeal, Sample
from seal2real.seal import SealDesign, draw

if TYPE_CHECKING:
    from seal2real.forger import Forger

Case = Literal["impression", "paste", "copy", "altered"]
CASES: tuple[Case, ...] = ("impression", "paste", "copy", "altered")
DEFAULT_MIX = "impression=0.4,paste=0.2,copy=0.2,altered=0.2"
_MARGIN_MM = 3.0  # of paper around a reference
_CUTS, _LEAST_SHOWN = 6, 0.3  # scans that a paste is looked for in; share of the seal's ink that must show in it
_DISTURBED = ("riding", "double-strike", "partial-strike")  # strikes that say little of the design


@dataclass(frozen=True)
class AuthenticityMix:
    """Shares of the cases, summing to 1, in the order of `CASES`."""

    shares: tuple[float, ...]

    @classmethod
    def parse(cls, text: str) -> AuthenticityMix:
        """From a text such as ``"impression=0.4,paste=0.2,copy=0.2,altered=0.2"``; cases that it leaves out do not
        occur, and the numbers count relative to each other.

        Raises:
            UsageError: an unknown case, a number out of range, or all are zero.
        """
        given = parse_shares(text, CASES, "authenticity")
        total = sum(given.values())
        if total <= 0:
            raise UsageError(f"authenticity {text!r} has no share above 0; such as {DEFAULT_MIX}")
        return cls(tuple(given.get(case, 0.0) / total for case in CASES))

    def draw(self, rng: Generator) -> Case:
        """A case at random."""
        return CASES[int(rng.choice(len(CASES), p=self.shares))]


def make_case(
    sample: Sample, case: Case, forger: Forger, rng: Generator, style: Mapping[str, float | str] | None = None
) -> Sample:
    """Turn a flat stamped page into a case for verification.

    - "impression": every seal is made to look real.
    - "paste": one seal is a picture laid on the scan; the others are impressions.
    - "copy": the whole page, its text and seals, is printed in colour and scanned: from a file with pasted seals, or
      from a scan of genuine impressions.
    - "altered": the die of one seal differs in one thing from the genuine one; its impression looks real.

    Args:
        sample: as from `seal2real.press.stamp_page`. A page without seals is scanned, and that is all.
        case: one of `CASES`.
        forger: makes impressions look real, and scans.
        rng: source of every choice.
        style: "wear", "capture" and "device", as for `Forger.forge`; no photocopies, which have no impressions.

    Returns:
        The sample with ``authenticity``, ``altered`` and ``reference`` of its seals; ``provenance["case"]``.

    Raises:
        UsageError: unknown case or style.
    """
    if case not in CASES:
        raise UsageError(f"no case {case!r} of authenticity; use one of {', '.join(CASES)}")
    if style is not None and style.get("device") == "photocopy":
        raise UsageError("a photocopy has no impressions to verify; choose another device")
    genuine = [seal.design for seal in sample.seals]
    if not sample.seals:
        made = forger.forge(sample, rng, style)
    elif case == "copy":
        made = _copied(sample, forger, rng, style)
    elif case == "paste":
        made = _pasted(sample, forger, rng, style)
    else:
        made = forger.forge(_altered(sample, rng) if case == "altered" else sample, rng, style)
    seals = tuple(
        replace(seal, reference=reference_of(SealDesign.from_dict(design), seal, sample.page.dpi, forger, rng))
        for seal, design in zip(made.seals, genuine, strict=True)
    )
    told = case if seals else "negative"
    return replace(made, seals=seals).with_provenance(case=told, forger=forger.name)


def reference_of(design: SealDesign, like: PlacedSeal, dpi: float, forger: Forger, rng: Generator) -> Image:
    """An impression of the genuine die on blank paper, put down with care: ``uint8 [h, w, 3]``.

    Args:
        design: the genuine one.
        like: gives the ink's colour class; the pad is another.
        dpi: resolution.
        forger: makes it look real, with less wear and a better scan than a document's.
        rng: source of every choice.
    """
    angle = float(np.clip(rng.normal(0.0, 2.0), -5.0, 5.0))
    drawn = draw(design, dpi, angle)
    margin = 2 * round(_MARGIN_MM * dpi / 25.4)
    height, width = drawn.coverage.shape
    paper = Page(np.full((height + margin, width + margin, 3), 255, np.uint8), dpi, (), (), "blank")
    centre = ((width + margin) / 2.0, (height + margin) / 2.0)
    seal = replace(place(drawn, paper, rng, centre=centre, angle=angle, colour=like.colour), effects={})
    style = {"wear": float(rng.uniform(0.05, 0.35)), "capture": float(rng.uniform(0.1, 0.4))}
    return forger.forge(compose(paper, [seal]), rng, style).stamped


def _target(sample: Sample) -> int:
    """The seal that is tampered with: of those that were struck plainly, if any, the one that shows most."""

    def rank(index: int) -> tuple[bool, int]:
        seal = sample.seals[index]
        shown = seal.window(*sample.size)
        ink = int(seal.visible[shown[1]].sum()) if shown is not None else 0
        return not any(name in seal.effects for name in _DISTURBED), ink

    return max(range(len(sample.seals)), key=rank)


def _altered(sample: Sample, rng: Generator) -> Sample:
    """The target struck with a die that differs in one thing, at the same place in the same ink."""
    index = _target(sample)
    seal = sample.seals[index]
    design, change = alter_design(SealDesign.from_dict(seal.design), rng)
    frame = seal.coverage.shape
    centre = (seal.offset[0] + frame[1] / 2.0, seal.offset[1] + frame[0] / 2.0)
    other = lay(draw(design, sample.page.dpi, seal.angle), centre, seal.angle, seal.colour, seal.absorbance)
    effects = {name: told for name, told in seal.effects.items() if name not in _DISTURBED}
    other = replace(other, effects=effects, altered=change)
    return compose(sample.page, [*sample.seals[:index], other, *sample.seals[index + 1 :]])


def _pasted(sample: Sample, forger: Forger, rng: Generator, style: Mapping[str, float | str] | None) -> Sample:
    """The other seals forged and scanned, then a picture of the target laid on the scan."""
    index = _target(sample)
    seal = sample.seals[index]
    others = [*sample.seals[:index], *sample.seals[index + 1 :]]
    made = forger.forge(compose(sample.page, others), rng, style)
    way = Paste.random(rng)
    dpi = sample.page.dpi
    for _ in range(_CUTS):  # who cuts out a seal takes one that shows
        picture = flat_picture(seal) if way.source == "drawn" else _cut_out(seal, dpi, forger, rng)
        pasted = paste_picture(made.stamped, seal, picture, dpi, way)
        if pasted.visible.sum() >= _LEAST_SHOWN * (seal.inked >= 0.5).sum():
            break
    target = replace(
        seal, visible=pasted.visible, authenticity="paste", effects={**seal.effects, "paste": way.to_dict()}
    )
    seals = (*made.seals[:index], target, *made.seals[index:])
    return replace(made, stamped=pasted.image, ink=np.maximum(made.ink, pasted.ink), seals=seals)


def _cut_out(seal: PlacedSeal, dpi: float, forger: Forger, rng: Generator) -> Image:
    """A scan of another impression of the same die on blank paper, in the seal's frame."""
    height, width = seal.coverage.shape
    paper = Page(np.full((height, width, 3), 255, np.uint8), dpi, (), (), "blank")
    here = replace(seal, offset=(0, 0))
    style = {"wear": drawn(USUAL_WEAR, rng), "capture": drawn(USUAL_CAPTURE, rng)}  # pictures are cut out of any scan
    return forger.forge(compose(paper, [here]), rng, style).stamped


def _copied(sample: Sample, forger: Forger, rng: Generator, style: Mapping[str, float | str] | None) -> Sample:
    """The page printed in colour with its seals, and scanned again."""
    from seal2real.physics.print_copy import Printer, print_pages

    origin = "file" if rng.random() < 0.5 else "scan"
    if origin == "scan":
        first = {"wear": drawn(USUAL_WEAR, rng), "capture": float(rng.uniform(0.05, 0.35))}
        sample = forger.forge(sample, rng, first)
    printer = Printer.random(rng)
    sheets = print_pages([sample.stamped, sample.clean], sample.page.dpi, printer, rng)
    scan_seed = int(rng.integers(2**62))
    images = []
    for printed in sheets:
        sheet = replace(sample.page, image=printed, scanned=False)
        bare = Sample(sheet, printed, printed, np.zeros(sample.size, np.float32), ())
        images.append(forger.forge(bare, np.random.default_rng(scan_seed), style).stamped)
    told = {"origin": origin, "process": printer.process, "lines_per_inch": round(printer.lines_per_inch, 1)}
    seals = tuple(
        replace(seal, authenticity="colour-copy", effects={**seal.effects, "copy": told}) for seal in sample.seals
    )
    stamped, clean = images
    return replace(sample, stamped=stamped, clean=clean, ink=_taken(stamped, clean, sample.ink), seals=seals)


def _taken(stamped: Image, clean: Image, ink: FloatMap) -> FloatMap:
    """Share of light ``float32 [H, W]`` that the copied seals take, near where there is ink at all."""
    import cv2

    near = cv2.dilate((ink > 0.02).astype(np.uint8), np.ones((5, 5), np.uint8))
    share = 1.0 - ((stamped.astype(np.float32) + 0.5) / (clean.astype(np.float32) + 0.5)).min(axis=2)
    return np.asarray(np.clip(share, 0.0, 1.0) * near, np.float32)
