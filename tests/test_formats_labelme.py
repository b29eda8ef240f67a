"""LabelMe: what it would open, and what comes back after a person's corrections."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from consumers import python_with, run_in
from seal2real.dataset.formats import FORMATS
from seal2real.dataset.formats.labelme import read
from seal2real.dataset.formats.native import read_rows
from seal2real.errors import Seal2RealError
from small_datasets import write_dataset


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    seals = [{"box": (4, 5, 40, 30), "wear": 3, "kind": "company", "texts": ["甲乙公司", "专用章"]}]
    specs = [
        {"size": (60, 50), "suffix": "jpg", "split": "validation", "seals": seals},
        {"size": (40, 30), "suffix": "png", "split": "train", "seals": []},
    ]
    FORMATS["labelme"].write(write_dataset(tmp_path / "native", specs), tmp_path / "out", lambda done: None)
    return tmp_path / "out"


def edit(folder: Path, shapes: list[dict[str, Any]] | None = None, **values: Any) -> None:
    """A person's changes: shapes added to the first image, or fields of its file changed."""
    path = folder / "val/000000.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["shapes"] += shapes or []
    path.write_text(json.dumps({**record, **values}), encoding="utf-8")


def test_files_are_as_labelme_reads_them(labelled_crops: Path, tmp_path: Path) -> None:
    FORMATS["labelme"].write(labelled_crops, tmp_path / "out", lambda done: None)
    files = sorted((tmp_path / "out").rglob("*.json"))
    assert len(files) == len(list(read_rows(labelled_crops)))
    for path in files:
        record = json.loads(path.read_text(encoding="utf-8"))
        assert (path.parent / record["imagePath"]).is_file() and record["imageData"] is None
        assert {"version", "flags", "shapes", "imageHeight", "imageWidth"} <= record.keys()
        for shape in record["shapes"]:
            assert isinstance(shape["label"], str) and isinstance(shape["description"], str)
            assert shape["shape_type"] == "polygon" and isinstance(shape["group_id"], int)
            assert len(shape["points"]) >= 3 and all(len(point) == 2 for point in shape["points"])
            assert shape["flags"] == {} and shape["mask"] is None


def test_lines_belong_to_their_seal(exported: Path) -> None:
    record = json.loads((exported / "val/000000.json").read_text(encoding="utf-8"))
    assert [(shape["label"], shape["description"], shape["group_id"]) for shape in record["shapes"]] == [
        ("company", "", 1),
        ("text", "甲乙公司", 1),
        ("text", "专用章", 1),
    ]


def test_what_a_person_adds_comes_back(exported: Path) -> None:
    edit(
        exported,
        [
            {"label": "notice", "shape_type": "rectangle", "points": [[50.0, 40.0], [30.0, 20.0]], "group_id": None},
            {"label": "personal", "shape_type": "circle", "points": [[10.0, 42.0], [10.0, 47.0]]},
            {"label": "text", "shape_type": "rectangle", "points": [[8, 40], [12, 44]], "description": "印"},
        ],
    )
    row = next(row for row, _ in read(exported) if row["seals"])
    company, notice, personal = row["seals"]
    assert (company["kind"], company["colour"], company["angle"]) == ("company", "red", -12.5)
    assert notice["bbox"] == [30, 20, 20, 20] and notice["colour"] is None
    assert personal["bbox"] == [5, 37, 10, 10] and [line["text"] for line in personal["lines"]] == ["印"]
    assert [line["text"] for line in company["lines"]] == ["甲乙公司", "专用章"]
    assert row["split"] == "validation"


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"label": "text", "shape_type": "rectangle", "points": [[55, 45], [58, 48]], "description": "远"}, "no seal"),
        ({"label": "notice", "shape_type": "linestrip", "points": [[0, 0], [9, 9]]}, "a linestrip of 2 points"),
        ({"label": "notice", "shape_type": "polygon", "points": [[0, 0], [9, 9]]}, "a polygon of 2 points"),
        ({"label": "notice", "shape_type": "polygon"}, "points"),
    ],
)
def test_shapes_of_no_use_are_named(exported: Path, shape: dict[str, Any], message: str) -> None:
    edit(exported, [shape])
    with pytest.raises(Seal2RealError, match=r"000000\.json") as caught:
        list(read(exported))
    assert message in str(caught.value)


def test_missing_image_is_named(exported: Path) -> None:
    edit(exported, imagePath="gone.jpg")
    with pytest.raises(Seal2RealError, match=r"gone\.jpg: image missing, yet .*000000\.json names it"):
        list(read(exported))


LABELME = """
import sys
from pathlib import Path
try:
    from labelme._label_file import LabelFile  # from version 6 on
except ImportError:
    from labelme.label_file import LabelFile
for path in sorted(Path(sys.argv[1]).rglob("*.json")):
    opened = LabelFile(str(path))
    shapes = [{**shape, **shape["other_data"]} for shape in opened.shapes]
    for shape in shapes:
        del shape["other_data"]
    values = {"shapes": shapes, "image_height": None, "image_width": None}
    try:
        opened.save(str(path), image_path=path.with_suffix(".jpg").name, **values)
    except TypeError:
        opened.save(str(path), shapes, path.with_suffix(".jpg").name, None, None)
"""


@pytest.mark.slow
def test_labelme_itself_opens_and_saves_it(labelled_crops: Path, tmp_path: Path) -> None:
    python = python_with("labelme")
    FORMATS["labelme"].write(labelled_crops, tmp_path / "out", lambda done: None)
    before = list(read(tmp_path / "out"))
    run_in(python, LABELME, str(tmp_path / "out"))
    assert list(read(tmp_path / "out")) == before
