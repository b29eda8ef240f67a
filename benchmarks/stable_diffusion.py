"""Training with a backbone of Stable Diffusion 1.5's size and random weights: memory and seconds per step, by preset.

python benchmarks/stable_diffusion.py --preset cpu
python benchmarks/stable_diffusion.py --preset 12gb --steps 20 --plain     # on a GPU

With --plain, stage 1 is also timed as a plain loop does it: fp32, the VAE in every step, batches of 3, and the figures
are given as a ratio.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from seal2real.errors import Seal2RealError
from seal2real.forger import load_forger
from seal2real.forger.presets import PRESETS, with_preset
from seal2real.forger.train import train
from seal2real.forger.train_config import TrainConfig
from seal2real.images import save_image, write_atomic
from seal2real.page import TemplatePages
from seal2real.press import crop_sample, stamp_page
from seal2real.prior.backbone import Backbone, keep_as, load_backbone
from seal2real.prior.config import read_config
from seal2real.prior.prompts import Prompts
from seal2real.seeding import rng_for

SEALS = 8
PLAIN_BATCH = 3


def main() -> None:
    """Run both stages, print what they took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="cpu")
    parser.add_argument("--steps", type=int, default=3, help="of each stage")
    parser.add_argument("--image-size", type=int, default=None, help="in place of the preset's")
    parser.add_argument("--narrow", type=int, default=1, help="divides all widths: 1 is Stable Diffusion 1.5")
    parser.add_argument("--plain", action="store_true", help="also time stage 1 as a plain loop does it")
    parser.add_argument("--threads", type=int, default=None, help="of the CPU; default: torch's own choice")
    parser.add_argument("--out", type=Path, default=None, help="JSON file for the figures")
    args = parser.parse_args()
    if args.steps < 2 or args.narrow not in (1, 2, 4, 8, 16, 32):
        raise SystemExit("--steps must be 2 or more, --narrow a power of two up to 32")
    if args.threads:
        torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory(prefix="stable-diffusion-") as folder:
        try:
            figures = measure(Path(folder), args.preset, args.steps, args.image_size, args.narrow, args.plain)
        except Seal2RealError as error:
            raise SystemExit(f"stable_diffusion.py: {error}") from None
    text = json.dumps(figures, indent=1)
    print(text)
    if args.out is not None:
        write_atomic(args.out, text.encode())


def measure(folder: Path, preset: str, steps: int, size: int | None, narrow: int, plain: bool) -> dict[str, Any]:
    """Both stages with a preset; the figures that `main` prints."""
    write_backbone(folder / "sd", narrow)
    write_seals(folder / "seals")
    values = {
        "real": str(folder / "seals"), "backbone": str(folder / "sd"), "preset": preset, "prompt_steps": steps,
        "steps": steps, "prior_after": 0.0, "pool": 8, "judge_seals": 1, "judge_patches": 1, "judge_draws": 2,
        "cache": 2, "tracker": "none", "save_every": 1e9,
    }  # fmt: skip
    if size is not None:
        values |= {"image_size": size, "diameters": [0.8 * size, 1.25 * size]}
    config = read_config(TrainConfig, with_preset(values), "settings")
    started = time.monotonic()
    report = train(config, folder / "run")
    unet = load_backbone(str(folder / "sd")).unet
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    figures: dict[str, Any] = {
        "preset": preset,
        "device": torch.cuda.get_device_name() if device.type == "cuda" else f"cpu, {torch.get_num_threads()} threads",
        "unet_parameters": sum(p.numel() for p in unet.parameters()),
        "image_size": config.image_size,
        "images_per_step": {
            "stage1": 2 * config.prompt_batch * config.accumulate, "stage2": config.batch * config.accumulate,
        },
        **{stage: asdict(cost) for stage, cost in report.cost.items()},
        "whole_seconds": round(time.monotonic() - started, 1),
    }  # fmt: skip
    del unet
    if plain:
        assert config.image_size is not None
        seconds = plain_seconds(load_backbone(str(folder / "sd")).to(device), config.image_size, steps)
        ours = figures["images_per_step"]["stage1"] / report.cost["stage1"].seconds_per_step
        figures["plain"] = {
            "images_per_s": round(PLAIN_BATCH / seconds, 3),
            "ours_images_per_s": round(ours, 3),
            "ratio": round(ours * seconds / PLAIN_BATCH, 2),
        }
    return figures


def plain_seconds(backbone: Backbone, size: int, steps: int) -> float:
    """Median seconds of a step of a plain loop: fp32, images through the VAE, one prompt, AdamW."""
    device = backbone.alphas_cumprod.device
    prompt = Prompts.start(backbone).to(device).real
    optimizer = torch.optim.AdamW([prompt], lr=1e-3)
    generator = torch.Generator(device=device).manual_seed(0)
    taken = []
    for _ in range(steps + 1):  # the first warms up
        started = time.monotonic()
        images = torch.rand(PLAIN_BATCH, 3, size, size, generator=generator, device=device)
        with torch.no_grad():
            latents = backbone.encode(images)
        noise = torch.randn(latents.shape, generator=generator, device=device)
        times = torch.randint(backbone.steps, (PLAIN_BATCH,), generator=generator, device=device)
        eps = backbone.predict_noise(backbone.add_noise(latents, noise, times), times, prompt)
        F.mse_loss(eps, noise).backward()
        optimizer.step()
        optimizer.zero_grad()
        if device.type == "cuda":
            torch.cuda.synchronize()
        taken.append(time.monotonic() - started)
    return sorted(taken[1:])[len(taken[1:]) // 2]


def write_backbone(folder: Path, narrow: int = 1) -> None:
    """A diffusers folder of Stable Diffusion 1.5's shape with random bf16 weights; ``narrow`` divides the widths."""
    widths = [320 // narrow, 640 // narrow, 1280 // narrow, 1280 // narrow]
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({word: index for index, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    CLIPTokenizer.from_pretrained(folder, model_max_length=77).save_pretrained(folder / "tokenizer")
    text = CLIPTextConfig(
        vocab_size=49408, hidden_size=768 // narrow, intermediate_size=3072 // narrow, num_hidden_layers=12,
        num_attention_heads=max(1, 12 // narrow), bos_token_id=len(words) - 2, eos_token_id=len(words) - 1,
        pad_token_id=len(words) - 1,
    )  # fmt: skip
    groups = 32 if narrow <= 2 else 2
    with torch.device("meta"):
        unet = UNet2DConditionModel(
            sample_size=64, block_out_channels=widths, cross_attention_dim=768 // narrow,
            attention_head_dim=8 if narrow == 1 else 2, norm_num_groups=groups,
        )  # fmt: skip
        vae = AutoencoderKL(
            block_out_channels=[max(8, 128 // narrow), max(8, 256 // narrow), *[max(8, 512 // narrow)] * 2],
            layers_per_block=2, down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4,
            norm_num_groups=32 if narrow <= 4 else 2,
        )  # fmt: skip
        encoder = CLIPTextModel(text)
    for name, part in (("unet", unet), ("vae", vae), ("text_encoder", encoder)):
        keep_as(part, "bf16")
        fill(part.to_empty(device="cpu")).save_pretrained(folder / name)
        part.to_empty(device="meta")
    DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear").save_pretrained(
        folder / "scheduler"
    )


def fill(module: nn.Module) -> Any:
    """Random weights of a plausible size, drawn in bf16: quicker than the classes' own."""
    generator = torch.Generator().manual_seed(0)
    for name, parameter in module.named_parameters():
        with torch.no_grad():
            if parameter.ndim > 1:
                bound = (3 / parameter[0].numel()) ** 0.5
                parameter.uniform_(-bound, bound, generator=generator)
            else:
                parameter.fill_(1.0 if name.endswith("weight") else 0.0)
    for name, buffer in module.named_buffers():
        if name.endswith("position_ids"):
            buffer.copy_(torch.arange(buffer.numel()).view_as(buffer))
    return module


def write_seals(folder: Path) -> None:
    """Images to learn from: seals that the untrained forger made."""
    forger, pages = load_forger("untrained"), TemplatePages(150)
    assert forger is not None
    folder.mkdir(parents=True)
    for index in range(SEALS):
        rng = rng_for(3, index)
        sample = stamp_page(pages.page(rng), rng, 1, ["company"], "red")
        save_image(folder / f"{index}.png", forger.forge(crop_sample(sample, 0, 320, rng), rng).stamped)


if __name__ == "__main__":
    main()
