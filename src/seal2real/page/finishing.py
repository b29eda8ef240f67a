"""What happens to a page after it is printed: it is signed and dated by hand, and red things get onto it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from numpy.random import Generator

from seal2real.errors import UsageError
from seal2real.page.text import chance
from seal2real.sample import Anchor, Page


def check_share(name: str, value: float) -> float:
    """``value`` itself.

    Raises:
        UsageError: it is not in 0 to 1.
    """
    if not 0.0 <= value <= 1.0:
        raise UsageError(f"share of pages {name}={value:g} is out of range; choose 0 to 1")
    return float(value)


def finish(page: Page, pens: Sequence[Anchor], rng: Generator, pen: float, red: float) -> Page:
    """A page signed and dated by hand with probability ``pen``, and with red things with probability ``red``.

    Args:
        page: as printed.
        pens: places for handwriting that its template marks; more are found by the page's text.
        rng: source of every choice.
        pen: 0 to 1.
        red: 0 to 1.

    Returns:
        The page; ``source`` tells what was added, e.g. "template:letter-zh +pen +red-logo +red-frame". Written
        figures and printed red words join ``text``.
    """
    image, text, source = page.image, page.text, page.source
    if pen > 0 and chance(rng, pen):
        from seal2real.page.writing import written

        image, added, places = written(image, page.dpi, text, pens, rng)
        text, source = (*text, *added), source + (" +pen" if places else "")
    if red > 0 and chance(rng, red):
        from seal2real.page.red import red_things

        image, added, names = red_things(image, page.dpi, text, rng)
        text, source = (*text, *added), source + "".join(f" +red-{name}" for name in names)
    return replace(page, image=image, text=text, source=source)
