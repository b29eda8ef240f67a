"""seal2real sample and seal2real edit: what they write, and one clear line for every mistake."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from seal2real.cli import run
from seal2real.dataset.edit_images import grid, near_ink
from seal2real.images import load_rgb, read_synthetic_mark, save_image
from seal2real.prior.backbone import load_backbone
from seal2real.prior.prompts import Prompts

FEW = ["--steps", "4"]


@pytest.fixture(scope="module")
def learned(compact_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the tiny backbone with prompts far apart."""
    folder = tmp_path_factory.mktemp("run")
    shutil.copytree(compact_folder, folder / "backbone")
    shape = (1, *load_backbone(str(compact_folder)).prompt_shape)
    generator = torch.Generator().manual_seed(0)
    Prompts(*(3 * torch.randn(shape, generator=generator) for _ in range(2))).save(folder / "prompts.safetensors")
    return folder


@pytest.fixture(scope="module")
def pastes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PNG with a red ring in its middle, a JPEG below it, and what is no image."""
    folder = tmp_path_factory.mktemp("pastes")
    y, x = np.mgrid[:90, :110] - np.array([45, 55])[:, None, None]
    image = np.full((90, 110, 3), 245, np.uint8)
    image[np.abs(np.hypot(x, y) - 18) < 3] = (200, 30, 40)
    save_image(folder / "a.png", image)
    save_image(folder / "more" / "b.jpg", image[:70, :80])
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    return folder


def test_sample_writes_marked_images_and_their_grid(learned: Path, tmp_path: Path) -> None:
    assert run(["sample", str(learned), "--out", str(tmp_path / "a"), "-n", "3", *FEW]) == 0
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["0000.png", "0001.png", "0002.png", "grid.png"]
    assert all(read_synthetic_mark(tmp_path / "a" / name) for name in names)
    assert load_rgb(tmp_path / "a" / "0002.png").shape == (32, 32, 3)
    assert run(["sample", str(learned), "--out", str(tmp_path / "b"), "-n", "3", *FEW]) == 0
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)


def test_sample_makes_a_row_of_the_grid_for_each_realism(learned: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["sample", str(learned), "--out", str(out), "-n", "2", "--realism", "fake,0.5,1.5", "--size", "40"]
    assert run([*arguments, *FEW]) == 0
    names = {f"realism{r}-{k:04d}.png" for r in ("0", "0.5", "1.5") for k in range(2)}
    assert {path.name for path in out.iterdir()} == {*names, "grid.png"}
    shown = load_rgb(out / "grid.png")
    assert shown.shape == (3 * (120 + 4) + 4, 2 * (120 + 4) + 4, 3)
    second = load_rgb(out / "realism0.5-0000.png")
    assert np.array_equal(shown[128:248:3, 4:124:3], second)
    assert not np.array_equal(second, load_rgb(out / "realism0-0000.png"))


@pytest.mark.parametrize("method", ["sdedit", "inversion"])
def test_edit_keeps_names_sizes_and_what_is_far_from_the_ink(
    method: str, learned: Path, pastes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["edit", str(pastes), "--run", str(learned), "--method", method, "--strength", "0.5", *FEW]
    assert run([*arguments, "--out", str(tmp_path / "whole")]) == 0
    assert run([*arguments, "--out", str(tmp_path / "ink"), "--mask", "ink", "--margin", "3"]) == 0
    assert capsys.readouterr().err.count("broken.png: ") == 2
    given, whole, ink = (load_rgb(folder / "a.png") for folder in (pastes, tmp_path / "whole", tmp_path / "ink"))
    assert load_rgb(tmp_path / "ink" / "more" / "b.jpg").shape == (70, 80, 3)
    assert read_synthetic_mark(tmp_path / "ink" / "a.png") and read_synthetic_mark(tmp_path / "ink" / "more" / "b.jpg")
    assert whole.shape == given.shape and not np.array_equal(whole[:10], given[:10])
    away = near_ink(given, 3) == 0
    assert 0.5 < away.mean() < 0.9
    assert np.array_equal(ink[away], given[away]) and not np.array_equal(ink, given)


def test_edit_of_strength_0_is_the_image_and_seeds_tell(learned: Path, pastes: Path, tmp_path: Path) -> None:
    arguments = ["edit", str(pastes), "--run", str(learned), *FEW]
    assert run([*arguments, "--out", str(tmp_path / "zero"), "--strength", "0"]) == 0
    assert np.array_equal(load_rgb(tmp_path / "zero" / "a.png"), load_rgb(pastes / "a.png"))
    for name, seed in (("one", "1"), ("again", "1"), ("two", "2")):
        assert run([*arguments, "--out", str(tmp_path / name), "--seed", seed]) == 0
    one, again, two = (load_rgb(tmp_path / name / "a.png") for name in ("one", "again", "two"))
    assert np.array_equal(one, again) and not np.array_equal(one, two)


def test_a_stable_diffusion_run_samples_and_edits(diffusion_folder: Path, pastes: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.yaml").write_text(f"backbone: {diffusion_folder}\n")
    Prompts.start(load_backbone(str(diffusion_folder))).save(folder / "prompts.safetensors")
    assert run(["sample", str(folder), "--out", str(tmp_path / "s"), "-n", "1", "--guidance", "4", *FEW]) == 0
    assert load_rgb(tmp_path / "s" / "0000.png").shape == (32, 32, 3)
    assert run(["edit", str(pastes), "--run", str(folder), "--out", str(tmp_path / "e"), *FEW]) == 0
    assert load_rgb(tmp_path / "e" / "a.png").shape == (90, 110, 3)


def test_the_surroundings_of_ink_fade_out() -> None:
    image = np.full((80, 80, 3), 240, np.uint8)
    assert not near_ink(image).any()
    image[30:50, 30:50] = (200, 20, 30)
    near = near_ink(image, 6)
    assert near[35, 35] == 1 and near[40, 54] == 1 and 0 < near[40, 58] < 1 and near[40, 70] == 0
    assert near.dtype == np.float32


def test_a_grid_of_large_pictures_is_not_enlarged() -> None:
    pictures = [np.full((140, 150, 3), value, np.uint8) for value in (10, 20, 30)]
    shown = grid(pictures, 2)
    assert shown.shape == (2 * 144 + 4, 2 * 154 + 4, 3)
    assert (shown[10, 10, 0], shown[10, 170, 0], shown[160, 10, 0], shown[160, 170, 0]) == (10, 20, 30, 255)


SAMPLE, EDIT = ["sample", "RUN", "--out", "new"], ["edit", "PASTES", "--run", "RUN", "--out", "new"]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["sample", "absent", "--out", "new"], 1, "absent: no such folder; give a RUN folder"),
        (["sample", "EMPTY", "--out", "new"], 1, "EMPTY: holds no prompts (prompts.safetensors); learn them"),
        (["sample", "RUN", "--out", "FULL"], 2, "FULL is not empty; name a new folder"),
        ([*SAMPLE, "-n", "0"], 2, "count is 0; it must be 1 or more"),
        ([*SAMPLE, "-n", "-3"], 2, "count is -3"),
        ([*SAMPLE, "--seed", "-1"], 2, "seed is -1"),
        ([*SAMPLE, "--size", "33"], 2, "size is 33; this backbone needs a multiple of 4"),
        ([*SAMPLE, "--tile", "0"], 2, "tile is 0"),
        ([*SAMPLE, "--tile", "30"], 2, "tile is 30; this backbone needs a multiple of 4"),
        ([*SAMPLE, "--steps", "0"], 2, "steps is 0"),
        ([*SAMPLE, "--realism", "5"], 2, "realism is 5; it must be 0 to 4"),
        ([*SAMPLE, "--realism", "true"], 2, "realism is 'true'; give real, fake or a number from 0 to 4"),
        ([*SAMPLE, "--realism", "0,1,real"], 2, "a realism is given twice"),
        ([*SAMPLE, "--guidance", "-1"], 2, "guidance is -1; it must be 0 to 20"),
        ([*SAMPLE, "--solver", "euler"], 2, "solver is 'euler'; choose from dpm, ddim"),
        ([*SAMPLE, "--backbone", "compact"], 1, "this backbone needs"),
        ([*SAMPLE, "--backbone", "absent"], 1, "absent: no such backbone"),
        (["edit", "absent", "--run", "RUN", "--out", "new"], 1, "absent: no such folder"),
        (["edit", "EMPTY", "--run", "RUN", "--out", "new"], 1, "EMPTY: holds no image files"),
        (["edit", "PASTES", "--run", "EMPTY", "--out", "new"], 1, "EMPTY: holds no prompts"),
        (["edit", "PASTES", "--run", "absent", "--out", "new"], 1, "absent: no such folder"),
        (["edit", "PASTES", "--run", "RUN", "--out", "PASTES"], 2, "is the folder of the images themselves"),
        ([*EDIT, "--strength", "1.2"], 2, "strength is 1.2; it must be 0 (nothing changes) to 1"),
        ([*EDIT, "--strength", "-0.1"], 2, "strength is -0.1"),
        ([*EDIT, "--strength", "nan"], 2, "strength is nan"),
        ([*EDIT, "--method", "img2img"], 2, "method is 'img2img'; choose from sdedit, inversion"),
        ([*EDIT, "--mask", "seal"], 2, "mask is 'seal'; choose from none, ink"),
        ([*EDIT, "--margin", "-1"], 2, "margin is -1"),
        ([*EDIT, "--jpeg-quality", "0"], 2, "jpeg-quality is 0"),
        ([*EDIT, "--realism", "nan"], 2, "realism is nan"),
        ([*EDIT, "--backbone", "compact"], 1, "this backbone needs"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str],
    status: int,
    message: str,
    learned: Path,
    pastes: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "EMPTY").mkdir()
    (tmp_path / "FULL").mkdir()
    (tmp_path / "FULL" / "a.txt").write_text("mine")
    (tmp_path / "RUN").symlink_to(learned)
    (tmp_path / "PASTES").symlink_to(pastes)
    assert run(arguments) == status
    errors = capsys.readouterr().err
    assert message in errors and len(errors.splitlines()) == 1 and errors.startswith("seal2real: ")
    assert not (tmp_path / "new").exists()
