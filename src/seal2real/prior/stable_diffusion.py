"""Stable Diffusion as a backbone: any diffusers folder of the v1 or v2 class, or a hub id."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seal2real.errors import Seal2RealError
from seal2real.prior.backbone import Backbone, cast
from seal2real.weights import whole_folder

_PARTS = ("unet", "vae", "text_encoder", "tokenizer", "scheduler")


class StableDiffusionBackbone(Backbone):
    """U-Net, VAE and text encoder of a Stable Diffusion pipeline, all frozen.

    Args:
        unet, vae, text_encoder, tokenizer, scheduler: the pipeline's parts.
        image_size: side in pixels of the images to train on.
    """

    def __init__(
        self, unet: Any, vae: Any, text_encoder: Any, tokenizer: Any, scheduler: Any, image_size: int | None = None
    ):
        super().__init__(unet, scheduler.alphas_cumprod, scheduler.config.get("prediction_type", "epsilon"))
        self.vae, self.text_encoder, self.tokenizer, self.scheduler = vae, text_encoder, tokenizer, scheduler
        self.requires_grad_(False)
        reduction = 2 ** (len(vae.config.block_out_channels) - 1)
        self.image_size = image_size or int(unet.config.sample_size) * reduction
        self.multiple = reduction * 2 ** (len(unet.config.block_out_channels) - 1)
        self.prompt_shape = (int(tokenizer.model_max_length), int(text_encoder.config.hidden_size))

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """The mean of the VAE's posterior (no sampling, so that equal images have equal latents), scaled."""
        mean = self.vae.encode(images.to(self.vae.dtype) * 2 - 1).latent_dist.mean
        return mean.float() * self.vae.config.scaling_factor

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        decoded = self.vae.decode((latents / self.vae.config.scaling_factor).to(self.vae.dtype)).sample
        return (decoded.float() + 1) / 2

    @torch.no_grad()
    def embed(self, words: str) -> torch.Tensor:
        """The text encoder's output for these words, e.g. "a real seal"; ``[1, 77, 768]`` for v1."""
        tokens = self.tokenizer(
            words, padding="max_length", truncation=True, max_length=self.prompt_shape[0], return_tensors="pt"
        )
        return self.text_encoder(tokens.input_ids.to(self.alphas_cumprod.device))[0].float()

    def save(self, folder: Path, dtype: torch.dtype | None = None) -> None:
        with whole_folder(folder) as whole:
            for name in _PARTS:
                part = getattr(self, name)
                (cast(part, dtype) if isinstance(part, nn.Module) else part).save_pretrained(whole / name)

    @classmethod
    def load(cls, name: str, image_size: int | None = None) -> StableDiffusionBackbone:
        """From a diffusers folder, or from the hub if the network has it. Only safetensors weights are read.

        Args:
            name: folder or hub id.
            image_size: training image side in pixels; None takes the U-Net's own.

        Raises:
            Seal2RealError: the folder lacks a part, or the hub id cannot be fetched.
        """
        from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
        from huggingface_hub.utils.logging import set_verbosity_error
        from safetensors import SafetensorError
        from transformers import CLIPTextModel, CLIPTokenizer
        from transformers.utils.logging import disable_progress_bar

        set_verbosity_error()  # of the hub's client, which tells of every attempt; the one line below says it
        disable_progress_bar()  # of the text encoder's loading; the U-Net and the VAE show none
        safe: dict[str, Any] = {"use_safetensors": True}
        folder = Path(name)
        if folder.is_dir():
            for part in _PARTS:
                if not (folder / part).is_dir():
                    raise Seal2RealError(f"{folder}: not a Stable Diffusion folder, {part}/ is missing")
        elif "/" not in name or folder.is_absolute() or name.startswith("."):
            raise Seal2RealError(
                f"{name}: no such backbone; give 'compact', a diffusers folder or a hub id (owner/name)"
            )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of one library about another's arguments
                # fp32 whatever the files hold: mixed precision is autocast's business
                return cls(
                    UNet2DConditionModel.from_pretrained(name, subfolder="unet", torch_dtype=torch.float32, **safe),
                    AutoencoderKL.from_pretrained(name, subfolder="vae", torch_dtype=torch.float32, **safe),
                    CLIPTextModel.from_pretrained(name, subfolder="text_encoder", dtype=torch.float32, **safe),
                    CLIPTokenizer.from_pretrained(name, subfolder="tokenizer"),
                    DDPMScheduler.from_pretrained(name, subfolder="scheduler"),
                    image_size,
                )
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise Seal2RealError(
                f"{name}: the backbone could not be loaded ({reason}); download the diffusers folder with safetensors "
                "weights by hand and give its path"
            ) from None
