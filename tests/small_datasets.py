"""Small native datasets of drawn boxes, for tests of formats: every shape of label, no page and no seal to render."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from seal2real.dataset.formats.native import METADATA, Row, dump_row, encode_mask
from seal2real.images import encode_jpeg, encode_png
from seal2real.sample import Mask

KINDS = ("company", "notice", "unheard-of & <new>")
TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=8)


@st.composite
def seals(draw: st.DrawFn, width: int, height: int) -> dict[str, Any]:
    """A seal on an image: its box, how worn it is, its texts."""
    w, h = draw(st.integers(8, width)), draw(st.integers(8, height))
    box = (draw(st.integers(0, width - w)), draw(st.integers(0, height - h)), w, h)
    return {
        "box": box,
        "wear": draw(st.integers(0, 9)),
        "kind": draw(st.sampled_from(KINDS)),
        "texts": draw(st.lists(TEXTS, max_size=2)),
    }


@st.composite
def images(draw: st.DrawFn) -> dict[str, Any]:
    """An image with up to three seals, which may overlap; often none."""
    width, height = draw(st.integers(16, 70)), draw(st.integers(16, 70))
    return {
        "size": (width, height),
        "suffix": draw(st.sampled_from(("jpg", "png"))),
        "split": draw(st.sampled_from(("train", "validation", "test"))),
        "seals": draw(st.lists(seals(width, height), max_size=3)),
    }


def seal_masks(size: tuple[int, int], box: tuple[int, int, int, int], wear: int) -> tuple[Mask, Mask]:
    """A frame with a dot in its middle that fills the box, and what is left of it: holes and loose parts."""
    (width, height), (x, y, w, h) = size, box
    full = np.zeros((height, width), dtype=bool)
    full[y : y + h, x : x + w] = True
    full[y + 2 : y + h - 2, x + 2 : x + w - 2] = False
    full[y + h // 2, x + w // 2] = True
    worn = np.random.default_rng(wear).random(full.shape) < wear / 12
    visible = full & ~worn
    visible[y, x] = True  # a seal that nobody sees is no object
    return full, visible


def write_dataset(folder: Path, specs: list[dict[str, Any]]) -> Path:
    """A native dataset of such images."""
    folder.mkdir(parents=True)
    with (folder / METADATA).open("w", encoding="utf-8") as metadata:
        for index, spec in enumerate(specs):
            row, files = _encode(index, spec)
            for path, data in files.items():
                (folder / path).parent.mkdir(exist_ok=True)
                (folder / path).write_bytes(data)
            metadata.write(dump_row(row))
    return folder


def _encode(index: int, spec: dict[str, Any]) -> tuple[Row, dict[str, bytes]]:
    (width, height), name = spec["size"], f"{index:06d}"
    picture = np.random.default_rng(index).integers(0, 256, (height, width, 3), dtype=np.uint8)
    encoded = encode_jpeg(picture) if spec["suffix"] == "jpg" else encode_png(picture)
    image = f"stamped/{name}.{spec['suffix']}"
    files = {image: encoded, f"clean/{name}.jpg": encode_jpeg(picture), f"ink/{name}.png": encode_png(picture[..., 0])}
    rows = []
    for number, seal in enumerate(spec["seals"]):
        full, visible = seal_masks(spec["size"], seal["box"], seal["wear"])
        stem = f"masks/{name}_{number}"
        files |= {f"{stem}_full.png": encode_mask(full), f"{stem}_visible.png": encode_mask(visible)}
        rows.append(_seal_row(seal, stem))
    row = {
        "file_name": image,
        "clean": f"clean/{name}.jpg",
        "ink": f"ink/{name}.png",
        "width": width,
        "height": height,
        "dpi": 200.0,
        "split": spec["split"],
        "seals": rows,
        "text": [],
        "objects": {"bbox": [seal["bbox"] for seal in rows], "categories": [0] * len(rows)},
        "provenance": {"index": index, "seed": 0},
    }
    return row, files


def _seal_row(seal: dict[str, Any], stem: str) -> Row:
    x, y, w, h = map(float, seal["box"])
    lines = []
    for number, text in enumerate(seal["texts"]):
        top, bottom = y + 1 + 3 * number, y + 3 + 3 * number
        polygon = [[x, top], [x + w / 2, top], [x + w, top], [x + w, bottom], [x + w / 2, bottom], [x, bottom]]
        role = "name" if number == 0 else "purpose"
        line = {"text": text, "role": role, "polygon": polygon, "characters": [], "curved": True, "crop": None}
        lines.append(line)
    return {
        "kind": seal["kind"],
        "colour": "red",
        "bbox": list(seal["box"]),
        "angle": -12.5,
        "polygon": [[x, y], [x + w, y], [x + w, y + h], [x, y + h]],
        "mask_full": f"{stem}_full.png",
        "mask_visible": f"{stem}_visible.png",
        "lines": lines,
        "authenticity": "impression",
        "design": {},
    }
