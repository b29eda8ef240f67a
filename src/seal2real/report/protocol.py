"""What is compared: seal crops, and matched sets of patches cut from them.

A judge of realism must look at the look. It must not tell sets apart by the size of a seal, by how much ink or text a
patch happens to hold, by colour, or by the file's compression. So seals are scaled to one diameter, patches are cut on
ink, pairs are matched in colour class, share of ink and share of dark text, and all are re-encoded alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from seal2real.errors import Seal2RealError
from seal2real.prior.real import random_patch, scale_crop
from seal2real.sample import Image, Mask


@dataclass(frozen=True)
class SealCrop:
    """One seal with some of its surroundings, real or generated.

    Attributes:
        image: ``uint8 [H, W, 3]``.
        mask: ``bool [H, W]``: measured ink, by the same measurement for real and for generated.
        colour: colour class of the ink.
        diameter: longer side of the seal in pixels.
        source: the document it was cut from: the unit of cross-validation.
        collection: where documents come from together (a repository, a scanner): the unit that the floor is split by,
            and that is resampled for intervals. Equal to ``source`` where nothing is known.
    """

    image: Image
    mask: Mask
    colour: str
    diameter: float
    source: str
    collection: str


@dataclass(frozen=True)
class Protocol:
    """How patches are cut and matched.

    Attributes:
        diameter: seals are scaled to this many pixels.
        size: side of a patch, pixels.
        per_source: patches per document, spread over its seals.
        jpeg_quality: of the common re-encoding (4:2:0); None leaves it out.
        ink_caliper, text_caliper: largest difference in share of ink and of dark text within a matched pair.
        equal_resolution: before the scaling, generated seals are reduced to the native diameter of a real one drawn at
            random (where that is smaller), so that a judge cannot tell by mere resolution.
    """

    diameter: float = 192.0
    size: int = 64
    per_source: int = 32
    jpeg_quality: int | None = 90
    ink_caliper: float = 0.10
    text_caliper: float = 0.06
    equal_resolution: bool = False


@dataclass(frozen=True)
class PatchSet:
    """Patches and where they come from; all arrays of length N.

    Attributes:
        patches: ``uint8 [N, S, S, 3]``.
        sources, collections, colours: ``str [N]``.
        ink, text: ``float32 [N]``: shares of ink and of dark print, 0..1.
    """

    patches: npt.NDArray[np.uint8]
    sources: npt.NDArray[np.str_]
    collections: npt.NDArray[np.str_]
    colours: npt.NDArray[np.str_]
    ink: npt.NDArray[np.float32]
    text: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.patches)

    def take(self, index: npt.NDArray[np.generic]) -> PatchSet:
        """The patches at these indices (or where this mask is true)."""
        return PatchSet(
            self.patches[index],
            self.sources[index],
            self.collections[index],
            self.colours[index],
            self.ink[index],
            self.text[index],
        )


def cut_patches(
    crops: Sequence[SealCrop],
    protocol: Protocol,
    rng: np.random.Generator,
    native_diameters: Sequence[float] | None = None,
) -> PatchSet:
    """Cut patches on ink, the same number from every document.

    Args:
        crops: the seals.
        protocol: sizes and counts.
        rng: source of every choice.
        native_diameters: with ``protocol.equal_resolution``, diameters to reduce seals to before the common scaling.

    Returns:
        ``protocol.per_source`` patches per document.

    Raises:
        Seal2RealError: there are no crops.
    """
    if not crops:
        raise Seal2RealError("no seals to compare; check that the images hold seals and that the colours match")
    by_source: dict[str, list[int]] = {}
    for number, crop in enumerate(crops):
        by_source.setdefault(crop.source, []).append(number)
    rows: list[tuple[Image, int, float, float]] = []
    for numbers in by_source.values():
        counts = np.bincount(np.arange(protocol.per_source) % len(numbers), minlength=len(numbers))
        for number, count in zip(numbers, counts, strict=True):
            crop = crops[number]
            image, mask, diameter = crop.image, crop.mask, crop.diameter
            if protocol.equal_resolution and native_diameters is not None:
                native = float(rng.choice(np.asarray(native_diameters)))
                if native < min(diameter, protocol.diameter):
                    image, mask = scale_crop(image, mask, native / diameter)
                    diameter = native
            image, mask = scale_crop(image, mask, protocol.diameter / diameter)
            for _ in range(count):
                patch, part, _ = random_patch(image, mask, protocol.size, rng)
                text = dark_text_share(patch, part)
                rows.append((same_jpeg(patch, protocol.jpeg_quality), number, float(part.mean()), text))
    owners = [crops[number] for _, number, _, _ in rows]
    return PatchSet(
        np.stack([row[0] for row in rows]),
        np.array([crop.source for crop in owners]),
        np.array([crop.collection for crop in owners]),
        np.array([crop.colour for crop in owners]),
        np.array([row[2] for row in rows], dtype=np.float32),
        np.array([row[3] for row in rows], dtype=np.float32),
    )


def dark_text_share(patch: Image, mask: Mask) -> float:
    """Share of pixels that are dark in every channel (brighter channel below 55 % of the paper) and are no seal ink."""
    paper = np.percentile(patch.reshape(-1, 3), 90, axis=0) + 1.0
    dark = (patch / paper).max(axis=2) < 0.55
    return float((dark & ~mask).mean())


def same_jpeg(patch: Image, quality: int | None) -> Image:
    """Encode and decode as JPEG (4:2:0), so that the file's own compression tells nothing."""
    if quality is None:
        return patch
    coded = cv2.imencode(".jpg", patch[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)


def match(first: PatchSet, second: PatchSet, protocol: Protocol) -> tuple[PatchSet, PatchSet]:
    """Pair the patches of two sets one to one; what finds no partner is left out.

    Within each colour class, an assignment of least cost in (share of ink, share of text); pairs beyond a caliper are
    dropped. So both sets end with equal counts, equal colours, and nearly equal shares.

    Raises:
        Seal2RealError: no pair is left.
    """
    one: list[int] = []
    two: list[int] = []
    for colour in np.unique(first.colours):
        a, b = np.flatnonzero(first.colours == colour), np.flatnonzero(second.colours == colour)
        if not len(a) or not len(b):
            continue
        ink = np.abs(first.ink[a, None] - second.ink[None, b]) / protocol.ink_caliper
        text = np.abs(first.text[a, None] - second.text[None, b]) / protocol.text_caliper
        cost = ink + text + 1000.0 * ((ink > 1) | (text > 1))
        rows, columns = linear_sum_assignment(cost)
        good = cost[rows, columns] < 1000
        one.extend(a[rows[good]])
        two.extend(b[columns[good]])
    if not one:
        raise Seal2RealError(
            "no patch of one set matches any of the other in colour, ink and text "
            f"({', '.join(np.unique(first.colours))} against {', '.join(np.unique(second.colours))}); add images"
        )
    order = np.argsort(np.asarray(one))
    return first.take(np.asarray(one)[order]), second.take(np.asarray(two)[order])
