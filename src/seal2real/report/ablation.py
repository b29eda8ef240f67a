"""A table of methods: every one on the same drawn seals, from the same real images, measured alike, over seeds.

The figures are those of `compare` and `sample_validity`, as in benchmarks/realism.py and benchmarks/labels.py. Each
method and seed gives one result file, so that a table can be filled bit by bit and by several machines.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from seal2real.baselines import Baseline, Material, make_baseline
from seal2real.errors import Seal2RealError, UsageError
from seal2real.prior.config import check_positive, plain, read_config, read_config_file
from seal2real.prior.real import RealCrops
from seal2real.report.c2st import JudgeBudget
from seal2real.report.compare import OTHER_REAL, Comparison, compare
from seal2real.report.labels import Recogniser, sample_validity
from seal2real.report.protocol import SealCrop
from seal2real.report.variants import crops_of, made, variety
from seal2real.sample import Sample
from seal2real.weights import read_json, write_json

EVALUATION_SEED = 7001  # of seed 0: the drawn seals of benchmarks/realism.py
_VARIED = 6  # seals whose variety is measured
Result = dict[str, Any]


@dataclass(frozen=True)
class _Entry:
    """The keys of a row that are not settings of its method."""

    name: str
    kind: str
    images: int | None = None
    curve: str | None = None

    def __post_init__(self) -> None:
        check_positive(self, "images")


@dataclass(frozen=True)
class Row(_Entry):
    """One method of the table.

    Attributes:
        name: unique; also the name that `compare` draws its random numbers by.
        kind: of `seal2real.baselines.KINDS`.
        images: real images that it may learn from; None for all.
        curve: rows of one curve differ in ``images`` alone, and are drawn as a line.
        settings: of the method.
    """

    settings: dict[str, Any] = field(default_factory=dict)

    def make(self) -> Baseline:
        """The method, not fitted.

        Raises:
            UsageError: an unknown kind or setting.
            Seal2RealError: what it starts from is not there.
        """
        return make_baseline(self.kind, self.settings, f"row {self.name!r}")


@dataclass(frozen=True)
class Plan:
    """Settings that all rows share."""

    count: int = 80  # drawn seals
    dpi: int = 200
    kinds: tuple[str, ...] | None = None  # of seal; None for the usual mix
    lines: int = 120  # of text that are read again; 0 leaves the reading out
    network_judge: bool = True  # False leaves it to the judge of statistics
    minutes: float | None = None  # of training, for every method that learns; None for each one's own limit of steps
    pool: int = 1200  # drawn seal crops to learn from
    validate: bool = True  # forgers choose their checkpoint by KID against the images that they learn from
    seeds: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        check_positive(self, "count", "dpi", "minutes", "pool")
        if not self.seeds or min(self.seeds) < 0:
            raise UsageError(f"seeds are {list(self.seeds)}; give at least one, 0 or more")

    @property
    def budget(self) -> JudgeBudget:
        """Effort of the judges."""
        return JudgeBudget() if self.network_judge else JudgeBudget(cnn_steps=0)


def read_plan(path: Path) -> tuple[Plan, list[Row]]:
    """Read a table's YAML file: the keys of `Plan`, ``rows`` (name to ``kind``, ``images``, ``curve`` and the method's
    settings), and ``common`` (kind to settings that its rows start from).

    Raises:
        UsageError: no such file, no rows, an unknown key, or a value that does not fit.
    """
    values = read_config_file(path)
    rows, common = values.pop("rows", None), values.pop("common", None) or {}
    if not isinstance(rows, dict) or not rows:
        raise UsageError(f"{path}: no rows; give at least one as 'rows: {{NAME: {{kind: KIND}}}}'")
    plan = read_config(Plan, values, str(path))
    for kind, settings in common.items() if isinstance(common, dict) else [("common", common)]:
        if not isinstance(settings, dict):
            raise UsageError(f"{path}: common {kind!r} is {settings!r}; expected settings")
    found = []
    for name, entry in rows.items():
        where = f"{path}: row {str(name)!r}"
        if not isinstance(entry, dict) or "kind" not in entry:
            raise UsageError(f"{where}: kind is missing")
        own = {key: entry[key] for key in ("kind", "images", "curve") if key in entry}
        settings = {**common.get(entry["kind"], {}), **{key: entry[key] for key in entry if key not in own}}
        head = read_config(_Entry, {**own, "name": str(name)}, where)
        found.append(Row(head.name, head.kind, head.images, head.curve, settings))
        check_row(found[-1], where)
    return plan, found


def check_row(row: Row, where: str) -> None:
    """Refuse unknown kinds and settings before anything is measured.

    Raises:
        UsageError: naming them. Weights that are not there yet are no mistake of the plan.
    """
    try:
        make_baseline(row.kind, row.settings, where)
    except UsageError:
        raise
    except Seal2RealError:
        return


class Ablation:
    """Measures rows and keeps what was measured.

    Args:
        plan: what all rows share.
        real: folder of real images to learn from.
        test: real seals to compare with, without black ones; never learned from.
        samples: called with a seed: `Plan.count` drawn seals.
        out: folder of the results.
        reader: reads lines again; None leaves the reading out.
        validate: judges forgers while they train.
    """

    def __init__(
        self,
        plan: Plan,
        real: Path,
        test: Sequence[SealCrop],
        samples: Callable[[int], list[Sample]],
        out: Path,
        reader: Recogniser | None = None,
        validate: Any = None,
    ):
        self.plan, self.real, self.test, self.out, self.reader = plan, real, test, out, reader
        self._draw, self._validate = samples, validate
        self._samples: tuple[int, list[Sample]] | None = None
        self._materials: dict[Path, Material] = {}
        self._learning: dict[str, bool] = {}

    def path(self, name: str, seed: int) -> Path:
        """File of one result."""
        kept = "".join(c if c.isalnum() or c in ".-" else "-" for c in name)
        return self.out / "results" / f"{kept}.seed{seed}.json"

    def known(self, name: str, seed: int, row: Row | None = None) -> Result | None:
        """A finished result, if there is one.

        Raises:
            UsageError: it was measured with other settings.
        """
        path = self.path(name, seed)
        if not path.is_file():
            return None
        result = read_json(path)
        for key, value in self._identity(row, seed).items():
            if result.get(key) != value:
                raise UsageError(f"{path}: {_change(key, result.get(key), value)}; remove it, or name another --out")
        return result

    def measure(self, row: Row, seed: int) -> Result:
        """Fit a method, apply it, measure it, and write its result.

        Raises:
            Seal2RealError: it cannot be fitted or applied; nothing is written.
        """
        baseline = row.make()
        samples = self._of(seed)
        material = self._material(row, seed)
        try:
            baseline.fit(material, seed, self.plan.minutes)
            busy, outside = time.process_time(), baseline.outside_seconds
            results = made(samples, baseline.apply, EVALUATION_SEED + seed)
            seconds = time.process_time() - busy + baseline.outside_seconds - outside
            spread = [variety(sample, baseline.apply, EVALUATION_SEED + seed) for sample in samples[:_VARIED]]
        finally:
            baseline.close()
        labels = sample_validity(samples, results, self.reader, self.plan.lines)
        return self._write(row.name, seed, row, {
            **self._realism(row.name, crops_of(results), seed),
            "ink_iou": labels.iou_stamped,
            "ink_iou_twin": labels.iou_clean if baseline.layers else None,
            "reread": labels.kept,
            "diversity": float(np.mean(spread)),
            "seconds_per_image": seconds / len(samples),
            "parameters": baseline.parameters,
            "training_minutes": baseline.minutes,
            "real_images": len({crop.path for crop in material.crops.crops}),
        })  # fmt: skip

    def floor(self, seals: Sequence[SealCrop], seed: int) -> Result:
        """The real images that methods learn from, compared as if they were a method: how far collections of real
        scans are from one another."""
        return self._write(OTHER_REAL, seed, None, self._realism(OTHER_REAL, seals, seed))

    def _realism(self, name: str, crops: Sequence[SealCrop], seed: int) -> Result:
        budget, number = self.plan.budget, EVALUATION_SEED + seed
        other = crops if name == OTHER_REAL else None
        comparison: Comparison = compare(
            self.test, {} if other else {name: crops}, other_real=other, budget=budget, floor_splits=0, seed=number
        )
        found = comparison.row(name)
        head = found.headline
        return {
            "c2st": head.value, "c2st_low": head.low, "c2st_high": head.high, "judge": found.strongest,
            "kid": None if found.kid is None else found.kid.value, "patches": found.patches,
        }  # fmt: skip

    def _identity(self, row: Row | None, seed: int) -> Result:
        """What a result depends on; the limits of training only where something is trained."""
        unused = {"seeds"} if row is not None and self._learns(row) else {"seeds", "minutes", "pool", "validate"}
        shared = {key: value for key, value in plain(asdict(self.plan)).items() if key not in unused}
        return {"row": None if row is None else plain(asdict(row)), "plan": shared, "seed": seed}

    def _learns(self, row: Row) -> bool:
        if row.name not in self._learning:
            try:
                self._learning[row.name] = row.make().learns
            except UsageError:
                raise
            except Seal2RealError:  # weights that are not there; whatever made them, it was not this training
                self._learning[row.name] = False
        return self._learning[row.name]

    def _write(self, name: str, seed: int, row: Row | None, values: Mapping[str, Any]) -> Result:
        result = {"name": name, **self._identity(row, seed), **values}
        write_json(self.path(name, seed), result)
        return result

    def _of(self, seed: int) -> list[Sample]:
        if self._samples is None or self._samples[0] != seed:
            self._samples = (seed, self._draw(EVALUATION_SEED + seed))
        return self._samples[1]

    def _material(self, row: Row, seed: int) -> Material:
        folder = self.real if row.images is None else self._subset(row.images, seed)
        if folder not in self._materials:
            validate = self._validate if self.plan.validate else None
            self._materials[folder] = Material(folder, self.out, self.plan.pool, validate)
        known = self._materials[folder]
        known.work = self.out / "work" / self.path(row.name, seed).stem
        return known

    def _subset(self, images: int, seed: int) -> Path:
        """A folder of links to so many of the real images: drawn at random, coloured seals before black ones, smaller
        sets part of larger ones."""
        if self.real not in self._materials:
            self._materials[self.real] = Material(self.real, self.out, self.plan.pool)
        crops: RealCrops = self._materials[self.real].crops
        colours = {crop.path: crop.colour for crop in crops.crops}
        paths = [list(colours)[i] for i in np.random.default_rng(seed).permutation(len(colours))]
        chosen = sorted(paths, key=lambda path: colours[path] == "black")[:images]
        folder = self.out / "real" / f"{images}.seed{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        for path in chosen:
            link = folder / "-".join(path.relative_to(self.real).parts)
            if not link.is_symlink():
                link.symlink_to(path.resolve())
        return folder


def _change(key: str, old: Any, new: Any) -> str:
    """What differs, by the name of the setting where there is one."""
    if isinstance(old, dict) and isinstance(new, dict):
        name = next(name for name in {**old, **new} if old.get(name) != new.get(name))
        return _change(name, old.get(name), new.get(name))
    return f"{key} was {old!r} and is now {new!r}"
