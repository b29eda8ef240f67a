"""A sheet of real and forged seals in random order, to see whether you can tell them; the key is a file of its own.

    python benchmarks/blind_check.py --real DIR --forger default --out DIR

OUT/sheet.png numbers the seals. Note which you take for forged and by what, then open OUT/key.json. All are cut alike,
scaled to one diameter and re-encoded with the same JPEG settings; each real seal has a forged one of the same ink
colour. The real ones are spread over their collections. Do not publish a sheet: it shows your real images.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch

from realism import loaded
from seal2real.errors import Seal2RealError, UsageError
from seal2real.images import encode_png, write_atomic
from seal2real.page import TemplatePages
from seal2real.report.protocol import Protocol, SealCrop, same_jpeg
from seal2real.report.sources import crop_seal, real_seals
from seal2real.report.variants import drawn_samples, forged_by
from seal2real.sample import Image
from seal2real.seeding import rng_for
from seal2real.weights import write_json

DIAMETER = 192.0  # pixels, as the judges see them
CELL = 256  # side of a cell
COLUMNS = 8
_SPARE = 2  # forged seals that may fail to give a crop, per colour drawn


def main() -> None:
    """Choose, forge, shuffle, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, required=True, help="real images that were not trained on")
    parser.add_argument("--forger", default="default", help="'default', 'untrained' or a RUN folder")
    parser.add_argument("--count", type=int, default=20, help="seals of each side")
    parser.add_argument("--black", action="store_true", help="black seals too")
    parser.add_argument("--dpi", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="folder for sheet.png and key.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.count < 1:
        raise UsageError(f"--count is {arguments.count}; give at least 1")
    rng = rng_for(arguments.seed, 0, "blind check")
    real = spread_choice(real_seals(arguments.real, arguments.black), arguments.count, rng)
    forged = forged_like(real, arguments.forger, arguments.dpi, arguments.seed)
    sheet, key = blind_sheet(real, forged, rng)
    write_atomic(arguments.out / "sheet.png", encode_png(sheet))
    write_json(arguments.out / "key.json", {"forger": arguments.forger, "seed": arguments.seed, "seals": key})
    print(f"{len(real)} real and {len(forged)} forged seals in {arguments.out / 'sheet.png'}; the key is key.json")


def spread_choice(seals: list[SealCrop], count: int, rng: np.random.Generator) -> list[SealCrop]:
    """At most ``count`` seals, taken in turns from the collections, each in random order."""
    waiting: dict[str, list[SealCrop]] = {}
    for index in rng.permutation(len(seals)):
        waiting.setdefault(seals[index].collection, []).append(seals[index])
    chosen: list[SealCrop] = []
    while len(chosen) < min(count, len(seals)):
        for name in sorted(waiting):
            if waiting[name] and len(chosen) < count:
                chosen.append(waiting[name].pop())
    return chosen


def forged_like(real: list[SealCrop], forger: str, dpi: int, seed: int) -> list[SealCrop]:
    """A forged seal for each real one, of its ink colour; samples whose ink cannot be measured are passed over."""
    make = forged_by(loaded(forger))
    colours = [crop.colour for crop in real] * _SPARE
    samples = drawn_samples(len(colours), TemplatePages(dpi), dpi, seed, colours=colours)
    found = []
    for index, sample in enumerate(samples):
        if len(found) == len(real):
            break
        if index >= len(real) and colours[index] not in _missing(real, found):
            continue
        made = make(sample, rng_for(seed, index, "forge"))
        crop = crop_seal(made.stamped, made.seals[0].outline, f"sample {index}", colour=colours[index])
        found += [] if crop is None else [crop]
    return found


def _missing(real: list[SealCrop], found: list[SealCrop]) -> list[str]:
    left = [crop.colour for crop in real]
    for crop in found:
        left.remove(crop.colour)
    return left


def blind_sheet(
    real: list[SealCrop], forged: list[SealCrop], rng: np.random.Generator
) -> tuple[Image, list[dict[str, object]]]:
    """The sheet ``uint8 [H, W, 3]``, and what each of its numbers is."""
    every = [*((crop, True) for crop in real), *((crop, False) for crop in forged)]
    order = rng.permutation(len(every))
    rows = -(-len(every) // COLUMNS)
    sheet = np.full((rows * (CELL + 26), COLUMNS * (CELL + 6), 3), 255, np.uint8)
    key = []
    for place, index in enumerate(order):
        crop, is_real = every[index]
        top, left = place // COLUMNS * (CELL + 26), place % COLUMNS * (CELL + 6)
        cv2.putText(
            sheet, str(place + 1), (left + 4, top + 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1, cv2.LINE_AA
        )
        cell = _cell(crop)
        sheet[top + 26 : top + 26 + cell.shape[0], left : left + cell.shape[1]] = cell
        key.append({"number": place + 1, "real": is_real, "colour": crop.colour, "source": crop.source})
    return sheet, key


def _cell(crop: SealCrop) -> Image:
    """One seal at the common diameter and compression, cut to the cell around its middle."""
    factor = DIAMETER / crop.diameter
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    image = np.asarray(cv2.resize(crop.image, None, fx=factor, fy=factor, interpolation=how), np.uint8)
    top, left = (max(0, (side - CELL) // 2) for side in image.shape[:2])
    return same_jpeg(np.ascontiguousarray(image[top : top + CELL, left : left + CELL]), Protocol().jpeg_quality)


if __name__ == "__main__":
    try:
        main()
    except Seal2RealError as error:
        raise SystemExit(str(error)) from None
