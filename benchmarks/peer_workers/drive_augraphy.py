"""Augraphy on the pages of a folder (its first argument), driven by `benchmarks/peers.py`."""

from __future__ import annotations

import os
import random
import sys
from importlib.metadata import version
from itertools import cycle
from pathlib import Path

import cv2
import matplotlib.font_manager  # noqa: F401  # one effect uses it and does not import it
import numpy as np
from augraphy import (
    AugraphyPipeline,
    BrightnessTexturize,
    Gamma,
    InkBleed,
    Jpeg,
    LightingGradient,
    NoiseTexturize,
    SubtleNoise,
    default_augraphy_pipeline,
)
from turns import serve


def scan_effects() -> list[object]:
    """Light, tone, grain and compression: what a scanner does."""
    return [LightingGradient(p=1), Gamma(gamma_range=(0.9, 1.1), p=1), SubtleNoise(p=1), Jpeg(p=1)]


def main() -> None:
    """Serve."""
    cv2.setNumThreads(1)
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002  # the generator that it uses
    pages = cycle([cv2.imread(str(path)) for path in sorted(Path(sys.argv[1]).glob("*.png"))])
    os.chdir(sys.argv[2])  # some effects leave files where they are run
    paper = [NoiseTexturize(p=1), BrightnessTexturize(p=1)]
    scan = AugraphyPipeline(ink_phase=[], paper_phase=paper, post_phase=scan_effects())
    ink = AugraphyPipeline(ink_phase=[InkBleed(p=1)], paper_phase=paper, post_phase=scan_effects())
    lean = AugraphyPipeline(ink_phase=[], paper_phase=[], post_phase=scan_effects())

    def default() -> object:
        return default_augraphy_pipeline()(next(pages))

    serve(
        {
            "default": default,
            "scan": lambda: scan(next(pages)),
            "ink and scan": lambda: ink(next(pages)),
            "lean scan": lambda: lean(next(pages)),
        },
        {"version": version("augraphy"), "numpy": np.__version__, "opencv": cv2.__version__},
    )


if __name__ == "__main__":
    main()
