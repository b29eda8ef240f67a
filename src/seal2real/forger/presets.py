"""Settings for the memory at hand: what a GPU of 12, 24 or 80 GB holds, or a CPU of 16 GB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seal2real.errors import UsageError
from seal2real.prior.backbone import is_compact

PRESETS = ("cpu", "12gb", "24gb", "80gb")

# patches show most of a seal; forged ones are made at 0.75 to 1.25 of their resolution, so that glyphs stay sharp
_WHOLE_512 = {"image_size": 512, "diameters": (410.0, 640.0), "capture": (0.75, 1.25), "pool_diameter": 512}
_DIFFUSION: dict[str, dict[str, Any]] = {  # with a Stable Diffusion backbone
    "cpu": {
        "precision": "bf16", "weights": "bf16", "checkpointing": True, "adapt": "lora", "critic": "lora",
        "image_size": 256, "diameters": (205.0, 320.0), "capture": (0.75, 1.25), "pool": 200,
        "cache": 128, "prompt_batch": 1, "prompt_steps": 200, "batch": 2, "critic_steps": 1,
        "judge_seals": 6, "judge_patches": 1, "judge_draws": 6,
    },
    "12gb": {
        **_WHOLE_512, "precision": "bf16", "weights": "bf16", "checkpointing": True, "adapt": "lora", "critic": "lora",
        "pool": 400, "cache": 1024, "prompt_batch": 2, "batch": 2, "accumulate": 4,
        "judge_seals": 40, "judge_patches": 2, "judge_draws": 12,
    },
    "24gb": {
        **_WHOLE_512, "precision": "bf16", "weights": "bf16", "checkpointing": True, "adapt": "lora", "critic": "lora",
        "pool": 600, "cache": 2048, "prompt_batch": 4, "batch": 4, "accumulate": 2,
        "judge_seals": 60, "judge_patches": 3, "judge_draws": 12,
    },
    "80gb": {
        **_WHOLE_512, "precision": "bf16", "weights": "fp32", "checkpointing": False, "adapt": "lora",
        "critic": "lora", "pool": 1200, "cache": 4096, "prompt_batch": 8, "batch": 8, "accumulate": 1,
        "judge_seals": 100, "judge_patches": 4, "judge_draws": 24,
    },
}  # fmt: skip
_COMPACT: dict[str, dict[str, Any]] = {  # with the compact one, batches alone
    "cpu": {"prompt_batch": 8, "batch": 16},
    "12gb": {"precision": "bf16", "prompt_batch": 32, "batch": 48},
    "24gb": {"precision": "bf16", "prompt_batch": 64, "batch": 96},
    "80gb": {"precision": "bf16", "prompt_batch": 128, "batch": 192},
}


def preset(name: str, backbone: str = "compact") -> dict[str, Any]:
    """Settings of a `TrainConfig` for a machine.

    Args:
        name: one of `PRESETS`.
        backbone: as in `TrainConfig`.

    Raises:
        UsageError: no such preset.
    """
    if name not in PRESETS:
        raise UsageError(f"preset is {name!r}; choose from {', '.join(PRESETS)}")
    return {"preset": name, **(_COMPACT if is_compact(backbone) else _DIFFUSION)[name]}


def with_preset(values: Mapping[str, Any]) -> dict[str, Any]:
    """These settings, and before them those of the preset that they name, if they name one.

    Raises:
        UsageError: no such preset.
    """
    if values.get("preset") is None:
        return dict(values)
    return {**preset(str(values["preset"]), str(values.get("backbone", "compact"))), **values}
