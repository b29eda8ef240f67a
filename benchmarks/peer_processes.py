"""The peers of `benchmarks/peers.py`: virtual environments, and processes that work when told to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seal2real.errors import Seal2RealError
from seal2real.images import write_atomic

WORKERS = Path(__file__).resolve().parent / "peer_workers"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Peer:
    """A generator that installs from its package.

    Attributes:
        requirements: for pip, with the last versions of libraries that it runs with.
        items: step -> items a turn.
        against: steps of ours that are comparable.
        warm_up: items of each step before the first that counts.
    """

    name: str
    requirements: tuple[str, ...]
    items: dict[str, int]
    against: tuple[str, ...]
    warm_up: int = 5


class Running:
    """A peer in a process of its own.

    Args:
        peer: which.
        python: of its environment.
        arguments: for its worker script.
        log: file for what it prints.
        workers: folder of the worker scripts.

    Raises:
        Seal2RealError: it does not start; the message is its last word.
    """

    def __init__(self, peer: Peer, python: Path, arguments: list[str], log: Path, workers: Path = WORKERS):
        self.failed: Counter[str] = Counter()
        self._log = log
        answers, theirs = os.pipe()  # not standard output, to which libraries print
        with log.open("wb") as stream:
            self._process = subprocess.Popen(
                [str(python), str(workers / f"drive_{peer.name}.py"), *arguments],
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=stream,
                text=True,
                pass_fds=(theirs,),
                env={**os.environ, **ONE_THREAD, "ANSWERS": str(theirs)},
            )
        os.close(theirs)
        self._answers = os.fdopen(answers)
        self.about: dict[str, str] = self._answer()
        for step in peer.items:
            self.turn(step, peer.warm_up)

    def _answer(self) -> dict[str, Any]:
        line = self._answers.readline()
        if not line:
            raise Seal2RealError(_last_line(self._log.read_text(errors="replace")))
        return dict(json.loads(line))

    def turn(self, step: str, items: int) -> list[float]:
        """CPU seconds of each of so many items.

        Raises:
            Seal2RealError: the process has ended.
        """
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # then there is no answer either
            print(json.dumps({"step": step, "items": items}), file=self._process.stdin, flush=True)
        answer = self._answer()
        self.failed.update({f"{step}: {reason}": count for reason, count in answer["failed"].items()})
        return [float(value) for value in answer["seconds"]]

    def stop(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._answers.close()
        self._process.wait(60)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("WARNING")]
    return lines[-1][:200] if lines else "it ended without a word"


def environment(peer: Peer, folder: Path) -> Path:
    """The Python of the peer's environment, made if it is not there.

    Raises:
        Seal2RealError: it does not install.
    """
    home = folder / peer.name
    python, mark = home / "bin" / "python", home / "installed.json"
    if mark.is_file() and json.loads(mark.read_text()) == list(peer.requirements):
        return python
    print(f"installing {' '.join(peer.requirements)} in {home}", file=sys.stderr)
    venv.EnvBuilder(clear=True, with_pip=True).create(home)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *peer.requirements]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "ERROR" in line]
        raise Seal2RealError(f"does not install: {_last_line(chr(10).join(errors) or done.stderr)}")
    write_atomic(mark, json.dumps(list(peer.requirements)).encode())
    return python
