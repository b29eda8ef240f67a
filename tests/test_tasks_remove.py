"""Taking back what ink took of the light."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.physics.ink_measure import estimate_paper
from seal2real.tasks.remove import around, paper_beneath, with_print, without_fringes, without_ink

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


@given(st.tuples(*[st.integers(150, 250)] * 3), st.integers(8, 25))
@settings(max_examples=15, deadline=None)
def test_paper_beneath_a_seal_is_the_paper_around_it(tint: tuple[int, int, int], darker: int) -> None:
    y, x = np.mgrid[:384, :384]
    distance = np.hypot(x - 192, y - 192)
    ink = (np.abs(distance - 140) < 6) | (distance < 12) | ((np.abs(distance - 100) < 16) & ((x + y) % 24 < 9))
    paper = np.empty((384, 384, 3), np.float32)
    paper[:] = tint
    paper[(y // 48) % 2 == 0] -= darker  # rows of a table
    image = np.where(ink[..., None], paper * (0.9, 0.4, 0.5), paper).round().astype(np.uint8)
    error = np.abs(paper_beneath(image, ink, 280.0) - paper)[ink].mean()
    rough = np.abs(estimate_paper(image) - paper)[ink].mean()
    assert error < 0.75 * rough
    assert error < 0.3 * darker


def test_where_no_paper_is_bare_the_rough_estimate_stays() -> None:
    image = np.full((SIDE, SIDE, 3), 200, np.uint8)
    everywhere = np.ones((SIDE, SIDE), bool)
    assert np.allclose(paper_beneath(image, everywhere, 80.0), 200, atol=1.0)


@given(st.floats(0.0, 1.2), st.floats(0.0, 1.2))
@settings(max_examples=30, deadline=None)
def test_print_is_not_lightened_and_paper_not_darkened(network: float, physics: float) -> None:
    result = float(with_print(torch.full((1, 3, 2, 2), network), torch.full((1, 3, 2, 2), physics)).mean())
    assert min(network, physics) - 1e-6 <= result <= network + 1e-6
    if physics < 0.5:
        assert result <= min(network, physics) + 0.02
    if physics > 1.0:
        assert result >= network - 0.02


def test_fringes_go_and_coloured_print_stays() -> None:
    def grey(*light: float) -> list[float]:
        image = torch.tensor(light).view(1, 3, 1, 1)
        return [float(value) for value in without_fringes(image).flatten()]

    assert max(grey(1.2, 1.1, 1.3)) <= 1.0
    assert np.ptp(grey(0.99, 0.93, 0.97)) < 0.01
    assert np.allclose(grey(0.2, 0.3, 0.7), (0.2, 0.3, 0.7), atol=1e-3)
