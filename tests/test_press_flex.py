"""Dies of rubber bend: ink and labels move together, a little and smoothly."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.press import PressSettings, place, stamp_page
from seal2real.press.flex import bent
from seal2real.sample import FloatMap, Page, PlacedSeal, Polygon
from seal2real.seal import draw, random_design

SEED = st.integers(0, 2**31)
DPI = 100.0
PAGE = Page(np.full((1169, 827, 3), 255, np.uint8), DPI, (), (), "test")


def one(seed: int, kind: str) -> PlacedSeal:
    rng = np.random.default_rng(seed)
    return place(draw(random_design(rng, kind), DPI), PAGE, rng, centre=(400.0, 600.0))


def inside(seal: PlacedSeal, polygon: Polygon, margin: int = 0) -> float:
    """Ink within a polygon of the page, and so many pixels about it."""
    ink: FloatMap = seal.on_page(seal.coverage, 1169, 827)
    mask = np.zeros(ink.shape, np.uint8)
    cv2.fillPoly(mask, [np.round((polygon - 0.5) * 16).astype(np.int32)], 1, shift=4)
    mask = cv2.dilate(mask, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8))
    return float(ink[mask > 0].sum())


@settings(max_examples=25, deadline=None)
@given(SEED, st.sampled_from(["company", "invoice", "personal-square", "latin", "block"]))
def test_ink_and_labels_move_together(seed: int, kind: str) -> None:
    flat = one(seed, kind)
    seal = bent(flat, DPI, np.random.default_rng(seed))
    told = seal.effects["bend_mm"]
    assert 0.01 < told <= 0.4
    old, new = (np.concatenate([quad for line in s.lines for quad in line.characters]) for s in (flat, seal))
    moved = np.linalg.norm(new - old, axis=1) * 25.4 / DPI
    assert 0 < moved.max() < 0.9 and moved.mean() < 3 * told
    assert inside(seal, seal.outline, 1) > 0.99 * float(seal.coverage.sum())
    for before, after in zip(flat.lines, seal.lines, strict=True):
        assert after.text == before.text and len(after.characters) == len(before.characters)
        # where it bends, areas change by some per cent
        assert abs(inside(seal, after.polygon) / max(inside(flat, before.polygon), 1.0) - 1) < 0.2
    assert np.array_equal(seal.visible, seal.coverage >= 0.5)
    assert seal.coverage.min() >= 0 and seal.coverage.max() <= 1


def test_labels_follow_the_ink_and_not_its_old_place() -> None:
    changed = 0.0
    for seed in range(6):
        flat = one(seed, "company")
        seal = bent(flat, DPI, np.random.default_rng(seed))
        quads = [quad for line in seal.lines for quad in line.characters]
        old = [quad for line in flat.lines for quad in line.characters]
        ink, here, there = (
            np.array([inside(s, quad) for quad in q]) for s, q in ((flat, old), (seal, quads), (seal, old))
        )
        changed += float(np.abs(there - ink).mean() - np.abs(here - ink).mean())
    assert changed > 0


def test_the_rate_is_kept_and_the_same_choices_give_the_same_seal() -> None:
    rates = PressSettings(bend=0.5, double_strike=0.0, partial_strike=0.0)
    seals = [stamp_page(PAGE, np.random.default_rng(s), 1, ["company"], settings=rates).seals[0] for s in range(40)]
    assert 10 < sum("bend_mm" in seal.effects for seal in seals) < 30
    never = replace(rates, bend=0.0)
    for seed in range(5):
        first, second = (stamp_page(PAGE, np.random.default_rng(seed), 1, settings=rates) for _ in range(2))
        assert first.stamped.tobytes() == second.stamped.tobytes()
        assert "bend_mm" not in stamp_page(PAGE, np.random.default_rng(seed), 1, settings=never).seals[0].effects
