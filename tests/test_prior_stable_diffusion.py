"""Stable Diffusion as a backbone, with tiny networks of the real diffusers and transformers classes."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest
import torch

from seal2real.errors import Seal2RealError
from seal2real.prior.backbone import load_backbone
from seal2real.prior.stable_diffusion import StableDiffusionBackbone


@pytest.fixture(scope="module")
def backbone(diffusion_folder: Path) -> StableDiffusionBackbone:
    return StableDiffusionBackbone.load(str(diffusion_folder))


def test_words_become_the_text_encoders_output(backbone: StableDiffusionBackbone) -> None:
    assert backbone.prompt_shape == (77, 16)
    real, fake = backbone.embed("a real seal"), backbone.embed("a fake seal")
    assert real.shape == (1, 77, 16) and real.dtype == torch.float32
    assert torch.equal(real[:, :2], fake[:, :2])  # the start, and "a": the encoder looks back only
    assert not torch.allclose(real, fake)


def test_latents_have_the_vaes_shape_and_carry_gradients(backbone: StableDiffusionBackbone) -> None:
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)).requires_grad_()
    latents = backbone.encode(images)
    assert latents.shape == (2, 4, 8, 8)
    assert backbone.decode(latents).shape == images.shape
    latents.sum().backward()
    assert images.grad is not None and images.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in backbone.parameters())


def test_image_sizes_are_those_of_the_networks(backbone: StableDiffusionBackbone) -> None:
    assert (backbone.image_size, backbone.multiple, backbone.steps) == (32, 8, 1000)


def test_saved_and_loaded_it_predicts_the_same(backbone: StableDiffusionBackbone, tmp_path: Path) -> None:
    backbone.save(tmp_path / "copy")
    copy = load_backbone(str(tmp_path / "copy"))
    noisy, times = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1)), torch.tensor([10, 900])
    prompt = backbone.embed("a real seal")
    with torch.no_grad():
        assert torch.equal(
            copy.predict_noise(noisy, times, prompt), backbone.predict_noise(noisy, times, copy.embed("a real seal"))
        )


def test_saving_in_half_precision_leaves_the_original_alone(backbone: StableDiffusionBackbone, tmp_path: Path) -> None:
    backbone.save(tmp_path / "half", torch.bfloat16)
    assert {p.dtype for p in backbone.parameters()} == {torch.float32}
    assert {p.dtype for p in load_backbone(str(tmp_path / "half")).parameters()} == {torch.float32}
    sizes = [sum(f.stat().st_size for f in (folder / "unet").iterdir()) for folder in (tmp_path / "half",)]
    backbone.save(tmp_path / "full")
    assert sizes[0] < 0.8 * sum(f.stat().st_size for f in (tmp_path / "full" / "unet").iterdir())


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder", "tokenizer", "scheduler"])
def test_a_missing_part_is_named(part: str, diffusion_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(diffusion_folder, tmp_path / "sd")
    shutil.rmtree(tmp_path / "sd" / part)
    with pytest.raises(Seal2RealError, match=rf"not a Stable Diffusion folder, {part}/ is missing"):
        load_backbone(str(tmp_path / "sd"))


@pytest.mark.parametrize("part", ["unet/diffusion_pytorch_model", "vae/diffusion_pytorch_model", "text_encoder/model"])
@pytest.mark.parametrize("how", ["gone", "pickled", "cut"])
def test_weights_that_are_no_safetensors_are_refused_in_one_line(
    part: str, how: str, diffusion_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(diffusion_folder, tmp_path / "sd")
    weights = tmp_path / "sd" / f"{part}.safetensors"
    if how == "gone":
        weights.rename(weights.with_suffix(".bin"))
    elif how == "pickled":
        weights.write_bytes(pickle.dumps({"weight": [1.0]}))
    else:
        weights.write_bytes(weights.read_bytes()[:2000])
    with pytest.raises(Seal2RealError, match="could not be loaded") as caught:
        load_backbone(str(tmp_path / "sd"))
    assert "\n" not in str(caught.value) and str(tmp_path / "sd") in str(caught.value)


def test_a_hub_id_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # what the environment sets at its import
    with pytest.raises(Seal2RealError, match="nobody/no-such-model: the backbone could not be loaded") as caught:
        load_backbone("nobody/no-such-model")
    assert "\n" not in str(caught.value) and "give its path" in str(caught.value)


@pytest.mark.parametrize("name", ["no-such-folder", "./no/such", "/no/such"])
def test_no_such_backbone(name: str) -> None:
    with pytest.raises(Seal2RealError, match="no such backbone"):
        load_backbone(name)
