"""The backbone interface: a diffusion model with prompts, whatever it is made of."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seal2real.errors import Seal2RealError
from seal2real.prior.adapters import base_of, checkpoint_blocks, is_adapted, merge_adapter


class Backbone(nn.Module, ABC):
    """A frozen or trainable noise predictor over latents, conditioned on a prompt of embeddings.

    Attributes:
        unet: the noise predictor (a diffusers ``UNet2DConditionModel``).
        prompt_shape: (tokens, width) of a prompt; prompts are ``[1 or B, tokens, width]``.
        image_size: side in pixels of the images it was trained on; a multiple of ``multiple``.
        multiple: image sides must be multiples of this.
    """

    unet: Any
    prompt_shape: tuple[int, int]
    image_size: int
    multiple: int
    alphas_cumprod: torch.Tensor

    def __init__(self, unet: Any, alphas_cumprod: torch.Tensor, prediction_type: str):
        super().__init__()
        self.unet = unet
        self.prediction_type = prediction_type
        self.register_buffer("alphas_cumprod", alphas_cumprod.float(), persistent=False)

    @property
    def steps(self) -> int:
        """Number of training timesteps T; timesteps are integers in [0, T)."""
        return len(self.alphas_cumprod)

    @abstractmethod
    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """Images ``[B, 3, H, W]`` in 0..1 to latents of about unit variance. Differentiable."""

    @abstractmethod
    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """The inverse of `encode`: latents to images ``[B, 3, H, W]`` (not clipped)."""

    @abstractmethod
    def embed(self, words: str) -> torch.Tensor:
        """A prompt ``[1, tokens, width]`` to start from."""

    @abstractmethod
    def save(self, folder: Path, dtype: torch.dtype | None = None) -> None:
        """Write as a diffusers folder, in place of what ``folder`` held; ``dtype`` (e.g. bfloat16) makes it smaller."""

    def _signal(self, timesteps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        alpha_bar = self.alphas_cumprod[timesteps].view(-1, 1, 1, 1)
        return alpha_bar.sqrt(), (1 - alpha_bar).sqrt()

    def add_noise(self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """``sqrt(a_t) z + sqrt(1 - a_t) eps`` (Ho et al. 2020, eq. 4); ``timesteps [B]`` integers."""
        signal, sigma = self._signal(timesteps)
        return signal * latents + sigma * noise

    def predict_noise(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, prompt: torch.Tensor, unet: nn.Module | None = None
    ) -> torch.Tensor:
        """Predicted eps, fp32, whatever the network itself predicts.

        Args:
            noisy: ``[B, c, h, w]`` noised latents.
            timesteps: ``[B]``.
            prompt: ``[1 or B, tokens, width]``.
            unet: another network of the same form (a critic) in place of the own one.
        """
        network: Any = self.unet if unet is None else unet
        dtype = network.conv_in.weight.dtype  # frozen weights may be bf16
        prompt = prompt.expand(noisy.shape[0], -1, -1).to(dtype)
        output = network(noisy.to(dtype), timesteps, encoder_hidden_states=prompt, return_dict=False)[0].float()
        if self.prediction_type == "epsilon":
            return output
        signal, sigma = self._signal(timesteps)  # v = signal * eps - sigma * z  (Salimans and Ho 2022)
        return signal * output + sigma * noisy.float()

    def denoised(self, noisy: torch.Tensor, timesteps: torch.Tensor, eps: torch.Tensor) -> torch.Tensor:
        """Estimate of the clean latents from a noise estimate, in float64 (the difference of two such estimates is
        small, and fp32 loses it at high noise)."""
        signal, sigma = self._signal(timesteps)
        return (noisy.double() - sigma.double() * eps.double()) / signal.double()

    def features(self, noisy: torch.Tensor, timesteps: torch.Tensor, prompt: torch.Tensor) -> list[torch.Tensor]:
        """Activations ``[B, c_k, h_k, w_k]`` after each down block and the middle block, for discriminator heads."""
        found: list[torch.Tensor] = []
        blocks = [*self.unet.down_blocks, self.unet.mid_block]

        def keep(_module: nn.Module, _inputs: object, output: torch.Tensor | tuple) -> None:
            found.append(output[0] if isinstance(output, tuple) else output)

        handles = [block.register_forward_hook(keep) for block in blocks]
        try:
            self.predict_noise(noisy, timesteps, prompt)
        finally:
            for handle in handles:
                handle.remove()
        return found

    def copy_unet(self) -> nn.Module:
        """A trainable copy of the noise predictor, fp32: the critic of an adversarial phase."""
        critic: nn.Module = copy.deepcopy(self.unet).float().requires_grad_(True)
        return critic

    def prepare(self, device: torch.device | str, weights: str = "fp32", checkpointing: bool = False) -> Backbone:
        """Bring it to a device, frozen, for training.

        Args:
            device: where to.
            weights: "fp32" or "bf16", the type that frozen weights are kept in.
            checkpointing: compute activations again in the backward pass instead of keeping them.
        """
        self.requires_grad_(False)
        keep_as(self.unet, weights)
        if checkpointing:
            checkpoint_blocks(self.unet)
        return self.to(device)


def keep_as(module: nn.Module, weights: str) -> None:
    """Change the type of a module's weights in place: "fp32" or "bf16"."""
    # torch's own way: that of diffusers prints a warning
    nn.Module.to(module, torch.bfloat16 if weights == "bf16" else torch.float32)


def cast(module: Any, dtype: torch.dtype | None) -> Any:
    """The module, or a copy of it in another type."""
    return module if dtype is None else copy.deepcopy(module).to(dtype)


def is_compact(name: str) -> bool:
    """Whether a backbone of this name is a `CompactBackbone`, or an adapter of one."""
    folder = Path(name)
    if name != "compact" and is_adapted(folder):
        return is_compact(base_of(folder))
    return name == "compact" or (folder / "caption").is_dir()


def load_backbone(name: str) -> Backbone:
    """A backbone by name: "compact" (shipped), a folder that `Backbone.save`, `Adapter.save` or diffusers wrote, or a
    hub id. Its weights are fp32.

    Raises:
        Seal2RealError: it is not there, or a part of the folder is missing.
    """
    from seal2real.prior.compact import CompactBackbone
    from seal2real.prior.stable_diffusion import StableDiffusionBackbone
    from seal2real.weights import shipped

    folder = shipped("compact") if name == "compact" else Path(name)
    if is_adapted(folder):
        base = base_of(folder)
        try:
            backbone = load_backbone(base)
        except Seal2RealError as error:
            raise Seal2RealError(f"{folder}: holds an adapter; its base cannot be read: {error}") from None
        merge_adapter(backbone.unet, folder)
        return backbone
    if is_compact(name):
        return CompactBackbone.load(folder)
    return StableDiffusionBackbone.load(name)
