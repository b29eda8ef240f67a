"""Where segment, read and remove fail: failures of the shipped models by cause, and pictures of the worst.

    python benchmarks/failures.py --out DIR [--real DIR] [--controlled 60] [--tasks segment,read,remove] [--worst 16]

Writes DIR/TASK-SET.png and DIR/failures.json. On the pictures the truth is green and what was found is red. Pictures of
real scans show them: keep those where the scans are kept.
"""

from __future__ import annotations

import argparse
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from seal2real.dataset.labelled_scans import LabelledScan, labelled_scans
from seal2real.images import save_image
from seal2real.sample import Image, Mask, Polygon, Sample
from seal2real.tasks.controlled import controlled_sample
from seal2real.tasks.crops import filled
from seal2real.tasks.line_images import normalised
from seal2real.tasks.measures import box_iou, box_within, edit_distance, mask_agreement, matched
from seal2real.tasks.overlay import write
from seal2real.tasks.pp_ocr import ready_recogniser
from seal2real.tasks.read import SealReader
from seal2real.tasks.recognise import Recogniser
from seal2real.tasks.remove import Remover
from seal2real.tasks.segment import Seal, Segmenter
from seal2real.tasks.trials import characters_under_seals
from seal2real.weights import write_json

SEED = 4242  # of the controlled set, as in the benchmark
CAUSES = {
    "segment": ("right", "missed", "outline", "ink too thin", "ink too fat", "ink misplaced", "false alarm"),
    "read": ("right", "not found", "other script", "a character or two", "mostly wrong"),
    "remove": ("all read", "no trace", "most lost", "some lost", "ghost"),
}
GOOD = ("right", "all read", "no trace")
GREEN, RED, DARK = (0, 160, 0), (230, 0, 0), (40, 40, 40)
TILE, GAP = 260, 12  # pixels of a picture's side, and between pictures
SCRIPTS = ("LATIN", "CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC")
UNREAD = range(0x1E00, 0x1F00)  # Latin letters of Vietnamese, mostly; PP-OCR has almost none of them


@dataclass(frozen=True)
class Truth:
    """A true seal: outline, ink if it is known, where ink counts, its lines and where they run if that is known."""

    outline: Polygon
    about: str
    ink: Mask | None
    counted: Mask
    lines: tuple[tuple[str, Polygon | None], ...]


@dataclass(frozen=True)
class Scene:
    """An image and its true seals; ``sample`` where there is a clean twin."""

    name: str
    image: Image
    counted: Mask
    truths: tuple[Truth, ...]
    sample: Sample | None = None


@dataclass(frozen=True)
class Case:
    """What became of one seal, line or page; the larger ``worse``, the worse. Lines of words, and pictures."""

    name: str
    cause: str
    figure: float
    worse: float
    words: tuple[str, ...]
    pictures: tuple[Image, ...]


def segment_cause(box: float, ink: float | None, area: float) -> str:
    """By the best IoU of boxes, the IoU of ink (None if the true ink is not known), and found over true ink."""
    if box < 0.5:
        return "missed" if box < 0.3 else "outline"
    if ink is None or ink >= 0.6:
        return "right"
    return "ink too thin" if area < 0.7 else "ink too fat" if area > 1.3 else "ink misplaced"


def read_cause(read: str, truth: str) -> str:
    """By a true line and what was read for it; "" is nothing."""
    if read == truth:
        return "right"
    if other_script(truth):
        return "other script"
    if not read:
        return "not found"
    edits = edit_distance(read, truth)
    return "a character or two" if edits <= 2 and edits < 0.3 * len(truth) else "mostly wrong"


def other_script(text: str) -> bool:
    """Whether it holds letters that PP-OCR does not know."""
    letters = [letter for letter in unicodedata.normalize("NFKC", text) if letter.isalpha()]
    return any(not unicodedata.name(each, "").startswith(SCRIPTS) or ord(each) in UNREAD for each in letters)


def remove_cause(after: int, clean: int, difference: float) -> str:
    """By the characters under ink that are read after and on the clean page, and grey levels between the two there."""
    if not clean:
        return "ghost" if difference > 12 else "no trace"
    return "all read" if after >= clean else "some lost" if after >= 0.7 * clean else "most lost"


def worst_of(cases: Sequence[Case], most: int) -> list[Case]:
    """The worst failure of each cause, then the second of each, until there are enough; sorted by cause."""
    ranked = []
    for place, cause in enumerate(cause for causes in CAUSES.values() for cause in causes if cause not in GOOD):
        alike = sorted((case for case in cases if case.cause == cause), key=lambda case: -case.worse)
        ranked += [(rank, place, case) for rank, case in enumerate(alike)]
    chosen = sorted(ranked, key=lambda each: each[:2])[:most]
    return [case for *_, case in sorted(chosen, key=lambda each: (each[1], each[0]))]


def length(text: str) -> float:
    """About how many Chinese characters it is as long as."""
    return sum(1.0 if ord(letter) >= 0x590 else 0.7 if letter.isupper() else 0.55 for letter in text)


def wrapped(text: str, room: float) -> list[str]:
    """Lines as long as so many Chinese characters at most, broken at spaces if there are any."""
    lines = [""]
    for letter in text:
        if length(lines[-1] + letter) > room:
            start, _, word = lines[-1].rpartition(" ")
            lines[-1:] = [start, word] if start else [word, ""]
        lines[-1] += letter
    return lines


def described(words: str, outline: Polygon, size: tuple[int, int]) -> str:
    """What a seal is, how long, and how much of it is on the image."""
    across, down = np.ptp(outline, axis=0)
    shown = np.prod(box_within(outline, size)[2:]) / max(1e-6, across * down)
    return f"{words}, {max(across, down):.0f} px" + (f", {shown:.0%} of it" if shown < 0.95 else "")


def of_scan(scan: LabelledScan) -> Scene:
    """A real scan of one seal."""
    about = described(scan.colour, scan.outline, (scan.image.shape[0], scan.image.shape[1]))
    truth = Truth(scan.outline, about, scan.ink, scan.counted, tuple((line, None) for line in scan.lines))
    return Scene(scan.name, scan.image, scan.counted, (truth,))


def of_sample(sample: Sample, index: int) -> Scene:
    """A sample of the controlled set; seals whose ink is off the image are left out."""
    height, width = sample.size
    inks = np.array([seal.on_page(seal.visible, height, width) for seal in sample.seals], bool)
    truths = []
    for seal, ink in zip(sample.seals, inks, strict=True):
        lines = tuple(
            (line.text, line.polygon)
            for line in seal.lines
            if normalised(line.text) and (line.polygon >= 0).all() and (line.polygon <= (width, height)).all()
        )
        if ink.any():
            about = described(f"{seal.colour} {seal.kind}", seal.outline, sample.size)
            alone = inks.sum(0) - ink == 0
            truths.append(Truth(seal.outline, about, ink, ink | alone, lines))
    return Scene(f"controlled {index}", sample.stamped, np.ones(sample.size, bool), tuple(truths), sample)


def segment_cases(scene: Scene, found: Sequence[Seal]) -> list[Case]:
    """Each true seal, and each found one that lies on none."""
    size = scene.image.shape[0], scene.image.shape[1]
    outlines = [seal.polygon for seal in found]
    cases = []
    for truth in scene.truths:
        overlaps = [box_iou(box_within(truth.outline, size), box_within(outline, size)) for outline in outlines]
        box, ink, area = max(overlaps, default=0.0), None, 1.0
        told, tint = f"box IoU {box:.2f}", None
        if truth.ink is not None and box >= 0.5:
            seen, there = found[int(np.argmax(overlaps))].on_page(*size) & truth.counted, truth.ink & truth.counted
            ink, area = mask_agreement(seen, there).iou, float(seen.sum() / max(1, there.sum()))
            told, tint = f"ink IoU {ink:.2f}, area {area:.0%}", (there & ~seen, seen & ~there)
        cause, figure = segment_cause(box, ink, area), box if ink is None else ink
        picture = tile(scene.image, truth.outline, [truth.outline], outlines, tint if "ink" in cause else None)
        cases.append(Case(scene.name, cause, figure, 1 - figure, (told, truth.about), (picture,)))
    sealed = np.zeros(size, bool)
    for truth in scene.truths:
        sealed |= filled(truth.outline, *size)
    for seal in found:
        ink_here = seal.on_page(*size)
        if (sealed | ~scene.counted)[ink_here].mean() < 0.5:
            words = f"confidence {seal.confidence:.2f}", described(f"{seal.colour} {seal.shape}", seal.polygon, size)
            picture = tile(scene.image, seal.polygon, [truth.outline for truth in scene.truths], [seal.polygon])
            cases.append(Case(scene.name, "false alarm", seal.confidence, seal.confidence, words, (picture,)))
    return cases


def read_cases(scene: Scene, found: Sequence[Seal], reader: SealReader) -> list[Case]:
    """Each true line."""
    wanted = [(normalised(text), polygon, truth) for truth in scene.truths for text, polygon in truth.lines]
    lines = [line for seal in reader.read(scene.image, found) for line in seal.lines] if wanted else []
    places = {normalised(line.text): line.polygon for line in lines}
    pairs = matched([normalised(line.text) for line in lines], [text for text, _, _ in wanted])
    cases = []
    for (read, text), (_, polygon, truth) in zip(pairs, wanted, strict=True):
        error = edit_distance(read, text) / len(text)
        true = [] if polygon is None else [polygon]
        picture = tile(scene.image, truth.outline, true, [places[read]] if read else [])
        words = f"error {error:.2f}", truth.about, text, f"→{read or '(nothing)'}"
        cases.append(Case(scene.name, read_cause(read, text), error, error, words, (picture,)))
    return cases


def remove_cases(scene: Scene, found: Sequence[Seal], remover: Remover, recogniser: Recogniser) -> list[Case]:
    """The page, if it has a seal and a clean twin."""
    sample = scene.sample
    if sample is None or not sample.mask.any():
        return []
    image = remover.remove(sample.stamped, found)
    after, _ = characters_under_seals(image, sample, recogniser)
    clean, of = characters_under_seals(sample.clean, sample, recogniser)
    difference = float(np.abs(image.astype(np.float32) - sample.clean)[sample.mask].mean())
    told = f"{after} read, {clean} on the clean page, of {of}; differs by {difference:.1f}"
    words = told, "; ".join(truth.about for truth in scene.truths)
    ys, xs = np.nonzero(sample.mask)
    around = np.asarray([[xs.min(), ys.min()], [xs.max() + 1, ys.max() + 1]], np.float32)
    pictures = tuple(tile(each, around) for each in (sample.stamped, image, sample.clean))
    figure, worse = (after / clean, clean - after) if clean else (difference, difference)
    return [Case(scene.name, remove_cause(after, clean, difference), figure, worse, words, pictures)]


def tile(
    image: Image,
    around: Polygon,
    true: Sequence[Polygon] = (),
    found: Sequence[Polygon] = (),
    tint: tuple[Mask, Mask] | None = None,
) -> Image:
    """A square picture about a polygon, with outlines; ``tint``: ink that was not found, and ink that is none."""
    size = np.asarray(image.shape[1::-1])
    low, high = np.clip(around.min(0), 0, size), np.clip(around.max(0), 0, size)
    side = round(1.3 * float((high - low).max())) + 12
    x0, y0 = np.clip((low + high - side) / 2, 0, np.maximum(size - side, 0)).astype(int)
    part = image[y0 : y0 + side, x0 : x0 + side].copy()
    for mask, colour in zip(tint or (), (GREEN, RED), strict=False):
        here = mask[y0 : y0 + side, x0 : x0 + side]
        part[here] = (0.25 * part[here] + 0.75 * np.array(colour)).astype(np.uint8)
    scale = TILE / max(part.shape[:2])
    width, height = (max(1, round(length * scale)) for length in part.shape[1::-1])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    part = np.asarray(cv2.resize(part, (width, height), interpolation=how), np.uint8)
    for polygons, colour in ((true, GREEN), (found, RED)):
        points = [np.rint(((polygon - (x0, y0)) * scale - 0.5) * 16).astype(np.int32) for polygon in polygons]
        cv2.polylines(part, points, True, colour, 1, cv2.LINE_AA, shift=4)
    result = np.full((TILE, TILE, 3), 255, np.uint8)
    top, left = (TILE - height) // 2, (TILE - width) // 2
    result[top : top + height, left : left + width] = part
    return result


def sheet(cases: Sequence[Case]) -> Image:
    """Pictures side by side, each case's words below."""
    each = len(cases[0].pictures)
    columns, room = (4 if each == 1 else 2), each * (TILE + GAP)
    width = columns * room + GAP
    em = width / 60  # as `write` has it
    rows = []
    for first in range(0, len(cases), columns):
        chosen = cases[first : first + columns]
        lines = [
            [part for line in (f"{case.cause}: {case.name}", *case.words) for part in wrapped(line, (room - GAP) / em)]
            for case in chosen
        ]
        row = np.full((TILE + 2 * GAP + round(1.4 * em * max(map(len, lines))), width, 3), 255, np.uint8)
        texts = []
        for place, (case, said) in enumerate(zip(chosen, lines, strict=True)):
            x = GAP + place * room
            for number, picture in enumerate(case.pictures):
                left = x + number * (TILE + GAP)
                row[GAP : GAP + TILE, left : left + TILE] = picture
            texts.append(("\n".join(said), (float(x), TILE + GAP + 1.4 * em * len(said))))
        rows.append(write(row, texts, DARK))
    return np.concatenate(rows)


def share(cases: Sequence[Case] | None, cause: str) -> str:
    """How many cases, and their share of all that are true; false alarms are none of these."""
    if cases is None:
        return "-"
    count, true = sum(case.cause == cause for case in cases), sum(case.cause != "false alarm" for case in cases)
    return f"{count}" if cause == "false alarm" else f"{count} ({count / max(1, true):.0%})"


def main() -> None:
    """Print the tables, write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures and failures.json")
    parser.add_argument("--real", type=Path, help="real labelled scans; without, the controlled set alone")
    parser.add_argument("--controlled", type=int, default=60, help="samples of the controlled set")
    parser.add_argument("--tasks", default="segment,read,remove", help="which, with commas between")
    parser.add_argument("--worst", type=int, default=16, help="most cases on a sheet")
    arguments = parser.parse_args()
    tasks = arguments.tasks.split(",")
    if not set(tasks) <= set(CAUSES):
        parser.error(f"--tasks: use some of {','.join(CAUSES)}")
    scans = labelled_scans(arguments.real) if arguments.real else []
    samples = [controlled_sample(index, SEED, 0.15) for index in range(arguments.controlled)]
    scenes = {"real": [of_scan(scan) for scan in scans], "controlled": [of_sample(s, n) for n, s in enumerate(samples)]}
    segmenter = Segmenter.from_pretrained()
    ways: dict[str, Callable[[Scene, Sequence[Seal]], list[Case]]] = {"segment": segment_cases}
    if "read" in tasks:
        ways["read"] = partial(read_cases, reader=SealReader(segmenter))
    if "remove" in tasks:
        remover = Remover.from_pretrained(segmenter=segmenter)
        ways["remove"] = partial(remove_cases, remover=remover, recogniser=ready_recogniser())
    found = {name: [(scene, segmenter.segment(scene.image)) for scene in each] for name, each in scenes.items()}
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for task in tasks:
        table = Table(task, "real", "controlled")
        sets = {name: [case for pair in pairs for case in ways[task](*pair)] for name, pairs in found.items()}
        for cause in CAUSES[task]:
            table.add_row(cause, *(share(sets[name] or None, cause) for name in ("real", "controlled")))
        Console(width=120).print(table)
        for name, cases in sets.items():
            for case in cases:
                told = {"name": case.name, "cause": case.cause, "figure": round(case.figure, 4), "words": case.words}
                rows.append({"task": task, "set": name, **told})
            worst = worst_of(cases, arguments.worst)
            if worst:
                save_image(arguments.out / f"{task}-{name}.png", sheet(worst))
    write_json(arguments.out / "failures.json", rows)


if __name__ == "__main__":
    main()
