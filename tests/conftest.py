"""What several test files share: drawn "real" seals, and tiny backbones of the real classes."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from seal2real.forger import Forger

os.environ.setdefault("OMP_NUM_THREADS", "1")  # sums in one order, here and in processes that tests start

TINY: dict[str, Any] = {  # of a training run that takes a second
    "pool": 8,
    "prompt_batch": 2,
    "prompt_steps": 2,
    "steps": 2,
    "batch": 2,
    "prior_after": 0.0,
    "critic_steps": 1,
    "diameters": [96.0, 128.0],
    "precision": "no",
    "calibrate": "none",
    "save_every": 0.0,
}


@pytest.fixture(scope="session")
def untrained() -> Forger:
    """The press and the scan without a residual network."""
    from seal2real import load_forger

    loaded = load_forger("untrained")
    assert loaded is not None
    return loaded


@pytest.fixture(scope="session")
def real_seals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of six small images that the untrained forger made: what a user's folder of scans would hold."""
    from seal2real import TemplatePages, crop_sample, load_forger, save_image, stamp_page
    from seal2real.seeding import rng_for

    folder = tmp_path_factory.mktemp("seals")
    forger, pages = load_forger("untrained"), TemplatePages(100, red=0.0)
    assert forger is not None
    for index in range(6):
        rng = rng_for(3, index)
        sample = stamp_page(pages.page(rng), rng, 1, ["company"], "blue" if index % 3 == 2 else "red")
        save_image(folder / f"{index}.png", forger.forge(crop_sample(sample, 0, 200, rng), rng).stamped)
    return folder


@pytest.fixture(scope="session")
def compact_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compact backbone of 0.1 million parameters."""
    from seal2real.prior.compact import CompactBackbone
    from seal2real.prior.training import initial_weights

    folder = tmp_path_factory.mktemp("compact")
    with initial_weights(0):
        backbone = CompactBackbone.create((16, 16), token_width=32, image_size=32)
    backbone.save(folder)
    return folder


@pytest.fixture(scope="session")
def diffusion_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Stable Diffusion folder of the real classes, with tiny networks."""
    from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
    from transformers.utils.logging import disable_progress_bar

    from seal2real.prior.training import initial_weights

    disable_progress_bar()
    folder = tmp_path_factory.mktemp("diffusion")
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: index for index, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer.from_pretrained(folder, model_max_length=77)
    text = CLIPTextConfig(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=77,
        bos_token_id=len(words) - 2,
        eos_token_id=len(words) - 1,
        pad_token_id=len(words) - 1,
    )
    with initial_weights(0):
        unet = UNet2DConditionModel(
            sample_size=8,
            layers_per_block=1,
            block_out_channels=(8, 16),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=16,
            attention_head_dim=4,
            norm_num_groups=4,
        )
        vae = AutoencoderKL(
            block_out_channels=(8, 8, 8),
            down_block_types=("DownEncoderBlock2D",) * 3,
            up_block_types=("UpDecoderBlock2D",) * 3,
            norm_num_groups=4,
        )
        encoder = CLIPTextModel(text)
    scheduler = DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
    for name, part in (("unet", unet), ("vae", vae), ("text_encoder", encoder), ("scheduler", scheduler)):
        part.save_pretrained(folder / name)
    tokenizer.save_pretrained(folder / "tokenizer")
    return folder


@pytest.fixture(scope="session")
def labelled_crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A native dataset of six crops around seals, two in each split, and of one without any seal, in train."""
    import numpy as np

    from seal2real.dataset.formats.native import METADATA, dump_row, encode_sample, read_rows
    from seal2real.dataset.generate import GenerateConfig, generate, load_context, make_sample

    folder = tmp_path_factory.mktemp("labelled") / "dataset"
    config = GenerateConfig(count=6, seed=3, forger="none", crops=256)
    generate(config, folder, workers=1)
    sample = make_sample(config, 6, load_context(config))
    bare = replace(sample, stamped=sample.clean, ink=np.zeros_like(sample.ink), seals=())
    negative = encode_sample(bare, 6, "train")
    for path, data in negative.files.items():
        (folder / path).write_bytes(data)
    splits = ("train", "validation", "test")
    rows = [{**row, "split": splits[number % 3]} for number, row in enumerate(read_rows(folder))]
    (folder / METADATA).write_text("".join(map(dump_row, [*rows, negative.row])), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def verification_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Crops of every class, with references, in two splits."""
    from seal2real.dataset.generate import GenerateConfig, generate

    folder = tmp_path_factory.mktemp("tasks") / "data"
    config = GenerateConfig(
        count=20, crops=256, dpi=150, seed=4, kinds=("company", "personal-square", "notice"), forger="untrained",
        authenticity="impression=0.25,paste=0.25,copy=0.2,altered=0.3", validation=0.35, test=0.0,
    )  # fmt: skip
    generate(config, folder, workers=1)
    return folder
