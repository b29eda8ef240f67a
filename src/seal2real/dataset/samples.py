"""One sample of a dataset: a pure function of the settings and its number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import seal2real
from seal2real.dataset.config import GenerateConfig
from seal2real.dataset.formats.native import EncodedSample, encode_sample
from seal2real.dataset.splits import (
    design_accepter,
    folder_parts,
    page_identity,
    shares_of,
    split_at,
    template_part,
)
from seal2real.errors import UsageError
from seal2real.sample import Page, Sample
from seal2real.seeding import rng_for

if TYPE_CHECKING:
    from seal2real.forger import Forger
    from seal2real.page import PageSource
    from seal2real.seal import SealDesign


@dataclass(frozen=True)
class Context:
    """What all samples share: loaded once in each process.

    Attributes:
        pages: where pages come from.
        forger: None for flat pasted seals.
        parts: split -> the pages that belong to it; empty to take any page for every split.
        designs: split -> the user's designs that belong to it; empty if there are none.
        taken: identities of the user's designs, which no invented seal may have.
    """

    pages: PageSource
    forger: Forger | None
    parts: Mapping[str, PageSource] = field(default_factory=dict)
    designs: Mapping[str, tuple[SealDesign, ...]] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()

    def shares(self, config: GenerateConfig) -> dict[str, float]:
        """The shares of the splits for which there are pages and designs."""
        shares = shares_of(config.validation, config.test)
        return {name: share for name, share in shares.items() if not self.lacks(name)}

    def lacks(self, split: str) -> str:
        """What there is too little of for a split: "pages", "designs", or "" for nothing."""
        if self.parts and split not in self.parts:
            return "pages"
        return "designs" if self.designs and split not in self.designs else ""


def load_context(config: GenerateConfig) -> Context:
    """Open the page source, the designs and the forger, and check the names in the config.

    Raises:
        UsageError: unknown kind, colour, template or language; a mistake in a design.
        Seal2RealError: the pages' folder or the forger cannot be used.
    """
    from seal2real.press import COLOURS
    from seal2real.seal import KINDS
    from seal2real.seal.design import nearest

    for kind in config.kinds or ():
        if kind not in KINDS:
            raise UsageError(f"no seal kind {kind!r}; {nearest(kind, KINDS)}")
    if config.colour is not None and config.colour not in COLOURS:
        raise UsageError(f"no ink colour {config.colour!r}; {nearest(config.colour, COLOURS)}")
    pages, parts = _pages(config)
    designs: Mapping[str, tuple[SealDesign, ...]] = {}
    taken: frozenset[str] = frozenset()
    if config.designs is not None:
        from seal2real.dataset.designs import design_parts, load_designs

        own = load_designs(config.designs)
        designs, taken = design_parts(own.designs, shares_of(config.validation, config.test)), own.identities
    forger = None
    if config.forger != "none":
        from seal2real.forger import load_forger

        forger = load_forger(config.forger)
    return Context(pages, forger, parts, designs, taken)


def _pages(config: GenerateConfig) -> tuple[PageSource, Mapping[str, PageSource]]:
    from seal2real.page import FolderPages, TemplatePages
    from seal2real.page.library import LANGUAGES
    from seal2real.seal.design import nearest

    shares = shares_of(config.validation, config.test)
    given = {name: share for name in ("pen", "red", "coloured_paper") if (share := getattr(config, name)) is not None}
    if config.pages is not None:
        folder = FolderPages(Path(config.pages), config.dpi, **given)
        return folder, folder_parts(folder, shares)
    if config.language is not None and config.language not in LANGUAGES:
        raise UsageError(f"no page templates in language {config.language!r}; {nearest(config.language, LANGUAGES)}")
    templates = TemplatePages(config.dpi, config.templates, config.language, **given)
    return templates, {split: template_part(templates, split, shares) for split in shares}


def make_sample(config: GenerateConfig, index: int, context: Context) -> Sample:
    """Sample ``index`` of the dataset: a pure function of the config and the index.

    Args:
        config: what to make.
        index: number of the sample, >= 0.
        context: from `load_context` of the same config.
    """
    from seal2real.press import crop_page, crop_sample

    source, sample = _stamped(config, index, context)
    page_id = page_identity(source)
    if config.crops is not None:
        rng = rng_for(config.seed, index, "crop")
        if sample.seals:
            # of a document's sheet it is the cross-page seal that is wanted
            target = int(rng.integers(len(sample.seals))) if config.riding_sheets is None else 0
            sample = crop_sample(sample, target, config.crops, rng)
        else:
            sample = crop_page(sample, config.crops, rng)
    if context.forger is not None:
        style = config.style(rng_for(config.seed, _document(config, index), "style"))
        device = config.device(rng_for(config.seed, _document(config, index), "device"))
        if device is not None:
            style["device"] = device
        # one die, one ink, one scanner for all sheets of a document: the impression goes on from sheet to sheet
        rng = rng_for(config.seed, _document(config, index), "forge")
        if config.authenticity is None:
            if context.forger.takes_layers:  # the pasted composition would only take memory meanwhile
                sample = replace(sample, stamped=sample.page.image, ink=np.broadcast_to(np.float32(0), sample.size))
            sample = context.forger.forge(sample, rng, style)
        else:
            from seal2real.dataset.authenticity import AuthenticityMix, make_case

            case = AuthenticityMix.parse(config.authenticity).draw(rng_for(config.seed, index, "authenticity"))
            sample = make_case(sample, case, context.forger, rng, style)
    return sample.with_provenance(
        seed=config.seed,
        index=index,
        forger=context.forger.name if context.forger is not None else "none",
        page=sample.page.source,
        page_id=page_id,
        version=seal2real.__version__,
    )


def _stamped(config: GenerateConfig, index: int, context: Context) -> tuple[Page, Sample]:
    """The page of a sample, and the page with its seals pasted."""
    from seal2real.press import stamp_page, stamp_sheet

    shares = context.shares(config)
    split = split_at(_split_place(config, index), shares)
    pages = context.parts.get(split, context.pages)
    accept, designs = design_accepter(split, shares, context.taken), context.designs.get(split, ())
    settings = config.press_settings()
    if config.riding_sheets is None:
        page = pages.page(rng_for(config.seed, index, "page"))
        return page, stamp_page(
            page,
            rng_for(config.seed, index, "press"),
            kinds=config.kinds,
            colour=config.colour,
            count=config.seals,
            accept=accept,
            settings=settings,
            designs=designs,
            design_share=config.design_share,
        )
    from seal2real.dataset.documents import sheet_source

    document, sheet = divmod(index, config.riding_sheets)
    pages, foreign = sheet_source(pages, rng_for(config.seed, document, "document"), sheet)
    page = pages.page(rng_for(config.seed, index, "page"))
    last = sheet == config.riding_sheets - 1  # where a document is signed
    sample = stamp_sheet(
        page,
        rng_for(config.seed, document, "riding"),
        sheet,
        config.riding_sheets,
        config.kinds,
        config.colour,
        accept,
        settings,
        designs,
        config.design_share,
        foreign=foreign,
        signing=rng_for(config.seed, index, "press") if last else None,
    )
    return page, sample.with_provenance(document=document, sheet=sheet, sheets=config.riding_sheets)


def split_of(config: GenerateConfig, index: int, context: Context | None = None) -> str:
    """The split of a sample: drawn by its number, so that a longer dataset keeps the splits of a shorter one.

    Args:
        config: what is made.
        index: number of the sample.
        context: leaves out the splits for which the user's pages or designs are too few.
    """
    shares = shares_of(config.validation, config.test) if context is None else context.shares(config)
    return split_at(_split_place(config, index), shares)


def _split_place(config: GenerateConfig, index: int) -> float:
    return float(rng_for(config.seed, _document(config, index), "split").random())


def _document(config: GenerateConfig, index: int) -> int:
    """The number of the document that a sample belongs to."""
    return index // (config.riding_sheets or 1)


def encode(config: GenerateConfig, index: int, context: Context) -> EncodedSample:
    """Row and files of sample ``index``."""
    sample = make_sample(config, index, context)
    return encode_sample(sample, index, split_of(config, index, context), config.jpeg_quality)
