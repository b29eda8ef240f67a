"""Judgement of a forger while it trains: what a checkpoint is chosen by, and when a run has gone wrong."""

from __future__ import annotations

import numpy as np

from seal2real.forger import Forger
from seal2real.page import TemplatePages
from seal2real.prior.real import RealCrops
from seal2real.report.c2st import JudgeBudget
from seal2real.report.compare import compare
from seal2real.report.sources import from_real
from seal2real.report.variants import crops_of, drawn_samples, forged_by, made, variety
from seal2real.sample import Sample

VALIDATION_SEED = 9001  # neither the pool's nor the evaluation's
_DRAWS = 4  # impressions of one seal, for the variety


class Validation:
    """Forges the same drawn seals at every call and compares them with the run's real ones.

    Args:
        count: drawn seals.
        dpi: their resolution.
        seed: of every choice.
    """

    def __init__(self, count: int = 48, dpi: int = 200, seed: int = VALIDATION_SEED):
        self.count, self.dpi, self.seed = count, dpi, seed
        self._samples: list[Sample] = []

    def __call__(self, forger: Forger, real: RealCrops) -> dict[str, float]:
        """Judge a forger.

        Args:
            forger: as it is now.
            real: coloured real seals; black ones are left aside, as in the evaluation.

        Returns:
            "kid" and "c2st" (AUC of the statistics judge) against the real seals, lower is better; "change", the mean
            absolute difference from the pasted image over ink (0..1); "variety", the standard deviation of ``_DRAWS``
            impressions of the same seal over ink (0..1).

        Raises:
            Seal2RealError: no real seal to compare with.
        """
        if not self._samples:
            self._samples = drawn_samples(self.count, TemplatePages(self.dpi), self.dpi, self.seed)
        variant = forged_by(forger)
        forged = made(self._samples, variant, self.seed)
        seals = [from_real(crop) for crop in real.crops]
        coloured = [crop for crop in seals if crop.colour != "black"] or seals
        budget = JudgeBudget(cnn_steps=0)
        row = compare(coloured, {"forged": crops_of(forged)}, budget=budget, floor_splits=0, seed=self.seed).row(
            "forged"
        )
        changes = [
            np.abs(new.stamped[old.mask].astype(np.float32) - old.stamped[old.mask]).mean() / 255
            for old, new in zip(self._samples, forged, strict=True)
        ]
        return {
            "kid": row.kid.value if row.kid else float("inf"),
            "c2st": row.headline.value,
            "change": float(np.mean(changes)),
            "variety": float(np.mean([variety(each, variant, self.seed, _DRAWS) for each in self._samples[:3]])),
        }
