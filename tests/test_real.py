from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.errors import Seal2RealError
from seal2real.images import encode_jpeg, encode_png
from seal2real.prior.real import RealCrops, crops_of, find_seals, random_patch


def stamp(image: np.ndarray, centre: tuple[int, int], diameter: int, rgb=(215, 40, 45)) -> None:
    """Press a ring with a star and characters onto ``image`` in place."""
    cover = np.zeros(image.shape[:2], np.uint8)
    radius, stroke = diameter // 2, max(2, diameter // 40)
    cv2.circle(cover, centre, radius - stroke, 255, stroke, cv2.LINE_AA)
    turns = np.arange(10) * np.pi / 5
    reach = np.array([0.32, 0.13] * 5) * radius
    star = np.stack([centre[0] + reach * np.sin(turns), centre[1] - reach * np.cos(turns)], axis=1)
    cv2.fillPoly(cover, [star.astype(np.int32)], 255, cv2.LINE_AA)
    for turn in np.linspace(0.75 * np.pi, 2.25 * np.pi, 12):
        place = (int(centre[0] + 0.72 * radius * np.cos(turn)), int(centre[1] + 0.72 * radius * np.sin(turn)))
        cv2.rectangle(cover, place, (place[0] + radius // 10, place[1] + radius // 8), 255, stroke)
    ink = -np.log(np.array(rgb) / 255)
    image[:] = image * np.exp(-(cover / 255.0)[..., None] * ink)


def page(height=1170, width=827, seed=0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = np.clip(244 + rng.normal(0, 2, (height, width, 3)), 0, 255).astype(np.uint8)
    for y in range(60, height - 40, 34):
        cv2.putText(image, "the parties agree as follows 2024", (60, y), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (25, 25, 25), 2)
    return image


def crop(seed=0, size=220, **kwargs) -> np.ndarray:
    image = page(size, size, seed)
    stamp(image, (size // 2, size // 2), int(0.85 * size), **kwargs)
    return image


def test_a_page_without_seals_gives_none():
    image = page()
    assert find_seals(image) == []
    cv2.putText(image, "OFFICIAL NOTICE", (120, 50), cv2.FONT_HERSHEY_SIMPLEX, 2, (200, 20, 20), 5)
    assert crops_of(image, "page.png", "page") == []


@settings(max_examples=12, deadline=None)
@given(x=st.integers(140, 680), y=st.integers(140, 1000), diameter=st.integers(120, 240), blue=st.booleans())
def test_a_seal_is_found_wherever_it_lies_on_the_page(x, y, diameter, blue):
    image = page()
    stamp(image, (x, y), diameter, (40, 60, 170) if blue else (215, 40, 45))
    (found,) = crops_of(image, "page.png", "page")
    assert found.colour == ("blue" if blue else "red")
    left, top, width, height = found.extent
    assert abs(left + width / 2 - x) < 0.1 * diameter
    assert abs(top + height / 2 - y) < 0.1 * diameter
    assert found.diameter == pytest.approx(diameter, rel=0.08)
    assert found.image.shape[:2] == (height, width)


def test_several_seals_on_one_page():
    image = page()
    for centre, rgb in (((250, 300), (215, 40, 45)), ((580, 800), (40, 60, 170)), ((220, 900), (120, 50, 150))):
        stamp(image, centre, 170, rgb)
    assert sorted(c.colour for c in crops_of(image, "page.png", "page")) == ["blue", "red", "violet"]


def test_a_crop_is_taken_whole():
    image = crop()
    (found,) = crops_of(image, "crop.png", "crop")
    assert np.array_equal(found.image, image)
    assert found.diameter == pytest.approx(0.85 * 220, rel=0.06)
    assert 0.03 < found.mask.mean() < 0.3


def test_folder_of_good_and_bad(tmp_path):
    (tmp_path / "a.png").write_bytes(encode_png(crop(0)))
    (tmp_path / "b.jpg").write_bytes(encode_jpeg(crop(1, rgb=(40, 60, 170))))
    (tmp_path / "cut.jpg").write_bytes(encode_jpeg(crop(2))[:900])
    (tmp_path / "text.png").write_bytes(encode_png(page(300, 300)))
    crops = RealCrops.from_folder(tmp_path)
    assert [(c.group, c.colour) for c in crops.crops] == [("a.png", "red"), ("b.jpg", "blue")]
    assert [(p.name, "damaged" in reason) for p, reason in crops.skipped] == [("cut.jpg", True), ("text.png", False)]
    assert [c.colour for c in crops.select(["blue"]).crops] == ["blue"]
    with pytest.raises(Seal2RealError, match="violet"):
        crops.select(["violet"])


def test_folder_without_any_seal(tmp_path):
    (tmp_path / "text.png").write_bytes(encode_png(page(300, 300)))
    with pytest.raises(Seal2RealError, match="no seal found in its 1 image"):
        RealCrops.from_folder(tmp_path)


def test_patches_follow_the_generator_and_lie_on_ink(tmp_path):
    (tmp_path / "a.png").write_bytes(encode_png(crop(0)))
    (tmp_path / "b.png").write_bytes(encode_png(crop(1, rgb=(40, 60, 170))))
    crops = RealCrops.from_folder(tmp_path)
    first = [crops.patch(np.random.default_rng(5), 64, 192) for _ in range(2)]
    assert np.array_equal(first[0][0], first[1][0])
    rng = np.random.default_rng(0)
    drawn = [crops.patch(rng, 48, 96) for _ in range(40)]
    assert all(patch.shape == (48, 48, 3) and patch.dtype == np.uint8 for patch, _ in drawn)
    assert np.mean([share > 0.02 for _, share in drawn]) > 0.95
    blue = [crops.patch(rng, 48, 96, "blue")[0] for _ in range(10)]
    assert all(patch[..., 2].min() > patch[..., 0].min() for patch in blue)


@settings(max_examples=40, deadline=None)
@given(height=st.integers(3, 90), width=st.integers(3, 90), size=st.integers(4, 64), seed=st.integers(0, 99))
def test_random_patch_of_any_image(height, width, size, seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 255, (height, width, 3), dtype=np.uint8)
    mask = image[..., 0] > 250
    if max(size - height, size - width) > min(height, width):
        return  # mirrored more than once: callers scale seals far above that
    patch, part, _ = random_patch(image, mask, size, rng)
    assert patch.shape == (size, size, 3)
    assert np.array_equal(part, patch[..., 0] > 250)
