"""Random streams: sample ``i`` depends on (config, seed, i) alone, and no global generator is ever used."""

from __future__ import annotations

import zlib

import numpy as np

from seal2real.errors import UsageError


def rng_for(seed: int, index: int, stream: str = "") -> np.random.Generator:
    """A generator for one sample, and for one named part of its making.

    Args:
        seed: seed of the whole data set, >= 0.
        index: number of the sample, >= 0.
        stream: name of the part ("page", "press", "forge"). Streams are independent, so that a change in how one part
            draws its numbers leaves the others as they were.

    Returns:
        A PCG64 generator seeded by ``SeedSequence([seed, index, crc32(stream)])``.

    Raises:
        UsageError: the seed is negative.
    """
    if seed < 0:
        raise UsageError(f"seed is {seed}; it must be 0 or more")
    return np.random.default_rng(np.random.SeedSequence([seed, index, zlib.crc32(stream.encode())]))
