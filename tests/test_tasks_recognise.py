"""The recogniser's lesson: lines of datasets, and lines that are drawn on the spot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.prior.training import initial_weights
from seal2real.tasks.crops import CropSet
from seal2real.tasks.curves import TextCurve
from seal2real.tasks.fitting import FitConfig
from seal2real.tasks.line_images import HEIGHT
from seal2real.tasks.recognise import LineNetwork, SealRecogniser, train_recogniser
from seal2real.tasks.recognise_lesson import RecogniseLesson, common_characters, worn

TINY = FitConfig(steps=1, batch=2, precision="no", save_every=0.0)


def test_drawn_lines_are_as_wide_as_asked_for_and_hold_known_characters(verification_set: Path) -> None:
    lesson = RecogniseLesson(CropSet([verification_set], None), fresh=1.0)
    narrow = lesson._drawn(np.random.default_rng(0), 12, 80)
    wide = lesson._drawn(np.random.default_rng(0), 12, 400)
    for image, classes in narrow + wide:
        assert image.shape[0] == HEIGHT and classes and 1 <= min(classes) <= max(classes) <= len(lesson.characters)
    assert max(image.shape[1] for image, _ in narrow) <= 84 < max(image.shape[1] for image, _ in wide)
    assert np.mean([len(c) for _, c in narrow]) < np.mean([len(c) for _, c in wide])


def test_without_drawn_lines_only_the_data_is_learned(verification_set: Path) -> None:
    crops = CropSet([verification_set], None)
    closed, open_ = RecogniseLesson(crops, fresh=0.0), RecogniseLesson(crops)
    assert set(closed.characters) < set(open_.characters)
    assert set(common_characters()) <= set(open_.characters)
    assert len(set(open_.characters)) == len(open_.characters)


def test_a_model_learns_further_characters_and_keeps_its_own(verification_set: Path, tmp_path: Path) -> None:
    small = (8, 8, 8, 8)
    first = train_recogniser([verification_set], tmp_path / "first", TINY, channels=small, fresh=0.0)
    more = train_recogniser([verification_set], tmp_path / "more", TINY, start=tmp_path / "first")
    assert more.characters.startswith(first.characters) and len(more.characters) > len(first.characters) + 3000
    assert more.network.channels == small
    assert SealRecogniser.from_pretrained(tmp_path / "more").characters == more.characters


def test_what_is_known_is_taken_over() -> None:
    with initial_weights(0):
        known, larger = LineNetwork(5, (8, 8, 8, 8), 1).eval(), LineNetwork(9, (8, 8, 8, 8), 1).eval()
    larger.take_over(known)
    lines = torch.rand(2, 3, HEIGHT, 40)
    assert torch.allclose(known(lines), larger(lines)[..., :6], atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(turn=st.floats(0, 6.28), share=st.floats(0, 1), radius=st.floats(20, 200))
def test_positions_along_an_arc(turn: float, share: float, radius: float) -> None:
    angles = turn + np.linspace(0, 2.5, 60)
    circle = np.stack((np.cos(angles), np.sin(angles)), 1)
    curve = TextCurve(radius * circle, 10.0, False, True, 1.0)
    angle = turn + 2.5 * share
    beside = (radius + 4) * np.array([[np.cos(angle), np.sin(angle)]])
    assert curve.positions(beside)[0] == pytest.approx(share, abs=0.01)
    assert replace(curve, middle=curve.middle[::-1]).positions(beside)[0] == pytest.approx(1 - share, abs=0.01)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_wear_takes_ink_away_and_adds_none(seed: int) -> None:
    picture = np.full((40, 60, 3), 255, np.uint8)
    picture[10:30, 10:50] = (200, 20, 30)
    result = worn(picture, np.random.default_rng(seed))
    assert result.shape == picture.shape and (result >= picture).all()
