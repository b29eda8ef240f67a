"""Commands that learn: calibrate, train, pretrain, pretrain-estimator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from seal2real.cli.progress import is_main_process, training
from seal2real.errors import UsageError

if TYPE_CHECKING:
    from seal2real.forger.train import Survey, TrainReport

Config = TypeVar("Config")

_Out = Annotated[Path, typer.Option("--out", metavar="RUN", help="Folder of the run; new or empty, unless --resume.")]
_File = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="YAML with any of the settings; the command line goes before it."),
]
_Minutes = Annotated[
    float | None, typer.Option("--minutes", help="Wall-clock limit of this call, minutes.  [default: none]")
]
_Pages = Annotated[
    Path | None,
    typer.Option(
        "--pages", metavar="DIR", help="Your own clean pages, for a share of the backgrounds.  [default: none]"
    ),
]
_Precision = Annotated[
    str | None,
    typer.Option("--precision", metavar="NAME", help="auto (bf16 where there is), bf16 or no (fp32).  [default: auto]"),
]
_Seed = Annotated[int | None, typer.Option("--seed", help="Seed of every choice.  [default: 0]")]
_Accumulate = Annotated[
    int | None, typer.Option("--accumulate", help="Batches per step and process, for little memory.  [default: 1]")
]
_Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the run in RUN, with its settings, from its newest state.")
]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, print the settings, write nothing.")]


def train(
    out: _Out,
    real: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of real images with seals: crops or whole pages.")
    ] = None,
    config: _File = None,
    stage: Annotated[
        str | None,
        typer.Option(metavar="1|2|all", help="1 learns the prompts, 2 the forger from them.  [default: all]"),
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|DIR|ID", help="compact (shipped), a diffusers folder or a hub id.  [default: compact]"
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Sizes for a machine: cpu, 12gb, 24gb or 80gb.  [default: none]"),
    ] = None,
    real_words: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What the real prompt starts from.  [default: a real seal]")
    ] = None,
    fake_words: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What the fake prompt starts from.  [default: a fake seal]")
    ] = None,
    adapt: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The U-Net in stage 1: none, lora, full, or auto.  [default: auto]"),
    ] = None,
    forger: Annotated[
        str | None, typer.Option(metavar="NAME", help="layered, or residual (image to image).  [default: layered]")
    ] = None,
    start_from: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A trained forger to go on from.  [default: the untrained model]")
    ] = None,
    calibrate: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The knobs' start, read off the real images: by the shipped estimator, one in a folder, or none.  "
            "[default: shipped]",
        ),
    ] = None,
    prior: Annotated[
        str | None, typer.Option(metavar="NAME", help="vsd, contrast, sds or none.  [default: vsd]")
    ] = None,
    adversary: Annotated[
        str | None, typer.Option(metavar="NAME", help="pixel, features or none.  [default: pixel]")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of stage 2.  [default: 3000]")] = None,
    prompt_steps: Annotated[int | None, typer.Option(help="Steps of stage 1.  [default: 240]")] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Wall-clock limit of stage 2 in this call, minutes.  [default: none]")
    ] = None,
    batch: Annotated[int | None, typer.Option(help="Patches per batch and process in stage 2.  [default: 16]")] = None,
    accumulate: _Accumulate = None,
    pages: _Pages = None,
    precision: _Precision = None,
    tracker: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="tensorboard, wandb, trackio, none, or auto.  [default: auto]"),
    ] = None,
    seed: _Seed = None,
    resume: _Resume = False,
    dry_run: _DryRun = False,
) -> None:
    """Learn from **DIR**, a folder of unlabelled real images, how to make drawn seals look like them.

    On several GPUs or processes: torchrun --nproc-per-node N train.py, with the same options.
    """
    from seal2real.forger.presets import with_preset
    from seal2real.forger.train import survey
    from seal2real.forger.train import train as run_training
    from seal2real.forger.train_config import TrainConfig

    given = {
        "real": real,
        "stage": stage,
        "backbone": backbone,
        "preset": preset,
        "real_words": real_words,
        "fake_words": fake_words,
        "adapt": adapt,
        "forger": forger,
        "start_from": start_from,
        "calibrate": calibrate,
        "prior": prior,
        "adversary": adversary,
        "steps": steps,
        "prompt_steps": prompt_steps,
        "minutes": minutes,
        "batch": batch,
        "accumulate": accumulate,
        "pages": pages,
        "precision": precision,
        "tracker": tracker,
        "seed": seed,
    }
    settings = _settings(TrainConfig, given, config, out, resume, "real", with_preset)
    if dry_run:
        _print_survey(settings, survey(settings))
        return
    from seal2real.report.validation import Validation

    with training(settings.minutes) as progress:
        report = run_training(settings, out, resume, progress, Validation())
    _print_report(settings, report)


def pretrain(
    out: _Out,
    config: _File = None,
    steps: Annotated[int | None, typer.Option(help="Steps.  [default: 20000]")] = None,
    minutes: _Minutes = None,
    batch: Annotated[int | None, typer.Option(help="Patches per batch and process.  [default: 32]")] = None,
    accumulate: _Accumulate = None,
    pages: _Pages = None,
    precision: _Precision = None,
    seed: _Seed = None,
    resume: _Resume = False,
    dry_run: _DryRun = False,
) -> None:
    """Train a compact backbone from nothing on drawn seals under simulated ink, paper and scans."""
    from seal2real.prior.pretrain import PretrainConfig
    from seal2real.prior.pretrain import pretrain as run_pretraining

    given = {
        "steps": steps,
        "minutes": minutes,
        "batch": batch,
        "accumulate": accumulate,
        "pages": pages,
        "precision": precision,
        "seed": seed,
    }
    settings = _settings(PretrainConfig, given, config, out, resume)
    if dry_run:
        _print_settings(settings)
        return
    with training(settings.minutes) as progress:
        run_pretraining(settings, out, resume, lambda done, loss: progress("pretrain", done, settings.steps, loss))
    _say(
        f"backbone in {out / 'backbone'}, samples in {out / 'samples'}, metrics in {out / 'metrics.jsonl'}",
        f"next: seal2real train --real DIR --backbone {out / 'backbone'} --out RUN",
    )


def pretrain_estimator(
    out: _Out,
    config: _File = None,
    steps: Annotated[int | None, typer.Option(help="Steps.  [default: 6000]")] = None,
    minutes: _Minutes = None,
    batch: Annotated[int | None, typer.Option(help="Patches per batch.  [default: 32]")] = None,
    pages: _Pages = None,
    seed: _Seed = None,
    resume: _Resume = False,
    dry_run: _DryRun = False,
) -> None:
    """Train the estimator that reads the press-and-scan model's knobs off an image (see calibrate)."""
    from seal2real.forger.estimator import EstimatorConfig, train_estimator

    given = {"steps": steps, "minutes": minutes, "batch": batch, "pages": pages, "seed": seed}
    settings = _settings(EstimatorConfig, given, config, out, resume)
    if dry_run:
        _print_settings(settings)
        return
    with training(settings.minutes) as progress:
        shares = train_estimator(
            settings, out, resume, lambda done, loss: progress("estimator", done, settings.steps, loss)
        )
    best = sorted(shares.items(), key=lambda item: -item[1])
    _say(
        "explained of the knobs' variance: " + ", ".join(f"{name} {share:.0%}" for name, share in best if share > 0.1),
        f"estimator in {out / 'estimator'}; next: seal2real calibrate --real DIR --estimator {out} --out RUN",
    )


def calibrate(
    real: Annotated[Path, typer.Option(metavar="DIR", help="Folder of real images with seals: crops or whole pages.")],
    out: Annotated[Path, typer.Option("--out", metavar="RUN", help="Folder of the new forger.")],
    start_from: Annotated[
        str, typer.Option(metavar="NAME|RUN", help="Whose residual network it takes: default, untrained or a RUN.")
    ] = "default",
    breadth: Annotated[
        float, typer.Option(help="Share of looks from anywhere in the untrained ranges: 0 your images' alone, to 1.")
    ] = 0.1,
    estimator: Annotated[str, typer.Option(metavar="NAME|DIR", help="shipped, or a run of pretrain-estimator.")] = (
        "shipped"
    ),
    seed: Annotated[int, typer.Option(help="Seed of every choice.")] = 0,
) -> None:
    """Make a forger with the looks of your scans in seconds: paper, ink, blur and noise are read off **DIR**'s seals.

    No labels, no network on the wire, some 20 images or more. `seal2real train` goes further, in hours.
    """
    from seal2real.forger.calibrate import CalibrationSettings, calibrate_folder

    settings = CalibrationSettings(breadth=breadth)
    with training(None) as progress:
        found = calibrate_folder(
            real, out, start_from, estimator, seed, settings,
            lambda done, distance: progress("calibration", done, settings.steps, distance),
        )  # fmt: skip
    colours = ", ".join(f"{count} {colour}" for colour, count in sorted(Counter(c.colour for c in found.crops).items()))
    _say(
        f"real seals: {colours}; {len(found.skipped)} files skipped",
        *(f"  skipped {reason}" for _, reason in found.skipped),
        f"forger in {out / 'forger'}; next: seal2real generate OUT --forger {out}",
    )


def _settings(
    kind: type[Config],
    given: dict[str, Any],
    file: Path | None,
    out: Path,
    resume: bool,
    needed: str = "",
    with_preset: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> Config:
    """The command line's settings before the file's, before those of the run that is resumed or of a preset, before
    the defaults."""
    from seal2real.prior.config import FileValues, read_config, read_config_file

    values: dict[str, Any] = {}
    if resume and (out / "config.yaml").is_file():
        values = read_config_file(out / "config.yaml")
        read_config(kind, values, str(out / "config.yaml"))
        with_preset = dict  # what it set stands in the run's settings
    if file is not None:
        more = read_config_file(file)
        values |= more
        read_config(kind, FileValues({needed: "", **more}, more.lines) if needed else more, str(file))
    values |= {name: str(v) if isinstance(v, Path) else v for name, v in given.items() if v is not None}
    if needed and needed not in values:
        raise UsageError(f"--{needed} is missing: name a folder of {needed} images")
    return read_config(kind, with_preset(values), "settings")


def _say(*lines: str) -> None:
    if is_main_process():
        print("\n".join(lines))


def _print_settings(settings: Any) -> None:
    import dataclasses

    import yaml

    from seal2real.prior.config import plain

    _say(yaml.safe_dump(plain(dataclasses.asdict(settings)), sort_keys=False, allow_unicode=True).rstrip())


def _print_survey(settings: Any, found: Survey) -> None:
    _print_settings(settings)
    seals = ", ".join(f"{count} {colour}" for colour, count in sorted(found.seals.items()))
    _say(
        f"# real seals: {seals}; {found.held_out} more are held out; {len(found.skipped)} files skipped",
        *(f"#   skipped {reason}" for _, reason in found.skipped),
        f"# backbone: {found.backbone or 'none needed'}; patches of {found.image_size} pixels",
        f"# {found.processes} process(es) on {found.device}, precision {found.precision}",
    )


def _print_report(settings: Any, report: TrainReport) -> None:
    out = report.out
    _say(
        f"real seals: {report.seals} learned from, {report.held_out} held out; {len(report.skipped)} files skipped",
        *(f"  skipped {reason}" for _, reason in report.skipped),
    )
    for stage, cost in report.cost.items():
        peak = f"{cost.peak_memory_gib:.2f} GiB of {'GPU memory' if cost.device == 'cuda' else 'memory'}"
        _say(f"stage {stage[-1]}: {cost.seconds_per_step:.3g} s a step, at most {peak}")
    if report.prompts is not None:
        judged = report.prompts
        where = "held-out" if report.held_out else "its own training (too few files to hold any out)"
        _say(
            f"stage 1: the prompts tell {judged.accuracy:.1%} of {where} real and pasted seals apart "
            f"(95 % interval {judged.low:.1%} to {judged.high:.1%}, AUC {judged.auc:.3f}, "
            f"{judged.real} real and {judged.fake} pasted; single patches {judged.patch_accuracy:.1%})"
        )
    if settings.stage == "1":
        _say(f"prompts in {out / 'prompts.safetensors'}", f"next: seal2real train --out {out} --resume --stage 2")
        return
    done = report.steps.get("stage2", 0)
    _say(f"stage 2: {done} of {settings.steps} steps; forger in {out / 'forger'}, pictures in {out / 'samples'}")
    if done < settings.steps:
        _say(f"to go on: seal2real train --out {out} --resume")
    _say(f"next: seal2real generate OUT --forger {out}")
