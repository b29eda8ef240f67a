"""Taking back what ink took of the light."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.tasks.remove import around, without_ink

SIDE = 96
STRONG = st.floats(0.5, 1.0)


def page(ink: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Light of a page with grey print under a ring of ink, the ink's cover, and the page without it."""
    y, x = np.mgrid[:SIDE, :SIDE]
    distance = np.abs(np.hypot(x - SIDE / 2, y - SIDE / 2) - 34)
    cover = np.clip(6 - distance, 0, 1).astype(np.float32)
    clean = np.where((y // 6) % 3 == 0, 0.25, 1.0).astype(np.float32)[None].repeat(3, 0)
    light = clean * np.exp(-cover * np.asarray(ink, np.float32)[:, None, None])
    return light.astype(np.float32), cover, clean


@given(st.tuples(st.floats(0.0, 0.3), STRONG, STRONG), st.integers(0, 2))
@settings(max_examples=25, deadline=None)
def test_coloured_ink_leaves_the_print_as_it_was(ink: tuple[float, float, float], turn: int) -> None:
    light, cover, clean = page((*ink[turn:], *ink[:turn]))
    left = without_ink(light, cover, 80.0)
    near = around(cover > 0.5, 80.0)
    assert np.abs(left - clean)[:, near].max() < 0.02
    assert np.array_equal(left[:, ~near], light[:, ~near])


def test_grey_ink_cannot_be_told_from_print() -> None:
    light, cover, _ = page((0.8, 0.8, 0.78))
    assert without_ink(light, cover, 80.0) is light


def test_without_ink_nothing_is_given_back() -> None:
    light, cover, _ = page((0.1, 0.8, 0.7))
    assert without_ink(light, np.zeros_like(cover), 80.0) is light


def test_two_inks_on_each_other_are_both_taken_back() -> None:
    first, cover, clean = page((0.1, 0.9, 0.8))
    second = np.roll(cover, 20, axis=1)
    light = first * np.exp(-second * np.asarray((0.9, 0.7, 0.1), np.float32)[:, None, None])
    left = without_ink(light.astype(np.float32), np.maximum(cover, second), 80.0)
    near = around(np.maximum(cover, second) > 0.5, 80.0)
    error = np.abs(left - clean)[:, near]
    assert np.quantile(error, 0.95) < 0.03
    assert error.mean() < 0.05 * np.abs(light - clean)[:, near].mean()
