"""The fast scan of whole pages is the differentiable scan, and ink changes nothing beyond its reach."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.physics.knobs import INDEX, KNOBS, decode
from seal2real.physics.page_scan import BLOCK, PageScan, strongest
from seal2real.physics.press_scan import ScanNoise, Settings, scan
from seal2real.sample import Image

SEEDS = st.integers(0, 2**31 - 1)
SCALE = 200 / 25.4
FIELDS = ("noise", "chroma_noise", "shading", "fibre")


def a_page(seed: int, height: int, width: int) -> Image:
    """Coloured strokes on white."""
    rng = np.random.default_rng(seed)
    page = np.full((height, width, 3), 255, np.uint8)
    for _ in range(12):
        ends = rng.integers(0, (width, height, width, height)).tolist()
        cv2.line(page, ends[:2], ends[2:], rng.integers(0, 200, 3).tolist(), int(rng.integers(1, 6)))
    return page


def some_settings(seed: int, **fixed: float) -> Settings:
    """Random settings; ``fixed`` dials by name."""
    dials = torch.rand(1, len(KNOBS), generator=torch.Generator().manual_seed(seed))
    for name, dial in fixed.items():
        dials[0, INDEX[name]] = dial
    return decode(dials)


def fast(knobs: Settings, page: Image, seed: int = 0) -> Image:
    passes = PageScan(knobs, SCALE, *page.shape[:2], torch.Generator().manual_seed(seed))
    return passes.compress(passes.expose(page))


def slow(knobs: Settings, page: Image, seed: int = 0) -> Image:
    height, width = page.shape[:2]
    noise = ScanNoise.draw(1, height, width, torch.Generator().manual_seed(seed))
    tensor = torch.from_numpy(page).permute(2, 0, 1)[None] / 255.0
    return scan(tensor, knobs, torch.tensor([SCALE]), noise)[0].permute(1, 2, 0).mul(255).round().byte().numpy()


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, height=st.integers(80, 140), width=st.integers(80, 140))
def test_without_its_random_fields_it_equals_the_differentiable_scan(seed: int, height: int, width: int) -> None:
    knobs = some_settings(seed, **dict.fromkeys(FIELDS, 0.0), jpeg=0.0)
    page = a_page(seed, height, width)
    ours, theirs = fast(knobs, page).astype(np.float32), slow(knobs, page).astype(np.float32)
    assert ours.shape == theirs.shape == page.shape
    difference = ours - theirs  # in grey levels; JPEG's rounding alone makes about one
    assert np.abs(difference).mean() < 2.0
    assert np.abs(difference @ np.array([0.299, 0.587, 0.114], np.float32)).mean() < 1.2
    assert np.abs(cv2.blur(difference, (25, 25))).max() < 5.0


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("size", [0.1, 0.9])
def test_random_fields_are_as_strong_as_the_differentiable_ones(field: str, size: float) -> None:
    fixed = {**dict.fromkeys(FIELDS, 0.0), field: 0.7, "noise_size": size, "fibre_size": size}
    mild = {"jpeg": 0.0, "paper_level": 0.3, "blur": 0.0, "chroma_blur": 0.0, "sharpen": 0.0, "saturation": 0.45}
    knobs = some_settings(1, **fixed, **mild)
    page = np.full((256, 256, 3), 255, np.uint8)
    colours = np.array([[0.299, 0.587, 0.114], [-0.169, -0.331, 0.5]])  # luma and blue difference

    def strength(scanner: object) -> float:
        spread = [np.var(scanner(knobs, page, seed) @ colours.T, axis=(0, 1)) for seed in range(6)]  # type: ignore[operator]
        return float(np.sqrt(np.mean(spread, axis=0))[1 if field == "chroma_noise" else 0])

    assert strength(fast) == pytest.approx(strength(slow), rel=0.5 if field == "shading" else 0.12)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, height=st.integers(150, 260), width=st.integers(150, 260), data=st.data())
def test_ink_changes_nothing_beyond_its_reach(seed: int, height: int, width: int, data: st.DataObject) -> None:
    knobs = some_settings(seed)
    page = a_page(seed, height, width)
    passes = PageScan(knobs, SCALE, height, width, torch.Generator().manual_seed(seed))
    bare = passes.expose(page)
    clean = passes.compress(bare)
    top, left = (data.draw(st.integers(0, limit // BLOCK - 4)) * BLOCK for limit in (height, width))
    window = (slice(top, height), slice(left, width))
    absorbed = np.zeros((height - top, width - left, 3), np.float32)
    row, column = (data.draw(st.integers(0, side - 8)) for side in absorbed.shape[:2])
    absorbed[row : row + 8, column : column + 8] = (0.1, 1.5, 1.2)

    exposed = passes.expose_stamped(page[window], bare, window, absorbed)
    near = cv2.dilate((strongest(absorbed) > 0).astype(np.uint8), np.ones((2 * passes.reach + 1,) * 2, np.uint8)) > 0
    assert np.array_equal(exposed[~near], bare[window][~near])

    stamped = passes.compress(np.ascontiguousarray(exposed))
    rows, columns = np.flatnonzero(near.any(1)), np.flatnonzero(near.any(0))
    same = np.ones(near.shape, bool)
    same[max(0, (rows[0] // BLOCK) * BLOCK - 2) : (rows[-1] // BLOCK + 1) * BLOCK + 2,
         max(0, (columns[0] // BLOCK) * BLOCK - 2) : (columns[-1] // BLOCK + 1) * BLOCK + 2] = False  # fmt: skip
    same[: 2 * (top > 0)] = same[:, : 2 * (left > 0)] = False  # chroma at the window's own edge
    assert np.array_equal(stamped[same], clean[window][same])


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS)
def test_a_stamped_window_scans_as_the_stamped_page(seed: int) -> None:
    page = a_page(seed, 211, 240)
    passes = PageScan(some_settings(seed), SCALE, 211, 240, torch.Generator().manual_seed(seed))
    absorbed = np.zeros((211, 240, 3), np.float32)
    absorbed[90:120, 100:140] = (0.1, 1.5, 1.2)
    whole = passes.expose(page, (slice(0, 211), slice(0, 240)), absorbed)
    bare = passes.expose(page)
    window = (slice(16, 208), slice(16, 224))
    patched = bare.copy()
    patched[window] = passes.expose_stamped(page[window], bare, window, absorbed[window])
    difference = np.abs(patched.astype(int) - whole)
    assert difference.max() <= 1 and (difference > 0).mean() < 1e-3


@settings(max_examples=8, deadline=None)
@given(seed=SEEDS)
def test_a_window_of_a_bare_page_scans_as_the_page(seed: int) -> None:
    page = a_page(seed, 190, 233)
    passes = PageScan(some_settings(seed), SCALE, 190, 233, torch.Generator().manual_seed(seed))
    whole = passes.expose(page)
    window = (slice(64, 190), slice(48, 233))
    part = passes.expose(page[window], window, np.zeros((126, 185, 3), np.float32))
    inner = (slice(passes.reach, None), slice(passes.reach, None))
    difference = np.abs(part[inner].astype(int) - whole[window][inner])
    assert difference.max() <= 1 and (difference > 0).mean() < 1e-3


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, height=st.integers(80, 140), width=st.integers(80, 140))
def test_ink_is_called_visible_where_the_scan_shows_it(seed: int, height: int, width: int) -> None:
    knobs = some_settings(seed, **dict.fromkeys(FIELDS, 0.0), jpeg=0.0)
    passes = PageScan(knobs, SCALE, height, width, torch.Generator().manual_seed(0))
    ink = -np.log(np.clip(a_page(seed, height, width), 30, 255) / np.float32(255)) * np.float32(0.6)
    white = np.full((height, width, 3), 255, np.uint8)
    whole = (slice(0, height), slice(0, width))
    bare, inked = (passes.expose(white, whole, a).astype(np.float32) for a in (np.zeros_like(ink), ink))
    absorbed = np.log(np.maximum(bare, 1) / np.maximum(inked, 1)).max(2)
    clear = np.abs(absorbed - 0.18) > 0.03  # a grey level or two away from the limit
    assert clear.mean() > 0.5
    assert np.array_equal(passes.visible(ink, 0.18)[clear], (absorbed > 0.18)[clear])


def test_same_generator_same_bytes() -> None:
    page, knobs = a_page(3, 120, 100), some_settings(3)
    assert np.array_equal(fast(knobs, page, 7), fast(knobs, page, 7))
    assert not np.array_equal(fast(knobs, page, 7), fast(knobs, page, 8))
