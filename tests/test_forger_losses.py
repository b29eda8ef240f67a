"""The forger's networks and losses: what they start from, where their gradients point."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from seal2real.forger.adversary import (
    FeatureDiscriminator,
    PixelDiscriminator,
    augment,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
)
from seal2real.forger.content import correlation, image_content_loss, layer_content_loss
from seal2real.forger.layered import CODE_SIZE, Impression, LayeredForger
from seal2real.forger.networks import KnobNetwork, ResidualUNet
from seal2real.forger.priors import Critic, prior_loss
from seal2real.forger.residual import ResidualForger
from seal2real.physics.knobs import KNOBS, decode
from seal2real.physics.press_scan import InkNoise, ScanNoise
from seal2real.physics.simulator import random_dials
from seal2real.prior.backbone import Backbone, load_backbone
from seal2real.prior.prompts import Prompts
from seal2real.prior.stage1 import prompt_errors, prompt_loss
from seal2real.prior.training import Streams, initial_weights


@pytest.fixture(scope="module")
def backbone(compact_folder: Path) -> Backbone:
    return load_backbone(str(compact_folder)).requires_grad_(False)


def ring(count: int = 2, side: int = 48) -> torch.Tensor:
    ys, xs = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    radius = torch.hypot(xs - side / 2.0, ys - side / 2.0)
    return ((radius - 0.36 * side).abs() < 2).float().expand(count, 1, side, side).contiguous()


def forge(forger: LayeredForger, coverage: torch.Tensor, seed: int = 0, with_clean: bool = True) -> Impression:
    count, side = len(coverage), coverage.shape[-1]
    streams = Streams(seed, 0, 0)
    page = torch.ones(count, 3, side, side)
    page[..., ::7, :] = 0.2
    return forger(
        page,
        coverage,
        torch.zeros(count, dtype=torch.long),
        torch.full((count,), 4.0),
        streams.normal(count, CODE_SIZE),
        InkNoise.draw(count, side, side, streams.torch),
        ScanNoise.draw(count, side, side, streams.torch),
        with_clean,
    )


@given(height=st.integers(4, 40), width=st.integers(4, 40))
@settings(max_examples=15, deadline=None)
def test_the_residual_is_zero_before_training_at_any_size(height: int, width: int) -> None:
    output = ResidualUNet(3, 2, (8, 12, 16))(torch.rand(1, 3, height, width))
    assert output.shape == (1, 2, height, width) and float(output.detach().abs().max()) == 0
    image = torch.rand(1, 3, height, width)
    assert torch.equal(ResidualForger((8, 12))(image, torch.randn_like(image)), image)


def test_knobs_start_at_their_places_and_spread_with_the_code() -> None:
    network = KnobNetwork(4)
    still = network(torch.zeros(1, CODE_SIZE), torch.tensor([2]))
    assert torch.allclose(still[0], torch.tensor([knob.start for knob in KNOBS]), atol=1e-5)
    up = network(torch.ones(1, CODE_SIZE), torch.tensor([2]))
    expected = torch.sigmoid(still.logit() + torch.tensor([knob.spread for knob in KNOBS]))
    assert torch.allclose(up, expected, atol=1e-5)


def test_decoded_knobs_stay_within_their_ranges() -> None:
    dials = random_dials(200, torch.Generator().manual_seed(0))
    values = decode(dials)
    for column, knob in enumerate(KNOBS):
        assert values[knob.name].min() >= knob.low - 1e-5 and values[knob.name].max() <= knob.high + 1e-4
        off = (dials[:, column] == torch.tensor(knob.off)).float().mean()
        assert 0.2 < off < 0.6, knob.name  # 40 % of the effects are off


def test_stamped_and_clean_share_a_scan_and_differ_by_the_ink_alone() -> None:
    forger = LayeredForger((8, 12)).requires_grad_(False)
    made = forge(forger, ring())
    assert made.clean is not None and made.stamped.shape == made.clean.shape == (2, 3, 48, 48)
    assert made.ink.min() >= 0 and torch.equal(made.ink, made.pressed)  # the residual is still zero
    bare = forge(forger, torch.zeros(2, 1, 48, 48))
    assert float(bare.ink.max()) == 0 and bare.clean is not None and torch.equal(bare.stamped, bare.clean)
    assert torch.equal(bare.clean, made.clean)
    assert not torch.equal(made.stamped[0], made.stamped[1])  # two codes, two impressions


def test_without_the_residual_network_the_operators_remain() -> None:
    plain = LayeredForger(residual=False)
    assert plain.residual is None and torch.equal(
        forge(plain, ring()).stamped, forge(LayeredForger((8, 12)), ring()).stamped
    )


def test_every_part_of_the_layered_forger_gets_a_gradient() -> None:
    forger = LayeredForger((8, 12))
    with torch.no_grad():
        for layer in (forger.residual.head, forger.knobs.mix[-1]):  # type: ignore[union-attr]
            for parameter in layer.parameters():  # type: ignore[union-attr]
                parameter.add_(0.01)
    forge(forger, ring(), with_clean=False).stamped.square().mean().backward()
    without = [name for name, p in forger.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert without == []


@pytest.mark.parametrize("kind", ["sds", "contrast", "vsd"])
def test_a_prior_pulls_without_a_pass_through_the_network(kind: str, backbone: Backbone) -> None:
    prompts, streams = Prompts.start(backbone).requires_grad_(False), Streams(1, 0, 0)
    images = torch.rand(3, 3, 32, 32, generator=streams.torch).requires_grad_()
    latents = backbone.encode(images)
    noise, times = streams.normal(*latents.shape), streams.timesteps(3, 0.02, 0.98, backbone.steps)
    critic = Critic(backbone, prompts.fake)
    loss, log = prior_loss(kind, backbone, prompts, critic, latents, noise, times, nullcontext)
    loss.backward()
    assert images.grad is not None and images.grad.abs().sum() > 0
    assert all(p.grad is None for p in (*backbone.parameters(), *critic.parameters()))
    assert log["grad"] > 0 and log["prior"] == pytest.approx(float(loss.detach()))


def test_a_prior_is_still_where_there_is_nothing_to_tell_apart(backbone: Backbone) -> None:
    prompts, streams = Prompts.start(backbone), Streams(1, 0, 0)
    latents = backbone.encode(torch.rand(2, 3, 32, 32, generator=streams.torch))
    noise, times = streams.normal(*latents.shape), torch.tensor([200, 700])
    same = Prompts(prompts.real.detach(), prompts.real.detach())
    copy = Critic(backbone, prompts.real)
    assert prior_loss("contrast", backbone, same, None, latents, noise, times, nullcontext)[1]["grad"] == 0
    assert prior_loss("vsd", backbone, prompts, copy, latents, noise, times, nullcontext)[1]["grad"] == 0
    with pytest.raises(ValueError, match="'vsd' needs a critic"):
        prior_loss("vsd", backbone, prompts, None, latents, noise, times, nullcontext)


def test_sds_points_from_the_image_to_what_the_prompt_denoises_to(backbone: Backbone) -> None:
    prompts, streams = Prompts.start(backbone), Streams(2, 0, 0)
    latents = backbone.encode(torch.rand(1, 3, 32, 32, generator=streams.torch)).requires_grad_()
    noise, times = streams.normal(*latents.shape), torch.tensor([400])
    noisy = backbone.add_noise(latents.detach(), noise, times)
    target = backbone.denoised(noisy, times, backbone.predict_noise(noisy, times, prompts.real)).detach()
    prior_loss("sds", backbone, prompts, None, latents, noise, times, nullcontext)[0].backward()
    assert latents.grad is not None
    step = (latents.detach() - latents.grad * 10).double()
    assert (step - target).abs().mean() < (latents.detach().double() - target).abs().mean()


def test_the_critic_learns_from_its_own_prompt_and_network(backbone: Backbone) -> None:
    critic, streams = Critic(backbone, Prompts.start(backbone).fake), Streams(3, 0, 0)
    latents = backbone.encode(torch.rand(2, 3, 32, 32, generator=streams.torch)).requires_grad_()
    loss, _ = critic.loss(backbone, latents, streams.normal(*latents.shape), torch.tensor([100, 500]))
    loss.backward()
    assert critic.prompt.grad is not None and critic.prompt.grad.abs().sum() > 0
    assert latents.grad is None and all(p.grad is None for p in backbone.parameters())


def test_prompt_errors_use_one_noise_for_both_and_the_loss_knows_right_from_wrong(backbone: Backbone) -> None:
    prompts, streams = Prompts.start(backbone), Streams(4, 0, 0)
    latents = backbone.encode(torch.rand(4, 3, 32, 32, generator=streams.torch))
    noise, times = streams.normal(*latents.shape), torch.tensor([50, 300, 600, 900])
    same = Prompts(prompts.real.detach(), prompts.real.detach())
    real_error, fake_error = prompt_errors(backbone, same, latents, noise, times, nullcontext)
    assert torch.allclose(real_error, fake_error, atol=1e-6)
    is_real = torch.tensor([True, True, False, False])
    right = prompt_loss(torch.tensor([0.1, 0.1, 0.2, 0.2]), torch.tensor([0.2, 0.2, 0.1, 0.1]), is_real, 1.0, 3072)
    wrong = prompt_loss(torch.tensor([0.2, 0.2, 0.1, 0.1]), torch.tensor([0.1, 0.1, 0.2, 0.2]), is_real, 1.0, 3072)
    assert right[2]["accuracy"] == 1 and wrong[2]["accuracy"] == 0 and right[1] < wrong[1]
    assert float(right[0]) == right[2]["denoise"] == pytest.approx(0.1) and float(wrong[0]) == pytest.approx(0.2)


def test_discriminators_tell_two_kinds_apart_after_a_few_steps(backbone: Backbone) -> None:
    streams = Streams(5, 0, 0)
    bright, dark = 0.6 + 0.4 * streams.uniform(8, 3, 32, 32), 0.4 * streams.uniform(8, 3, 32, 32)
    colour = torch.zeros(8, dtype=torch.long)
    with initial_weights(0):
        pixel = PixelDiscriminator(4, 8)
        features = FeatureDiscriminator(backbone, backbone.embed("real"), 8)
    noise, times = streams.normal(8, 12, 16, 16), torch.full((8,), 50)
    judges: list[tuple[nn.Module, tuple, tuple]] = [
        (pixel, (bright, colour), (dark, colour)),
        (features, (backbone.encode(bright), noise, times), (backbone.encode(dark), noise, times)),
    ]
    for judge, real, fake in judges:
        optimizer = torch.optim.Adam(judge.parameters(), lr=5e-3)
        before = discriminator_loss(judge(*real), judge(*fake)).detach()
        for _ in range(25):
            optimizer.zero_grad()
            discriminator_loss(judge(*real), judge(*fake)).backward()
            optimizer.step()
        assert discriminator_loss(judge(*real), judge(*fake)) < 0.7 * before
        assert generator_loss(judge(*real)) < generator_loss(judge(*fake))
    assert not any(name.startswith("backbone") for name in features.state_dict())


def test_the_penalty_is_the_squared_gradient() -> None:
    images = torch.rand(3, 3, 8, 8).requires_grad_()
    weight = torch.randn(3, 8, 8)
    penalty = gradient_penalty((images * weight).sum((1, 2, 3)), images)
    assert float(penalty) == pytest.approx(float(weight.square().sum()), rel=1e-5)


def test_augmentation_keeps_shape_and_gradient_and_follows_its_generator() -> None:
    images = torch.rand(4, 3, 16, 16).requires_grad_()
    first = augment(images, torch.Generator().manual_seed(1))
    assert first.shape == images.shape
    assert torch.equal(first, augment(images, torch.Generator().manual_seed(1)))
    assert not torch.equal(first, augment(images, torch.Generator().manual_seed(2)))
    first.sum().backward()
    assert images.grad is not None and images.grad.abs().sum() > 0


def impression(ink: torch.Tensor) -> Impression:
    return Impression(torch.zeros_like(ink), None, ink, ink, torch.zeros(len(ink), CODE_SIZE))


def test_content_wants_the_design_visible_where_it_was_drawn() -> None:
    design = ring()
    ink = design.expand(-1, 3, -1, -1)
    good, log = layer_content_loss(impression(ink), design)
    assert float(good) == pytest.approx(0, abs=1e-6) and log["likeness"] == pytest.approx(1, abs=1e-3)
    moved, _ = layer_content_loss(impression(ink.roll(12, -1)), design)
    faint, _ = layer_content_loss(impression(0.05 * ink), design)
    assert moved > 0.5 and 0.1 < faint < 2
    changed, _ = layer_content_loss(Impression(ink, None, ink, 0.5 * ink, torch.zeros(2, 1)), design)
    assert changed > good


def test_content_of_images_allows_texture_not_other_shapes() -> None:
    pasted = 1 - 0.8 * ring().expand(-1, 3, -1, -1)
    noisy = (pasted + 0.03 * torch.randn(pasted.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    assert image_content_loss(pasted, pasted)[0] < image_content_loss(noisy, pasted)[0] < 0.1
    assert image_content_loss(pasted.roll(12, -1), pasted)[0] > 1


@given(scale=st.floats(0.1, 10), shift=st.floats(-3, 3), seed=st.integers(0, 99))
def test_correlation_ignores_scale_and_shift(scale: float, shift: float, seed: int) -> None:
    first = torch.rand(2, 1, 6, 6, generator=torch.Generator().manual_seed(seed))
    assert torch.allclose(correlation(first, scale * first + shift), torch.ones(2), atol=1e-3)
    assert torch.equal(correlation(first, torch.ones_like(first)).abs() < 1e-2, torch.tensor([True, True]))
