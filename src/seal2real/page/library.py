"""Where pages come from: our templates, the user's folder, or a mixture."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from seal2real.errors import UsageError
from seal2real.page import finishing, render
from seal2real.page.folder import check_dpi
from seal2real.page.kinds import TEMPLATES
from seal2real.sample import Page

TEMPLATE = "template:"  # what the sources of its pages begin with
LANGUAGES = tuple(sorted({name.rsplit("-", 1)[1] for name in TEMPLATES}))


class PageSource(Protocol):
    """Anything that gives pages."""

    def page(self, rng: np.random.Generator) -> Page:
        """A page that depends on ``rng`` alone."""
        ...


@dataclass(frozen=True)
class TemplatePages:
    """Pages typeset from our templates, every one filled and styled anew.

    Attributes:
        dpi: resolution of the pages, 20 to 1200.
        templates: names from `TEMPLATES`; None for all (of the language).
        language: "zh", "en" or "mixed" to take only templates of that language; None for all.
        accept: told what a template is about to be filled with; the filling is drawn anew until it agrees. None takes
            every one.
        pen: share of the pages that are signed and dated by hand where there is a line for it, 0 to 1.
        red: share of the pages that get red things which are no seals (see `red`), 0 to 1.
        coloured_paper: share of the pages on paper of one of `finishing.STOCKS`, 0 to 1.

    Raises:
        UsageError: unknown template or language, a number out of range, or nothing is left.
    """

    dpi: float = 200
    templates: Sequence[str] | None = None
    language: str | None = None
    accept: Callable[[Mapping[str, Any]], bool] | None = None
    pen: float = 0.6
    red: float = 0.15
    coloured_paper: float = 0.08

    def __post_init__(self) -> None:
        check_dpi(self.dpi)
        finishing.check_share("pen", self.pen)
        finishing.check_share("red", self.red)
        finishing.check_share("coloured_paper", self.coloured_paper)
        if isinstance(self.templates, str):
            raise UsageError(f"templates must be a list of names, not one string; write [{self.templates!r}]")
        for name in self.templates or ():
            if name not in TEMPLATES:
                near = difflib.get_close_matches(name, TEMPLATES, n=1, cutoff=0.0)
                raise UsageError(f"no page template {name!r}; did you mean {near[0]!r}? (all: {', '.join(TEMPLATES)})")
        if self.language is not None and self.language not in LANGUAGES:
            raise UsageError(f"no page templates in language {self.language!r}; choose from {', '.join(LANGUAGES)}")
        if not self.names:
            raise UsageError("no page template is left by this choice of templates and language; choose others")

    @property
    def names(self) -> tuple[str, ...]:
        """The templates that pages are drawn from."""
        chosen = TEMPLATES if self.templates is None else self.templates
        return tuple(n for n in chosen if self.language is None or n.endswith("-" + self.language))

    def page(self, rng: np.random.Generator) -> Page:
        """A page of a random template; of a document of several pages mostly the last, where it is signed."""
        name = self.names[int(rng.integers(len(self.names)))]
        kind = TEMPLATES[name]
        data = kind.fill(rng)
        while self.accept is not None and not self.accept(data):
            data = kind.fill(rng)
        document = render.open_pdf(render.typeset(kind.template, data))
        try:
            draw = rng.random()
            index = len(document) - 1 if draw < 0.75 else 0 if draw < 0.9 else int(rng.integers(len(document)))
            result = render.render(document, index, self.dpi)
            while index > 0 and not result.anchors:  # only a line or two ran over: nobody seals that
                index -= 1
                result = render.render(document, index, self.dpi)
        finally:
            document.close()
        page = Page(result.image, float(self.dpi), result.text, result.anchors, f"{TEMPLATE}{name}")
        return finishing.finish(page, result.pens, rng, self.pen, self.red, self.coloured_paper)


@dataclass(frozen=True)
class MixedPages:
    """Pages of several sources.

    Attributes:
        sources: where pages come from.
        shares: their shares, summing to 1.
    """

    sources: tuple[PageSource, ...]
    shares: tuple[float, ...]

    def page(self, rng: np.random.Generator) -> Page:
        """A page of a source drawn by its share."""
        return self.sources[int(rng.choice(len(self.sources), p=self.shares))].page(rng)


def mixed(sources: Sequence[PageSource], weights: Sequence[float] | None = None) -> MixedPages:
    """Several sources as one.

    Args:
        sources: at least one.
        weights: one >= 0 for each, not all zero; None for equal ones.

    Raises:
        UsageError: the numbers of sources and weights differ, or the weights cannot be shares.
    """
    given = np.ones(len(sources)) if weights is None else np.asarray(weights, dtype=float)
    if not len(sources) or given.shape != (len(sources),):
        raise UsageError(f"{len(sources)} page sources need as many weights (got {given.size}); give one weight each")
    if not np.isfinite(given).all() or (given < 0).any() or given.sum() <= 0:
        raise UsageError(f"page source weights {given.tolist()} are not shares; give numbers >= 0, not all zero")
    return MixedPages(tuple(sources), tuple(float(w) for w in given / given.sum()))
