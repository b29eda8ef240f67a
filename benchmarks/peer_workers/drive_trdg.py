"""TextRecognitionDataGenerator on the texts of a file, driven by `benchmarks/peers.py`.

Arguments: a file of texts, one a line; the height of the images in pixels.
"""

from __future__ import annotations

import random
import sys
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
from trdg.generators import GeneratorFromStrings
from turns import Step, serve


def main() -> None:
    """Serve."""
    cv2.setNumThreads(1)
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002  # the generator that it uses
    texts = Path(sys.argv[1]).read_text(encoding="utf-8").split("\n")

    def step(**options: object) -> Step:
        lines = GeneratorFromStrings(texts, language="cn", size=int(sys.argv[2]), **options)

        def made() -> object:
            line = next(lines)
            return None if line[0] is None else line  # it gives up where ink and paper are too much alike

        return made

    worn = {"blur": 1, "random_blur": True, "skewing_angle": 5, "random_skew": True}
    # distortion 1: along a sine, 0: up and down; background 0: noise
    serve(
        {"plain": step(), "curved": step(distorsion_type=1, distorsion_orientation=0, background_type=0, **worn)},
        {"version": version("trdg"), "numpy": np.__version__, "opencv": cv2.__version__},
    )


if __name__ == "__main__":
    main()
