"""The compact backbone: sizes, noise schedule, prompts, files."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.errors import Seal2RealError
from seal2real.prior.backbone import load_backbone
from seal2real.prior.compact import TOKENS, CompactBackbone
from seal2real.prior.prompts import Prompts
from seal2real.weights import write_tensors


@pytest.fixture(scope="module")
def backbone(compact_folder: Path) -> CompactBackbone:
    return CompactBackbone.load(compact_folder).requires_grad_(False)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=8, deadline=None)
@given(widths=st.lists(st.sampled_from([8, 12, 16, 20, 24, 32]), min_size=2, max_size=3))
def test_any_widths_in_fours_make_a_network_that_runs(widths: list[int]) -> None:
    backbone = CompactBackbone.create(tuple(widths), token_width=16, image_size=32)
    assert backbone.multiple == 2 ** len(widths)
    latents = backbone.encode(torch.rand(2, 3, 2 * backbone.multiple, backbone.multiple))
    with torch.no_grad():
        eps = backbone.predict_noise(latents, torch.tensor([0, 999]), backbone.embed("real"))
    assert eps.shape == latents.shape and eps.isfinite().all()


@given(seed=st.integers(0, 1000), height=st.integers(1, 9), width=st.integers(1, 9))
def test_encoding_loses_nothing(backbone: CompactBackbone, seed: int, height: int, width: int) -> None:
    images = torch.rand(1, 3, 2 * height, 2 * width, generator=torch.Generator().manual_seed(seed))
    assert torch.allclose(backbone.decode(backbone.encode(images)), images, atol=1e-6)


@given(time=st.integers(0, 999), seed=st.integers(0, 1000))
def test_true_noise_gives_the_clean_latents_back(backbone: CompactBackbone, time: int, seed: int) -> None:
    latents, eps, at = noise(1, 12, 4, 4, seed=seed), noise(1, 12, 4, 4, seed=seed + 1), torch.tensor([time])
    clean = backbone.denoised(backbone.add_noise(latents, eps, at), at, eps)
    assert clean.dtype == torch.float64 and torch.allclose(clean, latents.double(), atol=1e-4)


def test_a_velocity_prediction_is_turned_into_noise(backbone: CompactBackbone) -> None:
    latents, eps, at = noise(2, 12, 16, 16), noise(2, 12, 16, 16, seed=1), torch.tensor([100, 800])
    noisy, prompt = backbone.add_noise(latents, eps, at), backbone.embed("real")
    velocity = backbone.unet(noisy, at, encoder_hidden_states=prompt.expand(2, -1, -1)).sample
    signal, sigma = backbone._signal(at)
    assert torch.allclose(backbone.predict_noise(noisy, at, prompt), signal * velocity + sigma * noisy, atol=1e-6)


def test_the_prompt_matters_and_is_shaped_as_said(backbone: CompactBackbone) -> None:
    real, fake, nothing = (backbone.embed(words) for words in ("a real seal", "a fake seal", ""))
    assert real.shape == (1, *backbone.prompt_shape) == (1, TOKENS, 32)
    assert torch.equal(nothing[0], backbone.caption.nothing)
    noisy, at = noise(1, 12, 16, 16), torch.tensor([500])
    first, second = backbone.predict_noise(noisy, at, real), backbone.predict_noise(noisy, at, fake)
    assert not torch.equal(first, second)
    with pytest.raises(Seal2RealError, match="knows the words 'real' and 'fake', not 'green'"):
        backbone.embed("green")


def test_features_come_from_every_level(backbone: CompactBackbone) -> None:
    shapes = [f.shape for f in backbone.features(noise(2, 12, 16, 16), torch.tensor([5, 6]), backbone.embed("real"))]
    assert shapes == [(2, 16, 8, 8), (2, 16, 8, 8), (2, 16, 8, 8)]
    assert not any(module._forward_hooks for module in backbone.unet.modules())


def test_the_critic_is_a_copy_that_learns(backbone: CompactBackbone) -> None:
    critic = backbone.copy_unet()
    assert all(p.requires_grad for p in critic.parameters()) and not any(p.requires_grad for p in backbone.parameters())
    with torch.no_grad():
        next(critic.parameters()).add_(1)
    assert not torch.equal(next(critic.parameters()), next(backbone.unet.parameters()))


def test_saved_and_loaded_it_predicts_the_same(backbone: CompactBackbone, tmp_path: Path) -> None:
    backbone.save(tmp_path)
    copy = load_backbone(str(tmp_path))
    noisy, at = noise(2, 12, 16, 16), torch.tensor([3, 700])
    assert copy.image_size == 32
    assert torch.equal(
        copy.predict_noise(noisy, at, copy.embed("real")), backbone.predict_noise(noisy, at, backbone.embed("real"))
    )
    backbone.save(tmp_path / "half", torch.bfloat16)
    half = load_backbone(str(tmp_path / "half"))
    assert {p.dtype for p in (*half.parameters(), *backbone.parameters())} == {torch.float32}
    assert torch.allclose(half.caption.names, backbone.caption.names, atol=0.02)


def test_a_save_that_fails_leaves_what_was_there(backbone: CompactBackbone, tmp_path: Path) -> None:
    backbone.save(tmp_path / "kept")
    code = (
        "import resource, signal, sys; from pathlib import Path; from seal2real.prior.backbone import load_backbone;"
        "from seal2real.errors import Seal2RealError; backbone = load_backbone(sys.argv[1]);"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100_000,) * 2)\n"
        "try: backbone.save(Path(sys.argv[1]))\n"
        "except Seal2RealError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "kept")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "kept: cannot be written (" in done.stdout and done.stdout.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    load_backbone(str(tmp_path / "kept"))


@pytest.mark.parametrize("part", ["unet", "scheduler", "caption"])
def test_a_missing_part_is_named(part: str, compact_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(compact_folder, tmp_path / "copy")
    (tmp_path / "copy" / part).rename(tmp_path / "gone")
    with pytest.raises(Seal2RealError, match=rf"not a compact backbone, {part}/.* is missing"):
        CompactBackbone.load(tmp_path / "copy")


@pytest.mark.parametrize("name", ["unet/diffusion_pytorch_model", "caption/model"])
def test_pickles_cut_files_and_foreign_weights_are_refused(name: str, compact_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(compact_folder, tmp_path / "copy")
    weights = tmp_path / "copy" / f"{name}.safetensors"
    whole = weights.read_bytes()
    for data in (pickle.dumps({"a": 1}), whole[:500], b""):
        weights.write_bytes(data)
        with pytest.raises(Seal2RealError, match="not a valid safetensors file") as caught:
            CompactBackbone.load(tmp_path / "copy")
        assert "\n" not in str(caught.value)
    write_tensors(weights, {"other": torch.zeros(2)})
    with pytest.raises(Seal2RealError, match="is missing"):
        CompactBackbone.load(tmp_path / "copy")


def test_captions_of_another_version(compact_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(compact_folder, tmp_path / "copy")
    path = tmp_path / "copy" / "caption" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "tokens": 3}))
    with pytest.raises(Seal2RealError, match=f"captions have 3 tokens, this version has {TOKENS}"):
        load_backbone(str(tmp_path / "copy"))


def test_prompts_survive_a_file_and_are_checked(backbone: CompactBackbone, tmp_path: Path) -> None:
    prompts = Prompts.start(backbone)
    prompts.save(tmp_path / "p.safetensors")
    again = Prompts.load(tmp_path / "p.safetensors", backbone)
    assert torch.equal(again.real, prompts.real) and torch.equal(again.fake, prompts.fake)
    write_tensors(tmp_path / "p.safetensors", {"real": prompts.real})
    with pytest.raises(Seal2RealError, match="prompt 'fake' is missing"):
        Prompts.load(tmp_path / "p.safetensors", backbone)
    with pytest.raises(Seal2RealError, match="no such file"):
        Prompts.load(tmp_path / "q.safetensors", backbone)
