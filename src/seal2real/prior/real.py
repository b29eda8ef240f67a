"""Real seal images: found in a folder, cut to seals, and served as patches for training and measuring.

Nothing here needs labels. A picture that is mostly one seal is taken as it is; on a whole page the seals are found by
their coloured ink and by their shape (a closed ring or frame of plausible size).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from seal2real.errors import Seal2RealError
from seal2real.images import load_rgb, require_images
from seal2real.physics.ink_measure import ColourClass, InkMeasurement, measure_ink
from seal2real.prior.finder import SEARCH_SIDE, corner_share, find_seals, frame_share, ring_share
from seal2real.sample import Box, Image, Mask

WHOLE_CROP_SHARE = 0.38  # a seal this long, as a share of the picture's shorter side, makes the picture a whole crop
CROP_MARGIN = 0.15  # of the seal's size, kept around a seal that is cut from a page


@dataclass(frozen=True)
class RealCrop:
    """One real seal.

    Attributes:
        image: ``uint8 [H, W, 3]``.
        path: the file it comes from.
        group: source for honest splits: crops of one group never stand on both sides. Here the file's name; callers
            who know more may `replace` it.
        mask: ``bool [H, W]``: measured seal ink.
        colour: class of the ink.
        median: ``float32 [3]``: median absorbance of the ink.
        seal_box: box of the seal in pixels of ``image``.
        diameter: longer side of the seal in pixels: what the scale is normalised by.
        extent: box of the crop in pixels of the file's image.
    """

    image: Image
    path: Path
    group: str
    mask: Mask
    colour: ColourClass
    median: npt.NDArray[np.float32]
    seal_box: Box
    diameter: float
    extent: Box

    def scaled(self, diameter: float) -> tuple[Image, Mask]:
        """Image and mask after scaling the seal to ``diameter`` pixels (area averaging down, cubic up)."""
        return scale_crop(self.image, self.mask, diameter / self.diameter)


def scale_crop(image: Image, mask: Mask, factor: float) -> tuple[Image, Mask]:
    """Scale an image and its mask by one factor: area averaging down, cubic up; the mask is cut at one half."""
    height, width = image.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    if size == (width, height):
        return image, mask
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    soft = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(image, size, interpolation=how), dtype=np.uint8), soft >= 0.5


def random_patch(
    image: Image, mask: Mask, size: int, rng: np.random.Generator, turn: bool = True
) -> tuple[Image, Mask, tuple[int, int]]:
    """A random square window that lies on ink.

    A pixel of the mask is drawn, and the window is laid around it with a jitter of a quarter of its side, inside the
    image. Images smaller than the window are mirrored at their edges.

    Args:
        image: ``uint8 [H, W, 3]``.
        mask: ``bool [H, W]``; where it is empty, the window lies anywhere.
        size: side in pixels.
        rng: source of every choice.
        turn: also flip and turn by right angles at random.

    Returns:
        (``uint8 [size, size, 3]``, ``bool [size, size]``, (x, y) of the window in the (padded) image).
    """
    height, width = image.shape[:2]
    pad_y, pad_x = max(0, size - height), max(0, size - width)
    if pad_y or pad_x:
        edges = ((pad_y // 2, pad_y - pad_y // 2), (pad_x // 2, pad_x - pad_x // 2))
        image = np.pad(image, (*edges, (0, 0)), mode="symmetric")
        mask = np.pad(mask, edges, mode="symmetric")
        height, width = image.shape[:2]
    inked = np.flatnonzero(mask)
    at = int(inked[rng.integers(inked.size)]) if inked.size else int(rng.integers(mask.size))
    jitter = rng.integers(-(size // 4), size // 4 + 1, 2)
    y = int(np.clip(at // width - size // 2 + jitter[0], 0, height - size))
    x = int(np.clip(at % width - size // 2 + jitter[1], 0, width - size))
    patch, part = image[y : y + size, x : x + size], mask[y : y + size, x : x + size]
    if turn:
        turns, flip = int(rng.integers(4)), bool(rng.integers(2))
        patch, part = np.rot90(patch, turns), np.rot90(part, turns)
        if flip:
            patch, part = patch[:, ::-1], part[:, ::-1]
    return np.ascontiguousarray(patch), np.ascontiguousarray(part), (x, y)


@dataclass
class RealCrops:
    """Real seals with their measurements, and the files that gave none.

    Attributes:
        crops: the seals, in the order of their files.
        skipped: (file, reason in one line) for every file that gave no seal.
    """

    crops: list[RealCrop]
    skipped: list[tuple[Path, str]] = field(default_factory=list)
    _scaled: dict[tuple[int, float], tuple[Image, Mask]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.crops)

    @classmethod
    def from_folder(cls, folder: Path | str) -> RealCrops:
        """Find the seals of every image below a folder.

        Raises:
            Seal2RealError: the folder is missing or empty, or no seal was found in any of its images.
        """
        paths = require_images(folder)
        crops: list[RealCrop] = []
        skipped: list[tuple[Path, str]] = []
        for path in paths:
            try:
                image = load_rgb(path)
            except Seal2RealError as error:
                skipped.append((path, str(error)))
                continue
            name = path.relative_to(folder).as_posix()
            found = crops_of(image, path, name)
            crops.extend(found)
            if not found:
                skipped.append((path, f"{path}: no seal found; crop it to the seal if there is one"))
        if not crops:
            raise Seal2RealError(
                f"{folder}: no seal found in its {len(paths)} image files (the first: {skipped[0][1]}); "
                "give scans with coloured seals, or crops that a seal fills"
            )
        return cls(crops, skipped)

    def select(self, colours: Iterable[str]) -> RealCrops:
        """Only the crops of these colour classes.

        Raises:
            Seal2RealError: none is left.
        """
        wanted = set(colours)
        left = [crop for crop in self.crops if crop.colour in wanted]
        if not left:
            raise Seal2RealError(f"none of the {len(self.crops)} real seals is {' or '.join(sorted(wanted))}")
        return RealCrops(left, self.skipped)

    def scaled(self, index: int, diameter: float) -> tuple[Image, Mask]:
        """Crop ``index`` scaled to ``diameter``; kept for the next call."""
        key = (index, float(diameter))
        if key not in self._scaled:
            self._scaled[key] = self.crops[index].scaled(diameter)
        return self._scaled[key]

    def patch(
        self, rng: np.random.Generator, size: int, diameter: float, colour: str | None = None
    ) -> tuple[Image, float]:
        """A random patch on ink of a random seal, flipped and turned by right angles at random.

        Args:
            rng: source of every choice.
            size: side of the patch in pixels.
            diameter: the seal's longer side is scaled to this many pixels first.
            colour: only seals of this class; None takes any.

        Returns:
            (``uint8 [size, size, 3]``, share of ink 0..1).

        Raises:
            Seal2RealError: no seal of that colour.
        """
        indices = [i for i, crop in enumerate(self.crops) if colour is None or crop.colour == colour]
        if not indices:
            raise Seal2RealError(f"none of the {len(self.crops)} real seals is {colour}")
        image, mask = self.scaled(indices[int(rng.integers(len(indices)))], diameter)
        patch, part, _ = random_patch(image, mask, size, rng)
        return patch, float(part.mean())


def crops_of(image: Image, path: Path, group: str) -> list[RealCrop]:
    """The seals of one image: itself if a seal fills it, else what `find_seals` cuts from it."""
    height, width = image.shape[:2]
    if min(height, width) < 24:
        return []
    factor = SEARCH_SIDE / max(height, width)
    small = image
    if factor < 0.8:  # decide on a reduced copy: a full page at 600 dpi would take seconds
        size = (round(width * factor), round(height * factor))
        small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    whole = _whole_crop(small, path, group)
    if whole is not None and small is not image:
        whole = _whole_crop(image, path, group)
    if whole is not None:
        return [whole]
    crops = []
    for seal in find_seals(image):
        x, y, w, h = seal.box
        margin = CROP_MARGIN * max(w, h)
        left, top = max(0, int(x - margin)), max(0, int(y - margin))
        right, bottom = min(width, int(np.ceil(x + w + margin))), min(height, int(np.ceil(y + h + margin)))
        cut = np.ascontiguousarray(image[top:bottom, left:right])
        crop = _whole_crop(cut, path, group, closed=True)
        if crop is not None:
            crops.append(replace(crop, extent=(left, top, right - left, bottom - top)))
    return crops


def _whole_crop(image: Image, path: Path, group: str, closed: bool = False) -> RealCrop | None:
    height, width = image.shape[:2]
    ink = measure_ink(image)
    box = _main_cluster(ink.mask)
    if box is None:
        return None
    x, y, w, h = box
    inside = ink.mask[int(y) : int(y + h), int(x) : int(x + w)]
    long_enough = max(w, h) >= WHOLE_CROP_SHARE * min(height, width)
    if not long_enough or min(w, h) < 16 or max(w, h) > 4.5 * min(w, h) or not 0.015 < inside.mean() < 0.7:
        return None
    if not _plausible(ink, box, closed):
        return None
    mask = np.zeros_like(ink.mask)
    rows, columns = slice(int(y), int(np.ceil(y + h))), slice(int(x), int(np.ceil(x + w)))
    mask[rows, columns] = ink.mask[rows, columns]
    return RealCrop(
        image, path, group, mask, ink.colour, ink.median, box, float(max(w, h)), (0.0, 0.0, float(width), float(height))
    )


def _main_cluster(mask: Mask) -> Box | None:
    """Box of the largest cluster of ink: parts nearer than 6 % of the shorter side belong together."""
    height, width = mask.shape
    reach = max(3, round(0.06 * min(height, width))) | 1
    grown = cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    count, labels = cv2.connectedComponents(grown, connectivity=8)
    if count <= 1:
        return None
    ink = np.bincount(labels[mask], minlength=count)
    ys, xs = np.nonzero((labels == int(np.argmax(ink))) & mask)
    # A few stray pixels (a pen stroke that leaves the seal) must not stretch the box.
    left, right = np.percentile(xs, (0.2, 99.8))
    top, bottom = np.percentile(ys, (0.2, 99.8))
    return float(left), float(top), float(right - left + 1), float(bottom - top + 1)


def _plausible(ink: InkMeasurement, box: Box, closed: bool) -> bool:
    """Whether the main cluster of ink is a seal, not print.

    Black: it must be a ring, that is an ellipse with ink all around it. Coloured: a ring, a frame, or, unless
    ``closed`` asks for one of these, an unframed stamp that is nearly all the coloured ink of a picture of at most
    1200 px.
    """
    x, y, w, h = box
    part = ink.mask[int(y) : int(np.ceil(y + h)), int(x) : int(np.ceil(x + w))]
    ring, corners = ring_share(part), corner_share(part)
    if ink.colour == "black":
        return max(w, h) < 1.5 * min(w, h) and ring > 0.65 and corners < 0.4
    if (ring > 0.65 and corners < 0.3) or (frame_share(part) > 0.75 and part.mean() < 0.5):
        return True
    return not closed and max(ink.mask.shape) <= 1200 and float(part.sum()) > 0.75 * float(ink.mask.sum())
