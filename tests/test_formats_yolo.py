"""YOLO: what Ultralytics' rules ask for, and what its readers would see."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon, box

from consumers import python_with, run_in
from seal2real.dataset.formats import FORMATS
from seal2real.dataset.formats.foreign import clip_polygon
from seal2real.dataset.formats.native import METADATA, dump_row, read_rows
from seal2real.dataset.formats.yolo import read, write
from seal2real.errors import Seal2RealError
from seal2real.images import encode_jpeg


@pytest.fixture(scope="module", params=["yolo", "yolo-detect"])
def exported(request: pytest.FixtureRequest, labelled_crops: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("yolo") / request.param
    FORMATS[request.param].write(labelled_crops, out, lambda done: None)
    return out


def test_every_image_has_labels_that_keep_the_rules(exported: Path, labelled_crops: Path) -> None:
    settings = yaml.safe_load((exported / "data.yaml").read_text())
    assert "path" not in settings  # the folder of data.yaml is the root
    rows = {Path(row["file_name"]).stem: row for row in read_rows(labelled_crops)}
    seen = set()
    for split in ("train", "val", "test"):
        for image in sorted((exported / settings[split]).iterdir()):
            row = rows[image.stem]
            assert row["split"].startswith(split)
            lines = (exported / "labels" / split / f"{image.stem}.txt").read_text().splitlines()
            assert len(lines) == len(row["seals"]) == len(set(lines))
            for line, seal in zip(lines, row["seals"], strict=True):
                number, *values = line.split()
                assert settings["names"][int(number)] == seal["kind"]
                assert all(0 <= float(value) <= 1 for value in values)
                assert len(values) == 4 if exported.name == "yolo-detect" else len(values) >= 6 and len(values) % 2 == 0
            seen.add(image.stem)
    assert seen == rows.keys()
    assert any(not row["seals"] for row in rows.values())  # else the test above proves less than it says


def test_boxes_come_back(exported: Path, labelled_crops: Path) -> None:
    rows = {row["file_name"]: row for row in read_rows(labelled_crops)}
    exact = exported.name == "yolo-detect"
    for row, _ in read(exported):
        for seal, before in zip(row["seals"], rows[row["file_name"]]["seals"], strict=True):
            # The outline lies around the ink, by the width of its antialiased edge; a turned one has corners that the
            # ink of a rounded frame, or of text without any, does not reach.
            corners = 2.0 + 0.08 * max(before["bbox"][2:])
            assert np.allclose(seal["bbox"], before["bbox"], atol=0.01 if exact else corners)


def test_outlines_are_cut_at_the_edge(labelled_crops: Path, tmp_path: Path) -> None:
    write(labelled_crops, tmp_path / "out")
    rows = {row["file_name"]: row for row in read_rows(labelled_crops)}
    cut = 0
    for row, _ in read(tmp_path / "out"):
        for seal, before in zip(row["seals"], rows[row["file_name"]]["seals"], strict=True):
            whole = Polygon(before["polygon"])
            expected = whole.intersection(box(0, 0, row["width"], row["height"]))
            rounded = 0.01 * expected.length  # two decimals
            assert Polygon(seal["polygon"]).symmetric_difference(expected).area < rounded
            cut += expected.area < whole.area - 1
    assert cut  # some seal does run off its crop


@settings(deadline=None)
@given(
    st.tuples(st.floats(-50, 150), st.floats(-50, 150)),
    st.floats(1, 120),
    st.integers(3, 40),
    st.floats(10, 100),
    st.floats(10, 100),
)
def test_clipping_agrees_with_shapely(
    centre: tuple[float, float], radius: float, count: int, width: float, height: float
) -> None:
    turns = np.arange(count) * 2 * np.pi / count
    ring = np.column_stack([np.cos(turns), np.sin(turns)]) * radius + centre
    clipped = clip_polygon(ring.tolist(), width, height)
    expected = Polygon(ring).intersection(box(0, 0, width, height)).area
    assert (Polygon(clipped).area if clipped else 0.0) == pytest.approx(expected, abs=1e-6)
    assert all(0 <= x <= width and 0 <= y <= height for x, y in clipped)


def test_a_missing_split_is_told(labelled_crops: Path, tmp_path: Path) -> None:
    rows = [row for row in read_rows(labelled_crops) if row["split"] == "train"]
    dataset = tmp_path / "native"
    dataset.mkdir()
    for name in ("stamped", "clean", "ink", "masks", "lines"):
        (dataset / name).symlink_to(labelled_crops / name)
    (dataset / METADATA).write_text("".join(map(dump_row, rows)), encoding="utf-8")
    write(dataset, tmp_path / "out")
    text = (tmp_path / "out/data.yaml").read_text()
    assert "val: images/train  # this dataset has no val split" in text
    assert "test:" not in text
    back = [row for row, _ in read(tmp_path / "out")]
    assert len(back) == len(rows) and {row["split"] for row in back} == {"train"}  # once, not twice


def foreign(folder: Path, label: str | None) -> Path:
    """A dataset as others write it: names in a list, a path of another machine, one image."""
    (folder / "images/train").mkdir(parents=True)
    (folder / "labels/train").mkdir(parents=True)
    settings = {"path": "/nowhere/at/all", "train": "images/train", "val": "images/train", "names": ["stamp", "logo"]}
    (folder / "stamps.yaml").write_text(yaml.safe_dump(settings))
    (folder / "images/train/scan.v2.jpg").write_bytes(encode_jpeg(np.zeros((50, 100, 3), np.uint8)))
    if label is not None:
        (folder / "labels/train/scan.v2.txt").write_text(label)
    return folder


@pytest.mark.parametrize(
    ("label", "bbox"),
    [
        ("1 0.5 0.5 0.2 0.4\n", [40, 15, 20, 20]),
        ("1 0.1 0.2 0.3 0.2 0.3 0.6", [10, 10, 20, 20]),
    ],
)
def test_reads_others(tmp_path: Path, label: str, bbox: list[float]) -> None:
    ((row, files),) = read(foreign(tmp_path / "set", label))
    assert (row["seals"][0]["kind"], row["seals"][0]["bbox"]) == ("logo", bbox)
    assert files.keys() == {"stamped/scan.v2.jpg"}


@pytest.mark.parametrize("label", [None, "", "\n"])
def test_an_image_without_labels_has_no_seal(tmp_path: Path, label: str | None) -> None:
    ((row, _),) = read(foreign(tmp_path / "set", label))
    assert row["seals"] == []


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("0 0.5 0.5 0.2 0.4\n2 0.5 0.5 0.2 0.4", "line 2: class 2 is not among the 2 names"),
        ("0 0.5 0.5 0.2", "line 1: 4 columns"),
        ("0 0.1 0.2 0.3 0.2 0.3 0.6 0.7", "line 1: 8 columns"),
        ("0 50 0.5 0.2 0.4", "line 1: 50.0 is not in 0..1"),
        ("0 nan 0.5 0.2 0.4", "line 1: nan is not in 0..1"),
        ("0.5 0.5 0.5 0.2 0.4", "line 1: class 0.5"),
        ("stamp 0.5 0.5 0.2 0.4", "line 1: could not convert"),
    ],
)
def test_damage_is_named(tmp_path: Path, label: str, message: str) -> None:
    with pytest.raises(Seal2RealError, match=r"scan\.v2\.txt") as caught:
        list(read(foreign(tmp_path / "set", label)))
    assert message in str(caught.value)


def test_a_folder_that_is_named_must_be_there(tmp_path: Path) -> None:
    folder = foreign(tmp_path / "set", "")
    settings = folder / "stamps.yaml"
    settings.write_text(settings.read_text().replace("val: images/train", "val: images/val"))
    with pytest.raises(Seal2RealError, match=r"images/val: no such folder, yet .*stamps\.yaml names it"):
        list(read(folder))


ULTRALYTICS = """
import json, sys
from pathlib import Path
from ultralytics.data.dataset import YOLODataset
from ultralytics.data.utils import check_det_dataset
folder, task = sys.argv[1:]
data = check_det_dataset(folder + "/data.yaml", autodownload=False)
found = {}
for split in ("train", "val", "test"):
    read = YOLODataset(img_path=data[split], data=data, task=task, augment=False, imgsz=64)
    for number, label in enumerate(read.labels):
        read[number]  # as a trainer takes it
        boxes = [[data["names"][int(c)], *map(float, box)] for c, box in zip(label["cls"][:, 0], label["bboxes"])]
        found[Path(label["im_file"]).stem] = [split, boxes, len(label["segments"])]
print("\\n" + json.dumps(found))
"""


@pytest.mark.slow
def test_ultralytics_itself_reads_every_label(exported: Path, labelled_crops: Path, tmp_path: Path) -> None:
    python = python_with("ultralytics.data.dataset")
    task = "detect" if exported.name == "yolo-detect" else "segment"
    shutil.copytree(exported, tmp_path / "set")  # it leaves caches there
    found = json.loads(run_in(python, ULTRALYTICS, str(tmp_path / "set"), task).splitlines()[-1])
    rows = {Path(row["file_name"]).stem: row for row in read_rows(labelled_crops)}
    assert found.keys() == rows.keys()
    for name, row in rows.items():
        split, boxes, outlines = found[name]
        assert row["split"].startswith(split) and outlines == (0 if task == "detect" else len(row["seals"]))
        assert [kind for kind, *_ in boxes] == [seal["kind"] for seal in row["seals"]]
        for (_, x, y, w, h), seal in zip(boxes, row["seals"], strict=True):
            sides = np.array([row["width"], row["height"]] * 2)
            box_ = np.array([x - w / 2, y - h / 2, w, h]) * sides
            assert np.allclose(box_, seal["bbox"], atol=0.01 if task == "detect" else 2.0)
