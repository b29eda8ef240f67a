"""Judges of authenticity and comparers on trial: on real labelled scans, and on the controlled set. Each trial gives
plain figures by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from seal2real.dataset.labelled_scans import LabelledScan
from seal2real.press.alteration import alter_design
from seal2real.press.placement import lay
from seal2real.press.tampering import Paste
from seal2real.sample import FloatMap, Image, Mask, Page, Polygon, Sample
from seal2real.seal import SealDesign, draw, random_design
from seal2real.seeding import rng_for
from seal2real.tasks.authenticity import AuthenticityJudge
from seal2real.tasks.compare import SealComparer
from seal2real.tasks.controlled import captured
from seal2real.tasks.measures import auc, equal_error_rate
from seal2real.tasks.pastes import cut_picture, drawn_picture, lay_down
from seal2real.tasks.registration import framed
from seal2real.tasks.segment import Seal
from seal2real.tasks.trials import Figures


@dataclass(frozen=True)
class _Judged:
    score: float
    genuine: bool
    group: str


def authenticity_trial(
    judge: AuthenticityJudge, scans: Sequence[LabelledScan], papers: Sequence[Image], seed: int = 0, pastes: int = 4
) -> Figures:
    """Real impressions against pastes on real papers: drawn seals, and real ones cut out of their scans.

    Args:
        judge: on trial.
        scans: real seals.
        papers: without a seal.
        seed: of the pastes.
        pastes: of each sort, on every paper.

    Returns:
        ``auc``, ``eer`` of coloured seals; ``auc_drawn``, ``eer_drawn``, ``auc_cut``, ``eer_cut``: of those against one
        sort of paste; ``auc_all``, ``eer_all`` with black ones.
    """
    rows: list[_Judged] = []
    for scan in scans:
        if scan.ink is None or scan.ink.sum() < 100:
            continue
        rows.append(_Judged(_chance(judge, scan.image, scan.ink), True, scan.colour))
    for index in range(pastes * len(papers)):
        paper, rng = papers[index % len(papers)], rng_for(seed, index, "paste-trial")
        for source in ("drawn", "cut"):
            coloured = [scan for scan in scans if scan.ink is not None and scan.colour != "black"]
            pasted = _paste(paper, coloured[int(rng.integers(len(coloured)))], source, rng)
            if pasted is not None:
                rows.append(_Judged(_chance(judge, *pasted), False, source))
    scores, genuine = np.array([row.score for row in rows]), np.array([row.genuine for row in rows])
    groups = np.array([row.group for row in rows])
    figures: Figures = {}
    for name, left_out in {"": ("black",), "_drawn": ("black", "cut"), "_cut": ("black", "drawn"), "_all": ()}.items():
        chosen = ~np.isin(groups, left_out)
        figures[f"auc{name}"] = auc(scores[chosen], genuine[chosen])
        figures[f"eer{name}"] = equal_error_rate(scores[chosen], genuine[chosen])
    return {
        **figures,
        "seals": int(genuine.sum()),
        "pastes": int((~genuine).sum()),
    }


def _chance(judge: AuthenticityJudge, image: Image, ink: Mask) -> float:
    """Of an impression, by ink that is known."""
    ys, xs = np.nonzero(ink)
    top, left, bottom, right = ys.min(), xs.min(), ys.max() + 1, xs.max() + 1
    outline = np.asarray([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    seal = Seal(outline, ink[top:bottom, left:right], (int(left), int(top)), "round", "red", 1.0)
    return judge.judge(image, seal).probabilities["impression"]


def _paste(paper: Image, scan: LabelledScan, source: str, rng: Generator) -> tuple[Image, Mask] | None:
    """A picture of a seal on a real paper, and its ink."""
    dpi = 200.0
    if source == "drawn":
        picture = drawn_picture(rng, random_design(rng, "company"), dpi)
    else:
        assert scan.ink is not None
        picture = cut_picture(scan.image, scan.ink, scan.outline)
    height, width = picture[1].shape[:2]
    if height >= paper.shape[0] or width >= paper.shape[1]:
        return None
    x = int(rng.integers(0, paper.shape[1] - width))
    y = int(rng.integers(0, paper.shape[0] - height))
    return lay_down(paper, picture, (x, y), dpi, Paste.random(rng, "drawn" if source == "drawn" else "cut"))


def compare_controlled(comparer: SealComparer, count: int, seed: int = 0) -> Figures:
    """Pairs of impressions by the controlled simulator: of one die, and of a die with one thing changed.

    Returns:
        ``auc``, ``eer``, and at the comparer's threshold for 1 % false accepts ``precision``, ``recall``, ``f1``;
        ``by_change``: share of altered dies that are refused, by what was changed.
    """
    scores, truth, accepted, changes = [], [], [], []
    for index in range(count):
        rng = rng_for(seed, index, "compare-trial")
        design = random_design(rng)
        same = index % 2 == 0
        other, change = design, "none"
        if not same:
            other, told = alter_design(design, rng)
            change = told["what"]
            if change == "size":
                continue
        pair = [_impression(each, rng) for each in (design, other)]
        if any(each is None for each in pair):
            continue
        reference, query = (framed(*each) for each in pair if each is not None)
        found = comparer.compare(query, reference)
        scores.append(found.same)
        truth.append(same)
        accepted.append(found.accepted)
        changes.append(change)
    right, said = np.array(truth), np.array(accepted)
    precision = float((right & said).sum() / max(1, said.sum()))
    recall = float((right & said).sum() / max(1, right.sum()))
    by_change = {
        name: float(np.mean([not a for a, c in zip(accepted, changes, strict=True) if c == name]))
        for name in sorted(set(changes) - {"none"})
    }
    return {
        "auc": auc(np.array(scores), right),
        "eer": equal_error_rate(np.array(scores), right),
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(precision + recall, 1e-9),
        "by_change": by_change,
        "pairs": len(truth),
    }


def compare_trial(comparer: SealComparer, scans: Sequence[LabelledScan]) -> Figures:
    """Real impressions of few stamps against each other: same stamp or not, by their designed text.

    Returns:
        ``auc``, ``eer`` (None without pairs); at the comparer's threshold for 1 % false accepts the shares that it
        takes for one stamp, ``accepted_same`` and ``accepted_other``; ``pairs``.
    """
    known = [scan for scan in scans if scan.designed and scan.ink is not None]
    frames = [framed(scan.image, np.asarray(scan.ink), scan.outline) for scan in known]
    scores, truth, accepted = [], [], []
    for first in range(len(known)):
        for second in range(first + 1, len(known)):
            found = comparer.compare(frames[second], frames[first])
            scores.append(found.same)
            truth.append(known[first].designed == known[second].designed)
            accepted.append(found.accepted)
    right, said = np.array(truth, bool), np.array(accepted, bool)
    return {
        "auc": auc(np.array(scores), right) if len(scores) else None,
        "eer": equal_error_rate(np.array(scores), right) if len(scores) else None,
        "accepted_same": float(said[right].mean()) if right.any() else None,
        "accepted_other": float(said[~right].mean()) if (~right).any() else None,
        "pairs": len(truth),
    }


def _impression(design: SealDesign, rng: Generator) -> tuple[Image, Mask, Polygon] | None:
    """An impression on blank paper by the controlled simulator."""
    dpi = float(rng.uniform(150, 250))
    drawn = draw(design, dpi, float(rng.normal(0, 10)))
    margin = round(0.15 * dpi)
    height, width = (n + 2 * margin for n in drawn.coverage.shape)
    paper = Page(np.full((height, width, 3), 255, np.uint8), dpi, (), (), "blank")
    colour = "red" if rng.random() < 0.7 else "blue"
    seal = lay(drawn, (width / 2, height / 2), 0.0, colour, np.ones(3, np.float32))
    flat: FloatMap = np.zeros((height, width), np.float32)
    sample = captured(Sample(paper, paper.image, paper.image, flat, (seal,)), rng)
    mask = sample.mask
    return (sample.stamped, mask, seal.outline) if mask.sum() > 100 else None
