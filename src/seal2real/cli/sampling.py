"""Commands that use the learned prompts by themselves: sample, edit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seal2real.cli.progress import counting
from seal2real.errors import UsageError

if TYPE_CHECKING:
    from seal2real.prior.sampling import SamplingSettings

_WORDS = {"fake": 0.0, "real": 1.0}

_Backbone = Annotated[
    str | None,
    typer.Option("--backbone", metavar="NAME|DIR|ID", help="In place of the run's own.  [default: the run's own]"),
]
_Mix = Annotated[
    str, typer.Option("--mix", metavar="NAME", help="What the realism weighs: embeddings, or scores (twice the time).")
]
_Guidance = Annotated[
    float, typer.Option("--guidance", help="Classifier-free guidance away from the negative prompt; 1 is none.")
]
_Negative = Annotated[str, typer.Option("--negative", metavar="NAME", help="Negative prompt: null or fake.")]
_Steps = Annotated[
    int, typer.Option("--steps", help="Denoising steps from full noise; an edit makes the share STRENGTH of them.")
]
_Solver = Annotated[str, typer.Option("--solver", metavar="NAME", help="dpm (DPM-Solver++) or ddim.")]
_Tile = Annotated[
    int | None,
    typer.Option(
        "--tile", metavar="PX", help="Side of the tiles that larger images go in.  [default: the backbone's image size]"
    ),
]


def sample(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="Run with learned prompts; or compact: the shipped one, unlearned.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to make; new or empty.")],
    count: Annotated[int, typer.Option("--count", "-n", help="Images for each realism.")] = 16,
    realism: Annotated[
        str,
        typer.Option(
            "--realism",
            "--prompt",
            metavar="R,...",
            help="real (1), fake (0), or a number: between, or beyond up to 4; several make a row each.",
        ),
    ] = "real",
    mix: _Mix = "embeddings",
    guidance: _Guidance = 1.0,
    negative: _Negative = "null",
    steps: _Steps = 50,
    solver: _Solver = "dpm",
    size: Annotated[
        int | None, typer.Option(metavar="PX", help="Side of the images.  [default: the backbone's image size]")
    ] = None,
    tile: _Tile = None,
    seed: Annotated[int, typer.Option(help="Seed; image k depends on the settings, the seed and k alone.")] = 0,
    backbone: _Backbone = None,
) -> None:
    """Sample seals from noise with the prompts that **RUN** learned, without labels; grid.png shows them all."""
    realisms = tuple(_number(part) for part in realism.split(","))
    settings = _settings(mix, guidance, negative, steps, solver, tile)
    from seal2real.dataset.edit_images import sample_folder

    with counting("sample", count * len(realisms)) as advance:
        made = sample_folder(
            run, out, count, settings, realisms=realisms, size=size, seed=seed, backbone=backbone, progress=advance
        )
    print(f"{len(made)} images in {out}; look at {out / 'grid.png'}")


def edit(
    images: Annotated[Path, typer.Argument(metavar="IMAGES", help="Folder of images, such as flat pasted seals.")],
    run: Annotated[
        str,
        typer.Option(metavar="RUN", help="Run with learned prompts; or compact: the shipped one, unlearned."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write the edited images to.")],
    method: Annotated[
        str, typer.Option(metavar="NAME", help="sdedit, or inversion (with the fake prompt, back with the real one).")
    ] = "sdedit",
    strength: Annotated[float, typer.Option(help="How much may change: 0 nothing, 1 everything.")] = 0.4,
    realism: Annotated[
        str,
        typer.Option("--realism", "--prompt", metavar="R", help="real (1), fake (0), or a number, up to 4."),
    ] = "real",
    mix: _Mix = "embeddings",
    guidance: _Guidance = 1.0,
    negative: _Negative = "null",
    steps: _Steps = 50,
    solver: _Solver = "dpm",
    mask: Annotated[
        str, typer.Option(metavar="NAME", help="none, or ink: only the seal's ink and its surroundings may change.")
    ] = "none",
    margin: Annotated[int, typer.Option(metavar="PX", help="What counts as the ink's surroundings.")] = 6,
    tile: _Tile = None,
    seed: Annotated[int, typer.Option(help="Seed; each image depends on it and on its path in IMAGES alone.")] = 0,
    jpeg_quality: Annotated[int, typer.Option(help="Quality of JPEG files, 1 to 100.")] = 92,
    backbone: _Backbone = None,
) -> None:
    """Edit **IMAGES** with the learned prompts, without a forger: slow, and text may change. A baseline."""
    settings = _settings(mix, guidance, negative, steps, solver, tile, _number(realism))
    from seal2real.dataset.edit_images import edit_folder

    with counting("edit", None) as advance:
        report = edit_folder(
            images, run, out, method, strength, settings,
            mask=mask, margin=margin, seed=seed, backbone=backbone, jpeg_quality=jpeg_quality, progress=advance,
        )  # fmt: skip
    print(f"{len(report.written)} images in {out}")
    for _, reason in report.skipped:
        print(f"skipped {reason}", file=sys.stderr)


def _settings(
    mix: str, guidance: float, negative: str, steps: int, solver: str, tile: int | None, realism: float = 1.0
) -> SamplingSettings:
    from seal2real.prior.sampling import SamplingSettings

    return SamplingSettings(realism, mix, guidance, negative, steps, solver, tile)


def _number(text: str) -> float:
    try:
        return _WORDS[text.strip()] if text.strip() in _WORDS else float(text)
    except ValueError:
        raise UsageError(f"realism is {text.strip()!r}; give real, fake or a number from 0 to 4") from None
