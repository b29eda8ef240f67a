"""Forging a user's own folder: same names and sizes, damaged files listed, nothing of theirs touched."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from seal2real.dataset.forge_images import forge_folder
from seal2real.dataset.generate import GenerateConfig, load_context, make_sample
from seal2real.errors import Seal2RealError, UsageError
from seal2real.images import load_rgb, read_synthetic_mark


@pytest.fixture
def pasted(tmp_path: Path) -> Path:
    """Two images with a red seal, one in a subfolder, a truncated one and a text."""
    folder = tmp_path / "pasted"
    (folder / "more").mkdir(parents=True)
    config = GenerateConfig(forger="none", dpi=72, crops=128, kinds=("company",), colour="red")
    context = load_context(config)
    for index, name in enumerate(("a.jpg", "more/b.png")):
        cv2.imwrite(str(folder / name), make_sample(config, index, context).stamped[..., ::-1])
    (folder / "broken.jpg").write_bytes((folder / "a.jpg").read_bytes()[:900])
    (folder / "notes.txt").write_text("no image")
    return folder


def test_names_sizes_and_damage(pasted: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    report = forge_folder(
        pasted, tmp_path / "out", "untrained", dpi=72, progress=lambda done, total: seen.append((done, total))
    )
    assert sorted(path.relative_to(tmp_path / "out").as_posix() for path in report.written) == ["a.jpg", "more/b.png"]
    assert [path.name for path, _ in report.skipped] == ["broken.jpg"]
    assert "broken.jpg" in report.skipped[0][1]
    assert seen == [(1, 3)] * 3
    for path in report.written:
        before, after = load_rgb(pasted / path.relative_to(tmp_path / "out")), load_rgb(path)
        assert before.shape == after.shape
        assert np.abs(before.astype(int) - after).mean() > 1, "something was done"
        assert read_synthetic_mark(path)


def test_an_image_does_not_depend_on_its_neighbours(pasted: Path, tmp_path: Path) -> None:
    forge_folder(pasted, tmp_path / "all", "untrained", dpi=72)
    (pasted / "a.jpg").unlink()
    forge_folder(pasted, tmp_path / "fewer", "untrained", dpi=72)
    assert (tmp_path / "all/more/b.png").read_bytes() == (tmp_path / "fewer/more/b.png").read_bytes()
    forge_folder(pasted, tmp_path / "other", "untrained", dpi=72, seed=1)
    assert (tmp_path / "all/more/b.png").read_bytes() != (tmp_path / "other/more/b.png").read_bytes()


def test_results_inside_the_images_folder_are_not_forged_again(pasted: Path) -> None:
    first = forge_folder(pasted, pasted / "forged", "untrained", dpi=72)
    second = forge_folder(pasted, pasted / "forged", "untrained", dpi=72)
    assert first.written == second.written


def test_mistakes(pasted: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="themselves"):
        forge_folder(pasted, pasted / "more" / "..", "untrained")
    with pytest.raises(UsageError, match="dpi is 0"):
        forge_folder(pasted, tmp_path / "out", "untrained", dpi=0)
    with pytest.raises(Seal2RealError, match="no such folder"):
        forge_folder(pasted, tmp_path / "out", "no-such-run")
    (pasted / "a.png").write_bytes(b"")
    (pasted / "a.bmp").write_bytes(b"")
    with pytest.raises(UsageError, match=r"both be written to .*a\.png"):
        forge_folder(pasted, tmp_path / "out", "untrained")
    for name in ("a.jpg", "more/b.png", "a.bmp", "a.png"):
        (pasted / name).unlink()
    with pytest.raises(Seal2RealError, match="none of its 1 images"):
        forge_folder(pasted, tmp_path / "out", "untrained")
    assert not (tmp_path / "out").exists()
