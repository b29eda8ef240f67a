"""Figures of the tasks, held to definitions and to brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal2real.tasks.measures import (
    auc,
    average_precision,
    edit_distance,
    equal_error_rate,
    grouped,
    mask_agreement,
    matched,
    psnr,
    reading,
    ssim,
)

WORDS = st.text("abc", max_size=7)
LABELLED = st.lists(st.tuples(st.floats(-5, 5), st.booleans()), min_size=2, max_size=30).filter(
    lambda rows: len({label for _, label in rows}) == 2
)


def slow_distance(read: str, truth: str) -> int:
    if not read or not truth:
        return len(read) + len(truth)
    return min(
        slow_distance(read[1:], truth) + 1,
        slow_distance(read, truth[1:]) + 1,
        slow_distance(read[1:], truth[1:]) + (read[0] != truth[0]),
    )


@given(st.text("ab", max_size=5), st.text("ab", max_size=5))
def test_edit_distance_is_the_fewest_edits(read: str, truth: str) -> None:
    assert edit_distance(read, truth) == slow_distance(read, truth)


@given(WORDS, WORDS, WORDS)
def test_edit_distance_is_a_distance(a: str, b: str, c: str) -> None:
    assert edit_distance(a, b) == edit_distance(b, a)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)


@given(LABELLED)
def test_auc_is_the_chance_to_rank_right(rows: list[tuple[float, bool]]) -> None:
    scores, truth = np.array([s for s, _ in rows]), np.array([t for _, t in rows])
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[truth] for b in scores[~truth]]
    assert auc(scores, truth) == pytest.approx(float(np.mean(pairs)))


@given(LABELLED)
def test_equal_error_rate_is_between_nothing_and_all(rows: list[tuple[float, bool]]) -> None:
    scores, truth = np.array([s for s, _ in rows]), np.array([t for _, t in rows])
    assert 0 <= equal_error_rate(scores, truth) <= 1


def test_equal_error_rate_of_known_scores() -> None:
    truth = np.array([True] * 4 + [False] * 4)
    assert equal_error_rate(np.array([5.0, 6, 7, 8, 1, 2, 3, 4]), truth) == 0
    assert equal_error_rate(np.array([1.0, 2, 3, 4, 5, 6, 7, 8]), truth) == 1
    assert equal_error_rate(np.array([3.5, 6, 7, 8, 1, 2, 3, 4]), truth) == pytest.approx(0.25)
    assert np.isnan(equal_error_rate(np.array([1.0]), np.array([True])))


def test_masks_are_compared_where_they_count() -> None:
    found, truth = np.zeros((2, 8, 8), bool)
    found[:4], truth[2:6] = True, True
    agreement = mask_agreement(found, truth)
    assert (agreement.iou, agreement.precision, agreement.recall) == (16 / 48, 0.5, 0.5)
    counted = np.zeros((8, 8), bool)
    counted[2:4] = True
    assert mask_agreement(found, truth, counted).iou == 1
    assert mask_agreement(found & False, truth & False).iou == 1


def test_average_precision_counts_misses_and_false_alarms() -> None:
    truth = [[(10.0, 10.0, 20.0, 20.0)], [(5.0, 5.0, 30.0, 30.0)]]
    sizes = [(50, 50), (60, 60)]
    right = [[(truth[0][0], 0.9)], [(truth[1][0], 0.8)]]
    assert average_precision(right, truth, sizes)["ap"] == pytest.approx(1.0)
    assert average_precision([right[0], []], truth, sizes)["ap50"] == pytest.approx(0.5, abs=0.02)
    alarm = [[(truth[0][0], 0.5), ((0.0, 0.0, 5.0, 5.0), 0.9)], right[1]]
    assert average_precision(alarm, truth, sizes)["ap50"] < 1
    assert average_precision([[], []], truth, sizes)["ap"] == 0
    assert average_precision([[]], [[]], [(9, 9)])["ap"] == 1


def test_lines_are_matched_to_those_that_need_the_fewest_edits() -> None:
    pairs = matched(["专用章", "某某有限公司", "xx"], ["某某有限公司", "合同专用章", "123"])
    assert pairs == [("某某有限公司", "某某有限公司"), ("专用章", "合同专用章"), ("", "123")]
    result = reading(pairs)
    assert (result.lines, result.right) == (3, 1 / 3)
    assert result.error == pytest.approx((0 + 2 + 3) / 14)
    assert np.isnan(reading([]).error)


def test_pictures_are_compared_by_psnr_and_ssim() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    assert psnr(image, image) == 99 and ssim(image, image) == pytest.approx(1.0)
    off = image.astype(np.int16) + 10
    shifted = np.clip(off, 0, 255).astype(np.uint8)
    flat = np.full((40, 40, 3), 100, np.uint8)
    assert psnr(flat, flat + np.uint8(10)) == pytest.approx(20 * np.log10(255 / 10))
    assert ssim(image, shifted) > ssim(image, np.roll(image, 3, 0))
    where = np.zeros((40, 40), bool)
    where[:5] = True
    changed = image.copy()
    changed[20:] = 0
    assert psnr(changed, image, where) == 99


def test_groups_weigh_alike() -> None:
    mean, each = grouped([1.0, 1.0, 1.0, 0.0], ["a", "a", "a", "b"])
    assert mean == 0.5 and each == {"a": 1.0, "b": 0.0}
