"""The compact backbone: a few million parameters over space-to-depth pixels, prompted by the knobs of the simulator.

`pixel_unshuffle` stands in place of a VAE: it loses nothing, and small glyphs stay sharp. A prompt has one token per
knob of the press-and-scan model and one for the ink's colour, so the prompt space means something before stage 1
starts.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler, UNet2DConditionModel
from torch import nn

from seal2real.errors import Seal2RealError, UsageError
from seal2real.physics.knobs import KNOBS
from seal2real.press.inks import COLOURS
from seal2real.prior.backbone import Backbone, cast
from seal2real.weights import load_into, read_json, save_module, whole_folder

TOKENS = len(KNOBS) + 1
_HEADS = 4  # of attention


class CaptionEncoder(nn.Module):
    """Dial positions and ink colour to a prompt.

    Args:
        width: width of a token.
    """

    def __init__(self, width: int = 96):
        super().__init__()
        self.config = {"width": width, "tokens": TOKENS}
        self.names = nn.Parameter(torch.randn(TOKENS, width) * 0.5)
        self.nothing = nn.Parameter(torch.randn(TOKENS, width) * 0.5)
        self.colours = nn.Parameter(torch.randn(len(COLOURS), width) * 0.5)
        self.strength = nn.Sequential(nn.Linear(6, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, dials: torch.Tensor, colour: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
        """Encode captions.

        Args:
            dials: ``[B, K]`` in 0..1.
            colour: ``[B]`` indices into `COLOURS`.
            keep: ``[B, K + 1]`` bool: tokens that are said; the others become "nothing said".

        Returns:
            ``[B, K + 1, width]``.
        """
        angle = dials.unsqueeze(-1) * torch.pi
        waves = torch.cat([f(angle * k) for k in (0.5, 1.0, 2.0) for f in (torch.sin, torch.cos)], -1)
        tokens = torch.cat((self.strength(waves), self.colours[colour].unsqueeze(1)), 1) + self.names
        return torch.where(keep.unsqueeze(-1), tokens, self.nothing)


class CompactBackbone(Backbone):
    """See the module's docstring.

    Args:
        unet: noise predictor (`UNet2DConditionModel`) over ``3 * fold**2`` channels.
        caption: prompt encoder.
        scheduler: noise schedule (`DDPMScheduler`, of which only betas and prediction type are used).
        image_size: training patch side in pixels.
    """

    def __init__(self, unet: Any, caption: CaptionEncoder, scheduler: Any, image_size: int = 64):
        super().__init__(unet, scheduler.alphas_cumprod, scheduler.config["prediction_type"])
        self.caption = caption
        self.scheduler = scheduler
        self.fold = int((unet.config["in_channels"] / 3) ** 0.5)
        self.image_size = image_size
        self.multiple = self.fold * 2 ** (len(unet.config["block_out_channels"]) - 1)
        self.prompt_shape = (TOKENS, int(caption.config["width"]))

    @classmethod
    def create(
        cls, widths: tuple[int, ...] = (48, 96, 160), token_width: int = 96, image_size: int = 64
    ) -> CompactBackbone:
        """A new backbone with random weights.

        Args:
            widths: channels per level of the U-Net, multiples of 4; all but the first level attend to the prompt.
            token_width: width of a prompt token.
            image_size: patch side in pixels, a multiple of ``2 ** len(widths)``.

        Raises:
            UsageError: widths or image size that do not fit.
        """
        if not widths or any(width < 4 or width % _HEADS for width in widths):
            raise UsageError(f"widths are {list(widths)}; every level needs a multiple of {_HEADS} channels")
        if image_size % 2 ** len(widths):
            raise UsageError(f"image_size is {image_size}; {len(widths)} levels need a multiple of {2 ** len(widths)}")
        unet = UNet2DConditionModel(
            sample_size=image_size // 2,
            in_channels=12,
            out_channels=12,
            layers_per_block=1,
            block_out_channels=widths,
            down_block_types=("DownBlock2D", *["CrossAttnDownBlock2D"] * (len(widths) - 1)),
            up_block_types=(*["CrossAttnUpBlock2D"] * (len(widths) - 1), "UpBlock2D"),
            cross_attention_dim=token_width,
            attention_head_dim=_HEADS,  # diffusers reads this as the number of heads
            norm_num_groups=math.gcd(16, *widths),
        )
        scheduler = DDPMScheduler(
            num_train_timesteps=1000,
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            prediction_type="v_prediction",
            clip_sample=False,
        )
        return cls(unet, CaptionEncoder(token_width), scheduler, image_size)

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return F.pixel_unshuffle(images * 2 - 1, self.fold)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return (F.pixel_shuffle(latents, self.fold) + 1) / 2

    def embed(self, words: str) -> torch.Tensor:
        """A prompt from words: "real" takes the caption of a middling impression, "fake" or "pasted" that of every
        effect turned off, "" (nothing said) the empty caption. The colour is left unsaid.

        Raises:
            Seal2RealError: none of these words occurs.
        """
        device = self.alphas_cumprod.device
        keep = torch.ones(1, TOKENS, dtype=torch.bool, device=device)
        keep[:, -1] = False
        if not words.strip():
            keep[:] = False
            dials = [knob.off for knob in KNOBS]
        elif "real" in words:
            dials = [knob.start for knob in KNOBS]
        elif "fake" in words or "paste" in words:
            dials = [knob.off for knob in KNOBS]
        else:
            raise Seal2RealError(f"the compact backbone knows the words 'real' and 'fake', not {words!r}")
        colour = torch.zeros(1, dtype=torch.long, device=device)
        with torch.no_grad():
            prompt: torch.Tensor = self.caption(torch.tensor([dials], device=device), colour, keep)
        return prompt

    def save(self, folder: Path, dtype: torch.dtype | None = None) -> None:
        with whole_folder(folder) as part:
            cast(self.unet, dtype).save_pretrained(part / "unet", safe_serialization=True)
            self.scheduler.save_pretrained(part / "scheduler")
            save_module(self.caption, part / "caption", {**self.caption.config, "image_size": self.image_size}, dtype)

    @classmethod
    def load(cls, folder: Path) -> CompactBackbone:
        """Read a folder that `save` wrote.

        Raises:
            Seal2RealError: a part is missing or does not fit.
        """
        for part in ("unet/config.json", "scheduler/scheduler_config.json", "caption/config.json"):
            if not (folder / part).is_file():
                raise Seal2RealError(f"{folder}: not a compact backbone, {part} is missing")
        config = read_json(folder / "caption" / "config.json")
        if config.get("tokens") != TOKENS:
            raise Seal2RealError(f"{folder}: captions have {config.get('tokens')} tokens, this version has {TOKENS}")
        caption = CaptionEncoder(int(config["width"]))
        load_into(caption, folder / "caption" / "model.safetensors")
        unet = _read_unet(folder / "unet")
        scheduler = DDPMScheduler.from_pretrained(folder / "scheduler")
        return cls(unet, caption, scheduler, int(config["image_size"]))


def _read_unet(folder: Path) -> Any:
    unet: Any = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(folder))
    load_into(unet, folder / "diffusion_pytorch_model.safetensors")
    return unet
