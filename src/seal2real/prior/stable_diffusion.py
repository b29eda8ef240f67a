"""Stable Diffusion as a backbone: any diffusers folder of the v1 or v2 class, or a hub id."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from seal2real.errors import Seal2RealError
from seal2real.prior.backbone import Backbone, cast, keep_as
from seal2real.weights import read_json, whole_folder

_PARTS = ("unet", "vae", "text_encoder", "tokenizer", "scheduler")
_WEIGHTS = ("unet", "vae", "text_encoder")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt")


class StableDiffusionBackbone(Backbone):
    """U-Net, VAE and text encoder of a Stable Diffusion pipeline, all frozen.

    Args:
        unet, vae, text_encoder, tokenizer, scheduler: the pipeline's parts.
        image_size: side in pixels of the images to train on.

    Attributes:
        encode_batch: images that `encode` takes through the VAE at a time; with gradients their activations are then
            computed again one such group after the other in the backward pass. None takes all at once. The result is
            the same.

    Raises:
        Seal2RealError: the parts do not belong together, or to no model of the v1 or v2 class.
    """

    encode_batch: int | None = None

    def __init__(
        self, unet: Any, vae: Any, text_encoder: Any, tokenizer: Any, scheduler: Any, image_size: int | None = None
    ):
        prediction = scheduler.config.get("prediction_type", "epsilon")
        _check_parts(unet, vae, text_encoder, prediction)
        super().__init__(unet, scheduler.alphas_cumprod, prediction)
        self.vae, self.text_encoder, self.tokenizer, self.scheduler = vae, text_encoder, tokenizer, scheduler
        self.requires_grad_(False)
        reduction = 2 ** (len(vae.config.block_out_channels) - 1)
        self.image_size = image_size or int(unet.config.sample_size) * reduction
        self.multiple = reduction * 2 ** (len(unet.config.block_out_channels) - 1)
        self.prompt_shape = (int(tokenizer.model_max_length), int(text_encoder.config.hidden_size))

    def prepare(self, device: torch.device | str, weights: str = "fp32", checkpointing: bool = False) -> Backbone:
        """As `Backbone.prepare`, the VAE too. The text encoder stays where it is: prompts start from it once."""
        keep_as(self.vae, weights)
        if checkpointing:
            self.vae.enable_gradient_checkpointing()
            self.encode_batch = self.encode_batch or 1
        place = self.text_encoder.device
        super().prepare(device, weights, checkpointing)
        self.text_encoder.to(place)
        return self

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """The mean of the VAE's posterior (no sampling, so that equal images have equal latents), scaled."""
        if self.encode_batch is None or len(images) <= self.encode_batch:
            return self._encode(images)
        groups = images.split(self.encode_batch)
        if torch.is_grad_enabled() and images.requires_grad:
            return torch.cat([checkpoint(self._encode, group, use_reentrant=False) for group in groups])
        return torch.cat([self._encode(group) for group in groups])

    def _encode(self, images: torch.Tensor) -> torch.Tensor:
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
        found = self.text_encoder(tokens.input_ids.to(self.text_encoder.device))[0]
        return found.to(self.alphas_cumprod.device, torch.float32)

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
            Seal2RealError: the folder lacks a part, holds another kind of model or pickled weights, or the hub id
                cannot be fetched.
        """
        from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
        from huggingface_hub.utils.logging import set_verbosity_error
        from safetensors import SafetensorError
        from transformers import CLIPTextModel, CLIPTokenizer
        from transformers.utils.logging import disable_progress_bar

        set_verbosity_error()  # of the hub's client, which tells of every attempt; the one line below says it
        disable_progress_bar()  # of the text encoder's loading; the U-Net and the VAE show none
        folder, variants = Path(name), dict.fromkeys(_WEIGHTS)
        if folder.is_dir():
            variants = _check_folder(folder)
        elif folder.is_file():
            raise Seal2RealError(_one_file(folder))
        elif "/" not in name or folder.is_absolute() or name.startswith(".") or name.count("/") > 1:
            raise Seal2RealError(
                f"{name}: no such backbone; give 'compact', a diffusers folder or a hub id (owner/name)"
            )

        def read(kind: Any, part: str, dtype: str) -> Any:
            # fp32 whatever the files hold: lower precision is for `prepare` and autocast
            options = {"use_safetensors": True, "variant": variants[part], dtype: torch.float32}
            return kind.from_pretrained(name, subfolder=part, **options)

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of one library about another's arguments
                return cls(
                    read(UNet2DConditionModel, "unet", "torch_dtype"),
                    read(AutoencoderKL, "vae", "torch_dtype"),
                    read(CLIPTextModel, "text_encoder", "dtype"),
                    CLIPTokenizer.from_pretrained(name, subfolder="tokenizer"),
                    DDPMScheduler.from_pretrained(name, subfolder="scheduler"),
                    image_size,
                )
        except Seal2RealError as error:
            raise Seal2RealError(f"{name}: {error}") from None
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            where = "check its files against the model's own page"
            if not folder.is_dir():
                where = f"where there is a network: hf download {name} --local-dir DIR; then --backbone DIR"
            raise Seal2RealError(f"{name}: the backbone could not be loaded ({reason}); {where}") from None


def _check_folder(folder: Path) -> dict[str, str | None]:
    """The variant of each part's weights ("fp16" where there is no other), once nothing is missing.

    Raises:
        Seal2RealError: naming what is missing, pickled, or of another model.
    """
    if (folder / "text_encoder_2").is_dir():
        raise Seal2RealError(f"{folder}: {_SDXL}")
    if (folder / "transformer").is_dir() and not (folder / "unet").is_dir():
        raise Seal2RealError(f"{folder}: has a transformer where Stable Diffusion 1 and 2 have a U-Net; {_WHICH}")
    variants: dict[str, str | None] = {}
    for part in _PARTS:
        if not (folder / part).is_dir():
            raise Seal2RealError(f"{folder}: not a Stable Diffusion folder, {part}/ is missing")
    for part in _WEIGHTS:
        if not (folder / part / "config.json").is_file():
            raise Seal2RealError(f"{folder}: not a Stable Diffusion folder, {part}/config.json is missing")
        names = [path.name for path in (folder / part).iterdir()]
        safe = [name for name in names if name.endswith(".safetensors")]
        if not safe:
            pickled = next((name for name in sorted(names) if name.endswith(_PICKLES)), None)
            if pickled is not None:
                raise Seal2RealError(
                    f"{folder}: {part}/{pickled} is a pickle, which can run code when it is opened; pickles are "
                    "refused, take the model's safetensors files"
                )
            raise Seal2RealError(f"{folder}: {part}/ holds no weights (*.safetensors)")
        variants[part] = "fp16" if all(".fp16." in name for name in safe) else None
    if read_json(folder / "unet" / "config.json").get("addition_embed_type") == "text_time":
        raise Seal2RealError(f"{folder}: {_SDXL}")
    return variants


_WHICH = "give a folder of Stable Diffusion 1.x or 2.x"
_SDXL = (
    "Stable Diffusion XL is not supported: its U-Net also wants a pooled embedding and size codes, which a learned "
    f"prompt does not hold; {_WHICH}"
)


def _check_parts(unet: Any, vae: Any, text_encoder: Any, prediction: str) -> None:
    if unet.config.get("addition_embed_type") is not None:
        raise Seal2RealError(_SDXL)
    if prediction not in ("epsilon", "v_prediction"):
        raise Seal2RealError(f"the scheduler says prediction_type {prediction!r}; epsilon and v_prediction are known")
    inputs, latents = unet.config.in_channels, vae.config.latent_channels
    if inputs != latents:
        raise Seal2RealError(
            f"the U-Net takes {inputs} channels, the VAE gives {latents} (an inpainting or upscaling model?); {_WHICH}"
        )
    width, wanted = text_encoder.config.hidden_size, unet.config.cross_attention_dim
    if width != wanted:
        raise Seal2RealError(f"the text encoder gives {width} values per token and the U-Net takes {wanted}; {_WHICH}")


def _one_file(path: Path) -> str:
    if path.suffix in _PICKLES:
        return (
            f"{path}: a pickled checkpoint can run code when it is opened and is refused; take the model's diffusers "
            "folder with safetensors files"
        )
    return (
        f"{path}: a single file is no diffusers folder; where there is a network: "
        "diffusers.StableDiffusionPipeline.from_single_file(FILE).save_pretrained(DIR), then --backbone DIR"
    )
