"""The comparison itself: any number of named sets of seals against real ones, with floor and intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from rich.table import Table

from seal2real.errors import Seal2RealError
from seal2real.report.c2st import Auc, JudgeBudget, c2st, pooled
from seal2real.report.features import FEATURE_NAMES, Encoder, Features, standardise, statistics
from seal2real.report.kid import Kid, kid
from seal2real.report.protocol import PatchSet, Protocol, SealCrop, cut_patches, match
from seal2real.seeding import rng_for

FLOOR = "real (split)"
OTHER_REAL = "other real"


@dataclass(frozen=True)
class FeatureGap:
    """How one statistic differs between real patches and their matched partners.

    Attributes:
        name: from `seal2real.report.features.FEATURE_NAMES`.
        shift: standardised mean difference, (other - real) / pooled standard deviation (Cohen's d).
        real, other: medians, in the statistic's own unit.
    """

    name: str
    shift: float
    real: float
    other: float


@dataclass(frozen=True)
class ComparisonRow:
    """One set against the real one.

    Attributes:
        name: what was compared.
        judges: AUC per judge.
        kid: the distance; None where it was not computed.
        patches: patches per side after matching.
        sources, real_sources: documents on either side.
        gaps: all statistics, the most different first; empty where another encoder was used.
    """

    name: str
    judges: dict[str, Auc]
    kid: Kid | None
    patches: int
    sources: int
    real_sources: int
    gaps: tuple[FeatureGap, ...] = ()

    @property
    def strongest(self) -> str:
        """Name of the judge with the higher AUC."""
        return max(self.judges, key=lambda name: self.judges[name].value)

    @property
    def headline(self) -> Auc:
        """The stronger judge's AUC: the figure that counts."""
        return self.judges[self.strongest]


@dataclass(frozen=True)
class Comparison:
    """All rows of a comparison, the floor first.

    Attributes:
        rows: one per set.
        protocol, budget, seed: how it was done.
        examples: a few matched patches per set, for the sheet: name to ``uint8 [n, S, S, 3]``; "real" among them.
        notes: what a reader must know (one real source only, colours without partner, ...).
    """

    rows: list[ComparisonRow]
    protocol: Protocol
    budget: JudgeBudget
    seed: int
    examples: dict[str, np.ndarray] = field(repr=False)
    notes: list[str] = field(default_factory=list)

    def row(self, name: str) -> ComparisonRow:
        """The row of this name; KeyError if there is none."""
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""

        def interval(auc: Auc) -> dict[str, float]:
            return {"auc": round(auc.value, 4), "low": round(auc.low, 4), "high": round(auc.high, 4)}

        return {
            "seed": self.seed,
            "protocol": asdict(self.protocol),
            "budget": asdict(self.budget),
            "notes": self.notes,
            "rows": [
                {
                    "name": row.name,
                    "c2st": {"strongest": row.strongest, **interval(row.headline)},
                    "judges": {name: interval(auc) for name, auc in row.judges.items()},
                    "kid": None if row.kid is None else {k: round(v, 6) for k, v in asdict(row.kid).items()},
                    "patches_per_side": row.patches,
                    "sources": row.sources,
                    "real_sources": row.real_sources,
                    "gaps": [
                        {"name": gap.name, **{k: round(getattr(gap, k), 4) for k in ("shift", "real", "other")}}
                        for gap in row.gaps[:20]
                    ],
                }
                for row in self.rows
            ],
        }

    def explain(self, name: str, count: int = 15) -> Table:
        """The statistics that tell a set apart most, beside how far the other real set is from the real one in them."""
        row = self.row(name)
        floor = {gap.name: gap for other in self.rows if other.name == OTHER_REAL for gap in other.gaps}
        table = Table(title=f"What gives {name!r} away", caption="shift: (it - real) / standard deviation")
        for column in ("statistic", "shift", "real", name, "shift of other real"):
            table.add_column(column, justify="left" if column == "statistic" else "right")
        for gap in row.gaps[:count]:
            beside = f"{floor[gap.name].shift:+.2f}" if gap.name in floor else "-"
            table.add_row(gap.name, f"{gap.shift:+.2f}", f"{gap.real:.3f}", f"{gap.other:.3f}", beside)
        return table

    def to_table(self, title: str = "Realism: how well can it be told from real?") -> Table:
        """A table for the terminal."""
        table = Table(
            title=title, caption="AUC: 0.5 = cannot be told apart; aim at the floor. 95 % interval over sources."
        )
        for column in (
            "against real",
            "C2ST AUC",
            "95 %",
            "judge",
            "statistics",
            "network",
            "KID",
            "p",
            "n",
            "sources",
        ):
            table.add_column(column, justify="left" if column in ("against real", "judge") else "right")
        for row in self.rows:
            head = row.headline
            table.add_row(
                row.name,
                f"{head.value:.3f}",
                f"{head.low:.2f}..{head.high:.2f}",
                row.strongest,
                *(f"{row.judges[name].value:.3f}" if name in row.judges else "-" for name in ("statistics", "network")),
                "-" if row.kid is None else f"{row.kid.value:.3f}",
                "-" if row.kid is None else f"{row.kid.p:.3f}",
                str(row.patches),
                f"{row.sources}/{row.real_sources}",
            )
        return table


def compare(
    real: Sequence[SealCrop],
    variants: Mapping[str, Sequence[SealCrop]],
    *,
    other_real: Sequence[SealCrop] | None = None,
    protocol: Protocol | None = None,
    budget: JudgeBudget | None = None,
    encoder: Encoder = statistics,
    floor_splits: int = 4,
    max_patches: int = 600,
    seed: int = 0,
) -> Comparison:
    """Compare sets of seals with real ones.

    Args:
        real: the real seals.
        variants: name to seals, each compared with ``real`` on its own.
        other_real: real seals of other origin, compared as if they were generated: the floor that counts, since it
            holds how much collections of real scans differ from one another.
        protocol: how patches are cut and matched.
        budget: effort of the judges.
        encoder: of the statistics judge and of KID.
        floor_splits: random halvings of ``real`` by collection for the split floor; 0 leaves it out.
        max_patches: per side; more are thinned at random before matching.
        seed: of every choice; equal input and seed give equal figures.

    Raises:
        Seal2RealError: nothing to compare.
    """
    protocol, budget = protocol or Protocol(), budget or JudgeBudget()
    notes: list[str] = []
    real_patches = cut_patches(real, protocol, rng_for(seed, 0, "real"))
    scale = encoder(real_patches.patches)
    rows: list[ComparisonRow] = []
    examples: dict[str, np.ndarray] = {}
    if floor_splits:
        row = _floor(real_patches, scale, protocol, budget, encoder, floor_splits, seed)
        rows += [row] if row else []
        if row is None:
            notes.append("the real images are too few sources for a split floor")
    sets = {**({OTHER_REAL: other_real} if other_real else {}), **variants}
    native = [crop.diameter for crop in real]
    for name, crops in sets.items():
        rng = rng_for(seed, 1, name)
        patches = cut_patches(crops, protocol, rng, None if name == OTHER_REAL else native)
        one, two = match(real_patches, _thin(patches, 3 * max_patches, rng), protocol)
        missing = set(real_patches.colours) - set(one.colours)
        if missing:
            notes.append(f"{name} has no {' and no '.join(sorted(missing))} seals: those real ones were left out")
        keep = np.sort(rng.permutation(len(one))[:max_patches])
        one, two = one.take(keep), two.take(keep)
        if min(len(np.unique(one.sources)), len(np.unique(two.sources))) < 2:
            raise Seal2RealError(f"{name}: fewer than two documents match the real ones; add images")
        rows.append(_judge(name, one, two, scale, encoder, budget, rng))
        shown = rng.permutation(len(one))[:12]
        examples.setdefault("real", one.patches[shown])
        examples[name] = two.patches[shown]
    return Comparison(rows, protocol, budget, seed, examples, notes)


def _judge(
    name: str,
    real: PatchSet,
    other: PatchSet,
    scale: Features,
    encoder: Encoder,
    budget: JudgeBudget,
    rng: np.random.Generator,
) -> ComparisonRow:
    """Both tests on one matched pair; KID's features are standardised by all real patches (``scale``)."""
    one, two = encoder(real.patches), encoder(other.patches)
    result = c2st(real, other, rng, budget, np.concatenate([one, two]))
    gaps = feature_gaps(one, two) if encoder is statistics else ()
    _, one, two = standardise(scale, one, two)
    distance = kid(one, two, real.sources, other.sources, rng)
    return ComparisonRow(name, result.judges, distance, result.patches, result.other_sources, result.real_sources, gaps)


def feature_gaps(real: Features, other: Features) -> tuple[FeatureGap, ...]:
    """Every statistic's standardised mean difference, largest first; ``[N, D]`` and ``[M, D]`` of `statistics`."""
    spread = np.sqrt((real.var(axis=0) + other.var(axis=0)) / 2)
    shift = (other.mean(axis=0) - real.mean(axis=0)) / np.where(spread > 1e-9, spread, np.inf)
    medians = np.median(real, axis=0), np.median(other, axis=0)
    return tuple(
        FeatureGap(FEATURE_NAMES[i], float(shift[i]), float(medians[0][i]), float(medians[1][i]))
        for i in np.argsort(-np.abs(shift))
    )


def _thin(patches: PatchSet, limit: int, rng: np.random.Generator) -> PatchSet:
    return patches if len(patches) <= limit else patches.take(np.sort(rng.choice(len(patches), limit, replace=False)))


def _floor(
    real: PatchSet,
    scale: Features,
    protocol: Protocol,
    budget: JudgeBudget,
    encoder: Encoder,
    splits: int,
    seed: int,
) -> ComparisonRow | None:
    """Real collections against other real collections, over random halvings; None if there are too few documents."""
    halves: list[ComparisonRow] = []
    names = np.unique(real.collections)
    for number in range(splits):
        rng = rng_for(seed, number, "floor")
        half = set(rng.permutation(names)[: len(names) // 2])
        side = np.array([name in half for name in real.collections])
        try:
            one, two = match(real.take(side), real.take(~side), protocol)
            halves.append(_judge(FLOOR, one, two, scale, encoder, replace(budget, repeats=1), rng))
        except (Seal2RealError, ValueError):  # a halving whose colours do not meet, or of one document, says nothing
            continue
    if not halves:
        return None
    judges = {name: pooled([half.judges[name] for half in halves]) for name in halves[0].judges}
    distances = [half.kid for half in halves if half.kid is not None]
    middle = Kid(*(float(np.mean([getattr(each, key) for each in distances])) for key in ("value", "spread", "p")))

    def mean(key: str) -> int:
        return round(float(np.mean([getattr(half, key) for half in halves])))

    return ComparisonRow(FLOOR, judges, middle, mean("patches"), mean("sources"), mean("real_sources"))
