"""The pool of drawn crops: which kinds of seal it is made of, and what its crops show."""

from __future__ import annotations

import numpy as np

from seal2real.prior.pool import CROP, DIAMETER, Pool, minor_kinds
from seal2real.seal import KINDS


def test_seals_of_offices_are_told_from_small_ones_and_boxes() -> None:
    minor = set(minor_kinds())
    assert {name for name in KINDS if name.startswith(("personal", "hanko"))} <= minor
    assert {"notice", "dater", "date-box", "form", "triangle"} <= minor
    assert not minor & {"company", "department", "invoice", "oval", "government", "finance", "customs", "ring", "latin"}


def test_crops_hold_their_seals_at_one_size() -> None:
    pool = Pool.build(8, seed=3, workers=1)
    assert pool.page.shape == (8, CROP, CROP, 3) and pool.coverage.shape == (8, CROP, CROP)
    for coverage in pool.coverage:
        rows, columns = np.flatnonzero((coverage > 127).any(1)), np.flatnonzero((coverage > 127).any(0))
        assert 0.5 * DIAMETER < max(np.ptp(rows), np.ptp(columns)) <= 1.45 * DIAMETER  # a turned box is wider
    again = Pool.build(4, seed=3, workers=1)
    assert np.array_equal(again.coverage, pool.coverage[:4]), "a crop does not depend on how many there are"
