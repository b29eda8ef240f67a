"""The user's own pages: PDFs good and broken, rotated and cropped, images with metadata."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from seal2real.errors import Seal2RealError, UsageError
from seal2real.page import TEMPLATES, FolderPages, render
from seal2real.page.folder import guess_dpi
from seal2real.page.layout import reading_order
from seal2real.page.render import anchors_from_text
from seal2real.sample import TextBox
from test_page_templates import assert_boxes_hold_glyphs, darkest

# A document whose password check must fail: pdfium tries the empty password first.
ENCRYPTED = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>endobj\n"
    b"4 0 obj<</Filter/Standard/V 1/R 2/P -4/O<" + b"ab" * 32 + b">/U<" + b"cd" * 32 + b">>>endobj\n"
    b"trailer<</Size 5/Root 1 0 R/Encrypt 4 0 R/ID[<00><00>]>>\n%%EOF\n"
)


def a_pdf(name: str = "contract-zh", seed: int = 4) -> bytes:
    kind = TEMPLATES[name]
    return render.typeset(kind.template, kind.fill(np.random.default_rng(seed)))


def without_links(pdf: bytes) -> bytes:
    """The same pages with the template's own marks removed, as a foreign PDF has none."""
    return pdf.replace(b"seal2real:", b"elsewhere:")


def test_broken_and_encrypted_pdfs_are_skipped_and_listed(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "good.PDF").write_bytes(a_pdf())
    (tmp_path / "broken.pdf").write_bytes(a_pdf()[:300])
    (tmp_path / "locked.pdf").write_bytes(ENCRYPTED)
    (tmp_path / "notes.txt").write_text("not a page")
    source = FolderPages(tmp_path, dpi=80)
    assert [p.name for p in source.files] == ["good.PDF"]
    reasons = {path.name: reason for path, reason in source.skipped}
    assert set(reasons) == {"broken.pdf", "locked.pdf"}
    assert "is encrypted" in reasons["locked.pdf"] and "is encrypted" not in reasons["broken.pdf"]
    page = source.page(np.random.default_rng(0))
    assert page.source.startswith("sub/good.PDF#") and not page.scanned and page.anchors
    assert_boxes_hold_glyphs(page.image, page.text)
    assert np.array_equal(page.image, source.page(np.random.default_rng(0)).image)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_boxes_follow_rotation_and_crop(tmp_path: Path, rotation: int) -> None:
    document = pypdfium2.PdfDocument(a_pdf("notice-zh", 2))
    for page in document:
        page.set_rotation(rotation)
        page.set_cropbox(30, 50, 560, 800)
    document.save(tmp_path / "turned.pdf")
    page = FolderPages(tmp_path, dpi=100).page(np.random.default_rng(1))
    upright = rotation in (0, 180)
    assert page.image.shape[:2] == ((1042, 737) if upright else (737, 1042))
    boxes = [b for line in page.text for b in line.characters if b[2] >= 4 and b[3] >= 4]
    assert len(boxes) > 50
    assert all(darkest(page.image, box) < 190 for box in boxes)


def test_foreign_text_gives_anchors(tmp_path: Path) -> None:
    (tmp_path / "foreign.pdf").write_bytes(without_links(a_pdf("form-zh")))
    page = FolderPages(tmp_path, dpi=60).page(np.random.default_rng(0))
    assert {"signature", "date"} <= {a.role for a in page.anchors}


def test_anchor_in_a_long_line_covers_the_word_only() -> None:
    text = "The parties have agreed that this contract takes effect upon signature by both of them."
    line = TextBox(text, (0, 0, len(text) * 10.0, 12), tuple((i * 10.0, 0, 10.0, 12.0) for i in range(len(text))))
    (anchor,) = anchors_from_text((line,))
    assert anchor.role == "signature" and anchor.bbox == (text.index("signature") * 10.0, 0, 90.0, 12.0)


def test_text_without_places_gives_none() -> None:
    assert anchors_from_text((TextBox("普通正文内容", (0, 0, 60, 10)),)) == ()


def test_images_are_turned_upright_and_scaled_to_their_resolution(tmp_path: Path) -> None:
    pixels = np.full((1240, 1754, 3), 250, np.uint8)
    pixels[:100, :100] = 0  # top left before, top right after the turn
    exif = Image.Exif()
    exif[0x0112] = 6  # turn 90 degrees clockwise
    Image.fromarray(pixels).save(tmp_path / "scan.jpg", dpi=(150, 150), exif=exif, quality=95)
    page = FolderPages(tmp_path, dpi=75).page(np.random.default_rng(0))
    assert page.scanned and page.dpi == 75 and page.text == () and page.anchors == ()
    assert page.image.shape == (877, 620, 3)
    assert page.image[20, -20].max() < 30 and page.image[20, 20].min() > 200
    assert FolderPages(tmp_path, dpi=200).page(np.random.default_rng(0)).image.shape == (1754, 1240, 3)


@pytest.mark.parametrize("dpi", [None, (1, 1), (72, 72)])
def test_resolution_that_cannot_be_is_guessed_from_a4(tmp_path: Path, dpi: tuple[int, int] | None) -> None:
    Image.new("L", (1654, 2339), 240).save(tmp_path / "page.png", **({"dpi": dpi} if dpi else {}))
    page = FolderPages(tmp_path, dpi=300).page(np.random.default_rng(0))
    assert page.dpi == pytest.approx(200, abs=0.2)
    assert guess_dpi(2339, 1654) == page.dpi
    assert guess_dpi(500, 1754) == pytest.approx(150, abs=0.2)  # a receipt is narrower, not longer


def test_a_truncated_image_is_replaced_by_another_file(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (400, 300, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:5000])
    source = FolderPages(tmp_path)
    assert len(source.files) == 2
    assert {source.page(np.random.default_rng(s)).source for s in range(8)} == {"a.png"}
    assert [path.name for path, _ in source.skipped] == ["b.png"]


def test_a_pdf_made_by_a_scanner_counts_as_scanned(tmp_path: Path) -> None:
    Image.new("RGB", (800, 1100), (240, 238, 230)).save(tmp_path / "scan.pdf", resolution=100)
    assert FolderPages(tmp_path, dpi=50).page(np.random.default_rng(0)).scanned


def test_a_long_pdf_is_read_page_by_page(tmp_path: Path) -> None:
    document = pypdfium2.PdfDocument.new()
    one = pypdfium2.PdfDocument(a_pdf("letter-en"))
    for _ in range(100):
        document.import_pages(one, [0])
    document.save(tmp_path / "long.pdf")
    source = FolderPages(tmp_path, dpi=30)
    assert len(source.pages[tmp_path / "long.pdf"]) == 100
    seen = {source.page(np.random.default_rng(s)).source for s in range(12)}
    assert len(seen) > 8


def test_text_is_joined_and_read_in_order_whatever_the_order_in_the_file() -> None:
    def run(text: str, x: float, y: float) -> TextBox:
        return TextBox(text, (x, y, 6.0 * len(text), 10), tuple((x + 6 * i, y, 6.0, 10.0) for i in range(len(text))))

    left = [run(f"left column, line {k}", 0, 20 + 15 * k) for k in range(5)]
    right = [run(f"right column, row {k}", 200, 20 + 15 * k) for k in range(5)]
    torn = [run("the", 0, 0), run("title", 22, 0)]
    order = np.random.default_rng(0).permutation(12)
    shuffled = [[*torn, *left, *right][int(k)] for k in order]
    ordered = reading_order(shuffled)
    assert [t.text for t in ordered] == ["the title", *(t.text for t in left), *(t.text for t in right)]
    assert all(len(t.characters) == len(t.text) for t in ordered)


def test_open_dates_are_places_and_can_be_filled(tmp_path: Path) -> None:
    (tmp_path / "poa.pdf").write_bytes(without_links(a_pdf("power-of-attorney-zh", 4)))
    plain = FolderPages(tmp_path, dpi=100).page(np.random.default_rng(0))
    assert {"signature", "date"} <= {a.role for a in plain.anchors} and plain.source == "poa.pdf#1"
    filled = FolderPages(tmp_path, dpi=100, pen=1.0).page(np.random.default_rng(0))
    assert filled.source == "poa.pdf#1 +pen" and filled.anchors == plain.anchors
    assert (filled.image < plain.image).any() and (filled.image <= plain.image).all()


def test_scans_are_not_written_on(tmp_path: Path) -> None:
    Image.new("RGB", (827, 1169), (240, 238, 230)).save(tmp_path / "scan.png")
    page = FolderPages(tmp_path, 100, pen=1.0, red=1.0).page(np.random.default_rng(0))
    assert page.source == "scan.png" and (page.image == page.image[0, 0]).all()


def test_nothing_usable_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        FolderPages(tmp_path / "missing")
    with pytest.raises(Seal2RealError, match="no PDFs or images"):
        FolderPages(tmp_path)
    (tmp_path / "x.pdf").write_bytes(b"%PDF-1.7 nothing more")
    with pytest.raises(Seal2RealError, match=r"1 skipped.*x\.pdf"):
        FolderPages(tmp_path)
