"""The benchmark that proves the data: every task's model is trained on each source of data alone, with equal counts and
steps, and tried on real labelled scans and on the controlled set.

One result file for each source, seed and task; what is there already is not done again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from seal2real.dataset.labelled_scans import LabelledScan
from seal2real.errors import UsageError
from seal2real.prior.config import check_names, check_positive, plain
from seal2real.sample import Image, Sample
from seal2real.tasks import trials, verify_trials
from seal2real.tasks.authenticity import train_authenticity
from seal2real.tasks.compare import train_comparer
from seal2real.tasks.controlled import controlled_sample
from seal2real.tasks.fitting import FitConfig, Progress
from seal2real.tasks.lines import train_line_finder
from seal2real.tasks.pp_ocr import ready_recogniser
from seal2real.tasks.read import SealReader
from seal2real.tasks.recognise import Recogniser, train_recogniser
from seal2real.tasks.remove import Remover, train_remover
from seal2real.tasks.segment import Segmenter, train_segmenter
from seal2real.tasks.sources import SOURCES, SourceConfig, make_datasets, open_source
from seal2real.weights import read_json, write_json

TASKS = ("segment", "verify", "read", "remove")
Result = dict[str, Any]
_CONTROLLED_SEED = 4242


@dataclass(frozen=True)
class BenchmarkConfig:
    """Settings of a benchmark.

    Attributes:
        sources: of data, of `seal2real.tasks.sources.SOURCES`.
        tasks: of `TASKS`.
        seeds: each gives its own data and its own first weights.
        count, cases: crops for segmentation, removal and reading; for verification.
        steps, batch: of every training.
        controlled: samples of the controlled set.
        side: of a training crop in pixels.
        learn_minutes: of the sources that learn.
    """

    sources: tuple[str, ...] = ("pasted", "simulated", "augraphy", "cut", "seal2real")
    tasks: tuple[str, ...] = TASKS
    seeds: tuple[int, ...] = (0, 1, 2)
    count: int = 1500
    cases: int = 900
    steps: int = 1500
    batch: int = 16
    controlled: int = 60
    side: int = 448
    learn_minutes: float = 10.0

    def __post_init__(self) -> None:
        check_positive(self, "count", "cases", "steps", "batch", "controlled", "learn_minutes")
        check_names("source", self.sources, SOURCES)
        check_names("task", self.tasks, TASKS)
        if not self.seeds or not self.sources or not self.tasks:
            raise UsageError("give at least one source, one task and one seed")


QUICK = BenchmarkConfig(
    sources=("pasted", "seal2real"), tasks=("segment", "remove"), seeds=(0,), count=24, cases=24, steps=4, batch=2,
    controlled=4, side=256,
)  # fmt: skip


@dataclass
class HeldOut:
    """What models are tried on.

    Attributes:
        scans: real labelled seals; may be empty.
        papers: real papers without a seal; may be empty.
        controlled: samples of the controlled set.
        recogniser: reads pages after removal; None leaves that out.
    """

    scans: Sequence[LabelledScan]
    papers: Sequence[Image]
    controlled: Sequence[Sample]
    recogniser: Recogniser | None

    @classmethod
    def make(cls, config: BenchmarkConfig, scans: Sequence[LabelledScan], papers: Sequence[Image]) -> HeldOut:
        """The controlled set drawn anew, and PP-OCR where it is installed."""
        samples = [controlled_sample(index, _CONTROLLED_SEED, 0.15) for index in range(config.controlled)]
        try:
            recogniser: Recogniser | None = ready_recogniser()
        except UsageError:
            recogniser = None
        return cls(scans, papers, samples, recogniser)


class Benchmark:
    """Trains and tries.

    Args:
        config: what.
        tests: on what.
        out: folder of data, runs and results.
        learn: folder of real images for sources that learn from them.
        progress: told of every training's steps.
    """

    def __init__(
        self,
        config: BenchmarkConfig,
        tests: HeldOut,
        out: Path,
        learn: Path | None = None,
        progress: Progress | None = None,
    ):
        self.config, self.tests, self.out, self.learn, self.progress = config, tests, out, learn, progress

    def run(self, done: Callable[[Result], None] = lambda result: None) -> list[Result]:
        """All results, those that were there and those that were missing; ``done`` is called with each.

        Raises:
            UsageError: a result is of other settings, or a source lacks what it needs.
        """
        results = []
        for seed in self.config.seeds:
            for source in self.config.sources:
                for task in self.config.tasks:
                    result = self.known(source, seed, task) or self._measure(source, seed, task)
                    results.append(result)
                    done(result)
        return results

    def path(self, source: str, seed: int, task: str) -> Path:
        """File of one result."""
        return self.out / "results" / f"{task}-{source}-seed{seed}.json"

    def known(self, source: str, seed: int, task: str) -> Result | None:
        """A finished result, if there is one.

        Raises:
            UsageError: it was measured with other settings.
        """
        path = self.path(source, seed, task)
        if not path.is_file():
            return None
        result = read_json(path)
        for name, value in self._settings(task).items():
            if result["settings"].get(name) != value:
                raise UsageError(
                    f"{path}: {name} was {result['settings'].get(name)!r} and is now {value!r}; remove it, or name "
                    f"another --out"
                )
        return result

    def _settings(self, task: str) -> dict[str, Any]:
        unused = {"sources", "tasks", "seeds", "learn_minutes"} | ({"count"} if task == "verify" else {"cases"})
        values = {name: value for name, value in plain(asdict(self.config)).items() if name not in unused}
        return {**values, "scans": len(self.tests.scans), "papers": len(self.tests.papers)}

    def _measure(self, source: str, seed: int, task: str) -> Result:
        config = SourceConfig(
            source, seed, 0 if task == "verify" else self.config.count, self.config.cases if task == "verify" else 0,
            self.config.side,
        )  # fmt: skip
        home = self.out / f"{source}-seed{seed}"
        data = make_datasets(
            config,
            lambda: open_source(source, self.learn, home / "source", seed, self.config.learn_minutes),
            home / "data",
        )
        fit = FitConfig(steps=self.config.steps, batch=self.config.batch, seed=seed)
        figures = getattr(self, f"_{task}")(home, data, fit)
        result = {"source": source, "seed": seed, "task": task, "settings": self._settings(task), **figures}
        write_json(self.path(source, seed, task), result)
        return result

    def _segmenter(self, home: Path, data: dict[str, Path], fit: FitConfig) -> Segmenter:
        return train_segmenter([data["crops"]], home / "segment", fit, True, self.progress)

    def _segment(self, home: Path, data: dict[str, Path], fit: FitConfig) -> dict[str, Any]:
        segmenter = self._segmenter(home, data, fit)
        figures = {"controlled": trials.segment_controlled(segmenter, self.tests.controlled)}
        if self.tests.scans:
            figures["real"] = trials.segment_trial(segmenter, self.tests.scans, self.tests.papers)
        return figures

    def _remove(self, home: Path, data: dict[str, Path], fit: FitConfig) -> dict[str, Any]:
        network = train_remover([data["crops"]], home / "remove", fit, True, self.progress)
        remover = Remover(network, self._segmenter(home, data, fit))
        ways = {"removed": lambda sample: remover.remove(sample.stamped)}
        sealed = [sample for sample in self.tests.controlled if sample.seals]
        return {"controlled": trials.remove_controlled(ways, sealed, self.tests.recogniser)}

    def _read(self, home: Path, data: dict[str, Path], fit: FitConfig) -> dict[str, Any]:
        finder = train_line_finder([data["crops"]], home / "lines", fit, True, self.progress)
        recogniser = train_recogniser([data["crops"]], home / "recognise", replace(fit, batch=2 * fit.batch,
            learning_rate=1e-3), True, self.progress, fresh=0.0)  # fmt: skip
        figures: dict[str, Any] = {}
        engines: dict[str, list[Recogniser]] = {"own": [recogniser]}
        if self.tests.recogniser is not None:
            engines["pp-ocr"] = [self.tests.recogniser]
        for name, recognisers in engines.items():
            reader = SealReader.of(self._segmenter(home, data, fit), finder, recognisers)
            figures[name] = {"controlled": trials.read_controlled(reader, self.tests.controlled)}
            if self.tests.scans:
                figures[name]["real"] = trials.read_trial(reader, self.tests.scans)
        return figures

    def _verify(self, home: Path, data: dict[str, Path], fit: FitConfig) -> dict[str, Any]:
        slower = replace(fit, learning_rate=1e-3)
        judge = train_authenticity([data["cases"]], home / "authenticity", slower, True, self.progress)
        comparer = train_comparer([data["cases"]], home / "compare", slower, True, self.progress)
        figures = {"controlled": verify_trials.compare_controlled(comparer, 4 * self.config.controlled)}
        if self.tests.scans:
            figures["real"] = {
                **verify_trials.authenticity_trial(judge, self.tests.scans, self.tests.papers),
                "same": verify_trials.compare_trial(comparer, self.tests.scans),
            }
        return figures


def mean_and_spread(values: Sequence[float]) -> tuple[float, float | None]:
    """Over seeds; a spread needs two."""
    known = [value for value in values if value is not None and np.isfinite(value)]
    if not known:
        return float("nan"), None
    return float(np.mean(known)), float(np.std(known, ddof=1)) if len(known) > 1 else None
