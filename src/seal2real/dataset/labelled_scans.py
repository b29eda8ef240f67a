"""Real scans with labels, to test on: a folder with ``labels.json``, ``images/``, ``ink/`` and ``ignore/``.

``labels.json`` is a list of ``{name, source, repo, colour, language, seal, lines, mask_ok}``: ``seal`` is an outline,
``lines`` hold ``text``, ``status`` ("sure" or not) and ``complete``; ``ink/NAME.png`` is the visible ink, and
``ignore/NAME.png`` what counts in no score.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from seal2real.errors import Seal2RealError
from seal2real.images import load_rgb, require_images
from seal2real.sample import Image, Mask, Polygon

LABELS = "labels.json"


@dataclass(frozen=True)
class LabelledScan:
    """One real seal.

    Attributes:
        name: of its files.
        image: ``uint8 [H, W, 3]``.
        ink: ``bool [H, W]``: visible ink of the seal; None where there is no mask, or none that can be trusted.
        trusted: whether its mask could be made; false of a seal that can hardly be seen.
        counted: ``bool [H, W]``: what scores may look at.
        outline: ``[n, 2]`` of the seal.
        colour: of the ink, as labelled.
        source: document that it was cut from.
        collection: where that was found; scores are told by it.
        lines: texts that were read for sure and are complete.
        designed: lines of the design, of which the scan may show less.
    """

    name: str
    image: Image
    ink: Mask | None
    trusted: bool
    counted: Mask
    outline: Polygon
    colour: str
    source: str
    collection: str
    lines: tuple[str, ...]
    designed: tuple[str, ...]


def outline_of(seal: dict[str, Any]) -> Polygon:
    """The polygon ``[n, 2]`` of a ``labels.json`` outline: ``{points}`` or ``{cx, cy, rx, ry, angle}``."""
    if "points" in seal:
        return np.asarray(seal["points"], dtype=np.float32)
    turn = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    x, y = seal["rx"] * np.cos(turn), seal["ry"] * np.sin(turn)
    angle = np.deg2rad(seal.get("angle", 0.0))
    return np.stack(
        [seal["cx"] + x * np.cos(angle) - y * np.sin(angle), seal["cy"] + x * np.sin(angle) + y * np.cos(angle)], axis=1
    ).astype(np.float32)


def labelled_scans(folder: Path) -> list[LabelledScan]:
    """The scans of a labelled folder, in its order.

    Raises:
        Seal2RealError: ``labels.json`` is missing or no such list, or an image is missing.
    """
    labels = folder / LABELS
    try:
        entries = json.loads(labels.read_text(encoding="utf-8"))
        stems = {path.stem: path for path in require_images(folder / "images")}
        return [_scan(folder, stems[entry["name"]], entry) for entry in entries]
    except FileNotFoundError:
        raise Seal2RealError(f"{folder}: no {LABELS}; give a folder of labelled scans") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Seal2RealError(f"{labels}: not a list of labelled seals ({error!r}); fix it or move it away") from None


def _scan(folder: Path, path: Path, entry: dict[str, Any]) -> LabelledScan:
    image = load_rgb(path)
    trusted = bool(entry.get("mask_ok", True))
    ink = _mask(folder / "ink" / f"{entry['name']}.png", image) if trusted else None
    ignored = _mask(folder / "ignore" / f"{entry['name']}.png", image)
    lines = entry.get("lines", [])
    return LabelledScan(
        name=str(entry["name"]),
        image=image,
        ink=ink,
        trusted=trusted,
        counted=np.ones(image.shape[:2], bool) if ignored is None else ~ignored,
        outline=outline_of(entry["seal"]),
        colour=str(entry.get("colour", "")),
        source=str(entry.get("source", entry["name"])),
        collection=str(entry.get("repo", "")),
        lines=tuple(line["text"] for line in lines if line["status"] == "sure" and line["complete"]),
        designed=tuple(line["text"] for line in lines if line["status"] == "design"),
    )


def _mask(path: Path, image: Image) -> Mask | None:
    if not path.is_file():
        return None
    mask = load_rgb(path)[..., 0] > 127
    if mask.shape != image.shape[:2]:
        size = image.shape[1], image.shape[0]
        mask = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    return np.asarray(mask)
