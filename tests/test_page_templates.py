"""Template pages: every kind renders, boxes sit on glyphs, anchors are found, and the rng alone decides."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.errors import Seal2RealError, UsageError
from seal2real.page import TEMPLATES, TemplatePages, mixed, render
from seal2real.page.finishing import STOCKS
from seal2real.sample import Page

ROLES = {"signature", "date", "company-name", "table-edge", "total", "photo", "title", "free"}


def page_of(name: str, seed: int, dpi: float = 100, pen: float = 0.0, red: float = 0.0) -> Page:
    return TemplatePages(dpi, [name], pen=pen, red=red, coloured_paper=0.0).page(np.random.default_rng(seed))


def darkest(image: np.ndarray, box: tuple[float, float, float, float]) -> int:
    """The darkest pixel under a box, in its darkest channel (coloured text counts)."""
    x, y, w, h = box
    return int(image[int(y) : int(np.ceil(y + h)), int(x) : int(np.ceil(x + w))].min())


def assert_boxes_hold_glyphs(image: np.ndarray, text: tuple) -> None:
    height, width = image.shape[:2]
    checked = 0
    for line in text:
        assert len(line.characters) == len(line.text)
        for character, box in zip(line.text, line.characters, strict=True):
            x, y, w, h = box
            if character == " ":
                assert w == 0
                continue
            assert x >= -1 and y >= -1 and x + w <= width + 1 and y + h <= height + 1
            lx, ly, lw, lh = line.bbox
            assert lx - 1e-3 <= x and ly - 1e-3 <= y and x + w <= lx + lw + 1e-3 and y + h <= ly + lh + 1e-3
            if w >= 4 and h >= 4:  # dots and dashes are thinner than a pixel
                assert darkest(image, box) < 190, (line.text, character)
                checked += 1
    assert checked > 20


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_gives_a_labelled_page(name: str) -> None:
    page = page_of(name, 7)
    assert page.image.dtype == np.uint8 and page.image.shape[2] == 3
    assert page.source == f"template:{name}" and not page.scanned and page.dpi == 100
    assert_boxes_hold_glyphs(page.image, page.text)
    assert page.anchors and {a.role for a in page.anchors} <= ROLES
    height, width = page.image.shape[:2]
    for anchor in page.anchors:
        x, y, w, h = anchor.bbox
        assert w > 3 and h > 3 and x >= -1 and y >= -1 and x + w <= width + 1 and y + h <= height + 1


@pytest.mark.parametrize("name", TEMPLATES)
def test_places_to_sign_are_marked(name: str) -> None:
    roles = {a.role for seed in range(3) for a in page_of(name, seed, 40).anchors}
    assert roles & ({"date"} if name == "judgment-zh" else {"signature", "company-name"})


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_text_lies_on_other_text(name: str) -> None:
    """Five fillings of every template: no two characters share more than a sliver of their boxes."""
    for seed in range(5):
        page = page_of(name, 100 + seed, 40)
        boxes = np.array([b for t in page.text for b in t.characters if b[2] > 1 and b[3] > 1])
        low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
        shared = np.clip(np.minimum(high[:, None], high) - np.maximum(low[:, None], low), 0, None).prod(axis=2)
        for offset in (-1, 0, 1):  # kerned neighbours may overlap
            shared *= 1 - np.eye(len(boxes), k=offset)
        share = shared / np.minimum(boxes[:, 2:].prod(axis=1)[:, None], boxes[:, 2:].prod(axis=1))
        assert share.max() < 0.35, (seed, np.unravel_index(share.argmax(), share.shape))
        height, width = page.image.shape[:2]
        assert (low >= -0.5).all() and (high <= (width + 0.5, height + 0.5)).all()


def test_date_anchors_lie_on_a_date() -> None:
    found = 0
    for seed in range(6):
        page = page_of("contract-zh", seed)
        for anchor in (a for a in page.anchors if a.role == "date"):
            x, y, w, h = anchor.bbox
            rows = [t for t in page.text if y - 3 <= t.bbox[1] + t.bbox[3] / 2 <= y + h + 3]
            inside = "".join(t.text for t in rows if x - 3 <= t.bbox[0] <= x + w)
            assert "日" in inside or "-" in inside or "." in inside or "/" in inside
            found += 1
    assert found >= 4


def test_same_generator_same_page_and_different_seeds_differ() -> None:
    source = TemplatePages(60, pen=1.0, red=1.0)
    first, again, other = (source.page(np.random.default_rng(s)) for s in (5, 5, 6))
    assert np.array_equal(first.image, again.image) and first.text == again.text and first.anchors == again.anchors
    assert first.image.shape != other.image.shape or not np.array_equal(first.image, other.image)


def test_no_two_pages_of_a_template_are_alike() -> None:
    texts = {"".join(t.text for t in page_of("receipt-zh", seed, 40).text) for seed in range(8)}
    assert len(texts) == 8


def test_a_fresh_process_gives_the_same_bytes() -> None:
    code = (
        "import numpy as np, zlib; from seal2real.page import TemplatePages;"
        "print(zlib.crc32(TemplatePages(60).page(np.random.default_rng(3)).image.tobytes()))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    TemplatePages(60).page(np.random.default_rng(11))  # what was typeset before must not matter
    assert int(out) == zlib.crc32(TemplatePages(60).page(np.random.default_rng(3)).image.tobytes())


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(sorted(TEMPLATES)), st.integers(0, 10**6), st.integers(40, 90))
def test_boxes_at_twice_the_dpi_are_twice_as_large(name: str, seed: int, dpi: int) -> None:
    small, large = page_of(name, seed, dpi), page_of(name, seed, 2 * dpi)
    assert [t.text for t in small.text] == [t.text for t in large.text]
    for a, b in zip(small.text, large.text, strict=True):
        # The image is a whole number of pixels, so the scale is off by less than a pixel over the page.
        np.testing.assert_allclose(np.array(a.characters) * 2, np.array(b.characters), atol=1.5)
    for a, b in zip(small.anchors, large.anchors, strict=True):
        assert a.role == b.role
        np.testing.assert_allclose(np.array(a.bbox) * 2, np.array(b.bbox), atol=1.5)


def test_page_size_follows_the_dpi() -> None:
    page = page_of("notice-zh", 1, 200)
    assert page.image.shape == (2339, 1654, 3)  # A4


def test_unknown_template_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'contract-zh'"):
        TemplatePages(templates=["contrat-zh"])


@pytest.mark.parametrize(
    "arguments",
    [
        {"dpi": 5},
        {"language": "fr"},
        {"templates": []},
        {"templates": "contract-zh"},
        {"templates": ["letter-en"], "language": "zh"},
    ],
)
def test_bad_choice_of_pages_is_a_usage_error(arguments: dict) -> None:
    with pytest.raises(UsageError):
        TemplatePages(**arguments)


def test_language_keeps_only_its_templates() -> None:
    assert set(TemplatePages(language="en").names) == {n for n in TEMPLATES if n.endswith("-en")}


def test_mixed_follows_the_weights() -> None:
    names = ("letter-en", "receipt-zh")
    letters, receipts = (TemplatePages(30, [name], pen=0, red=0, coloured_paper=0) for name in names)
    source = mixed([letters, receipts], [1, 3])
    drawn = [source.page(np.random.default_rng(s)).source for s in range(40)]
    assert 0 < drawn.count("template:letter-en") < 20
    only = mixed([letters, receipts], [0, 2])
    assert {only.page(np.random.default_rng(s)).source for s in range(6)} == {"template:receipt-zh"}


@pytest.mark.parametrize("weights", [[1.0], [0, 0], [-1, 2], [float("nan"), 1]])
def test_mixed_refuses_weights_that_are_no_shares(weights: list[float]) -> None:
    with pytest.raises(UsageError):
        mixed([TemplatePages(30), TemplatePages(30)], weights)


def _seal2real_error_in_child(queue: multiprocessing.Queue) -> None:
    try:
        page_of("letter-en", 0, 30)
    except Seal2RealError as error:
        queue.put(str(error))


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_is_told_instead_of_hanging() -> None:
    page_of("letter-en", 0, 30)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_seal2real_error_in_child, args=(queue,))
    child.start()
    try:
        assert "spawn" in queue.get(timeout=20)
    finally:
        child.kill()
        child.join()


def test_data_that_do_not_fit_a_template_are_reported() -> None:
    with pytest.raises(Seal2RealError, match="does not compile"):
        render.typeset("letter", {"style": {}})


def test_importing_the_package_loads_no_typesetter() -> None:
    code = "import sys, seal2real.page; print([m for m in ('typst', 'pypdfium2', 'torch') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_print_stays_and_white_takes_the_colour_of_the_paper() -> None:
    white, blue = (
        TemplatePages(60, ["letter-en"], pen=0, red=0, coloured_paper=share).page(np.random.default_rng(s))
        for share, s in ((0.0, 4), (1.0, 4))
    )
    assert white.text == blue.text
    stock = next(name for name in STOCKS if blue.source.endswith(f"+paper-{name}"))
    share = blue.image[white.image.min(2) == 255].astype(float) / 255
    assert np.ptp(share, axis=0).max() == 0 and (share.mean(0) >= np.array(STOCKS[stock]) - 0.003).all()
    assert (blue.image <= white.image).all() and (blue.image[white.image.max(2) == 0] == 0).all()
