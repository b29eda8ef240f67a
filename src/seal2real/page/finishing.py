"""What else makes a page: it is signed and dated by hand, red things get onto it, and its paper may be coloured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from seal2real.errors import UsageError
from seal2real.page.text import chance, choose
from seal2real.sample import Anchor, Image, Page

# Red, green and blue that the deepest shade of a stock reflects: copies of carbonless sets, files, brown envelopes.
STOCKS = {
    "pink": (0.96, 0.76, 0.80),
    "blue": (0.68, 0.80, 0.93),
    "yellow": (0.98, 0.92, 0.62),
    "green": (0.74, 0.90, 0.74),
    "cream": (0.96, 0.91, 0.80),
    "buff": (0.87, 0.77, 0.60),
    "brown": (0.80, 0.68, 0.54),
    "grey": (0.76, 0.76, 0.74),
}


def check_share(name: str, value: float) -> float:
    """``value`` itself.

    Raises:
        UsageError: it is not in 0 to 1.
    """
    if not 0.0 <= value <= 1.0:
        raise UsageError(f"share of pages {name}={value:g} is out of range; choose 0 to 1")
    return float(value)


def finish(page: Page, pens: Sequence[Anchor], rng: Generator, pen: float, red: float, coloured_paper: float) -> Page:
    """A page signed and dated by hand with probability ``pen``, with red things with probability ``red``, and on
    coloured paper with probability ``coloured_paper``.

    Args:
        page: as printed.
        pens: places for handwriting that its template marks; more are found by the page's text.
        rng: source of every choice.
        pen: 0 to 1.
        red: 0 to 1.
        coloured_paper: 0 to 1.

    Returns:
        The page; ``source`` tells what was added, e.g. "template:letter-zh +pen +red-logo +red-frame +paper-pink".
        Written figures and printed red words join ``text``.
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
    if coloured_paper > 0 and chance(rng, coloured_paper):
        stock = choose(rng, tuple(STOCKS))
        image, source = _on_stock(image, stock, float(rng.uniform(0.3, 1.0))), f"{source} +paper-{stock}"
    return replace(page, image=image, text=text, source=source)


def _on_stock(image: Image, stock: str, depth: float) -> Image:
    """What was printed and written on white, on paper of a colour: print takes its share of what the paper reflects."""
    reflected = 1 - depth * (1 - np.array(STOCKS[stock], np.float32))
    levels = np.rint(np.arange(256, dtype=np.float32)[:, None] * reflected).astype(np.uint8)
    return np.stack([levels[image[..., c], c] for c in range(3)], axis=-1)
