"""Ink colours as absorbance per RGB channel of a full layer of ink."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from seal2real.errors import UsageError


@dataclass(frozen=True)
class Ink:
    """An ink as people buy it.

    Attributes:
        colour: colour class.
        rgb: colour of a full layer on white paper, 0..255.
        spread: standard deviation of the colour from one pad to the next, per channel, 0..255.
        share: how often it is met within its class (relative).
    """

    colour: str
    rgb: tuple[int, int, int]
    spread: tuple[int, int, int]
    share: float


INKS: dict[str, Ink] = {
    "vermilion": Ink("red", (228, 52, 34), (10, 16, 12), 0.34),  # oil paste, orange red
    "photosensitive-red": Ink("red", (222, 30, 48), (12, 14, 14), 0.32),  # flash and self-inking pads, purer red
    "faded-pink": Ink("red", (232, 108, 118), (10, 22, 20), 0.18),
    "brownish-red": Ink("red", (178, 46, 38), (16, 14, 12), 0.10),
    "magenta-red": Ink("red", (206, 34, 88), (14, 14, 18), 0.06),
    "royal-blue": Ink("blue", (38, 58, 168), (16, 16, 22), 0.5),
    "navy": Ink("blue", (36, 44, 110), (12, 14, 20), 0.25),
    "light-blue": Ink("blue", (78, 118, 204), (20, 20, 16), 0.25),
    "violet": Ink("violet", (98, 52, 150), (16, 14, 20), 0.7),
    "purple": Ink("violet", (128, 66, 164), (18, 18, 18), 0.3),
    "black": Ink("black", (34, 34, 40), (12, 12, 14), 0.7),
    "grey": Ink("black", (84, 86, 92), (20, 20, 20), 0.3),
}
COLOURS: dict[str, float] = {"red": 0.78, "blue": 0.13, "violet": 0.04, "black": 0.05}  # share of each class


def absorbance_of(rgb: tuple[float, float, float] | npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Absorbance ``float32 [3]`` of an ink that shows this colour (0..255) on white: A = -ln(rgb / 255)."""
    return (-np.log(np.clip(np.asarray(rgb, dtype=np.float64), 2.0, 254.0) / 255.0)).astype(np.float32)


def random_ink(
    rng: Generator, colour: str | None = None, shares: Mapping[str, float] = COLOURS
) -> tuple[str, npt.NDArray[np.float32]]:
    """An ink at random.

    Args:
        rng: source of every choice.
        colour: class ("red", "blue", "violet", "black"); None draws one.
        shares: how often each class is drawn (relative); by default mostly red.

    Returns:
        The colour class and the absorbance ``float32 [3]`` of full ink.

    Raises:
        UsageError: on an unknown class.
    """
    if colour is None:
        weights = np.array(list(shares.values()))
        colour = list(shares)[int(rng.choice(len(weights), p=weights / weights.sum()))]
    if colour not in COLOURS:
        raise UsageError(f"no ink colour {colour!r}; use one of {', '.join(COLOURS)}")
    inks = [ink for ink in INKS.values() if ink.colour == colour]
    weights = np.array([ink.share for ink in inks])
    ink = inks[int(rng.choice(len(inks), p=weights / weights.sum()))]
    # a pad is mostly lighter or darker as a whole, and less often of another hue
    scatter = np.clip(0.75 * rng.normal() + 0.6 * rng.normal(size=3), -2.2, 2.2)
    rgb = np.clip(np.asarray(ink.rgb) + scatter * np.asarray(ink.spread), 6.0, 250.0)
    return colour, absorbance_of(rgb)
