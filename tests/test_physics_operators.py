"""The operators: OpenCV's way equals torch's, and gradients stay finite whatever the dials."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.physics.jpeg import jpeg, jpeg_file
from seal2real.physics.knobs import INDEX, KNOBS, decode
from seal2real.physics.operators import gaussian_blur, gaussian_taps, soft_noise, value_noise
from seal2real.physics.press_scan import InkNoise, ScanNoise, press_and_scan

SEEDS = st.integers(0, 2**31 - 1)


def both_ways(operator: Callable[[], torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """An operator's result with gradients enabled (torch) and without (OpenCV)."""
    with torch.enable_grad():
        slow = operator()
    with torch.no_grad():
        return slow, operator()


@settings(max_examples=25, deadline=None)
@given(
    seed=SEEDS,
    sigma=st.tuples(st.floats(0.01, 8.0), st.floats(0.01, 8.0)),
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    room=st.booleans(),
)
def test_fast_blur_equals_the_differentiable_one(
    seed: int, sigma: tuple[float, float], height: int, width: int, room: bool
) -> None:
    images = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(seed))
    slow, fast = both_ways(lambda: gaussian_blur(images, torch.tensor(sigma), 8.0 if room else None))
    assert (slow - fast).abs().max() < 1e-5


@given(sigma=st.floats(0.0, 9.0))
def test_kernels_keep_their_weight_and_their_middle(sigma: float) -> None:
    taps = gaussian_taps(sigma, 9.0)
    assert abs(taps.sum() - 1) < 3e-6
    assert np.array_equal(taps, taps[::-1])
    assert taps.argmax() == len(taps) // 2


@pytest.mark.parametrize("noise", [value_noise, soft_noise])
@settings(max_examples=12, deadline=None)
@given(seed=SEEDS, cell=st.floats(0.8, 60.0), turn=st.floats(0.0, 6.28))
def test_fast_noise_equals_the_differentiable_one(noise: Callable, seed: int, cell: float, turn: float) -> None:
    lattice = torch.randn(2, 2, 24, 24, generator=torch.Generator().manual_seed(seed))
    cells, turns = torch.tensor([cell, 1.3 * cell]), torch.tensor([turn, turn + 1])
    slow, fast = both_ways(lambda: noise(lattice, cells, turns, 71, 96))
    assert slow.shape == fast.shape == (2, 2, 71, 96)
    assert (slow - fast).abs().max() < 0.01  # float32 coordinates of a field with standard deviation 1


@torch.no_grad()
def test_light_has_no_kinks_and_unit_strength() -> None:
    lattice = torch.randn(4, 4, 48, 48, generator=torch.Generator().manual_seed(0))
    cell, turn = torch.full((4,), 40.0), torch.tensor([0.1, 1.0, 2.0, 3.0])
    light = soft_noise(lattice, cell, turn, 800, 800)
    assert abs(float(light.std()) - 1) < 0.1

    def sharpest_bend(field: torch.Tensor) -> float:
        across = field[..., 8:-8, 8:-8:8]  # every 8 pixels: the field is linear in between
        return float(across.diff(dim=-1).diff(dim=-1).abs().max())

    assert sharpest_bend(light) < 0.5 * sharpest_bend(value_noise(lattice, cell, turn, 800, 800))


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, quality=st.integers(25, 98))
def test_jpeg_operator_is_close_to_a_real_jpeg(seed: int, quality: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    smooth = gaussian_blur(torch.rand(1, 3, 64, 80, generator=generator), torch.tensor([2.0]))
    image = ((smooth - 0.5) * 2 + 0.5).clamp(0, 1)
    pixels = image[0].permute(1, 2, 0).mul(255).round().byte().numpy()
    coded = jpeg(torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255.0, torch.tensor([float(quality)]))
    real = jpeg_file(np.ascontiguousarray(pixels[..., ::-1]), quality)
    difference = coded[0].permute(1, 2, 0).mul(255).clamp(0, 255).numpy() - real
    lost = np.abs(real.astype(np.float32) - pixels).mean()
    assert np.abs(difference).mean() < max(1.0, 0.5 * lost)  # of what compression takes away


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, quality=st.integers(20, 98), row=st.integers(0, 3), column=st.integers(0, 3))
def test_a_window_on_the_grid_compresses_as_the_page(seed: int, quality: int, row: int, column: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (117, 93, 3), dtype=np.uint8)
    page = jpeg_file(pixels, quality)
    top, left = 16 * row, 16 * column
    window = jpeg_file(np.ascontiguousarray(pixels[top:, left:]), quality)
    assert np.array_equal(
        window[16 * (row > 0) :, 16 * (column > 0) :], page[top:, left:][16 * (row > 0) :, 16 * (column > 0) :]
    )


@given(dials=st.lists(st.floats(0, 1), min_size=len(KNOBS), max_size=len(KNOBS)))
def test_decoded_knobs_stay_in_their_ranges(dials: list[float]) -> None:
    values = decode(torch.tensor([dials]))
    assert list(values) == [knob.name for knob in KNOBS]
    for knob in KNOBS:
        assert knob.low - 1e-5 <= float(values[knob.name]) <= knob.high + 1e-5, knob.name


def test_knobs_reach_both_ends_and_rise() -> None:
    low, middle, high = (decode(torch.full((1, len(KNOBS)), dial)) for dial in (0.0, 0.5, 1.0))
    for knob in KNOBS:
        assert float(low[knob.name]) == pytest.approx(knob.low, abs=1e-5)
        assert float(high[knob.name]) == pytest.approx(knob.high, abs=1e-5)
        assert float(low[knob.name]) < float(middle[knob.name]) < float(high[knob.name])


@settings(max_examples=12, deadline=None)
@given(seed=SEEDS, extreme=st.booleans())
def test_gradients_are_finite_for_any_dials(seed: int, extreme: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    dials = torch.rand(2, len(KNOBS), generator=generator)
    dials = (dials.round() if extreme else dials).requires_grad_()
    coverage = (gaussian_blur(torch.randn(2, 1, 48, 40, generator=generator), torch.tensor([2.0, 2.0])) > 0).float()
    page = (torch.rand(2, 3, 48, 40, generator=generator) > 0.2).float()
    base = torch.tensor([[0.1, 1.5, 1.2], [1.5, 1.0, 0.3]], requires_grad=True)
    stamped, ink = press_and_scan(
        page,
        coverage,
        base,
        decode(dials),
        torch.tensor([3.0, 8.0]),
        InkNoise.draw(2, 48, 40, generator),
        ScanNoise.draw(2, 48, 40, generator),
    )
    assert stamped.shape == ink.shape == (2, 3, 48, 40)
    assert float(stamped.detach().min()) >= 0 and float(stamped.detach().max()) <= 1 and float(ink.detach().min()) >= 0
    stamped.square().mean().backward()
    assert dials.grad is not None and base.grad is not None
    assert torch.isfinite(dials.grad).all() and torch.isfinite(base.grad).all()
    assert float(dials.grad[:, INDEX["paper_level"]].abs().min()) > 0
