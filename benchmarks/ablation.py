"""Every alternative beside the forger: the same drawn seals, the same real images, the same evaluation, several seeds.

    python benchmarks/ablation.py --real DIR --test DIR --out RUNS
    python benchmarks/ablation.py --real DIR --test DIR --out RUNS --only pasted simulated default --seeds 0

Each method and seed is one file in RUNS/results, written when it is done: run it again to go on, and nothing is done
twice. RUNS/ablation.md, .csv and .json hold the table of all results there are, RUNS/bars.png and few-shot.png the
plots.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import difflib
import time
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from peer_processes import Peer, environment
from seal2real.baselines.augraphy import PYTHON
from seal2real.errors import Seal2RealError, UsageError
from seal2real.images import write_atomic
from seal2real.page import TemplatePages
from seal2real.report.ablation import Ablation, Plan, Result, Row, read_plan
from seal2real.report.ablation_table import (
    COLUMNS,
    Line,
    lines,
    plot_bars,
    plot_few_shot,
    shown,
    to_csv,
    to_json,
    to_markdown,
)
from seal2real.report.compare import OTHER_REAL
from seal2real.report.labels import rapidocr_recogniser
from seal2real.report.sources import real_seals
from seal2real.report.validation import Validation
from seal2real.report.variants import drawn_samples
from seal2real.weights import write_json

CONFIGS = Path(__file__).resolve().parent.parent / "configs"


def main() -> int:
    """Parse, measure what is missing, write and print the table; 1 if a row failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, required=True, help="unlabelled real images to learn from")
    parser.add_argument("--test", type=Path, required=True, help="other real images to compare with")
    parser.add_argument("--config", type=Path, help="the table's rows (default: configs/ablation.yaml)")
    parser.add_argument("--quick", action="store_true", help="configs/ablation-quick.yaml: minutes, no conclusions")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="rows to measure; the table still shows all")
    parser.add_argument("--seeds", nargs="+", type=int, help="in place of the config's")
    parser.add_argument("--minutes", type=float, help="of training for each learned row, in place of the config's")
    parser.add_argument("--environments", type=Path, help="folder for Augraphy's environment, made if not there")
    parser.add_argument("--plots", type=Path, help="folder for the plots (default: --out)")
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    parser.add_argument("--out", type=Path, required=True, help="folder for results, table and plots")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    console = Console(width=176)
    if arguments.quick and arguments.config:
        raise UsageError("--quick has a config of its own; leave --config out")
    path = arguments.config or CONFIGS / ("ablation-quick.yaml" if arguments.quick else "ablation.yaml")
    plan, rows = read_plan(path)
    plan = replace(plan, seeds=tuple(arguments.seeds or plan.seeds), minutes=arguments.minutes or plan.minutes)
    chosen = _chosen(rows, arguments.only)
    if arguments.environments and any(row.kind == "augraphy" for row in chosen):
        os.environ[PYTHON] = str(environment(Peer("augraphy", ("augraphy",), {}, ()), arguments.environments))
    ablation = _ablation(plan, arguments)
    failed = _measure(ablation, chosen, arguments, console)
    results = [
        known
        for seed in plan.seeds
        for row in [None, *rows]
        if (known := ablation.known(row.name if row else OTHER_REAL, seed, row)) is not None
    ]
    write_table(lines(rows, results), rows, results, arguments.out, arguments.plots or arguments.out)
    console.print(_table(lines(rows, results)))
    console.print(f"written to {arguments.out}")
    return int(failed)


def _chosen(rows: list[Row], only: list[str] | None) -> list[Row]:
    names = [row.name for row in rows]
    for name in only or ():
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)[0]
            raise UsageError(f"--only {name}: no such row; did you mean {near!r}?")
    return [row for row in rows if not only or row.name in only]


def _ablation(plan: Plan, arguments: argparse.Namespace) -> Ablation:
    if arguments.real.resolve() == arguments.test.resolve():
        raise UsageError(f"{arguments.real}: --real and --test are the same; what was learned from tells nothing")
    test = real_seals(arguments.test, black=False)
    reader = rapidocr_recogniser() if plan.lines else None
    pages = TemplatePages(plan.dpi)
    return Ablation(
        plan, arguments.real, test, lambda seed: drawn_samples(plan.count, pages, plan.dpi, seed, plan.kinds),
        arguments.out, reader, Validation(dpi=plan.dpi),
    )  # fmt: skip


def _measure(ablation: Ablation, rows: list[Row], arguments: argparse.Namespace, console: Console) -> bool:
    """All that is missing, seed by seed; True if a row failed."""
    failed = False
    for seed in ablation.plan.seeds:
        if ablation.known(OTHER_REAL, seed) is None:
            ablation.floor(real_seals(arguments.real, black=False), seed)
        for row in rows:
            if ablation.known(row.name, seed, row) is not None:
                continue
            started = time.monotonic()
            try:
                result = ablation.measure(row, seed)
            except Seal2RealError as error:
                console.print(f"[red]{escape(row.name)}, seed {seed}: {escape(str(error))}[/red]", soft_wrap=True)
                failed = True
                continue
            console.print(
                f"{escape(row.name)}, seed {seed}: C2ST {result['c2st']:.3f}, KID {result['kid'] or 0:.3f}, "
                f"{(time.monotonic() - started) / 60:.1f} min",
                style="dim",
            )
    return failed


def write_table(table: list[Line], rows: list[Row], results: list[Result], out: Path, plots: Path) -> None:
    """Table and plots; without matplotlib, the table alone."""
    write_atomic(out / "ablation.md", to_markdown(table).encode())
    write_atomic(out / "ablation.csv", to_csv(table).encode())
    write_json(out / "ablation.json", to_json(table, results))
    try:
        write_atomic(plots / "bars.png", plot_bars(table))
        curve = plot_few_shot(rows, table)
    except UsageError as error:
        Console(stderr=True).print(f"without plots: {error}", style="dim")
        return
    if curve is not None:
        write_atomic(plots / "few-shot.png", curve)


def _table(table: list[Line]) -> Table:
    view = Table(title="Ablation", caption="mean ± standard deviation over seeds; C2ST with its 95 % interval")
    view.add_column("method")
    for column in COLUMNS:
        view.add_column(column.title, justify="right")
    for line in table:
        view.add_row(escape(line.name), *(escape(shown(line, column)) for column in COLUMNS))
    return view


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except Seal2RealError as error:
        raise SystemExit(str(error)) from None
