"""Export to PaddleOCR and PaddleX: the rules of PaddleX's dataset check, what is legible, negatives."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon

from consumers import python_with, run_in
from seal2real.dataset.formats import FORMATS
from seal2real.dataset.formats.native import METADATA, dump_row, load_sample, read_rows
from seal2real.dataset.formats.paddle import write
from seal2real.dataset.legibility import ILLEGIBLE, line_parts, seal_parts
from seal2real.errors import Seal2RealError, UsageError

Items = dict[str, list[dict[str, Any]]]  # image -> polygons


@pytest.fixture(scope="module")
def exported(labelled_crops: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("paddle") / "out"
    FORMATS["paddle"].write(labelled_crops, out, lambda done: None)
    return out


@pytest.fixture(scope="module")
def with_page(labelled_crops: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("paddle") / "page"
    FORMATS["paddle-page"].write(labelled_crops, out, lambda done: None)
    return out


def lines_of(folder: Path, tag: str) -> list[tuple[str, str]]:
    """The lines of a list, by the rules of PaddleX's check: the file must be there, each line has exactly one tab, and
    what stands before it is a file."""
    pairs = []
    for line in (folder / f"{tag}.txt").read_text(encoding="utf-8").splitlines():
        path, label = line.split("\t")
        assert (folder / path).is_file()
        pairs.append((path, label))
    return pairs


def check_detection(folder: Path) -> Items:
    """PaddleX's rules for text detection: one folder ``images``; a list of dicts with "points", pairs of numbers, and
    "transcription", a string."""
    assert len(list(folder.glob("**/images"))) == 1
    items: Items = {}
    for tag in ("train", "val"):
        assert lines_of(folder, tag), "PaddleX's analysis takes the largest of a list, which must not be empty"
    for tag in ("train", "val", "test"):
        for path, label in lines_of(folder, tag):
            items[path] = json.loads(label)
            for item in items[path]:
                assert np.array(item["points"]).shape[1] == 2
                assert isinstance(item["transcription"], str)
    return items


def check_recognition(folder: Path) -> dict[str, str]:
    """PaddleX's rules for text recognition, and those of its loader: every character is in the dictionary."""
    alphabet = (folder / "dict.txt").read_text(encoding="utf-8").split("\n")[:-1]
    assert all(len(character) == 1 and not character.isspace() for character in alphabet)
    assert len(set(alphabet)) == len(alphabet)
    for tag in ("train", "val"):
        assert lines_of(folder, tag)
    texts = {path: text for tag in ("train", "val", "test") for path, text in lines_of(folder, tag)}
    assert all(text and set(text) <= {*alphabet, " "} for text in texts.values())
    return texts


def test_paddlex_rules_hold(exported: Path, with_page: Path, labelled_crops: Path) -> None:
    count = len(list(read_rows(labelled_crops)))
    for out in (exported, with_page):
        assert len(check_detection(out / "det")) == count
        check_recognition(out / "rec")


def test_splits_are_kept_and_images_are_the_same(exported: Path, labelled_crops: Path) -> None:
    for row in read_rows(labelled_crops):
        tag = {"train": "train", "validation": "val", "test": "test"}[row["split"]]
        name = f"images/{Path(row['file_name']).name}"
        assert name in dict(lines_of(exported / "det", tag))
        assert (exported / "det" / name).read_bytes() == (labelled_crops / row["file_name"]).read_bytes()


def test_polygons_lie_on_the_ink_of_their_characters(exported: Path, labelled_crops: Path) -> None:
    items = check_detection(exported / "det")
    legible = 0
    for row in read_rows(labelled_crops):
        inked = np.any(load_sample(labelled_crops, row).full, axis=0)
        for item in items[f"images/{Path(row['file_name']).name}"]:
            points = np.array(item["points"])
            assert len(points) % 2 == 0 and len(points) >= 4
            assert (points >= 0).all() and (points <= [row["width"], row["height"]]).all()
            if item["transcription"] != ILLEGIBLE:
                legible += 1
                inside = cv2.fillPoly(np.zeros(inked.shape, np.uint8), [np.int32(points)], 1) > 0
                assert 0.05 < inked[inside].mean() < 0.98, "glyphs fill a part of their band"
    assert legible >= 6


def test_texts_are_those_of_the_seals(exported: Path, labelled_crops: Path) -> None:
    items = check_detection(exported / "det")
    for row in read_rows(labelled_crops):
        texts = [" ".join(line["text"].split()) for seal in row["seals"] for line in seal["lines"]]
        for item in items[f"images/{Path(row['file_name']).name}"]:
            if row["seals"] and item["transcription"] != ILLEGIBLE:
                assert any(item["transcription"] in text for text in texts)


def test_crops_are_the_native_ones_of_whole_lines(exported: Path, labelled_crops: Path) -> None:
    texts = check_recognition(exported / "rec")
    expected = {}
    for row in read_rows(labelled_crops):
        for seal in row["seals"]:
            for line, parts in seal_parts(labelled_crops, row, seal):
                if line["crop"] and parts[0].legible:
                    expected[(labelled_crops / line["crop"]).read_bytes()] = " ".join(line["text"].split())
    assert {(exported / "rec" / path).read_bytes(): text for path, text in texts.items()} == expected
    origins = [json.loads(line) for line in (exported / "rec/lines.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {origin["image"]: origin["text"] for origin in origins} == texts


def test_negative_is_background_that_the_trainers_keep(exported: Path, labelled_crops: Path) -> None:
    negative = [row for row in read_rows(labelled_crops) if not row["seals"]]
    assert negative
    (item,) = check_detection(exported / "det")[f"images/{Path(negative[0]['file_name']).name}"]
    assert item["transcription"] == ILLEGIBLE  # PaddleOCR's loader drops an image whose list is empty
    assert Polygon(item["points"]).area <= 16


def test_page_lines_come_with_their_share_under_ink(with_page: Path, labelled_crops: Path) -> None:
    items = check_detection(with_page / "det")
    check_recognition(with_page / "rec")
    for row in read_rows(labelled_crops):
        shares = {" ".join(line["text"].split()): line["under_ink"] for line in row["text"]}
        found = [item for item in items[f"images/{Path(row['file_name']).name}"] if item.get("of") == "page"]
        assert bool(found) == any(min(line["bbox"][2:]) >= 8 for line in row["text"])
        for item in found:
            assert item["transcription"] in shares
            assert 0 <= item["under_ink"] <= 1 and 0 <= item["under_seal"] <= 1


def test_worn_line_is_illegible(labelled_crops: Path, tmp_path: Path) -> None:
    worn = tmp_path / "worn"
    shutil.copytree(labelled_crops, worn)
    for path in (worn / "masks").glob("*_visible.png"):
        cv2.imwrite(str(path), np.zeros_like(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)))
    write(worn, tmp_path / "out")
    texts = [item["transcription"] for items in check_detection(tmp_path / "out/det").values() for item in items]
    assert texts and set(texts) == {ILLEGIBLE}
    assert not (tmp_path / "out/rec/train.txt").read_text(encoding="utf-8")


def straight_line(left: float, count: int = 10, side: float = 20.0) -> dict[str, Any]:
    x = left + side * np.arange(count + 1)
    quads = [[[a, 40], [b, 40], [b, 40 + side], [a, 40 + side]] for a, b in pairwise(x)]
    top, bottom = [[v, 40.0] for v in x], [[v, 40.0 + side] for v in x[::-1]]
    return {"text": "甲乙丙丁戊己庚辛壬癸"[:count], "polygon": top + bottom, "characters": quads}


@settings(max_examples=60, deadline=None)
@given(left=st.floats(-320, 320), visible=st.floats(0, 1))
def test_line_is_cut_at_the_edge_of_the_image(left: float, visible: float) -> None:
    size = (100, 200)
    line = straight_line(left)
    full = np.ones(size, bool)
    seen = np.zeros(size, bool)
    seen.ravel()[: round(visible * seen.size)] = True
    np.random.default_rng(0).shuffle(seen.ravel())
    parts = line_parts(line, size, (full, seen))
    starts = [np.min(quad, axis=0)[0] for quad in line["characters"]]
    shown = [visible * max(0.0, min(start + 20, 200) - max(start, 0)) / 20 for start in starts]  # of each character
    if all(abs(share - 0.5) > 0.1 for share in shown):  # nearer than that, chance decides
        on = "".join(character for character, share in zip(line["text"], shown, strict=True) if share > 0.5)
        assert "".join(part.text for part in parts if part.legible) == on
    for part in parts:
        assert part.text in line["text"] and len(part.polygon) % 2 == 0
        assert (part.polygon >= 0).all() and (part.polygon <= [200, 100]).all()
        assert Polygon(part.polygon).is_valid
        assert part.whole == (part.text == line["text"])
    covered = sum(Polygon(part.polygon).area for part in parts)
    assert covered == pytest.approx(20 * max(0.0, min(left + 200, 200) - max(left, 0)), abs=5)


@pytest.mark.parametrize("turn", range(0, 360, 30))
def test_arc_that_runs_off_the_image_keeps_a_simple_outline(turn: int) -> None:
    angles = np.radians(turn + np.arange(0, 241, 24))
    ring = [np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius + [185, 12] for radius in (60.0, 40.0)]
    quads = [[ring[0][i], ring[0][i + 1], ring[1][i + 1], ring[1][i]] for i in range(10)]
    line = {
        "text": "甲乙丙丁戊己庚辛壬癸",
        "polygon": [*ring[0], *ring[1][::-1]],
        "characters": np.array(quads).tolist(),
    }
    for lines in (line, {**line, "characters": []}):
        for part in line_parts(lines, (100, 200), None):
            outline = Polygon(np.round(part.polygon.astype(float), 2))
            assert outline.is_valid and outline.area > 0 and len(part.polygon) % 2 == 0
            assert (part.polygon >= 0).all() and (part.polygon <= [200, 100]).all()


def test_lines_of_other_formats_stand_or_fall_as_one() -> None:
    line = {**straight_line(10, 4), "characters": []}
    (part,) = line_parts(line, (100, 200), None)
    assert part.legible and part.whole and part.text == line["text"]
    (part,) = line_parts({**line, "text": ILLEGIBLE}, (100, 200), None)
    assert not part.legible


def relabel(dataset: Path, folder: Path, split_of: Callable[[int], str]) -> Path:
    shutil.copytree(dataset, folder)
    rows = [dump_row({**row, "split": split_of(number)}) for number, row in enumerate(read_rows(dataset))]
    (folder / METADATA).write_text("".join(rows), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("split_of", "held_out"), [(lambda number: "train", 1), (lambda number: ("train", "test")[number % 2], 3)]
)
def test_val_list_is_never_empty(
    labelled_crops: Path,
    tmp_path: Path,
    split_of: Callable[[int], str],
    held_out: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    write(relabel(labelled_crops, tmp_path / "data", split_of), tmp_path / "out")
    train, val = lines_of(tmp_path / "out/det", "train"), lines_of(tmp_path / "out/det", "val")
    assert len(val) == held_out and len(train) + len(val) == 7
    assert not set(train) & set(val)
    assert "val.txt" in caplog.text


def test_text_with_tabs_and_line_ends_stays_one_line(labelled_crops: Path, tmp_path: Path) -> None:
    shutil.copytree(labelled_crops, tmp_path / "data")
    rows = list(read_rows(labelled_crops))
    for row in rows:
        for line in (line for seal in row["seals"] for line in seal["lines"]):
            line["text"], line["characters"] = f"{line['text']}\t\n\u2028{line['text']}", []
    (tmp_path / "data" / METADATA).write_text("".join(map(dump_row, rows)), encoding="utf-8")
    write(tmp_path / "data", tmp_path / "out")
    check_detection(tmp_path / "out/det")
    check_recognition(tmp_path / "out/rec")


def test_output_is_complete_or_absent(labelled_crops: Path, tmp_path: Path) -> None:
    shutil.copytree(labelled_crops, tmp_path / "data")
    victim = next((tmp_path / "data/masks").glob("*_visible.png"))
    victim.write_bytes(b"no image")
    with pytest.raises(Seal2RealError, match=victim.name):
        write(tmp_path / "data", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        write(labelled_crops, tmp_path / "out")
    with pytest.raises(UsageError, match="no dataset"):
        write(tmp_path / "out", tmp_path / "other")


PADDLEX = """
import os, sys
from paddlex.modules import build_dataset_checker
from paddlex.utils.config import AttrDict
model, folder, output, whole = sys.argv[1:]
off = AttrDict(enable=False)
config = AttrDict(
    Global=AttrDict(model=model, mode="check_dataset", dataset_dir=folder, output=output, device="cpu"),
    CheckDataset=AttrDict(convert=off, split=off),
)
checker = build_dataset_checker(config)
if whole == "True":
    assert checker.check()["check_pass"]
else:  # the plot of the text lengths needs a font from the network
    os.makedirs(checker.output)
    checker.check_dataset(folder)
"""

LOADER = """
import logging, sys
import paddleocr.paddleocr  # puts ppocr on the path
from ppocr.data.simple_dataset import SimpleDataSet
folder, negative = sys.argv[1:]
ops = [
    {"DecodeImage": {"img_mode": "BGR", "channel_first": False}}, {"DetLabelEncode": None},
    {"EastRandomCropData": {"size": [256, 256], "max_tries": 50, "keep_ratio": True}},
    {"MakeBorderMap": {"shrink_ratio": 0.8, "thresh_min": 0.3, "thresh_max": 0.7}},
    {"MakeShrinkMap": {"shrink_ratio": 0.8, "min_text_size": 8}},
    {"KeepKeys": {"keep_keys": ["img_path", "shrink_map", "shrink_mask"]}},
]
config = {"Global": {}, "Train": {
    "dataset": {"data_dir": folder, "label_file_list": [folder + "/train.txt"], "transforms": ops},
    "loader": {"shuffle": False}}}
data = SimpleDataSet(config, "Train", logging.getLogger())
wanted = sorted(line.split("\\t")[0] for line in open(folder + "/train.txt", encoding="utf-8"))
samples = {path[len(folder) + 1:]: (text, mask) for path, text, mask in (data[i] for i in range(len(data)))}
assert sorted(samples) == wanted, "an image was passed over"
assert any(text.any() for text, _ in samples.values()), "there is text to find"
text, mask = samples[negative]
assert not text.any() and mask.mean() > 0.99, "a negative is background, and trained on"
"""


def paddle_python(module: str) -> str:
    return python_with("paddle", module, variable="PADDLE_PYTHON")


@pytest.mark.slow
def test_paddlex_itself_passes_it(exported: Path, with_page: Path, tmp_path: Path) -> None:
    python = paddle_python("paddlex")
    for out in (exported, with_page):
        run_in(python, PADDLEX, "PP-OCRv4_mobile_seal_det", str(out / "det"), str(tmp_path / out.name), "True")
        run_in(python, PADDLEX, "PP-OCRv4_server_rec", str(out / "rec"), str(tmp_path / f"{out.name}-r"), "False")


@pytest.mark.slow
def test_paddleocr_itself_loads_every_image(exported: Path, labelled_crops: Path) -> None:
    (negative,) = [Path(row["file_name"]).name for row in read_rows(labelled_crops) if not row["seals"]]
    run_in(paddle_python("paddleocr.paddleocr"), LOADER, str(exported / "det"), f"images/{negative}")
