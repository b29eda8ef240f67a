"""Where pages come from: our templates, the user's folder, or a mixture."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from seal2real.errors import UsageError
from seal2real.page.kinds import TEMPLATES
from seal2real.sample import Page


class PageSource(Protocol):
    """Anything that gives pages."""

    def page(self, rng: np.random.Generator) -> Page:
        """A page that depends on ``rng`` alone."""
        ...


@dataclass(frozen=True)
class TemplatePages:
    """Pages typeset from our templates, every one filled and styled anew.

    Attributes:
        dpi: resolution of the pages, > 0.
        templates: names from `TEMPLATES`; None for all (of the language).
        language: "zh" or "en" to take only templates of that language; None for all.

    Raises:
        UsageError: unknown template or language, or nothing is left.
    """

    dpi: float = 200
    templates: Sequence[str] | None = None
    language: str | None = None

    def __post_init__(self) -> None:
        if not 20 <= self.dpi <= 1200:
            raise UsageError(f"page resolution of {self.dpi} dpi is out of range; choose 20 to 1200")
        for name in self.templates or ():
            if name not in TEMPLATES:
                near = difflib.get_close_matches(name, TEMPLATES, n=1, cutoff=0.0)
                raise UsageError(f"no page template {name!r}; did you mean {near[0]!r}? (all: {', '.join(TEMPLATES)})")
        languages = sorted({name.rsplit("-", 1)[1] for name in TEMPLATES})
        if self.language is not None and self.language not in languages:
            raise UsageError(f"no page templates in language {self.language!r}; choose from {', '.join(languages)}")
        if not self.names:
            raise UsageError(f"none of the chosen templates is in language {self.language!r}; choose others")

    @property
    def names(self) -> tuple[str, ...]:
        """The templates that pages are drawn from."""
        chosen = TEMPLATES if self.templates is None else self.templates
        return tuple(n for n in chosen if self.language is None or n.endswith("-" + self.language))

    def page(self, rng: np.random.Generator) -> Page:
        """A page of a random template; of a document of several pages mostly the last, where it is signed."""
        from seal2real.page import render

        name = self.names[int(rng.integers(len(self.names)))]
        document = render.open_pdf(render.typeset(name, TEMPLATES[name](rng)))
        try:
            draw = rng.random()
            index = len(document) - 1 if draw < 0.75 else 0 if draw < 0.9 else int(rng.integers(len(document)))
            result = render.render(document, index, self.dpi)
        finally:
            document.close()
        return Page(result.image, self.dpi, result.text, result.anchors, f"template:{name}")
