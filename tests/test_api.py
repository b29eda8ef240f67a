"""The short way in: what the README shows in five lines."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import seal2real
from seal2real.images import load_rgb, read_synthetic_mark


def test_the_readmes_five_lines(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    page = seal2real.TemplatePages(dpi=60).page(rng)
    forger = seal2real.load_forger("untrained")
    assert forger is not None
    sample = forger.forge(seal2real.stamp_page(page, rng, count=1), rng)
    seal2real.save_image(tmp_path / "stamped.jpg", sample.stamped)
    seal2real.save_image(tmp_path / "mask.png", sample.mask)

    mask = load_rgb(tmp_path / "mask.png")
    assert set(np.unique(mask)) <= {0, 255}
    assert (mask[..., 0] > 0).sum() == sample.mask.sum() > 50
    assert load_rgb(tmp_path / "stamped.jpg").shape == page.image.shape
    assert read_synthetic_mark(tmp_path / "stamped.jpg")


def test_every_public_name_is_there() -> None:
    for name in seal2real.__all__:
        assert getattr(seal2real, name) is not None
        assert name in dir(seal2real)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = seal2real.nonsense


def test_import_is_light() -> None:
    code = (
        "import sys, seal2real; print([m for m in ('torch', 'skia', 'typst', 'cv2', 'diffusers') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert loaded == "[]"


def test_an_image_needs_a_known_suffix(tmp_path: Path) -> None:
    with pytest.raises(seal2real.UsageError, match=r"\.gif"):
        seal2real.save_image(tmp_path / "a.gif", np.zeros((4, 4, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []
