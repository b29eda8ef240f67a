"""Commands for scans: segment, verify, read, remove; and the training of their models."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from inspect import Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seal2real.cli.progress import counting, training

if TYPE_CHECKING:
    import numpy as np

    from seal2real.sample import Image
    from seal2real.tasks.output import Outcome
    from seal2real.tasks.scans import Scan
    from seal2real.tasks.segment import Segmenter


def _share(value: float) -> float:
    from seal2real.errors import UsageError

    if not 0 <= value <= 1:
        raise UsageError(f"threshold is {value}; it must be 0 to 1")
    return value


_Visualise = Annotated[
    Path | None, typer.Option("--visualise", metavar="DIR", help="Write each page with the results drawn on it.")
]
_Threshold = Annotated[float, typer.Option("--threshold", callback=_share, help="Least confidence of a seal, 0 to 1.")]


@dataclass(frozen=True)
class _Job:
    """What every tool is told: which pages, where to write what was found, and what finds the seals."""

    inputs: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Images, PDFs, or folders of them.")]
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all results as JSON.")] = None
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write a table with a row for each seal.")
    ] = None
    dpi: Annotated[float, typer.Option("--dpi", help="Resolution at which PDFs are rendered.")] = 200
    model: Annotated[str, typer.Option("--model", metavar="NAME|DIR|ID", help="Model that finds the seals.")] = (
        "default"
    )

    def segmenter(self) -> Segmenter:
        """The model that finds the seals."""
        from seal2real.tasks.segment import Segmenter

        return Segmenter.from_pretrained(self.model)

    def run(self, what: str, tool: Callable[[Image], Outcome], folders: dict[str, Path | None]) -> None:
        """A tool over all pages; its pictures go to one folder for each suffix."""
        from seal2real.tasks.output import work_through, write_results
        from seal2real.tasks.scans import Scans, Unusable

        scans = Scans(self.inputs, self.dpi)

        def told(scan: Scan, outcome: Outcome) -> None:
            for line in outcome.lines or ["no seal"]:
                print(f"{scan.name}: {line}")

        def skipped(entry: Unusable) -> None:
            print(f"seal2real: skipped {entry.reason}", file=sys.stderr)

        with counting(what, len(scans)) as advance:
            results = work_through(scans, tool, folders, told, skipped, advance)
        write_results(results, self.json, self.csv)


def _tool(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose first parameter is a `_Job`, with the fields of that as its argument and last options."""
    _, *own = signature(command, eval_str=True).parameters.values()
    inputs, *shared = signature(_Job, eval_str=True).parameters.values()

    @wraps(command)
    def run(**given: Any) -> None:
        command(_Job(**{field.name: given.pop(field.name) for field in fields(_Job)}), **given)

    run.__signature__ = Signature([inputs, *own, *shared])  # type: ignore[attr-defined]  # what typer goes by
    return run


@_tool
def segment(
    job: _Job,
    masks: Annotated[Path | None, typer.Option("--masks", metavar="DIR", help="Write each page's ink mask.")] = None,
    visualise: _Visualise = None,
    threshold: _Threshold = 0.5,
) -> None:
    """Find the seals of **IMAGE...**: ink, outline, shape, colour, confidence."""
    from seal2real.tasks.output import Outcome
    from seal2real.tasks.overlay import draw_seals
    from seal2real.tasks.segment import ink_of

    segmenter = job.segmenter()

    def tool(image: Image) -> Outcome:
        seals = segmenter.segment(image, threshold)
        pictures: dict[str, np.ndarray] = {}
        if masks is not None:
            pictures["-ink"] = ink_of(seals, *image.shape[:2])
        if visualise is not None:
            pictures["-seals"] = draw_seals(image, seals)
        told = [f"{s.colour} {s.shape} seal at {_box(s.bbox)}, confidence {s.confidence:.2f}" for s in seals]
        return Outcome([seal.to_dict() for seal in seals], pictures, told)

    job.run("segment", tool, {"-ink": masks, "-seals": visualise})


@_tool
def read(
    job: _Job,
    engine: Annotated[
        str, typer.Option("--engine", metavar="NAME", help="pp-ocr, own, both, or auto: pp-ocr where it is installed.")
    ] = "auto",
    visualise: _Visualise = None,
    threshold: _Threshold = 0.5,
) -> None:
    """Read the text of the seals of **IMAGE...**, line by line."""
    from seal2real.tasks.output import Outcome
    from seal2real.tasks.overlay import draw_reading
    from seal2real.tasks.read import SealReader

    reader = SealReader(job.segmenter(), engine=engine)

    def tool(image: Image) -> Outcome:
        seals = reader.read(image, reader.segmenter.segment(image, threshold))
        told = []
        for found in seals:
            told.append(f"{found.seal.colour} {found.seal.shape} seal at {_box(found.seal.bbox)}")
            told += [f"  {line.text}  ({line.confidence:.2f})" for line in found.lines]
        pictures = {} if visualise is None else {"-text": draw_reading(image, seals)}
        return Outcome([found.to_dict() for found in seals], pictures, told)

    job.run("read", tool, {"-text": visualise})


@_tool
def remove(
    job: _Job,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the pages without seals (PNG).")],
    threshold: _Threshold = 0.5,
    remover: Annotated[str, typer.Option("--remover", metavar="NAME|DIR|ID", help="Model that removes.")] = "default",
) -> None:
    """Take the seals off **IMAGE...**; the text beneath stays."""
    from seal2real.tasks.output import Outcome
    from seal2real.tasks.remove import Remover

    taker = Remover.from_pretrained(remover, job.segmenter())

    def tool(image: Image) -> Outcome:
        seals = taker.segmenter.segment(image, threshold)
        told = [f"{s.colour} {s.shape} seal at {_box(s.bbox)} removed" for s in seals]
        return Outcome([seal.to_dict() for seal in seals], {"": taker.remove(image, seals)}, told)

    job.run("remove", tool, {"": out})


@_tool
def verify(
    job: _Job,
    reference: Annotated[
        Path | None, typer.Option("--reference", metavar="REF", help="Image of a genuine impression to compare with.")
    ] = None,
    false_accepts: Annotated[
        float, typer.Option("--false-accepts", help="Rate of false accepts that the threshold is for: 0.01 or 0.05.")
    ] = 0.01,
    judge: Annotated[
        str, typer.Option("--judge", metavar="NAME|DIR|ID", help="Model that tells impressions from pastes.")
    ] = "default",
    comparer: Annotated[
        str, typer.Option("--comparer", metavar="NAME|DIR|ID", help="Model that compares with REF.")
    ] = "default",
    visualise: _Visualise = None,
) -> None:
    """Tell impressions from pastes and copies on **IMAGE...**, and compare them with **REF**. Evidence, not proof."""
    import numpy as np

    from seal2real.images import load_rgb
    from seal2real.tasks.authenticity import AuthenticityJudge
    from seal2real.tasks.compare import SealComparer
    from seal2real.tasks.output import Outcome
    from seal2real.tasks.overlay import draw_heat, draw_seals
    from seal2real.tasks.verify import CAUTION, SealVerifier

    compared = None if reference is None else SealComparer.from_pretrained(comparer)
    verifier = SealVerifier(job.segmenter(), AuthenticityJudge.from_pretrained(judge), compared)
    genuine = None if reference is None else verifier.reference(load_rgb(reference), str(reference))

    def tool(image: Image) -> Outcome:
        found = verifier.verify(image, genuine, false_accepts)
        heat = np.zeros(image.shape[:2], np.float32)
        told, captions = [], []
        for entry in found:
            judged = entry.judgement
            text = f"{judged.verdict} (impression {judged.probabilities['impression']:.2f})"
            if entry.comparison is not None:
                answer = "same die" if entry.comparison.accepted else "another die"
                text += f", {answer} as {reference.name if reference else ''} ({entry.comparison.same:.3f})"
                heat = np.maximum(heat, entry.comparison.difference)
            else:
                x, y = entry.seal.offset
                shown = judged.evidence
                here = heat[y : y + shown.shape[0], x : x + shown.shape[1]]
                np.maximum(here, shown, out=here)
            told.append(f"{entry.seal.colour} {entry.seal.shape} seal at {_box(entry.seal.bbox)}: {text}")
            captions.append(text)
        pictures = {}
        if visualise is not None:
            pictures["-verified"] = draw_seals(draw_heat(image, heat), [e.seal for e in found], captions, ink=False)
        return Outcome([entry.to_dict() for entry in found], pictures, told)

    job.run("verify", tool, {"-verified": visualise})
    print(CAUTION, file=sys.stderr)


def train_task(
    task: Annotated[
        str,
        typer.Argument(metavar="TASK", help="segment, remove, lines, recognise, authenticity or compare."),
    ],
    datasets: Annotated[list[Path], typer.Argument(metavar="DATASET...", help="Made by seal2real generate.")],
    out: Annotated[Path, typer.Option("--out", metavar="RUN", help="Folder of the run; the model is RUN/model.")],
    steps: Annotated[int | None, typer.Option("--steps", help="Optimiser steps.  [default: the task's]")] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", help="Wall-clock limit of this call.")] = None,
    batch: Annotated[int | None, typer.Option("--batch", help="Examples a step.  [default: the task's]")] = None,
    rate: Annotated[float | None, typer.Option("--rate", help="Learning rate.  [default: the task's]")] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="NAME|DIR|ID", help="Model to go on from.  [default: none]")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of every choice.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in RUN.")] = False,
) -> None:
    """Train the model of a **TASK** on generated datasets."""
    from seal2real.tasks.trainers import trainer_of

    trainer = trainer_of(task)
    config = trainer.config(steps=steps, minutes=minutes, batch=batch, learning_rate=rate, seed=seed)
    with training(minutes) as report:
        trainer.train(datasets, out, config, resume, report, start=start)
    print(f"{task}: {out / 'model'}")


def _box(box: tuple[float, float, float, float]) -> str:
    x, y, width, height = (round(value) for value in box)
    return f"{x},{y} ({width} x {height})"
