"""Stable Diffusion as a backbone, with tiny networks of the real diffusers and transformers classes."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

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
    message = r"is a pickle, .* refused, take the model's safetensors" if how == "gone" else "could not be loaded"
    with pytest.raises(Seal2RealError, match=message) as caught:
        load_backbone(str(tmp_path / "sd"))
    assert "\n" not in str(caught.value) and str(tmp_path / "sd") in str(caught.value)


def test_a_hub_id_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # what the environment sets at its import
    with pytest.raises(Seal2RealError, match="nobody/no-such-model: the backbone could not be loaded") as caught:
        load_backbone("nobody/no-such-model")
    assert "\n" not in str(
        caught.value
    ) and "hf download nobody/no-such-model --local-dir DIR; then --backbone DIR" in str(caught.value)


@pytest.mark.parametrize("name", ["no-such-folder", "./no/such", "/no/such"])
def test_no_such_backbone(name: str) -> None:
    with pytest.raises(Seal2RealError, match="no such backbone"):
        load_backbone(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.ckpt", "a pickled checkpoint can run code when it is opened and is refused"),
        ("model.safetensors", "a single file is no diffusers folder; .*from_single_file"),
    ],
)
def test_a_single_file_is_told_what_to_become(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(Seal2RealError, match=message) as caught:
        load_backbone(str(tmp_path / name))
    assert "\n" not in str(caught.value) and name in str(caught.value)


@pytest.mark.parametrize(
    ("part", "values", "message"),
    [
        ("unet", {"addition_embed_type": "text_time"}, "Stable Diffusion XL is not supported: its U-Net also wants"),
        ("unet", {"in_channels": 9}, r"the U-Net takes 9 channels, the VAE gives 4"),
        ("unet", {"cross_attention_dim": 32}, "the text encoder gives 16 values per token and the U-Net takes 32"),
        ("scheduler", {"prediction_type": "sample"}, "prediction_type 'sample'; epsilon and v_prediction are known"),
    ],
)
def test_other_models_are_refused_by_what_they_are(
    part: str, values: dict[str, Any], message: str, diffusion_folder: Path, tmp_path: Path
) -> None:
    from diffusers import UNet2DConditionModel

    shutil.copytree(diffusion_folder, tmp_path / "sd")
    path = tmp_path / "sd" / part / ("config.json" if part == "unet" else "scheduler_config.json")
    config = {**json.loads(path.read_text()), **values}
    path.write_text(json.dumps(config))
    if part == "unet" and "addition_embed_type" not in values:
        UNet2DConditionModel.from_config(config).save_pretrained(tmp_path / "sd" / "unet")
    with pytest.raises(Seal2RealError, match=message) as caught:
        load_backbone(str(tmp_path / "sd"))
    assert "\n" not in str(caught.value) and str(tmp_path / "sd") in str(caught.value)


def test_half_precision_files_alone_are_read(backbone: StableDiffusionBackbone, tmp_path: Path) -> None:
    backbone.save(tmp_path / "sd")
    for path in [*(tmp_path / "sd").glob("*/*.safetensors")]:
        path.rename(path.with_name(f"{path.stem}.fp16.safetensors"))
    assert torch.equal(load_backbone(str(tmp_path / "sd")).embed("a"), backbone.embed("a"))


def test_velocities_become_the_same_noise(diffusion_folder: Path, tmp_path: Path) -> None:
    """v = signal * eps - sigma * z (Salimans and Ho 2022): the U-Net's output read as v must give eps back."""
    shutil.copytree(diffusion_folder, tmp_path / "v")
    path = tmp_path / "v" / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "prediction_type": "v_prediction"}))
    plain, velocity = load_backbone(str(diffusion_folder)), load_backbone(str(tmp_path / "v"))
    generator = torch.Generator().manual_seed(1)
    noisy, times = torch.randn(2, 4, 8, 8, generator=generator), torch.tensor([10, 900])
    with torch.no_grad():
        output = plain.predict_noise(noisy, times, plain.embed("a"))
        eps = velocity.predict_noise(noisy, times, velocity.embed("a"))
    signal, sigma = (velocity.alphas_cumprod[times] ** 0.5, (1 - velocity.alphas_cumprod[times]) ** 0.5)
    clean = velocity.denoised(noisy, times, eps)
    z = signal.view(-1, 1, 1, 1) * noisy - sigma.view(-1, 1, 1, 1) * output  # what v says of the clean latents
    assert torch.allclose(clean.float(), z, atol=1e-4)


def gradients(backbone: StableDiffusionBackbone, images: torch.Tensor) -> torch.Tensor:
    images = images.clone().requires_grad_()
    backbone.encode(images).square().sum().backward()
    assert images.grad is not None
    return images.grad


def test_encoding_in_groups_with_recomputing_is_exact(diffusion_folder: Path) -> None:
    images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    plain = StableDiffusionBackbone.load(str(diffusion_folder))
    lean = StableDiffusionBackbone.load(str(diffusion_folder))
    lean.prepare("cpu", "fp32", checkpointing=True)
    assert lean.encode_batch == 1
    assert torch.allclose(lean.encode(images), plain.encode(images), atol=1e-5)
    assert torch.allclose(gradients(lean, images), gradients(plain, images), atol=1e-4)


def test_frozen_weights_in_half_precision(diffusion_folder: Path, backbone: StableDiffusionBackbone) -> None:
    lean = StableDiffusionBackbone.load(str(diffusion_folder))
    lean.prepare("cpu", "bf16")
    assert {p.dtype for p in lean.unet.parameters()} == {torch.bfloat16} == {p.dtype for p in lean.vae.parameters()}
    noisy, times = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1)), torch.tensor([10, 900])
    with torch.no_grad():
        eps = lean.predict_noise(noisy, times, lean.embed("a real seal"))
        exact = backbone.predict_noise(noisy, times, backbone.embed("a real seal"))
    assert eps.dtype == torch.float32 and (eps - exact).abs().mean() < 0.05 * exact.abs().mean()
