"""The user's scans: images, PDFs and folders of both, page by page, whatever they hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from seal2real.errors import Seal2RealError, UsageError
from seal2real.images import MAX_PIXELS, find_images, load_rgb
from seal2real.page.folder import check_dpi
from seal2real.page.render import open_pdf, render
from seal2real.sample import Image

_POINTS_PER_INCH = 72.0


@dataclass(frozen=True)
class Scan:
    """One page.

    Attributes:
        path: of its file.
        page: number in a PDF, from 1; None of an image.
        image: ``uint8 [H, W, 3]``.
    """

    path: Path
    page: int | None
    image: Image

    @property
    def name(self) -> str:
        """For people: the path, and the page of a PDF."""
        return str(self.path) if self.page is None else f"{self.path}, page {self.page}"

    @property
    def stem(self) -> str:
        """For files that are made of it."""
        return self.path.stem if self.page is None else f"{self.path.stem}-{self.page:03d}"


@dataclass(frozen=True)
class Unusable:
    """A file or page that cannot be read.

    Attributes:
        name: of the file, and the page of a PDF.
        reason: one line.
    """

    name: str
    reason: str


class Scans:
    """Pages in order, read one by one.

    Args:
        paths: images, PDFs, folders (with their subfolders).
        dpi: resolution at which PDFs are rendered, 20 to 1200.

    Raises:
        UsageError: a path does not exist, or dpi is out of range.
        Seal2RealError: there is no image and no PDF at all.
    """

    def __init__(self, paths: Sequence[Path], dpi: float = 200):
        self.dpi = check_dpi(dpi)
        self.files: list[Path] = []
        self.roots: dict[Path, Path] = {}
        for path in paths:
            if path.is_dir():
                found = sorted({*find_images(path), *_find_pdfs(path)})
                if not found:
                    raise Seal2RealError(f"{path}: holds no images and no PDFs; put some there")
            elif path.is_file():
                found = [path]
            else:
                raise UsageError(f"{path}: no such file or folder; give images, PDFs, or folders of them")
            for file in found:
                self.roots.setdefault(file, path if path.is_dir() else path.parent)
        self.files = list(self.roots)

    def __iter__(self) -> Iterator[Scan | Unusable]:
        for path in self.files:
            if path.suffix.lower() == ".pdf":
                yield from self._pages(path)
            else:
                try:
                    image = load_rgb(path)
                except Seal2RealError as error:
                    yield Unusable(str(path), str(error))
                else:
                    yield Scan(path, None, image)

    def __len__(self) -> int:
        """Pages, as far as they can be counted."""
        return sum(_count(path) for path in self.files)

    def _pages(self, path: Path) -> Iterator[Scan | Unusable]:
        try:
            document = open_pdf(path)
        except Seal2RealError as error:
            yield Unusable(str(path), str(error))
            return
        try:
            for index in range(len(document)):
                name = f"{path}, page {index + 1}"
                width, height = document.get_page_size(index)
                if width * height * (self.dpi / _POINTS_PER_INCH) ** 2 > MAX_PIXELS:
                    yield Unusable(name, f"{name} is too large at {self.dpi:g} dpi; choose a lower --dpi")
                    continue
                try:
                    image = render(document, index, self.dpi).image
                except Seal2RealError as error:
                    yield Unusable(name, f"{name}: {error}")
                else:
                    yield Scan(path, index + 1, image)
        finally:
            document.close()


def _find_pdfs(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.suffix.lower() == ".pdf" and not path.name.startswith("."))
    return [path for path in found if path.is_file()]


def _count(path: Path) -> int:
    if path.suffix.lower() != ".pdf":
        return 1
    try:
        document = open_pdf(path)
    except Seal2RealError:
        return 1
    try:
        return len(document)
    finally:
        document.close()
