"""The native format: what is written is what was drawn, and it reads back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.dataset.formats.native import (
    METADATA,
    EncodedSample,
    dump_row,
    encode_sample,
    load_sample,
    read_rows,
    row_files,
)
from seal2real.errors import Seal2RealError, UsageError
from seal2real.images import read_synthetic_mark
from seal2real.sample import Page, PlacedSeal, Sample, TextBox, TextLine


def square_seal(offset: tuple[int, int], side: int = 40) -> PlacedSeal:
    """A filled square of ink with a hole, one line of two characters across it."""
    coverage = np.ones((side, side), np.float32)
    coverage[10:20, 10:20] = 0
    visible = coverage >= 0.5
    visible[:, : side // 4] = False
    x, y = offset
    outline = np.array([[x, y], [x + side, y], [x + side, y + side], [x, y + side]], np.float32)
    top, bottom = y + 4.123456, y + 16.0
    line = np.array([[x, top], [x + side, top], [x + side, bottom], [x, bottom]], np.float32)
    middle = x + side / 2
    characters = tuple(
        np.array([[a, top], [b, top], [b, bottom], [a, bottom]], np.float32)
        for a, b in ((x, middle), (middle, x + side))
    )
    return PlacedSeal(
        kind="company",
        colour="red",
        offset=offset,
        coverage=coverage,
        absorbance=np.array([0.1, 1.5, 1.2], np.float32),
        angle=12.345,
        outline=outline,
        lines=(TextLine("公章", line, characters, False, "name"),),
        visible=visible,
        design={"kind": "company", "size_mm": [40.0, 40.0]},
    )


def sample_with(*seals: PlacedSeal, size: tuple[int, int] = (120, 160)) -> Sample:
    height, width = size
    image = np.full((height, width, 3), 250, np.uint8)
    ink = np.zeros((height, width), np.float32)
    for seal in seals:
        ink = np.maximum(ink, seal.on_page(seal.visible, height, width) * np.float32(0.75))
    stamped = (image * np.exp(-ink[..., None] * np.array([0.1, 1.5, 1.2]))).astype(np.uint8)
    text = (TextBox("甲方", (50.0, 40.0, 20.0, 10.0)), TextBox("far", (0.0, 100.0, 20.0, 10.0)))
    page = Page(image, 150, text, (), "test")
    return Sample(page, stamped, image, ink, tuple(seals), {"seed": 3, "index": 7})


def store(folder: Path, *encoded: EncodedSample) -> None:
    for one in encoded:
        for path, data in one.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
    (folder / METADATA).write_text("".join(dump_row(one.row) for one in encoded), encoding="utf-8")


def test_round_trip(tmp_path: Path) -> None:
    seal = square_seal((40, 30))
    sample = sample_with(seal, square_seal((90, 60)))
    encoded = encode_sample(sample, 7, "train")
    store(tmp_path, encoded)

    (row,) = read_rows(tmp_path)
    assert row == encoded.row
    assert sorted(row_files(row)) == sorted(encoded.files)
    back = load_sample(tmp_path, row)
    height, width = sample.size
    assert np.abs(back.stamped.astype(int) - sample.stamped).mean() < 3  # JPEG
    assert np.array_equal(back.ink, np.rint(sample.ink * 255))
    for number, placed in enumerate(sample.seals):
        assert np.array_equal(back.full[number], placed.on_page(placed.full_mask, height, width))
        assert np.array_equal(back.visible[number], placed.on_page(placed.visible, height, width))
        assert back.lines[number][0] is not None
    assert all(read_synthetic_mark(tmp_path / path) for path in (row["file_name"], row["clean"]))


def test_row_holds_what_the_format_promises() -> None:
    row = encode_sample(sample_with(square_seal((40, 30))), 7, "validation").row
    assert row["file_name"] == "stamped/000007.jpg"
    assert (row["width"], row["height"], row["dpi"], row["split"]) == (160, 120, 150, "validation")
    (seal,) = row["seals"]
    assert seal["bbox"] == [40, 30, 40, 40]
    assert seal["angle"] == 12.35 or seal["angle"] == 12.34
    assert seal["mask_full"] == "masks/000007_0_full.png"
    assert seal["lines"][0]["text"] == "公章"
    assert seal["lines"][0]["polygon"][0] == [40.0, 34.12]
    assert len(seal["lines"][0]["characters"]) == 2
    assert row["objects"] == {"bbox": [[40, 30, 40, 40]], "categories": [0]}
    assert row["provenance"] == {"seed": 3, "index": 7}
    under, far = row["text"]
    assert under["under_seal"] == 1.0  # the box 50..70 x 40..50 lies wholly within the outline,
    assert under["under_ink"] == 0.5  # and half of it over the hole 50..60 x 40..50
    assert (far["under_seal"], far["under_ink"]) == (0.0, 0.0)


def test_seal_across_the_edge_is_boxed_inside_and_its_cut_line_has_no_crop(tmp_path: Path) -> None:
    encoded = encode_sample(sample_with(square_seal((140, 30)), square_seal((400, 30))), 0, "train")
    store(tmp_path, encoded)
    (seal,) = encoded.row["seals"]  # the second lies off the image
    assert seal["bbox"] == [140, 30, 20, 40]
    assert seal["lines"][0]["crop"] is None
    assert max(x for x, _ in seal["polygon"]) == 180
    assert load_sample(tmp_path, encoded.row).lines == ((None,),)


def test_page_without_seal(tmp_path: Path) -> None:
    encoded = encode_sample(sample_with(), 0, "train")
    store(tmp_path, encoded)
    back = load_sample(tmp_path, encoded.row)
    assert encoded.row["seals"] == [] and back.full == () and not back.ink.any()


@given(offset=st.tuples(st.integers(-60, 180), st.integers(-60, 140)), side=st.integers(21, 70))
@settings(max_examples=30, deadline=None)
def test_box_and_mask_agree_wherever_the_seal_lies(offset: tuple[int, int], side: int) -> None:
    seal = square_seal(offset, side)
    encoded = encode_sample(sample_with(seal), 0, "train")
    mask = seal.on_page(seal.full_mask, 120, 160)
    if not mask.any():
        assert encoded.row["seals"] == []
        return
    rows, columns = np.nonzero(mask)
    box = [columns.min(), rows.min(), columns.max() - columns.min() + 1, rows.max() - rows.min() + 1]
    assert encoded.row["seals"][0]["bbox"] == box
    json.loads(dump_row(encoded.row))


def test_equal_input_gives_equal_bytes() -> None:
    sample = sample_with(square_seal((40, 30)))
    assert encode_sample(sample, 1, "train") == encode_sample(replace(sample), 1, "train")


def test_missing_and_damaged_parts_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no dataset.*metadata\.jsonl"):
        list(read_rows(tmp_path))
    encoded = encode_sample(sample_with(square_seal((40, 30))), 0, "train")
    store(tmp_path, encoded)
    (tmp_path / "ink/000000.png").write_bytes(b"no image")
    with pytest.raises(Seal2RealError, match=r"ink/000000\.png is damaged"):
        load_sample(tmp_path, encoded.row)
    (tmp_path / "ink/000000.png").unlink()
    with pytest.raises(Seal2RealError, match=r"ink/000000\.png is missing"):
        load_sample(tmp_path, encoded.row)
    with (tmp_path / METADATA).open("a") as file:
        file.write('{"file_name": ')
    with pytest.raises(Seal2RealError, match="line 2"):
        list(read_rows(tmp_path))
