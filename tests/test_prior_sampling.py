"""Sampling and editing with a pair of prompts, on tiny backbones of the real classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from seal2real.errors import Seal2RealError, UsageError
from seal2real.prior.backbone import Backbone, load_backbone
from seal2real.prior.editing import invert, invert_and_edit, sdedit
from seal2real.prior.prompts import Prompts
from seal2real.prior.run_prompts import open_run
from seal2real.prior.sampling import (
    Predictor,
    SamplingSettings,
    denoise,
    draw_noise,
    mean_latent,
    pixels_per_latent,
    sample,
    steer,
    times_of,
)

QUICK = SamplingSettings(steps=4)


@pytest.fixture(scope="module", params=["compact", "diffusion"])
def backbone(request: pytest.FixtureRequest) -> Backbone:
    return load_backbone(str(request.getfixturevalue(f"{request.param}_folder"))).requires_grad_(False)


@pytest.fixture(scope="module")
def compact(compact_folder: Path) -> Backbone:
    return load_backbone(str(compact_folder)).requires_grad_(False)


def prompts_of(backbone: Backbone, seed: int = 5) -> Prompts:
    """Far apart, so that untrained networks tell them from each other too."""
    shape = (1, *backbone.prompt_shape)
    generator = torch.Generator().manual_seed(seed)
    return Prompts(*(3 * torch.randn(shape, generator=generator) for _ in range(2))).requires_grad_(False)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int = 1, height: int = 32, width: int = 32) -> torch.Tensor:
    """Smooth pictures: a light ground with a darker stripe."""
    ramp = torch.linspace(0.6, 1.0, width).expand(count, 3, height, width).clone()
    ramp[..., height // 3 : height // 2, :] *= 0.4
    return ramp


def test_samples_are_images_and_follow_the_generator(backbone: Backbone) -> None:
    prompts = prompts_of(backbone)
    images = sample(backbone, prompts, 2, seeded(), QUICK)
    assert images.shape == (2, 3, backbone.image_size, backbone.image_size)
    assert images.min() >= 0 and images.max() <= 1 and images.isfinite().all()
    assert torch.equal(images, sample(backbone, prompts, 2, seeded(), QUICK))
    assert not torch.allclose(images, sample(backbone, prompts, 2, seeded(1), QUICK))
    assert torch.allclose(images[:1], sample(backbone, prompts, 1, seeded(), QUICK), atol=1e-4)
    one_each = sample(backbone, prompts, 2, [seeded(3), seeded()], QUICK)
    assert torch.allclose(one_each[1], images[0], atol=1e-4)


@pytest.mark.parametrize("mix", ["embeddings", "scores"])
def test_realism_0_and_1_are_one_prompt_alone_and_between_it_moves(backbone: Backbone, mix: str) -> None:
    prompts = prompts_of(backbone)
    noisy = draw_noise((1, backbone.unet.config["in_channels"], 8, 8), seeded(), torch.device("cpu"))

    def eps(realism: float) -> torch.Tensor:
        return steer(backbone, prompts, SamplingSettings(realism, mix))(noisy, 600)

    fake, real = (Predictor(backbone, [(p, 1.0)])(noisy, 600) for p in (prompts.fake, prompts.real))
    assert torch.equal(eps(0), fake)
    assert torch.allclose(eps(1), real, atol=1e-6) and not torch.allclose(real, fake, atol=1e-4)
    if mix == "scores":
        assert torch.allclose(eps(1.5), fake + 1.5 * (real - fake), atol=1e-5)
    else:
        mixed = prompts.fake + 1.5 * (prompts.real - prompts.fake)
        assert torch.allclose(eps(1.5), Predictor(backbone, [(mixed, 1.0)])(noisy, 600), atol=1e-6)


def test_realism_0_samples_what_the_fake_prompt_alone_samples(backbone: Backbone) -> None:
    prompts = prompts_of(backbone)
    only_fake = Prompts(prompts.fake, prompts.fake)
    without = sample(backbone, prompts, 1, seeded(), replace(QUICK, realism=0))
    assert torch.equal(without, sample(backbone, only_fake, 1, seeded(), QUICK))


def test_guidance_is_a_step_away_from_the_negative_prompt(backbone: Backbone) -> None:
    prompts = prompts_of(backbone)
    noisy = draw_noise((1, backbone.unet.config["in_channels"], 8, 8), seeded(), torch.device("cpu"))
    alone = {
        name: Predictor(backbone, [(prompt, 1.0)])(noisy, 400)
        for name, prompt in (("real", prompts.real), ("fake", prompts.fake), ("null", backbone.embed("")))
    }
    for negative in ("null", "fake"):
        for mix in ("embeddings", "scores"):
            guided = steer(backbone, prompts, SamplingSettings(mix=mix, guidance=3, negative=negative))(noisy, 400)
            expected = alone[negative] + 3 * (alone["real"] - alone[negative])
            assert torch.allclose(guided, expected, atol=1e-4)


def test_ddim_of_many_steps_is_what_the_second_order_solver_finds(compact: Backbone) -> None:
    predict = steer(compact, prompts_of(compact), SamplingSettings())
    start = draw_noise((1, 12, 16, 16), seeded(), torch.device("cpu"))
    fine = denoise(compact, predict, start, times_of(compact, 100), "ddim")
    coarse = {solver: denoise(compact, predict, start, times_of(compact, 12), solver) for solver in ("ddim", "dpm")}
    assert (coarse["dpm"] - fine).abs().mean() < (coarse["ddim"] - fine).abs().mean()


@pytest.mark.parametrize("strength", [0.001, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 7, 50, 1000])
def test_timesteps_fall_from_the_strength_and_are_its_share_of_the_steps(
    compact: Backbone, strength: float, steps: int
) -> None:
    times = times_of(compact, steps, strength)
    assert times[0] == round(strength * 999) and times == sorted(set(times), reverse=True) and times[-1] >= 0
    assert len(times) <= max(1, round(steps * strength))
    if steps < 1000:
        assert len(times) == max(1, round(steps * strength)) or strength == 0.001


def test_strength_0_gives_the_images_back(backbone: Backbone) -> None:
    prompts, images = prompts_of(backbone), pictures(2, 30, 42)
    through = sdedit(backbone, prompts, images, 0.0, seeded(), QUICK)
    assert through.shape == images.shape
    assert torch.equal(through, invert_and_edit(backbone, prompts, images, 0.0, QUICK))
    if pixels_per_latent(backbone) == 2:
        assert torch.allclose(through, images, atol=1e-6)
    else:
        filled = torch.nn.functional.pad(images, (0, 6, 0, 2), mode="replicate")
        expected = backbone.decode(backbone.encode(filled))[..., :30, :42].clamp(0, 1)
        assert torch.allclose(through, expected, atol=1e-5)


def test_sdedit_changes_more_with_its_strength_and_is_deterministic(compact: Backbone) -> None:
    prompts, images = prompts_of(compact), pictures()
    near, far = (sdedit(compact, prompts, images, s, seeded(), QUICK) for s in (0.1, 0.9))
    assert (near - images).abs().mean() < 0.5 * (far - images).abs().mean()
    assert torch.equal(far, sdedit(compact, prompts, images, 0.9, seeded(), QUICK))
    assert not torch.allclose(far, sdedit(compact, prompts, images, 0.9, seeded(1), QUICK), atol=1e-3)


def test_inversion_and_back_with_the_same_prompt_reconstructs(compact: Backbone) -> None:
    prompts, images = prompts_of(compact), pictures()
    settings = SamplingSettings(realism=0, steps=20)
    errors = [(invert_and_edit(compact, prompts, images, 0.6, settings, refine=n) - images).abs().max() for n in (0, 6)]
    assert errors[1] < 0.02 and errors[1] < 0.5 * errors[0]
    other = invert_and_edit(compact, prompts, images, 0.6, replace(settings, realism=1))
    assert (other - images).abs().max() > 2 * errors[1]


def test_inversion_ends_at_noise_from_which_ddim_steps_lead_back(compact: Backbone) -> None:
    predict = Predictor(compact, [(prompts_of(compact).fake, 1.0)])
    path = invert(compact, predict, compact.encode(pictures()), [0, 100, 250, 400], refine=20)
    assert len(path) == 4
    alpha = compact.alphas_cumprod.double()
    eps = predict(path[3].float(), 400).double()
    clean = (path[3] - (1 - alpha[400]).sqrt() * eps) / alpha[400].sqrt()
    assert torch.allclose(alpha[250].sqrt() * clean + (1 - alpha[250]).sqrt() * eps, path[2], atol=1e-3)


@pytest.mark.parametrize("method", ["sdedit", "inversion"])
def test_outside_the_mask_nothing_changes(backbone: Backbone, method: str) -> None:
    prompts, images = prompts_of(backbone), pictures(1, 70, 90)
    mask = torch.zeros(1, 1, 70, 90)
    mask[..., 20:40, 33:60] = 1
    mask[..., 40:44, 33:60] = 0.5
    if method == "sdedit":
        result = sdedit(backbone, prompts, images, 0.7, seeded(), QUICK, mask)
    else:
        result = invert_and_edit(backbone, prompts, images, 0.7, QUICK, mask)
    outside = (mask == 0).expand_as(images)
    assert torch.equal(result[outside], images[outside])
    assert (result - images)[~outside].abs().mean() > 0.01
    nothing = sdedit(backbone, prompts, images, 0.7, seeded(), QUICK, torch.zeros_like(mask))
    assert torch.equal(nothing, images)


def test_tiles_cover_any_size_and_leave_a_single_tile_as_it_is(backbone: Backbone) -> None:
    prompts = prompts_of(backbone)
    one = sample(backbone, prompts, 1, seeded(), QUICK)
    assert torch.equal(one, sample(backbone, prompts, 1, seeded(), replace(QUICK, tile=2 * backbone.image_size)))
    images = pictures(1, 51, 77)
    edited = sdedit(backbone, prompts, images, 0.4, seeded(), QUICK)
    assert edited.shape == images.shape and edited.isfinite().all()


def test_tiles_of_equal_predictions_blend_to_the_same(compact: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that looks at single positions only sees the same in every tile."""
    predictor = Predictor(compact, [(prompts_of(compact).real, 1.0)])
    monkeypatch.setattr(predictor, "_whole", lambda noisy, timestep, prompt: noisy.square() * timestep)
    noisy = draw_noise((2, 12, 43, 61), seeded(), torch.device("cpu"))
    assert torch.allclose(predictor(noisy, 3), noisy.square() * 3, atol=1e-4)


def test_sampling_starts_around_what_the_model_takes_for_paper(compact: Backbone) -> None:
    """A prediction that knows all images to be 0.6 everywhere: its mean latent is that."""

    def predict(noisy: torch.Tensor, timestep: int) -> torch.Tensor:
        alpha = compact.alphas_cumprod[timestep]
        return (noisy - alpha.sqrt() * 0.6) / (1 - alpha).sqrt()

    assert torch.allclose(mean_latent(compact, predict, 999), torch.full((1, 12, 1, 1), 0.6), atol=1e-3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"realism": -0.1}, "realism is -0.1; it must be 0 to 4"),
        ({"realism": float("nan")}, "realism is nan"),
        ({"guidance": 21}, "guidance is 21"),
        ({"steps": 0}, "steps is 0"),
        ({"solver": "euler"}, "choose from dpm, ddim"),
        ({"mix": "words"}, "choose from embeddings, scores"),
        ({"negative": "real"}, "choose from null, fake"),
    ],
)
def test_settings_out_of_range(values: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        SamplingSettings(**values)


def test_requests_that_do_not_fit(compact: Backbone) -> None:
    prompts, images = prompts_of(compact), pictures()
    with pytest.raises(UsageError, match="count is 0"):
        sample(compact, prompts, 0, seeded())
    with pytest.raises(UsageError, match="size is 30; this backbone needs a multiple of 4"):
        sample(compact, prompts, 1, seeded(), QUICK, size=30)
    with pytest.raises(UsageError, match="tile is 30"):
        sample(compact, prompts, 1, seeded(), replace(QUICK, tile=30))
    with pytest.raises(UsageError, match="1 generators for 2 images"):
        sample(compact, prompts, 2, [seeded()], QUICK)
    for strength in (-0.1, 1.1, float("nan")):
        with pytest.raises(UsageError, match="strength is"):
            sdedit(compact, prompts, images, strength, seeded())
    with pytest.raises(UsageError, match=r"expected \[B, 3, H, W\]"):
        sdedit(compact, prompts, images[0], 0.5, seeded())
    with pytest.raises(UsageError, match="the mask is"):
        sdedit(compact, prompts, images, 0.5, seeded(), QUICK, torch.ones(1, 1, 8, 8))
    with pytest.raises(UsageError, match="refine is -1"):
        invert_and_edit(compact, prompts, images, 0.5, QUICK, refine=-1)


def test_a_run_gives_its_adapted_backbone_and_prompts(compact_folder: Path, tmp_path: Path) -> None:
    model = load_backbone(str(compact_folder))
    prompts = prompts_of(model)
    prompts.save(tmp_path / "prompts.safetensors")
    with pytest.raises(UsageError, match=r"neither backbone/ nor a config.yaml that names one; add --backbone"):
        open_run(str(tmp_path))
    (tmp_path / "config.yaml").write_text(f"backbone: {compact_folder}\n")
    found, pair = open_run(str(tmp_path))
    assert torch.equal(pair.real, prompts.real) and found.image_size == 32
    model.image_size = 64
    model.save(tmp_path / "backbone")
    assert open_run(str(tmp_path))[0].image_size == 64
    with pytest.raises(Seal2RealError, match="this backbone needs"):
        open_run(str(tmp_path), "compact")


def test_the_shipped_backbone_has_prompts_of_its_own() -> None:
    backbone, prompts = open_run("compact")
    assert torch.equal(prompts.real, backbone.embed("real")) and torch.equal(prompts.fake, backbone.embed("fake"))
