"""SVG and PDF show what the pixels show, at the true size, and say what they are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pypdfium2
import pytest
import skia
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.errors import UsageError
from seal2real.images import read_synthetic_mark
from seal2real.sample import FloatMap
from seal2real.seal import KINDS, SealDesign, complete_design, draw, invent_design, save_seal, to_pdf, to_svg
from seal2real.seal.drawing import lay_out
from seal2real.seal.vector import _agree, _cut, fill_paths, trace

KIND = st.sampled_from(sorted(KINDS))
SEED = st.integers(0, 2**31)
NAME = "岚陵市瀚途货运代理有限公司"
SVG = "{http://www.w3.org/2000/svg}"


def overlap(first: FloatMap, second: FloatMap) -> float:
    a, b = first >= 0.5, second >= 0.5
    return float((a & b).sum() / (a | b).sum())


def pdf_coverage(data: bytes, dpi: float, height: int, width: int) -> FloatMap:
    """The page in the middle of a frame, rendered by pdfium; ink is whatever is darker than the paper in green."""
    page = pypdfium2.PdfDocument(data)[0]
    scale = dpi / 72.0
    page_width, page_height = page.get_size()
    shift = (width - page_width * scale) / 2.0, (height - page_height * scale) / 2.0
    bitmap = pypdfium2.PdfBitmap.new_native(width, height, 4)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
    matrix = pypdfium2.raw.FS_MATRIX(scale, 0, 0, scale, *shift)
    clip = pypdfium2.raw.FS_RECTF(0, 0, width, height)
    pypdfium2.raw.FPDF_RenderPageBitmapWithMatrix(bitmap, page, matrix, clip, 0)
    green = bitmap.to_numpy()[..., 1].astype(np.float32)
    return (255.0 - green) / (255.0 - green.min())


def svg_coverage(text: str, dpi: float, height: int, width: int) -> FloatMap:
    root = ElementTree.fromstring(text)
    extent = [float(value) for value in root.attrib["viewBox"].split()[2:]]
    pixels = np.zeros((height, width), np.uint8)
    surface = skia.Surface.MakeRasterDirect(skia.ImageInfo.MakeA8(width, height), pixels, width)
    canvas = surface.getCanvas()
    scale = dpi / 25.4
    canvas.translate((width - extent[0] * scale) / 2.0, (height - extent[1] * scale) / 2.0)
    canvas.scale(dpi / 90.0, dpi / 90.0)  # the reader takes an inch for 90 units
    stream = skia.MemoryStream(text.encode(), True)  # a copy, for the bytes may be gone before they are read
    picture = skia.SVGDOM.MakeFromStream(stream)
    picture.setContainerSize(skia.Size(extent[0] * 90 / 25.4, extent[1] * 90 / 25.4))
    picture.render(canvas)
    surface.flushAndSubmit()
    return pixels.astype(np.float32) / 255.0


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_vectors_agree_with_the_pixels(kind: str) -> None:
    design = invent_design(21, 0, kind)
    angle = 0.0 if len(kind) % 2 else 11.0
    for dpi, coverage in ((600.0, svg_coverage), (1200.0, pdf_coverage)):
        art = draw(design, dpi, angle)
        made = to_svg(design, angle=angle) if coverage is svg_coverage else to_pdf(design, angle=angle)
        found = coverage(made, dpi, *art.coverage.shape)  # type: ignore[arg-type]
        loose = 0.015 if kind == "block" else 0.0  # small letters are mostly edge
        assert overlap(art.coverage, found) > 0.98 - loose
        assert found.sum() == pytest.approx(art.coverage.sum(), rel=0.02 + loose)


@settings(max_examples=15, deadline=None)
@given(KIND, SEED, st.floats(-180, 180))
def test_outlines_hold_for_any_design(kind: str, seed: int, angle: float) -> None:
    design = invent_design(seed, 0, kind)
    art, traced = draw(design, 200.0, angle), trace(design, angle)
    height, width = art.coverage.shape
    scale = 200.0 / 25.4
    shift = width / 2.0 - traced.width_mm * scale / 2.0, height / 2.0 - traced.height_mm * scale / 2.0
    matrix = skia.Matrix.MakeAll(scale, 0, shift[0], 0, scale, shift[1], 0, 0, 1)
    found = fill_paths(traced.paths, matrix, width, height)
    assert found.sum() == pytest.approx(art.coverage.sum(), rel=0.02)
    assert float(np.abs(found - art.coverage).mean()) < 0.01
    for line, pixels in zip(traced.lines, art.lines, strict=True):
        assert np.allclose(line.polygon * scale + shift, pixels.polygon, atol=0.02)
        assert (line.text, line.role, line.curved) == (pixels.text, pixels.role, pixels.curved)


def test_what_is_cut_away_is_cut_out_of_the_outlines() -> None:
    values = {"kind": "company", "text": NAME, "size_mm": 42, "ring_mm": 1.2, "star_mm": 14}
    options = {"ring_gaps": [30.0, 200.0], "ring_gap_mm": 0.4, "hairlines": [40.0], "hairline_mm": 0.15}
    plain = complete_design({**values, "options": dict.fromkeys(options)})
    cut = complete_design({**values, "options": options})
    difference = svg_coverage(to_svg(plain), 600, 1000, 1000) - svg_coverage(to_svg(cut), 600, 1000, 1000)
    expected = draw(plain, 600).coverage.sum() - draw(cut, 600).coverage.sum()
    assert expected > 100 and difference.sum() == pytest.approx(expected, rel=0.03)
    assert difference.min() > -0.6  # nothing is added; along the edges antialiasing differs a little
    for design in (plain, cut):
        assert "stroke" not in to_svg(design) and "mask" not in to_svg(design)


def test_intaglio_letters_are_holes() -> None:
    design = complete_design({"kind": "personal-square", "text": "韩丽然印", "options": {"intaglio": True}})
    art = draw(design, 600)
    found = svg_coverage(to_svg(design), 600, *art.coverage.shape)
    centre = art.lines[0].characters[0].mean(axis=0).astype(int)
    around = found[centre[1] - 60 : centre[1] + 60, centre[0] - 60 : centre[0] + 60]
    assert (around < 0.1).mean() > 0.1 and (around > 0.9).mean() > 0.2
    assert overlap(found, art.coverage) > 0.98


def test_a_lost_piece_is_noticed() -> None:
    layout = lay_out(complete_design({"kind": "company", "text": NAME}))
    paths = _cut(layout, simplify=False)
    assert paths is not None and _agree(layout, paths)
    for index in range(len(paths)):
        assert not _agree(layout, paths[:index] + paths[index + 1 :])


@pytest.mark.parametrize(("kind", "size"), [("company", (42.0, 42.0)), ("invoice", (40.0, 30.0))])
def test_the_size_is_true(kind: str, size: tuple[float, float]) -> None:
    design = complete_design({"kind": kind, "size_mm": list(size)})
    page = pypdfium2.PdfDocument(to_pdf(design))[0]
    assert np.allclose(np.array(page.get_size()) * 25.4 / 72.0, size, atol=0.02)
    root = ElementTree.fromstring(to_svg(design))
    assert root.tag == f"{SVG}svg"
    assert float(root.attrib["width"].removesuffix("mm")) == pytest.approx(size[0], abs=0.01)
    assert float(root.attrib["height"].removesuffix("mm")) == pytest.approx(size[1], abs=0.01)
    turned = ElementTree.fromstring(to_svg(design, angle=90))
    assert float(turned.attrib["width"].removesuffix("mm")) == pytest.approx(size[1], abs=0.01)


def test_colours_and_paper() -> None:
    design = complete_design({"kind": "company", "colour": "blue"})
    assert re.search('fill="#263aa8"', to_svg(design))
    assert re.search('fill="#00ff7f"', to_svg(design, colour="#00FF7f"))
    assert "#ffffff" in to_svg(design, paper=True) and "#ffffff" not in to_svg(design)
    bitmap = pypdfium2.PdfDocument(to_pdf(design, colour=(0, 200, 0)))[0].render(scale=4).to_numpy()
    middle = bitmap[bitmap.shape[0] // 2, bitmap.shape[1] // 2]
    assert middle.tolist()[:3] in ([0, 200, 0], [255, 255, 255])
    assert (bitmap.reshape(-1, bitmap.shape[-1])[:, :3] == [0, 200, 0]).all(axis=1).any()
    with pytest.raises(UsageError, match="did you mean 'violet'"):
        to_svg(design, colour="violett")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".svg", ".pdf"])
def test_every_file_says_that_it_is_synthetic_and_comes_out_equal(suffix: str, tmp_path: Path) -> None:
    design = invent_design(5, 1, "ring")
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    labels = save_seal(design, first, dpi=150, angle=20)
    assert save_seal(design, second, dpi=150, angle=20) == labels | {"file": str(second)}
    assert first.read_bytes() == second.read_bytes()
    assert read_synthetic_mark(first)
    assert json.loads(json.dumps(labels)) == labels
    assert SealDesign.from_dict(labels["design"]) == design
    points = np.array([labels["outline"]])
    assert points.min() > -0.1 and points[..., 0].max() < labels["width"] + 0.1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([first.name, second.name])


def test_a_png_is_transparent_where_no_ink_is(tmp_path: Path) -> None:
    from PIL import Image

    design = complete_design({"kind": "company", "colour": "black"})
    save_seal(design, tmp_path / "seal.png", dpi=300)
    with Image.open(tmp_path / "seal.png") as opened:
        image, resolution = np.array(opened), opened.info["dpi"]
    assert image.shape[2] == 4 and resolution[0] == pytest.approx(300, abs=0.1)
    assert image[0, 0, 3] == 0 and image[..., 3].max() == 255
    assert (image[..., :3] == [34, 34, 40]).all()
    assert np.array_equal(image[..., 3], np.rint(draw(design, 300).coverage * 255).astype(np.uint8))
    with pytest.raises(UsageError, match=r"use one of \.png"):
        save_seal(design, tmp_path / "seal.gif")
    with pytest.raises(UsageError, match="too many"):
        save_seal(complete_design({"kind": "company", "size_mm": 400}), tmp_path / "large.png", dpi=2000)
