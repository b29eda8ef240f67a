"""Low-rank adapters on a shared U-Net: one base in memory, on and off, computed again as it was, written and merged."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from seal2real.errors import Seal2RealError
from seal2real.forger.priors import Critic
from seal2real.prior.adapters import Adapter, base_of, is_adapted
from seal2real.prior.backbone import Backbone, is_compact, load_backbone
from seal2real.prior.training import Streams, initial_weights


@pytest.fixture
def backbone(diffusion_folder: Path) -> Backbone:
    return load_backbone(str(diffusion_folder)).requires_grad_(False)


def inputs(backbone: Backbone) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    streams = Streams(0, 0, 0)
    return streams.normal(2, 4, 8, 8), torch.tensor([50, 700]), backbone.embed("a real seal")


def stir(adapter: Adapter) -> None:
    """Weights away from the start, at which an adapter changes nothing."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in adapter.weights.values():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.2)


def test_the_critic_holds_no_weights_of_the_base_and_the_base_keeps_its_own(backbone: Backbone) -> None:
    base = {p.data_ptr() for p in backbone.unet.parameters()}
    memory = sum(p.numel() for p in backbone.unet.parameters())
    critic = Critic(backbone, backbone.embed("a real seal"), rank=2)
    mine = {p.data_ptr() for p in critic.parameters()}
    assert not mine & base  # adapters and the prompt alone
    assert base < {p.data_ptr() for p in critic.unet.unet.parameters()}  # and it runs on the very same storage
    assert sum(p.numel() for p in critic.parameters()) < 0.25 * memory
    assert all(p.requires_grad for p in critic.parameters())
    assert not any(p.requires_grad for p in backbone.unet.parameters() if p.data_ptr() in base)
    assert not any("conv" in name for name in critic.state_dict())


@pytest.mark.parametrize("checkpointing", [False, True])
def test_only_called_through_it_does_the_base_change(backbone: Backbone, checkpointing: bool) -> None:
    noisy, times, prompt = inputs(backbone)
    before = backbone.predict_noise(noisy, times, prompt)
    backbone.prepare("cpu", checkpointing=checkpointing)
    with initial_weights(0):
        first, second = Adapter(backbone.unet, "one", 2), Adapter(backbone.unet, "two", 2)
    assert torch.equal(backbone.predict_noise(noisy, times, prompt, first), before)  # at the start it adds nothing
    stir(first)
    changed = backbone.predict_noise(noisy, times, prompt, first)
    assert not torch.allclose(changed, before)
    assert torch.equal(backbone.predict_noise(noisy, times, prompt), before)
    assert torch.equal(backbone.predict_noise(noisy, times, prompt, second), before)
    assert all(p.requires_grad for a in (first, second) for p in a.parameters())


def test_gradients_with_recomputing_are_those_without(backbone: Backbone) -> None:
    """The backward pass comes when the adapter is off again, and must compute the blocks with it on."""
    noisy, times, prompt = inputs(backbone)
    found = []
    for checkpointing in (False, True):
        backbone.prepare("cpu", checkpointing=checkpointing)
        with initial_weights(0):
            adapter = Adapter(backbone.unet, "critic", 2)
        stir(adapter)
        learned = prompt.clone().requires_grad_()
        loss = backbone.predict_noise(noisy, times, learned, adapter).square().mean()
        with torch.no_grad():
            backbone.predict_noise(noisy, times, prompt)  # the frozen model's turn, in between
        loss.backward()
        found.append([learned.grad, *(p.grad for p in adapter.parameters())])
    assert all(g is not None and g.abs().sum() > 0 for g in found[0])
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(*found, strict=True))


def test_an_adapter_is_written_with_its_bases_name_and_read_merged(
    backbone: Backbone, diffusion_folder: Path, tmp_path: Path
) -> None:
    noisy, times, prompt = inputs(backbone)
    with initial_weights(0):
        adapter = Adapter(backbone.unet, "stage1", 3)
    stir(adapter)
    adapter.save(tmp_path / "backbone", str(diffusion_folder))
    assert is_adapted(tmp_path / "backbone") and base_of(tmp_path / "backbone") == str(diffusion_folder)
    assert not is_compact(str(tmp_path / "backbone"))
    size = sum(f.stat().st_size for f in tmp_path.rglob("*.safetensors"))
    assert size < 0.3 * (diffusion_folder / "unet" / "diffusion_pytorch_model.safetensors").stat().st_size
    read = load_backbone(str(tmp_path / "backbone"))
    plain = load_backbone(str(diffusion_folder))
    assert [n for n, _ in read.unet.named_parameters()] == [n for n, _ in plain.unet.named_parameters()]
    want = backbone.predict_noise(noisy, times, prompt, adapter)
    assert torch.allclose(read.predict_noise(noisy, times, prompt), want, atol=1e-5)
    assert not torch.allclose(plain.predict_noise(noisy, times, prompt), want, atol=1e-3)


def test_an_adapter_whose_base_is_gone_names_both(backbone: Backbone, tmp_path: Path) -> None:
    Adapter(backbone.unet, "stage1", 1).save(tmp_path / "backbone", str(tmp_path / "moved"))
    with pytest.raises(Seal2RealError, match=r"holds an adapter; its base cannot be read: .*moved: no such backbone"):
        load_backbone(str(tmp_path / "backbone"))


def test_in_half_precision_adapters_stay_exact(backbone: Backbone) -> None:
    backbone.prepare("cpu", "bf16")
    adapter = Adapter(backbone.unet, "critic", 2)
    assert {p.dtype for p in adapter.parameters()} == {torch.float32}
    noisy, times, prompt = inputs(backbone)
    with torch.autocast("cpu", torch.bfloat16):
        eps = backbone.predict_noise(noisy, times, prompt, adapter)
    eps.square().mean().backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in adapter.parameters())
