"""Pages of the user's own: PDFs with the text that they carry, and images of documents."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as PillowImage

from seal2real.errors import Seal2RealError, UsageError
from seal2real.images import MAX_PIXELS, find_images, load_rgb
from seal2real.page import finishing, render
from seal2real.page.layout import reading_order
from seal2real.sample import Page

_MM_PER_INCH = 25.4
_A4_MM = (210.0, 297.0)
_PAPER_MM = (60.0, 450.0)  # a till receipt is about 60 mm wide, A3 297 mm by 420 mm


class FolderPages:
    """Pages from a folder of PDFs and images, searched with its subfolders.

    A file is drawn first, then one of its pages, so that a long PDF does not outweigh the others.

    Attributes:
        files: the usable files, sorted.
        skipped: (file, reason) of each that cannot be used; an image with a damaged body joins it when it is first
            drawn (another file then takes its place).
    """

    def __init__(
        self, folder: Path | str, dpi: float = 200, pen: float = 0.0, red: float = 0.0, coloured_paper: float = 0.0
    ) -> None:
        """Search the folder and open every file once.

        Args:
            folder: where the files are.
            dpi: resolution at which PDFs are rendered, 20 to 1200. Images of a higher resolution are scaled down to
                it; those of a lower one stay as they are.
            pen: share of the pages that are signed and dated by hand where their text has a place for it, 0 to 1.
            red: share of the pages that get red things which are no seals (see `red`), 0 to 1.
            coloured_paper: share of the pages on coloured paper, 0 to 1. Scans stay as they are in all three.

        Raises:
            UsageError: the folder does not exist, or a number is out of range.
            Seal2RealError: no file in it can be used.
        """
        self.folder, self.dpi = Path(folder), check_dpi(dpi)
        self.pen, self.red = finishing.check_share("pen", pen), finishing.check_share("red", red)
        self.coloured_paper = finishing.check_share("coloured_paper", coloured_paper)
        if not self.folder.is_dir():
            raise UsageError(f"folder of pages {str(folder)!r} does not exist; name a folder of PDFs or images")
        self.skipped: list[tuple[Path, str]] = []
        pages: dict[Path, Sequence[int]] = {}
        pdfs = (p for p in self.folder.rglob("*") if p.suffix.lower() == ".pdf" and not p.name.startswith("."))
        for path in sorted([*filter(Path.is_file, pdfs), *find_images(self.folder)]):
            count = _count_pages(path)
            if isinstance(count, int):
                pages[path] = range(count)
            else:
                self.skipped.append((path, count))
        self._pages = pages
        self.files = tuple(pages)
        if not self.files:
            raise Seal2RealError(f"no page in {str(folder)!r} can be used{self._first_reason()}")

    def page(self, rng: np.random.Generator) -> Page:
        """A page of a random file.

        Raises:
            Seal2RealError: none of the files can be read any more.
        """
        for number in rng.permutation(len(self.files)):
            path = self.files[int(number)]
            index = self._pages[path][int(rng.integers(len(self._pages[path])))]
            try:
                page = self._pdf_page(path, index) if path.suffix.lower() == ".pdf" else self._image_page(path)
            except Seal2RealError as error:
                if all(path != seen for seen, _ in self.skipped):
                    self.skipped.append((path, str(error)))
                continue
            if page.scanned:
                return page
            return finishing.finish(page, (), rng, self.pen, self.red, self.coloured_paper)
        raise Seal2RealError(f"no page in {str(self.folder)!r} can be read{self._first_reason()}")

    @property
    def pages(self) -> Mapping[Path, Sequence[int]]:
        """The numbers of each file's pages, from 0."""
        return self._pages

    def part(self, pages: Mapping[Path, Sequence[int]]) -> FolderPages:
        """The same source with only these pages of it, at least one. The list of skipped files is shared."""
        part = copy.copy(self)
        part._pages = dict(pages)
        part.files = tuple(part._pages)
        return part

    def _first_reason(self) -> str:
        if not self.skipped:
            return ": it holds no PDFs or images; put some there"
        return f" ({len(self.skipped)} skipped; the first: {self.skipped[0][1]})"

    def _pdf_page(self, path: Path, index: int) -> Page:
        document = render.open_pdf(path)
        try:
            width, height = document.get_page_size(index)
            if width * height * (self.dpi / 72) ** 2 > MAX_PIXELS:
                raise Seal2RealError(
                    f"page {index + 1} of {path} is too large at {self.dpi:g} dpi; choose a lower --dpi"
                )
            result = render.render(document, index, self.dpi)
        finally:
            document.close()
        text = reading_order(result.text)
        anchors = result.anchors or render.anchors_from_text(text)
        return Page(result.image, self.dpi, text, anchors, f"{self._name(path)}#{index + 1}", result.scanned)

    def _image_page(self, path: Path) -> Page:
        _, dpi = _image_size_and_dpi(path)
        image = load_rgb(path)
        dpi = dpi or guess_dpi(image.shape[1], image.shape[0])
        if dpi > self.dpi * 1.01:
            scale = self.dpi / dpi
            size = max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
            dpi = self.dpi
        return Page(image, float(dpi), (), (), self._name(path), scanned=True)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def check_dpi(dpi: float) -> float:
    """``dpi`` itself.

    Raises:
        UsageError: it is outside 20 to 1200.
    """
    if not 20 <= dpi <= 1200:
        raise UsageError(f"page resolution of {dpi:g} dpi is out of range; choose 20 to 1200")
    return float(dpi)


def guess_dpi(width: int, height: int) -> float:
    """The resolution at which the image just fits on A4 (210 mm by 297 mm), upright or turned."""
    short, long = sorted((width, height))
    return float(np.clip(max(short / _A4_MM[0], long / _A4_MM[1]) * _MM_PER_INCH, 20, 1200))


def _count_pages(path: Path) -> int | str:
    """How many pages a file has, or why it cannot be used."""
    try:
        if path.suffix.lower() != ".pdf":
            (width, height), _ = _image_size_and_dpi(path)
            too_large = f"{path}: {width} x {height} pixels are too many for a page; scale it down first"
            return 1 if width * height <= MAX_PIXELS else too_large
        document = render.open_pdf(path)
        try:
            return len(document)
        finally:
            document.close()
    except Seal2RealError as error:
        return str(error)


def _image_size_and_dpi(path: Path) -> tuple[tuple[int, int], float | None]:
    """Size in pixels and the resolution that the file states, None if it states none or one that cannot be.

    Cameras and editors write 72 or 96 dpi without meaning it: a resolution counts only if the sheet that follows from
    it is between a till receipt and A3.
    """
    try:
        with PillowImage.open(path) as image:
            size, stated = image.size, image.info.get("dpi")
    except (OSError, ValueError, SyntaxError, PillowImage.DecompressionBombError) as error:
        raise Seal2RealError(f"{path} is not an image that can be read; leave it out, or save it again") from error
    try:
        dpi = float(stated[0]) if stated else 0.0
    except (TypeError, ValueError, ZeroDivisionError, IndexError):
        return size, None
    if not np.isfinite(dpi) or not 20 <= dpi <= 1200:
        return size, None
    short, long = (side / dpi * _MM_PER_INCH for side in sorted(size))
    return size, dpi if _PAPER_MM[0] <= short and long <= _PAPER_MM[1] else None
