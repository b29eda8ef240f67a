"""Seal2Real beside other generators, in one run: CPU time per item, and by how much the rates differ.

Each peer is installed from its package into a virtual environment of its own (the first run takes a few minutes), for
they pin each other's libraries out. Peer and Seal2Real take turns, so that the ratios hold on a busy machine too. All
use one thread; times are CPU seconds (user and system) of the process; what a long run does once (fonts, outlines of
characters, compiled loops, memory) is left out; nothing is written to disk on either side.

What is compared:

- **The scan of an A4 page at 200 dpi**: augraphy's default pipeline, and pipelines of its light, tone, noise and JPEG
  ("lean scan"), with the paper's texture ("scan"), and with ink that bleeds ("ink and scan"), each effect on every
  page, against our scan of a page without a seal. Ours draws light, tone, texture, blur, sharpening, noise in luma and
  chroma, and goes through a real JPEG. All read the same typeset pages.
- **The same, against forging a stamped page**: our scan, and the ink of every seal pressed by the forger, with the
  clean twin, the ink layer and the masks.
- **A line of text with its label**: TextRecognitionDataGenerator and SynthTIGER write the texts of our seals on paper,
  straight ("plain"), in their usual mixture ("mixed"), or bent, turned and blurred ("curved"). Against it: our whole
  way from the design of a seal to unwarped crops of its lines: drawn, put down on a typeset page, labelled, cut out,
  flat ("lines of flat seals"), and pressed, scanned and compressed by the forger ("lines of forged seals"). A seal's
  time is shared out over its lines that lie on the image. Ours also makes the seal's masks and a polygon per
  character.

A peer that does not install, or an item that a peer fails to make, is told below the table; failed items do not count.

    python benchmarks/peers.py --rounds 6 --environments ~/.cache/seal2real-peers
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count as counter
from itertools import cycle
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import pylopdf_fonts_zh_cn
import torch
import typer
from rich.console import Console
from rich.table import Table

from peer_processes import Peer, Running, environment
from seal2real.dataset.engines.worker import keep_memory
from seal2real.dataset.unwarp import unwarp_line
from seal2real.errors import Seal2RealError
from seal2real.forger import load_forger
from seal2real.page import TemplatePages
from seal2real.press import stamp_page
from seal2real.sample import Image, Page, Sample, TextLine
from seal2real.seal import draw, random_design
from seal2real.seeding import rng_for
from seals import processor

DPI = 200
LINE_PX = 48  # height of a peer's line; ours are 30 to 50 px at 200 dpi
PATCH_PX = 512  # paper around a seal, of which the lines are cut: as `seal2real generate --crops 512`
PAGES = 8
GOAL = 10.0
_BOOTSTRAP = 2000
_OURS = {  # step -> items a turn
    "scan": 2,
    "forge": 2,
    "lines of flat seals": 12,
    "lines of forged seals": 3,
}
# A run of thousands has met its characters before: their outlines are kept, as compiled loops are.
_WARM_UP = {"lines of flat seals": 400}

PEERS = (
    Peer("augraphy", ("augraphy",), {"default": 6, "lean scan": 2, "scan": 2, "ink and scan": 2}, ("scan", "forge")),
    Peer(
        "trdg",
        ("trdg", "pillow<10", "numpy<2", "opencv-python<4.12"),
        {"plain": 20, "curved": 20},
        ("lines of flat seals", "lines of forged seals"),
    ),
    Peer(
        "synthtiger",
        ("synthtiger", "pillow<10", "numpy<1.24", "opencv-python<4.12"),
        {"mixed": 15, "curved": 15},
        ("lines of flat seals", "lines of forged seals"),
    ),
)


@dataclass
class Times:
    """CPU seconds and items of each measurement."""

    seconds: list[float] = field(default_factory=list)
    items: list[int] = field(default_factory=list)

    def add(self, seconds: float, items: int = 1) -> None:
        """One more."""
        self.seconds.append(seconds)
        self.items.append(items)

    @property
    def each(self) -> float:
        """CPU seconds per item."""
        return sum(self.seconds) / max(1, sum(self.items))

    @property
    def spread(self) -> tuple[float, float]:
        """The 10th and the 90th percentile of the seconds per item over measurements."""
        low, high = np.percentile(np.array(self.seconds) / np.maximum(self.items, 1), [10, 90])
        return float(low), float(high)

    def resampled(self, rng: np.random.Generator) -> np.ndarray:
        """``[_BOOTSTRAP]`` seconds per item, of measurements drawn with replacement."""
        picks = rng.integers(len(self.seconds), size=(_BOOTSTRAP, len(self.seconds)))
        return np.array(self.seconds)[picks].sum(1) / np.maximum(np.array(self.items)[picks].sum(1), 1)


def ratio(theirs: Times, ours: Times) -> tuple[float, float, float]:
    """How many times our rate is theirs, and the bounds of its 95 % bootstrap interval."""
    rng = np.random.default_rng(0)
    low, high = np.percentile(theirs.resampled(rng) / ours.resampled(rng), [2.5, 97.5])
    return theirs.each / ours.each, float(low), float(high)


class Ours:
    """Our steps. Each returns the items that it made.

    Args:
        forger_name: as for `seal2real generate`.
        pages: typeset pages at `DPI`.
    """

    def __init__(self, forger_name: str, pages: list[Page]):
        forger = load_forger(forger_name)
        if forger is None:
            raise Seal2RealError("nothing to compare with forger 'none'; give 'default', 'untrained' or a folder")
        self._forger = forger
        self._number = counter()
        bare = [Sample(page, page.image, page.image, np.zeros(page.image.shape[:2], np.float32), ()) for page in pages]
        self._bare = cycle(bare)
        self._stamped = cycle([stamp_page(page, rng_for(1, i, "press")) for i, page in enumerate(pages)])
        self._patches = cycle([_patch(page) for page in pages])

    def steps(self) -> dict[str, Callable[[], int]]:
        """By name."""
        return {
            "scan": lambda: self._forge(next(self._bare)),
            "forge": lambda: self._forge(next(self._stamped)),
            "lines of flat seals": lambda: self._lines(forged=False),
            "lines of forged seals": lambda: self._lines(forged=True),
        }

    def _forge(self, sample: Sample) -> int:
        self._forger.forge(sample, rng_for(2, next(self._number), "forge"))
        return 1

    def _lines(self, forged: bool) -> int:
        number = next(self._number)
        sample = stamp_page(next(self._patches), rng_for(3, number, "press"), count=1)
        if forged:
            sample = self._forger.forge(sample, rng_for(3, number, "forge"))
        lines = [line for seal in sample.seals for line in seal.lines if _lies_on(line, sample.size)]
        crops = [(unwarp_line(sample.stamped, line.polygon), line.text) for line in lines]
        return len(crops)

    def texts(self, count: int = 400) -> list[str]:
        """What our seals say."""
        seals = (draw(random_design(rng_for(4, number, "design")), DPI) for number in range(count))
        lines = (line.text.strip() for seal in seals for line in seal.lines)
        return sorted({text for text in lines if 1 < len(text) <= 25})


def _patch(page: Page) -> Page:
    """The middle of a page."""
    height, width = page.image.shape[:2]
    top, left = (height - PATCH_PX) // 2, (width - PATCH_PX) // 2
    image = np.ascontiguousarray(page.image[top : top + PATCH_PX, left : left + PATCH_PX])
    return Page(image, page.dpi, (), (), page.source)


def _lies_on(line: TextLine, size: tuple[int, int]) -> bool:
    if not line.characters:
        return False
    centres = np.stack(line.characters).mean(axis=1)
    return bool((centres >= 0).all() and (centres < [size[1], size[0]]).all())


def prepare(folder: Path, texts: list[str], pages: list[Image]) -> dict[str, list[str]]:
    """Write what the peers read. Returns the arguments of each peer's worker."""
    for name in ("pages", "textures", "fonts", "work"):
        (folder / name).mkdir()
    for number, image in enumerate(pages):
        cv2.imwrite(str(folder / "pages" / f"{number}.png"), image[..., ::-1])
        cv2.imwrite(str(folder / "textures" / f"{number}.png"), image[400:1000, 400:1000, ::-1])
    (folder / "texts.txt").write_text("\n".join(texts), encoding="utf-8")
    serif = Path(pylopdf_fonts_zh_cn.serif_path())
    (folder / "fonts" / serif.name).symlink_to(serif)
    (folder / "fonts" / f"{serif.stem}.txt").write_text("".join(sorted(set("".join(texts)))), encoding="utf-8")
    work, words = str(folder / "work"), str(folder / "texts.txt")
    return {
        "augraphy": [str(folder / "pages"), work],
        "trdg": [words, str(LINE_PX)],
        "synthtiger": [words, str(folder / "fonts"), str(folder / "textures")],
    }


@contextmanager
def started(
    peers: list[Peer], environments: Path, folder: Path, arguments: dict[str, list[str]]
) -> Iterator[tuple[dict[str, Running], dict[str, str]]]:
    """The peers that run, and why the others do not."""
    running: dict[str, Running] = {}
    absent: dict[str, str] = {}
    try:
        for peer in peers:
            log = folder / f"{peer.name}.log"
            with told(absent, peer.name):
                running[peer.name] = Running(peer, environment(peer, environments), arguments[peer.name], log)
        yield running, absent
    finally:
        for process in running.values():
            process.stop()


@contextmanager
def told(absent: dict[str, str], name: str) -> Iterator[None]:
    """Note why a peer is missing, and go on without it."""
    try:
        yield
    except Seal2RealError as error:
        absent[name] = str(error)


def timed(step: Callable[[], int]) -> tuple[float, int]:
    """CPU seconds of one call, and the items that it made."""
    start = time.process_time()
    items = step()
    return time.process_time() - start, items


def take_turns(peers: list[Peer], running: dict[str, Running], ours: Ours, rounds: int) -> dict[tuple[str, str], Times]:
    """(who, step) -> times. Peers and we in turn, by turns forward and back."""
    steps = ours.steps()
    times: dict[tuple[str, str], Times] = {}
    for name, step in steps.items():
        for _ in range(_WARM_UP.get(name, 4)):
            step()
    for turn in range(rounds):
        for peer in [peer for peer in peers if peer.name in running][:: 1 if turn % 2 == 0 else -1]:
            for their_step, items in peer.items.items():
                for seconds in running[peer.name].turn(their_step, items):
                    times.setdefault((peer.name, their_step), Times()).add(seconds)
                for step in peer.against:
                    for _ in range(_OURS[step]):
                        times.setdefault(("seal2real", step), Times()).add(*timed(steps[step]))
        print(f"round {turn + 1} of {rounds}", file=sys.stderr, flush=True)
    return times


def report(times: dict[tuple[str, str], Times], peers: list[Peer], absent: dict[str, str]) -> list[Table]:
    """The tables: time per item, then the ratios."""
    each = Table(title="CPU milliseconds per item (one core)")
    for name in ("who", "step", "measured", "items", "mean", "10 % .. 90 %", "items/s"):
        each.add_column(name, justify="left" if name in ("who", "step") else "right")
    ratios = Table(title="Our rate over theirs, in this run")
    for name in ("peer", "their step", "our step", "ratio", "95 % interval", f">= {GOAL:.0f}"):
        ratios.add_column(name, justify="left" if name in ("peer", "their step", "our step") else "right")
    for (who, step), made in times.items():
        low, high = made.spread
        cells = (str(len(made.seconds)), str(sum(made.items)), f"{1000 * made.each:.1f}")
        each.add_row(who, step, *cells, f"{1000 * low:.1f} .. {1000 * high:.1f}", f"{1 / made.each:.2f}")
    for peer in peers:
        if peer.name in absent:
            ratios.add_row(peer.name, absent[peer.name], "-", "-", "-", "-")
            continue
        for their_step in peer.items:
            for step in peer.against:
                theirs, ours = times.get((peer.name, their_step)), times.get(("seal2real", step))
                if theirs is None or ours is None:
                    ratios.add_row(peer.name, their_step, step, "made nothing", "-", "-")
                    continue
                value, low, high = ratio(theirs, ours)
                reached = "yes" if value >= GOAL else "no"
                ratios.add_row(peer.name, their_step, step, f"{value:.1f}", f"{low:.1f} .. {high:.1f}", reached)
    return [each, ratios]


def main(
    environments: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the peers' virtual environments are kept.")
    ] = Path(tempfile.gettempdir()) / "seal2real-peers",
    peer: Annotated[list[str] | None, typer.Option(help="Only this one; repeatable.  [default: all]")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each.")] = 6,
    forger: Annotated[str, typer.Option(help="'default', 'untrained' or the folder of a training run.")] = "default",
) -> None:
    """Install the peers, take turns, print the tables."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    keep_memory()  # as the workers of `seal2real generate` do
    console = Console(width=max(Console().width, 120))
    peers = [each for each in PEERS if peer is None or each.name in peer]
    if not peers:
        print(f"no such peer; known: {', '.join(each.name for each in PEERS)}", file=sys.stderr)
        raise typer.Exit(2)
    templates = TemplatePages(DPI)
    pages = [templates.page(rng_for(0, number, "page")) for number in range(PAGES)]
    try:
        ours = Ours(forger, pages)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            arguments = prepare(folder, ours.texts(), [page.image for page in pages])
            with started(peers, environments.expanduser(), folder, arguments) as (running, absent):
                times = take_turns(peers, running, ours, rounds)
    except Seal2RealError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    console.print(f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}; forger {forger}")
    for one in report(times, peers, absent):
        console.print(one)
    for who, process in running.items():
        console.print(f"{who} {', '.join(f'{key} {value}' for key, value in process.about.items())}")
        for reason, count in process.failed.items():
            console.print(f"  failed {count} times: {reason}", markup=False)


if __name__ == "__main__":
    typer.run(main)
