"""The pieces that `seal2real validate` judges with: polygons and characters."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.dataset.checks.geometry import crosses_itself, signed_area
from seal2real.dataset.checks.text import is_drawable


def test_dictionary_of_the_fonts() -> None:
    assert all(map(is_drawable, "公章专用Aз№9★ "))
    assert not any(map(is_drawable, "\U0001f600\t\ufffe\ue000"))


@given(
    count=st.integers(3, 40),
    seed=st.integers(0, 10**6),
    centre=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
)
@settings(max_examples=60, deadline=None)
def test_star_shaped_polygons_do_not_cross_themselves_and_swapped_ones_do(
    count: int, seed: int, centre: tuple[float, float]
) -> None:
    rng = np.random.default_rng(seed)
    angles = (np.arange(count) + rng.uniform(-0.3, 0.3, count)) * 2 * np.pi / count
    radii = rng.uniform(80, 100, count)
    polygon = np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1) + centre
    assert signed_area(polygon) > 0 and not crosses_itself(polygon)
    assert signed_area(polygon[::-1]) < 0
    if count >= 5:
        at = int(rng.integers(count))
        convex = np.stack([np.cos(angles), np.sin(angles)], axis=1) * 90 + centre
        swapped = np.roll(convex, -at, axis=0)
        swapped[[1, 2]] = swapped[[2, 1]]
        assert crosses_itself(swapped)
