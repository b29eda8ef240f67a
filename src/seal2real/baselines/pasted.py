"""The traditional synthesis: drawn seals laid flat on pages, and nothing more."""

from __future__ import annotations

import numpy as np

from seal2real.baselines.base import Baseline
from seal2real.sample import Sample


class Pasted(Baseline):
    """The sample as it is."""

    kind = "pasted"
    layers = True

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample itself."""
        return sample
