"""Progress on stderr: done, rate, time left. A bar on a terminal, a line a minute in a log."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

_SECONDS_BETWEEN_LINES = 60.0


def is_main_process() -> bool:
    """Whether this process is the one that prints; torchrun numbers them in RANK."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def counting(what: str, total: int | None) -> Iterator[Callable[..., None]]:
    """Count finished items. Yields a function ``advance(done, total=None)``."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total, rate="")

        def advance(done: int, total: int | None = None) -> None:
            bar.update(task, advance=done, total=total)
            state = bar.tasks[0]
            if state.elapsed:
                bar.update(task, rate=f"{state.completed / state.elapsed:.2f}/s")

        yield advance


class _Stage:
    """Rate and time left of one part of a training, which may have started before this process did."""

    def __init__(self, done: int) -> None:
        self.first, self.started = done, time.monotonic()
        self.printed = self.started

    def text(self, done: int, total: int, loss: float, minutes: float | None) -> str:
        elapsed = time.monotonic() - self.started
        parts = []
        if done > self.first and elapsed > 0:
            rate = (done - self.first) / elapsed
            left = (total - done) / rate
            if minutes is not None:
                left = min(left, max(0.0, minutes * 60 - elapsed))
            parts += [f"{rate:.2f}/s", f"{_clock(left)} left"]
        if loss:
            parts.append(f"loss {loss:.4f}")
        return ", ".join(parts)


@contextmanager
def training(minutes: float | None) -> Iterator[Callable[[str, int, int, float], None]]:
    """Follow a training. Yields ``report(part, done, of, loss)``; ``minutes`` is its limit, for the time left."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[more]}"))
    bar = Progress(*columns, console=console) if console.is_terminal and is_main_process() else None
    stages: dict[str, _Stage] = {}
    tasks = {}

    def report(part: str, done: int, total: int, loss: float) -> None:
        if not is_main_process():
            return
        new = part not in stages
        stage = stages.setdefault(part, _Stage(done))
        text = stage.text(done, total, loss, None if part == "drawing" else minutes)
        if bar is not None:
            if new:
                tasks[part] = bar.add_task(part, total=total, more="")
            bar.update(tasks[part], completed=min(done, total), more=text)
        elif time.monotonic() - stage.printed > _SECONDS_BETWEEN_LINES:
            stage.printed = time.monotonic()
            print(f"{part}: {done} of {total}, {text}", file=sys.stderr, flush=True)

    with bar if bar is not None else nullcontext():
        yield report


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
