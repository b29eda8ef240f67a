"""ICDAR 2023 ReST: titles of seals, as the competition's files have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely.geometry import Polygon

from seal2real.dataset.formats import FORMATS
from seal2real.dataset.formats.icdar_rest import read
from seal2real.dataset.formats.native import read_rows
from seal2real.errors import Seal2RealError
from small_datasets import write_dataset


@pytest.fixture(scope="module")
def exported(labelled_crops: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rest") / "out"
    FORMATS["icdar-rest"].write(labelled_crops, out, lambda done: None)
    return out


def labels_of(folder: Path) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(folder.glob("*_labels.json")):
        found |= json.loads(path.read_text(encoding="utf-8"))
    return found


def test_keys_number_the_images_of_the_dataset(exported: Path, labelled_crops: Path) -> None:
    labels = labels_of(exported)
    rows = list(read_rows(labelled_crops))
    assert sorted(labels) == sorted(f"gt_{number}" for number in range(1, len(rows) + 1))
    for number, row in enumerate(rows, 1):
        folder = exported / f"{row['split'].replace('idation', '')}_images"
        assert (folder / f"gt_{number}.jpg").read_bytes() == (labelled_crops / row["file_name"]).read_bytes()


def test_items_are_clockwise_polygons_on_the_image(exported: Path, labelled_crops: Path) -> None:
    labels = labels_of(exported)
    items = 0
    for number, row in enumerate(read_rows(labelled_crops), 1):
        for item in labels[f"gt_{number}"]:
            assert item.keys() == {"points", "transcription"}
            points = np.array(item["points"])
            assert (points >= 0).all() and (points <= [row["width"], row["height"]]).all()
            x, y = points.T
            assert np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) > 0  # clockwise, as y goes down
            items += 1
    assert items


def test_titles_are_those_of_the_seals(exported: Path, labelled_crops: Path) -> None:
    labels = labels_of(exported)
    read_whole = 0
    for number, row in enumerate(read_rows(labelled_crops), 1):
        titles = [line["text"] for seal in row["seals"] for line in seal["lines"] if line["role"] == "name"]
        titles += [seal["lines"][0]["text"] for seal in row["seals"] if seal["lines"]]
        for item in labels[f"gt_{number}"]:
            assert item["transcription"] == "###" or any(item["transcription"] in title for title in titles)
        whole = {item["transcription"]: item["points"] for item in labels[f"gt_{number}"]}
        for seal in row["seals"]:
            for line in seal["lines"]:
                if line["role"] == "name" and line["crop"] and line["text"] in whole:
                    assert Polygon(whole[line["text"]]).area > 0.9 * Polygon(line["polygon"]).buffer(0).area
                    read_whole += 1
    assert read_whole


def test_only_the_title_is_written(tmp_path: Path) -> None:
    seals = [{"box": (4, 5, 40, 30), "wear": 0, "kind": "company", "texts": ["甲乙公司", "专用章"]}]
    spec = {"size": (60, 50), "suffix": "png", "split": "test", "seals": seals}
    FORMATS["icdar-rest"].write(write_dataset(tmp_path / "native", [spec]), tmp_path / "out", lambda done: None)
    ((item,),) = labels_of(tmp_path / "out").values()
    assert item["transcription"] == "甲乙公司"
    ((row, files),) = read(tmp_path / "out")
    assert row["split"] == "test" and files.keys() == {"stamped/gt_1.png"}
    (seal,) = row["seals"]
    assert (seal["kind"], seal["lines"][0]["text"]) == ("unknown", "甲乙公司")


def test_what_cannot_be_read_has_no_text(exported: Path, tmp_path: Path) -> None:
    picture = next(exported.glob("*_images/*.jpg")).read_bytes()
    (tmp_path / "train_images").mkdir()
    (tmp_path / "train_images/gt_5.jpg").write_bytes(picture)
    item = {"points": [[1, 1], [9, 1], [9, 5], [1, 5]], "transcription": "###"}
    (tmp_path / "train_labels.json").write_text(json.dumps({"gt_5": [item]}))
    ((row, _),) = read(tmp_path)
    assert [line["text"] for line in row["seals"][0]["lines"]] == [""]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"gt_1": [{"points": [[1, 1], [2, 2]], "transcription": "x"}]}, "gt_1: not a list of points"),
        ({"gt_1": [{"points": [[1, 1], [2, 2], [3, 1]]}]}, "transcription"),
        ({"gt_9": []}, "gt_9.jpg: image missing"),
    ],
)
def test_damage_is_named(exported: Path, tmp_path: Path, record: dict[str, Any], message: str) -> None:
    (tmp_path / "train_images").mkdir()
    (tmp_path / "train_images/gt_1.jpg").write_bytes(next(exported.glob("*_images/*.jpg")).read_bytes())
    (tmp_path / "train_labels.json").write_text(json.dumps(record))
    with pytest.raises(Seal2RealError, match=r"train_labels\.json") as caught:
        list(read(tmp_path))
    assert message in str(caught.value)
