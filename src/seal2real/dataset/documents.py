"""Documents of several sheets: where the pages of one document come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from numpy.random import Generator

from seal2real.page import TEMPLATES, FolderPages, PageSource, TemplatePages

# What has several sheets: the beginnings of the templates' names.
_LONG = ("contract", "judgment", "report", "statement", "purchase-order", "power-of-attorney", "notice", "letter")


def sheet_source(pages: PageSource, rng: Generator, sheet: int) -> tuple[PageSource, bool]:
    """Where the page of one sheet comes from. Generators in the same state give sheets of the same document.

    - Templates: the sheets are of one template, and on paper of one format.
    - The user's folder: they are the pages of one PDF, beginning anew where there are fewer of them; with images alone,
      each sheet is one of them.

    Returns:
        The source, and whether the document is known to be without Chinese text.
    """
    if isinstance(pages, TemplatePages):
        names = [name for name in pages.names if name.startswith(_LONG)] or list(pages.names)
        name = names[int(rng.integers(len(names)))]
        paper = _paper(TEMPLATES[name].fill(rng))
        inner = pages.accept

        def accept(data: Mapping[str, Any]) -> bool:
            return _paper(data) == paper and (inner is None or inner(data))

        return replace(pages, templates=(name,), language=None, accept=accept), name.endswith("-en")
    if isinstance(pages, FolderPages):
        thick = [path for path in pages.files if len(pages.pages[path]) > 1]
        if thick:
            path = thick[int(rng.integers(len(thick)))]
            numbers = pages.pages[path]
            return pages.part({path: (numbers[sheet % len(numbers)],)}), False
    return pages, False


def _paper(data: Mapping[str, Any]) -> tuple[Any, bool]:
    style = data.get("style", {})
    return style.get("paper"), bool(style.get("flipped", False))
