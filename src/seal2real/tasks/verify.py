"""Verifying a seal: what it was made by, and whether it is of the same die as a reference. Evidence, not proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seal2real.errors import Seal2RealError
from seal2real.sample import Image
from seal2real.tasks.authenticity import AuthenticityJudge, Judgement
from seal2real.tasks.compare import Comparison, SealComparer
from seal2real.tasks.registration import Ink, framed
from seal2real.tasks.segment import Seal, Segmenter

CAUTION = "evidence, not proof: a careful forgery may pass, and a worn or badly scanned genuine seal may not"


@dataclass(frozen=True)
class Verified:
    """A seal, what it was made by, and how it compares with the reference, if there was one."""

    seal: Seal
    judgement: Judgement
    comparison: Comparison | None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        values: dict[str, Any] = {
            **self.seal.to_dict(),
            "authenticity": self.judgement.verdict,
            "probabilities": {name: round(chance, 4) for name, chance in self.judgement.probabilities.items()},
        }
        if self.comparison is not None:
            values["reference"] = {
                "same": round(self.comparison.same, 4),
                "accepted": self.comparison.accepted,
                "threshold": round(self.comparison.threshold, 4),
                "false_accept_rate": self.comparison.false_accept_rate,
                "correlation": round(self.comparison.registration.correlation, 4),
                "turn": round(self.comparison.registration.turn, 2),
            }
        return {**values, "caution": CAUTION}


class SealVerifier:
    """Verifies seals.

    Args:
        segmenter: finds the seals; None takes the shipped one.
        judge: tells impressions from pastes and copies; None takes the shipped one.
        comparer: compares with a reference; None takes the shipped one when it is needed.

    Raises:
        Seal2RealError: a model is missing or damaged.
    """

    def __init__(
        self,
        segmenter: Segmenter | None = None,
        judge: AuthenticityJudge | None = None,
        comparer: SealComparer | None = None,
    ):
        self.segmenter = segmenter or Segmenter.from_pretrained()
        self.judge = judge or AuthenticityJudge.from_pretrained()
        self._comparer = comparer

    @property
    def comparer(self) -> SealComparer:
        """Loaded when it is first needed."""
        if self._comparer is None:
            self._comparer = SealComparer.from_pretrained()
        return self._comparer

    def reference(self, image: Image, name: str = "the reference") -> Ink:
        """The surest seal of an image, ready to compare with.

        Args:
            image: ``uint8 [H, W, 3]`` of a genuine impression.
            name: what an error calls it.

        Raises:
            Seal2RealError: there is no seal on it.
        """
        found = self.segmenter.segment(image)
        if not found:
            raise Seal2RealError(f"{name}: no seal is found on it; give a clear scan of a genuine impression")
        return _framed(image, found[0])

    def verify(self, image: Image, reference: Ink | None = None, false_accept_rate: float = 0.01) -> list[Verified]:
        """Every seal of an image, the surest first.

        Args:
            image: ``uint8 [H, W, 3]``.
            reference: as from `reference`; None compares with nothing.
            false_accept_rate: that the threshold of the comparison is for.

        Returns:
            One entry for each seal; none where there is no seal.

        Raises:
            UsageError: no threshold is known for that rate.
        """
        verified = []
        for seal in self.segmenter.segment(image):
            judgement = self.judge.judge(image, seal)
            comparison = None
            if reference is not None:
                comparison = self.comparer.compare(_framed(image, seal), reference, false_accept_rate)
            verified.append(Verified(seal, judgement, comparison))
        return verified


def _framed(image: Image, seal: Seal) -> Ink:
    return framed(image, np.asarray(seal.on_page(*image.shape[:2])), seal.polygon)
