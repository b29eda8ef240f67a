"""Commands that measure: evaluate, benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def evaluate(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Folder with metadata.jsonl.")],
    real: Annotated[Path, typer.Option(metavar="DIR", help="Folder of real seal images.")],
    other_real: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Real images of other origin, for the floor between collections."),
    ] = None,
    pasted: Annotated[
        Path | None,
        typer.Option(metavar="DATASET", help="Flat pastes for the ceiling.  [default: the dataset's own seals, flat]"),
    ] = None,
    black: Annotated[bool, typer.Option("--black", help="Include black seals; print can be taken for them.")] = False,
    samples: Annotated[int, typer.Option(help="Most samples of the dataset to look at, drawn at random.")] = 60,
    seed: Annotated[int, typer.Option(help="Seed of every choice.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the JSON report and the plot.  [default: none]"),
    ] = None,
) -> None:
    """Measure how real **DATASET** looks (C2ST, KID, with floor and ceiling) and whether its labels hold."""
    from rich.console import Console

    from seal2real.report.evaluate import evaluate as measure

    report = measure(dataset, real, out, pasted, seed, other_real=other_real, black=black, max_samples=samples)
    Console().print(report)


def benchmark(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of data, runs and results; goes on there.")],
    real: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Real labelled scans to test on: labels.json, images/, ink/.")
    ] = None,
    papers: Annotated[Path | None, typer.Option(metavar="DIR", help="Real papers without a seal.")] = None,
    learn: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Real seals for the sources that learn from them.")
    ] = None,
    tasks: Annotated[
        str | None, typer.Option(metavar="T,...", help="segment, verify, read, remove.  [default: all]")
    ] = None,
    sources: Annotated[
        str | None,
        typer.Option(
            metavar="S,...",
            help="pasted, simulated, augraphy, cut, sdedit, untrained, seal2real.  "
            "[default: those that do not learn; with --learn, cut too]",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="How many; each trains all anew.")] = 3,
    count: Annotated[int | None, typer.Option(help="Training crops of each source.  [default: 1500]")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of every training.  [default: 1500]")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A few minutes, to see that it runs; figures mean nothing.")]
    = False,
) -> None:  # fmt: skip
    """Train every task on each source of generated data, and test on real scans and on a controlled set."""
    from dataclasses import replace

    from rich.console import Console

    from seal2real.cli.progress import training
    from seal2real.dataset.labelled_scans import labelled_scans
    from seal2real.errors import UsageError
    from seal2real.images import load_folder, write_atomic
    from seal2real.tasks.benchmark import QUICK, Benchmark, BenchmarkConfig, HeldOut
    from seal2real.tasks.benchmark_table import plot, to_markdown, to_table
    from seal2real.weights import write_json

    if seeds < 1:
        raise UsageError(f"seeds is {seeds}; it must be at least 1")
    config = QUICK if quick else BenchmarkConfig(seeds=tuple(range(seeds)))
    if sources is not None:
        config = replace(config, sources=_names(sources))
    elif learn is None:
        config = replace(config, sources=tuple(name for name in config.sources if name != "cut"))
    if tasks is not None:
        config = replace(config, tasks=_names(tasks))
    given: dict[str, Any] = {name: value for name, value in (("count", count), ("steps", steps)) if value is not None}
    config = replace(config, **given)
    scans = labelled_scans(real) if real is not None else []
    pages = [image for _, image in load_folder(papers)[0]] if papers is not None else []
    tests = HeldOut.make(config, scans, pages)
    console = Console(stderr=True)
    with training(None) as report:
        results = Benchmark(config, tests, out, learn, report).run(
            lambda result: console.print(f"{result['task']} on {result['source']}, seed {result['seed']}: done")
        )
    Console().print(to_table(results))
    write_atomic(out / "benchmark.md", to_markdown(results).encode())
    write_json(out / "benchmark.json", {"results": results})
    write_atomic(out / "benchmark.png", plot(results))
    print(f"written to {out}")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
