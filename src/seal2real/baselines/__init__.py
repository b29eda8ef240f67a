"""What else a practitioner would try in place of the forger: each method under one interface, for fair comparison.

A method is one file with a class, and one line in `KINDS`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from seal2real.baselines.base import Baseline, FlatBaseline, Material
from seal2real.errors import UsageError

KINDS: dict[str, str] = {  # kind -> where its class is; imported when it is asked for
    "pasted": "pasted:Pasted",
    "simulated": "simulated:Simulated",
    "augraphy": "augraphy:Augraphy",
    "colour": "colour:ColourMatching",
    "fda": "fda:FourierAdaptation",
    "cut": "cut:Cut",
    "cyclegan": "cyclegan:CycleGan",
    "sdedit": "sdedit:SdEdit",
    "forger": "forgers:NamedForger",
    "calibrated": "forgers:CalibratedForger",
    "training": "forgers:TrainedForger",
}


def make_baseline(kind: str, settings: Mapping[str, Any] | None = None, where: str = "settings") -> Baseline:
    """A method by name.

    Args:
        kind: one of `KINDS`.
        settings: of its own ``Settings``.
        where: what an error message names as the source.

    Raises:
        UsageError: an unknown kind or setting (the message names the nearest known one), or a value that does not fit.
    """
    if kind not in KINDS:
        near = difflib.get_close_matches(kind, KINDS, n=1, cutoff=0.0)[0]
        raise UsageError(f"{where}: unknown kind {kind!r}; did you mean {near!r}?")
    module, name = KINDS[kind].split(":")
    method: type[Baseline] = getattr(import_module(f"{__name__}.{module}"), name)
    return method.read(dict(settings or {}), where)


__all__ = ["KINDS", "Baseline", "FlatBaseline", "Material", "make_baseline"]
