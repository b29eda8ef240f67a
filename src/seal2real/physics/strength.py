"""How worn impressions and how poor scans are: one number, or a range that it is drawn from for every sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seal2real.errors import UsageError

if TYPE_CHECKING:  # the command line reads its defaults here before it loads anything large
    from numpy.random import Generator

Strength = float | tuple[float, float]
"""0 is pristine, 0.5 as learned from the real images, 1 twice as much."""

USUAL_WEAR: Strength = (0.0, 0.9)  # wider than what was learned: one folder shows less than what users scan
USUAL_CAPTURE: Strength = (0.0, 0.7)  # beyond, pages are scanned again


def parse_strength(text: str, name: str) -> Strength:
    """``"0.3"`` as a number, ``"0.1-0.9"`` as a range.

    Raises:
        UsageError: it is neither.
    """
    parts = text.split("-") if "-" in text.strip()[1:] else [text]  # a sign is no range
    try:
        low, high = float(parts[0]), float(parts[-1])
    except ValueError:
        parts = []
    if len(parts) not in (1, 2):
        raise UsageError(f"{name} is {text!r}; give a number from 0 to 1, or a range such as 0.1-0.9")
    return low if len(parts) == 1 else (low, high)


def written(strength: Strength) -> str:
    """As `parse_strength` reads it: ``"0.3"`` or ``"0.1-0.9"``."""
    low, high = _ends(strength)
    return f"{low:g}-{high:g}" if isinstance(strength, Sequence) else f"{low:g}"


def check_strength(name: str, strength: Strength) -> None:
    """Refuse what is not within 0 to 1, or no range.

    Raises:
        UsageError: naming it.
    """
    low, high = _ends(strength)
    if not 0 <= low <= high <= 1:
        raise UsageError(f"{name} is {written(strength)}; it must be 0 to 1, or a range in it")


def drawn(strength: Strength, rng: Generator) -> float:
    """A number of the range; of a number, itself."""
    low, high = _ends(strength)
    return low if low == high else float(rng.uniform(low, high))


def _ends(strength: Strength) -> tuple[float, float]:
    low, high = strength if isinstance(strength, Sequence) else (strength, strength)
    return float(low), float(high)
