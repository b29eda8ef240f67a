"""Prior losses of stage 2: how the diffusion model, with its learned prompts, pulls forged images to the real ones.

All three give a gradient on the latents without a backward pass through the U-Net, written as the loss
``0.5 * MSE(z, stopgrad(z - g))``:

- `sds`: score distillation (Poole et al. 2023, DreamFusion): towards what the real prompt denoises to.
- `contrast`: the frozen model's real prompt minus its fake prompt: only what tells real from fake moves.
- `vsd`: the frozen real prompt minus a trained critic of the forger's own output (Wang et al. 2023, ProlificDreamer;
  normalised as in Yin et al. 2024, DMD).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from seal2real.forger.adversary import BottleneckHead
from seal2real.prior.adapters import Adapter
from seal2real.prior.backbone import Backbone
from seal2real.prior.prompts import Prompts

PRIORS = ("none", "sds", "contrast", "vsd")


class _Reached(Exception):
    """The middle block has been computed, and the rest of the U-Net is not needed."""

    def __init__(self, features: torch.Tensor):
        super().__init__()
        self.features = features


class Critic(nn.Module):
    """A trainable U-Net with a trainable forgery prompt: it learns the forger's own distribution.

    Args:
        backbone: the frozen model.
        prompt: where the forgery prompt starts. From the real prompt the difference of the two scores starts at
            exactly zero, and grows only by what the critic has learned of the forger.
        rank: of low-rank adapters on the frozen U-Net itself, which then is in memory once; None learns a whole copy.
        head: also tell real from forged, on the middle block (see `judge`).
    """

    head: BottleneckHead | None

    def __init__(self, backbone: Backbone, prompt: torch.Tensor, rank: int | None = None, head: bool = False):
        super().__init__()
        self.unet = backbone.copy_unet() if rank is None else Adapter(backbone.unet, "critic", rank)
        self.prompt = nn.Parameter(prompt.detach().clone())
        self.head = BottleneckHead(backbone.unet.config.block_out_channels[-1]) if head else None

    def judge(
        self, backbone: Backbone, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor
    ) -> torch.Tensor:
        """Logits ``[B, n]``, above 0 real, of noised latents ``[B, c, h, w]`` under the forgery prompt.

        Only the U-Net's way down is computed.
        """
        assert self.head is not None
        network: Any = self.unet.unet if isinstance(self.unet, Adapter) else self.unet

        def stop(_module: nn.Module, _inputs: object, output: torch.Tensor | tuple) -> None:
            raise _Reached(output[0] if isinstance(output, tuple) else output)

        handle = network.mid_block.register_forward_hook(stop)
        try:
            backbone.predict_noise(backbone.add_noise(latents, noise, timesteps), timesteps, self.prompt, self.unet)
        except _Reached as reached:
            return self.head(reached.features.float())
        finally:
            handle.remove()
        raise AssertionError("a U-Net without a middle block")

    def loss(
        self, backbone: Backbone, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor
    ) -> tuple[torch.Tensor, dict[str, float]]:
        """Denoising loss on the forger's output; ``latents`` are taken as data."""
        noisy = backbone.add_noise(latents.detach(), noise, timesteps)
        eps = backbone.predict_noise(noisy, timesteps, self.prompt, self.unet)
        value = F.mse_loss(eps, noise)
        return value, {"critic": float(value.detach())}


def prior_loss(
    kind: str,
    backbone: Backbone,
    prompts: Prompts,
    critic: Critic | None,
    latents: torch.Tensor,
    noise: torch.Tensor,
    timesteps: torch.Tensor,
    autocast: Callable[[], Any],
) -> tuple[torch.Tensor, dict[str, float]]:
    """One of the prior losses.

    Args:
        kind: "sds", "contrast" or "vsd".
        backbone: the frozen model.
        prompts: learned in stage 1.
        critic: for "vsd".
        latents: ``[B, c, h, w]`` of forged images, with gradient.
        noise: like ``latents``, standard normal.
        timesteps: ``[B]``.
        autocast: context for the U-Net passes.

    Returns:
        (loss, log); the log holds "grad", the mean absolute gradient, which explodes when training goes wrong.
    """
    with torch.no_grad():
        noisy = backbone.add_noise(latents, noise, timesteps)

        def estimate(prompt: torch.Tensor, unet: nn.Module | None = None) -> torch.Tensor:
            with autocast():
                eps = backbone.predict_noise(noisy, timesteps, prompt, unet)
            return backbone.denoised(noisy, timesteps, eps)

        real = estimate(prompts.real)
        away = latents.double() - real
        if kind == "sds":
            direction = away
        elif kind == "contrast":
            direction = estimate(prompts.fake) - real
        elif kind == "vsd" and critic is not None:
            direction = estimate(critic.prompt, critic.unet) - real
        else:
            raise ValueError(f"prior {kind!r} needs a critic" if kind == "vsd" else f"no prior loss {kind!r}")
        scale = away.abs().mean((1, 2, 3), keepdim=True).clamp_min(1e-6)
        gradient = (direction / scale).float()
    loss = 0.5 * F.mse_loss(latents.float(), (latents - gradient).detach().float())
    return loss, {"prior": float(loss.detach()), "grad": float(gradient.abs().mean())}
