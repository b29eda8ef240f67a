"""Classifier two-sample test (Lopez-Paz and Oquab 2017), with documents held out whole.

A small fresh classifier learns to tell real from generated patches of some documents, and is asked about patches of
others. Its AUC says how well the two can be told apart. Two judges look: a logistic regression on the weight-free
statistics, and a small convolutional network on the pixels. The stronger one counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.stats import rankdata

from seal2real.report.features import Features, standardise, statistics
from seal2real.report.protocol import PatchSet

# (training patches, their labels, test patches, rng) to scores of the test patches; higher means "generated"
Judge = Callable[[npt.NDArray[np.intp], npt.NDArray[np.float64], npt.NDArray[np.intp], np.random.Generator], Features]


@dataclass(frozen=True)
class JudgeBudget:
    """How long the judges may learn.

    Attributes:
        folds: parts that the documents of each side are split into.
        repeats: how many random splits into folds.
        cnn_steps: optimiser steps of the network; 0 leaves this judge out.
        cnn_batch: patches per step, half of each side.
        cnn_seeds: networks per fold, their scores averaged.
        ridge: weight of the squared norm in the logistic regression.
        bootstraps: draws for the interval.
    """

    folds: int = 3
    repeats: int = 2
    cnn_steps: int = 60
    cnn_batch: int = 32
    cnn_seeds: int = 1
    ridge: float = 0.01
    bootstraps: int = 2000


@dataclass(frozen=True)
class Auc:
    """An AUC with its interval.

    Attributes:
        value: 0.5 = cannot be told apart, 1 = always told apart.
        low, high: 95 % bootstrap interval over sources (whole documents or collections are drawn again).
        draws: the bootstrap values themselves.
    """

    value: float
    low: float
    high: float
    draws: npt.NDArray[np.float64] = field(repr=False)


@dataclass(frozen=True)
class C2st:
    """Result of the test.

    Attributes:
        judges: AUC per judge: "statistics" and, unless left out, "network".
        real_sources, other_sources: how many documents stood on each side.
        patches: patches per side.
    """

    judges: dict[str, Auc]
    real_sources: int
    other_sources: int
    patches: int

    @property
    def strongest(self) -> str:
        """Name of the judge with the higher AUC."""
        return max(self.judges, key=lambda name: self.judges[name].value)

    @property
    def headline(self) -> Auc:
        """The stronger judge's AUC."""
        return self.judges[self.strongest]


def c2st(
    real: PatchSet,
    other: PatchSet,
    rng: np.random.Generator,
    budget: JudgeBudget | None = None,
    features: Features | None = None,
) -> C2st:
    """Test whether two patch sets can be told apart.

    Args:
        real: patches of real seals. Cross-validation holds out whole documents (``sources``); the interval draws whole
            ``collections`` again, the widest unit known to hang together.
        other: patches to tell from them, matched.
        rng: source of every choice.
        budget: effort; None takes the default.
        features: what the logistic regression sees: ``[N + M, D]``, the real patches first; None takes `statistics`.

    Raises:
        ValueError: fewer than two documents on a side.
    """
    budget = budget or JudgeBudget()
    if min(len(np.unique(real.sources)), len(np.unique(other.sources))) < 2:
        raise ValueError("a classifier test needs at least two documents on each side, to hold one out")
    patches = np.concatenate([real.patches, other.patches])
    labels = np.concatenate([np.zeros(len(real)), np.ones(len(other))])
    judges: dict[str, Judge] = {
        "statistics": statistics_judge(statistics(patches) if features is None else features, budget.ridge)
    }
    if budget.cnn_steps:
        from seal2real.report.network import network_judge

        judges["network"] = network_judge(patches, budget.cnn_steps, budget.cnn_batch, budget.cnn_seeds)
    splits = [_folds(real.sources, other.sources, budget.folds, rng) for _ in range(budget.repeats)]
    results = {}
    for name, judge in judges.items():
        pairs = _source_pairs(real, other, labels, splits, judge, rng)
        results[name] = pairs.auc(rng, budget.bootstraps)
    return C2st(results, len(np.unique(real.sources)), len(np.unique(other.sources)), len(real))


def auc(scores: npt.NDArray[np.float64], labels: npt.NDArray[np.generic]) -> float:
    """Area under the ROC curve: share of (0, 1) pairs in the right order, ties count one half."""
    ranks = rankdata(scores)
    ones = np.asarray(labels) > 0.5
    n, m = int(ones.sum()), int((~ones).sum())
    return float((ranks[ones].sum() - n * (n + 1) / 2) / (n * m))


def statistics_judge(features: Features, ridge: float) -> Judge:
    """Logistic regression with a ridge penalty on features ``[N, D]``, standardised on the training part."""

    def judge(
        train: npt.NDArray[np.intp],
        labels: npt.NDArray[np.float64],
        test: npt.NDArray[np.intp],
        rng: np.random.Generator,
    ) -> Features:
        x, y = standardise(features[train], features[test])
        weights = fit_logistic(x, labels, ridge)
        return np.asarray(y @ weights[:-1] + weights[-1])

    return judge


def fit_logistic(x: Features, labels: npt.NDArray[np.float64], ridge: float) -> npt.NDArray[np.float64]:
    """Weights ``[D + 1]`` (the last is the intercept) that minimise mean log loss + ridge / 2 * |w|^2.

    The two classes weigh the same, whatever their counts.
    """
    weight = np.where(labels > 0.5, 0.5 / max(labels.mean(), 1e-9), 0.5 / max(1 - labels.mean(), 1e-9)) / len(labels)
    sign = np.where(labels > 0.5, 1.0, -1.0)

    def loss(w: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        margin = sign * (x @ w[:-1] + w[-1])
        value = float((weight * np.logaddexp(0, -margin)).sum() + 0.5 * ridge * w[:-1] @ w[:-1])
        pull = -weight * sign / (1 + np.exp(np.clip(margin, -50, 50)))
        return value, np.append(x.T @ pull + ridge * w[:-1], pull.sum())

    return np.asarray(minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 200}).x)


@dataclass(frozen=True)
class _SourcePairs:
    """For each pair of documents, one of each side: patch pairs in the right order, and patch pairs in all."""

    right: npt.NDArray[np.float64]  # [R, G] sums
    pairs: npt.NDArray[np.float64]  # [R, G] counts
    real_cluster: npt.NDArray[np.intp]  # [R]
    other_cluster: npt.NDArray[np.intp]  # [G]

    def auc(self, rng: np.random.Generator, draws: int) -> Auc:
        value = float(self.right.sum() / self.pairs.sum())
        values = np.full(draws, np.nan)
        rows, columns = int(self.real_cluster.max()) + 1, int(self.other_cluster.max()) + 1
        for i in range(draws):
            a = np.bincount(rng.integers(rows, size=rows), minlength=rows)[self.real_cluster].astype(float)
            b = np.bincount(rng.integers(columns, size=columns), minlength=columns)[self.other_cluster].astype(float)
            pairs = a @ self.pairs @ b
            if pairs > 0:
                values[i] = a @ self.right @ b / pairs
        values = values[np.isfinite(values)]
        # With k clusters, the bootstrap's spread is too small by sqrt((k - 1) / k).
        few = max(2, min(rows, columns))
        values = np.clip(value + (values - value) * np.sqrt(few / (few - 1)), 0, 1)
        low, high = np.percentile(values, (2.5, 97.5)) if values.size else (0.0, 1.0)
        return Auc(value, float(low), float(high), values)


def _folds(
    real: npt.NDArray[np.str_], other: npt.NDArray[np.str_], folds: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.intp], int]:
    """A fold for every patch (real ones first), documents kept whole, each side spread evenly."""
    parts = []
    names = [np.unique(side) for side in (real, other)]
    count = max(2, min(folds, len(names[0]), len(names[1])))
    for side, unique in zip((real, other), names, strict=True):
        fold_of = np.empty(len(unique), dtype=np.intp)
        fold_of[rng.permutation(len(unique))] = np.arange(len(unique)) % count
        parts.append(fold_of[np.searchsorted(unique, side)])
    return np.concatenate(parts), count


def _source_pairs(
    real: PatchSet,
    other: PatchSet,
    labels: npt.NDArray[np.float64],
    splits: list[tuple[npt.NDArray[np.intp], int]],
    judge: Judge,
    rng: np.random.Generator,
) -> _SourcePairs:
    real_names, real_document = np.unique(real.sources, return_inverse=True)
    other_names, other_document = np.unique(other.sources, return_inverse=True)
    document = np.concatenate([real_document, other_document])
    right = np.zeros((len(real_names), len(other_names)))
    pairs = np.zeros_like(right)
    for fold, count in splits:
        for held_out in range(count):
            test, train = np.flatnonzero(fold == held_out), np.flatnonzero(fold != held_out)
            scores = judge(train, labels[train], test, rng)
            zero, one = labels[test] < 0.5, labels[test] > 0.5
            # Scores of different folds come from different classifiers, so only pairs within a fold are compared.
            order = (scores[one][None] > scores[zero][:, None]) + 0.5 * (scores[one][None] == scores[zero][:, None])
            rows, columns = document[test][zero], document[test][one]
            rows_hot = np.eye(len(real_names))[rows]
            columns_hot = np.eye(len(other_names))[columns]
            right += rows_hot.T @ order @ columns_hot
            pairs += np.outer(rows_hot.sum(axis=0), columns_hot.sum(axis=0))
    return _SourcePairs(right, pairs, _clusters(real, real_names), _clusters(other, other_names))


def _clusters(side: PatchSet, names: npt.NDArray[np.str_]) -> npt.NDArray[np.intp]:
    """Number of the collection that each document belongs to; documents themselves where all are of one collection."""
    first = np.array([int(np.flatnonzero(side.sources == name)[0]) for name in names])
    _, cluster = np.unique(side.collections[first], return_inverse=True)
    return np.asarray(cluster if cluster.max() > 0 else np.arange(len(names)), dtype=np.intp)


def pooled(results: list[Auc]) -> Auc:
    """Several AUCs of one question (random splits) as one: the mean, and an interval over all their draws."""
    draws = np.concatenate([result.draws for result in results])
    low, high = np.percentile(draws, (2.5, 97.5))
    return Auc(float(np.mean([result.value for result in results])), float(low), float(high), draws)


__all__ = ["Auc", "C2st", "JudgeBudget", "auc", "c2st", "fit_logistic", "pooled", "statistics_judge"]
