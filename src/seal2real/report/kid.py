"""Kernel inception distance (Binkowski et al. 2018), on any encoder: the unbiased squared maximum mean discrepancy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seal2real.report.features import Features


@dataclass(frozen=True)
class Kid:
    """A distance and how sure it is.

    Attributes:
        value: mean of the unbiased MMD^2 over subsets; may be slightly below 0 for equal distributions.
        spread: standard deviation over subsets.
        p: share of permutations, whole documents at a time, that reach the observed MMD^2 of all patches.
    """

    value: float
    spread: float
    p: float


def polynomial_kernel(x: Features, y: Features) -> npt.NDArray[np.float64]:
    """``(x . y / D + 1)^3`` for all pairs: ``[N, D]``, ``[M, D]`` to ``[N, M]``."""
    return np.asarray((x @ y.T / x.shape[1] + 1.0) ** 3)


def mmd2(kernel: npt.NDArray[np.float64], first: npt.NDArray[np.bool_]) -> float:
    """Unbiased MMD^2 (Gretton et al. 2012, eq. 3) from a joint kernel matrix ``[N, N]``; ``first`` marks one side."""
    n, m = int(first.sum()), int((~first).sum())
    within = kernel - np.diag(np.diag(kernel))
    one = within[np.ix_(first, first)].sum() / (n * (n - 1))
    two = within[np.ix_(~first, ~first)].sum() / (m * (m - 1))
    return float(one + two - 2.0 * kernel[np.ix_(first, ~first)].mean())


def kid(
    real: Features,
    other: Features,
    real_sources: npt.NDArray[np.str_],
    other_sources: npt.NDArray[np.str_],
    rng: np.random.Generator,
    subset: int = 100,
    subsets: int = 50,
    permutations: int = 1000,
) -> Kid:
    """KID of two standardised sets.

    Args:
        real: ``[N, D]``, standardised.
        other: ``[M, D]``, standardised likewise.
        real_sources: the document of each real patch; patches of one document stay together in a permutation, since
            they are not independent.
        other_sources: the same of the other side.
        rng: source of every choice.
        subset: patches per side in a subset (fewer where there are fewer).
        subsets: how many subsets.
        permutations: for the p-value.

    Raises:
        ValueError: fewer than two patches on a side.
    """
    if min(len(real), len(other)) < 2:
        raise ValueError("KID needs at least two patches on each side")
    kernel = polynomial_kernel(np.concatenate([real, other]), np.concatenate([real, other]))
    n, m = len(real), len(other)
    size = min(subset, n, m)
    values = []
    for _ in range(subsets):
        chosen = np.concatenate([rng.choice(n, size, replace=False), n + rng.choice(m, size, replace=False)])
        values.append(mmd2(kernel[np.ix_(chosen, chosen)], np.arange(2 * size) < size))
    p = _permutation_p(kernel, n, real_sources, other_sources, rng, permutations)
    return Kid(float(np.mean(values)), float(np.std(values)), p)


def _permutation_p(
    kernel: npt.NDArray[np.float64],
    n: int,
    real_sources: npt.NDArray[np.str_],
    other_sources: npt.NDArray[np.str_],
    rng: np.random.Generator,
    permutations: int,
) -> float:
    names = np.concatenate([np.char.add("r:", real_sources), np.char.add("o:", other_sources)])
    _, block = np.unique(names, return_inverse=True)
    blocks = int(block.max()) + 1
    one_hot = np.zeros((len(names), blocks))
    one_hot[np.arange(len(names)), block] = 1.0
    sums = one_hot.T @ (kernel - np.diag(np.diag(kernel))) @ one_hot
    sizes = one_hot.sum(axis=0)
    is_real = np.zeros(blocks, bool)
    is_real[block[:n]] = True

    def statistic(side: npt.NDArray[np.bool_]) -> float:
        a, b = sizes[side].sum(), sizes[~side].sum()
        one, two = sums[np.ix_(side, side)].sum(), sums[np.ix_(~side, ~side)].sum()
        return float(one / (a * (a - 1)) + two / (b * (b - 1)) - 2.0 * sums[np.ix_(side, ~side)].sum() / (a * b))

    observed = statistic(is_real)
    reached = 0
    for _ in range(permutations):
        reached += statistic(rng.permutation(is_real)) >= observed
    return (1 + reached) / (1 + permutations)
