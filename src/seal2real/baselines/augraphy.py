"""Augraphy (Groleau et al. 2023): a library of hand-made document degradations, in a Python of its own.

Its pinned libraries do not go with ours, so it runs in another environment; images travel as PNG files.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from seal2real.baselines.base import FlatBaseline
from seal2real.errors import Seal2RealError
from seal2real.images import load_rgb, save_image
from seal2real.prior.config import check_choices
from seal2real.sample import Image, Sample

PYTHON = "SEAL2REAL_AUGRAPHY_PYTHON"  # environment variable with the interpreter
_WORKER = Path(__file__).with_name("augraphy_worker.py")
_HOW = "make one (python -m venv DIR; DIR/bin/pip install augraphy) and name DIR/bin/python in 'python' or in " + PYTHON
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


@dataclass(frozen=True)
class AugraphySettings:
    """Settings."""

    pipeline: str = "scan"  # "scan" (ink bleed, paper texture, light, tone, noise, JPEG), "default" (the library's own)
    python: str | None = None  # interpreter with augraphy; None takes it from the environment variable

    def __post_init__(self) -> None:
        check_choices(self, pipeline=("scan", "default"))


class Augraphy(FlatBaseline):
    """Pasted images through a pipeline of the library. Results of another size (borders, folds) are scaled back."""

    kind = "augraphy"
    Settings = AugraphySettings

    def __init__(self, settings: AugraphySettings):
        super().__init__(settings)
        self._process: subprocess.Popen[str] | None = None
        self._folder: Any = None

    def image(self, sample: Sample, rng: np.random.Generator) -> Image:
        """The image, degraded.

        Raises:
            Seal2RealError: there is no such interpreter, or the library failed.
        """
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        before, after = (Path(self._folder.name) / f"{name}.png" for name in ("before", "after"))
        save_image(before, sample.stamped)
        order = {"before": str(before), "after": str(after), "seed": int(rng.integers(2**32)),
                 "pipeline": self.settings.pipeline}  # fmt: skip
        with suppress(BrokenPipeError):  # then there is no answer either
            print(json.dumps(order), file=process.stdin, flush=True)
        answer = self._answer()
        if "error" in answer:
            raise Seal2RealError(f"augraphy failed: {answer['error']}")
        self.outside_seconds += float(answer["seconds"])
        result = load_rgb(after)
        height, width = sample.size
        if result.shape[:2] != (height, width):
            result = np.asarray(cv2.resize(result, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        return result

    def close(self) -> None:
        """End the other process."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
            self._process.wait(60)
        if self._folder is not None:
            self._folder.cleanup()
        self._process = self._folder = None

    def _started(self) -> subprocess.Popen[str]:
        if self._process is not None:
            return self._process
        python = self.settings.python or os.environ.get(PYTHON)
        if not python or not Path(python).is_file():
            raise Seal2RealError(
                f"augraphy needs an environment of its own, there is none at {python or PYTHON}; {_HOW}"
            )
        self._folder = tempfile.TemporaryDirectory(prefix="seal2real-augraphy-")
        # not run as a file: its folder would come first in the search path, and holds a module of the library's name
        command = [python, "-c", _WORKER.read_text(encoding="utf-8")]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            cwd=self._folder.name, env={**os.environ, **_ONE_THREAD},
        )  # fmt: skip
        self._answer()
        return self._process

    def _answer(self) -> dict[str, Any]:
        assert self._process is not None and self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("ANSWER "):  # the library prints as well
                return dict(json.loads(line[7:]))
        raise Seal2RealError(f"augraphy does not start; {_HOW}")
