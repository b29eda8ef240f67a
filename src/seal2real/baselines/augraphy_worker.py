"""Augraphy's side of `augraphy.py`, run by the Python that has it: an order a line, an answer a line."""

from __future__ import annotations

import json
import random
import sys
import time
from typing import Any

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


def pipeline(name: str) -> AugraphyPipeline:
    """A fresh pipeline: its parameters are drawn when it is made."""
    if name == "default":
        return default_augraphy_pipeline()
    return AugraphyPipeline(
        ink_phase=[InkBleed(p=0.5)],
        paper_phase=[NoiseTexturize(p=0.5), BrightnessTexturize(p=0.5)],
        post_phase=[LightingGradient(p=0.5), Gamma(gamma_range=(0.8, 1.2), p=0.5), SubtleNoise(p=0.5), Jpeg(p=0.5)],
    )


def work(order: dict[str, Any]) -> dict[str, Any]:
    """Read, degrade, write."""
    # Augraphy draws from the global generators and takes no other; nothing else runs in this process.
    random.seed(order["seed"])
    np.random.seed(order["seed"])  # noqa: NPY002
    image = cv2.imread(str(order["before"]))
    start = time.process_time()
    result = pipeline(str(order["pipeline"]))(image)
    seconds = time.process_time() - start
    if result.ndim == 2:
        result = cv2.cvtColor(result, cv2.COLOR_GRAY2BGR)
    cv2.imwrite(str(order["after"]), result[..., :3])
    return {"seconds": seconds}


def main() -> None:
    """Serve until the input ends."""
    cv2.setNumThreads(1)
    print("ANSWER {}", flush=True)
    for line in sys.stdin:
        try:
            answer = work(json.loads(line))
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:120]}"}
        print("ANSWER " + json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
