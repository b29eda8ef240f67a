"""COCO: pycocotools loads it, and finds our masks in it to the pixel."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coder
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from seal2real.dataset.formats import FORMATS
from seal2real.dataset.formats.coco import read, write
from seal2real.dataset.formats.native import load_sample, read_rows
from seal2real.dataset.legibility import load_mask
from seal2real.errors import Seal2RealError
from seal2real.images import encode_jpeg
from small_datasets import seal_masks, write_dataset


def load(path: Path) -> COCO:
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


@pytest.fixture(scope="module")
def worn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seals, one over the other, worn to crumbs, on one image; an image without any."""
    seals = [
        {"box": (2, 3, 50, 40), "wear": 9, "kind": "company", "texts": ["甲乙公司", "合同专用章"]},
        {"box": (20, 10, 36, 30), "wear": 0, "kind": "notice", "texts": []},
    ]
    specs = [
        {"size": (60, 50), "suffix": "png", "split": "train", "seals": seals},
        {"size": (40, 30), "suffix": "jpg", "split": "train", "seals": []},
    ]
    return write_dataset(tmp_path_factory.mktemp("worn") / "native", specs)


@pytest.fixture(scope="module")
def exported(worn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("coco") / "out"
    FORMATS["coco"].write(worn, out, lambda done: None)
    return out


def test_masks_are_ours_with_holes_and_parts(exported: Path, worn: Path) -> None:
    coco = load(exported / "annotations/instances_train.json")
    expected = [seal_masks((60, 50), (2, 3, 50, 40), 9)[1], seal_masks((60, 50), (20, 10, 36, 30), 0)[1]]
    annotations = coco.loadAnns(coco.getAnnIds())
    assert len(annotations) == 2
    for annotation, mask in zip(annotations, expected, strict=True):
        assert np.array_equal(coco.annToMask(annotation), mask)
        assert annotation["area"] == mask.sum() == coder.area(annotation["segmentation"])
        assert annotation["bbox"] == coder.toBbox(annotation["segmentation"]).tolist()
        assert annotation["iscrowd"] == 0
        assert isinstance(annotation["segmentation"]["counts"], str)  # compressed


def test_attributes_and_categories(exported: Path) -> None:
    coco = load(exported / "annotations/instances_train.json")
    first, second = coco.loadAnns(coco.getAnnIds())
    assert first["attributes"] == {
        "colour": "red",
        "angle": -12.5,
        "text": "甲乙公司\n合同专用章",
        "authenticity": "impression",
    }
    assert [coco.cats[item["category_id"]]["name"] for item in (first, second)] == ["company", "notice"]
    assert coco.cats[first["category_id"]]["supercategory"] == "seal"
    assert min(coco.cats) == 1


def test_category_numbers_do_not_depend_on_the_content(exported: Path, labelled_crops: Path, tmp_path: Path) -> None:
    write(labelled_crops, tmp_path / "out")
    for split in ("train", "val", "test"):
        other = load(tmp_path / f"out/annotations/instances_{split}.json")
        assert other.cats.items() >= load(exported / "annotations/instances_train.json").cats.items()


def test_an_image_without_seals_stays(exported: Path) -> None:
    coco = load(exported / "annotations/instances_train.json")
    assert [image["file_name"] for image in coco.dataset["images"]] == ["000000.png", "000001.jpg"]
    assert coco.getAnnIds(imgIds=[2]) == []
    assert (exported / "images/train/000001.jpg").is_file()


@pytest.mark.parametrize("task", ["segm", "bbox"])
def test_the_truth_scores_one(labelled_crops: Path, tmp_path: Path, task: str) -> None:
    write(labelled_crops, tmp_path / "out")
    for split in ("train", "val", "test"):
        coco = load(tmp_path / f"out/annotations/instances_{split}.json")
        keys = ("image_id", "category_id", "segmentation" if task == "segm" else "bbox")
        results: list[dict[str, Any]] = [
            {**{key: annotation[key] for key in keys}, "score": 0.9} for annotation in coco.dataset["annotations"]
        ]
        with contextlib.redirect_stdout(io.StringIO()):
            judge = COCOeval(coco, coco.loadRes(results), task)
            judge.evaluate()
            judge.accumulate()
            judge.summarize()
        assert judge.stats[0] == pytest.approx(1.0)


@pytest.mark.parametrize("mask", ["visible", "full"])
def test_both_masks_come_back(worn: Path, tmp_path: Path, mask: Any) -> None:
    write(worn, tmp_path / "out", mask=mask)
    coco = load(tmp_path / "out/annotations/instances_train.json")
    (row, files), _ = read(tmp_path / "out")
    before = load_sample(worn, next(iter(read_rows(worn))))
    for number, seal in enumerate(row["seals"]):
        annotation = coco.loadAnns([number + 1])[0]
        assert np.array_equal(coco.annToMask(annotation), getattr(before, mask)[number])
        for key, expected in (("full", before.full[number]), ("visible", before.visible[number])):
            path = tmp_path / "mask.png"
            path.write_bytes(files[seal[f"mask_{key}"]])
            assert np.array_equal(load_mask(path), expected)


def foreign(folder: Path, annotation: dict[str, Any]) -> Path:
    """A dataset of one image as others write it: polygons, no attributes, the year in the name, images beside."""
    record = {
        "images": [{"id": 7, "file_name": "scan.jpg", "width": 40, "height": 30}],
        "categories": [{"id": 3, "name": "stamp"}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "iscrowd": 0, **annotation}],
    }
    (folder / "annotations").mkdir(parents=True)
    (folder / "images").mkdir()
    (folder / "annotations/instances_val2017.json").write_text(json.dumps(record))
    (folder / "images/scan.jpg").write_bytes(encode_jpeg(np.zeros((30, 40, 3), np.uint8)))
    return folder


@pytest.mark.parametrize(
    ("segmentation", "has_mask"),
    [
        ([[10, 5, 20, 5, 20, 15, 10, 15]], True),
        ({"size": [30, 40], "counts": [305, 10, 20, 10, 855]}, True),
        ([], False),
    ],
)
def test_reads_others(tmp_path: Path, segmentation: Any, has_mask: bool) -> None:
    folder = foreign(tmp_path / "set", {"segmentation": segmentation, "bbox": [10, 5, 10, 10]})
    ((row, files),) = read(folder)
    (seal,) = row["seals"]
    assert (row["split"], seal["kind"], seal["bbox"]) == ("validation", "stamp", [10, 5, 10, 10])
    assert (seal["mask_visible"] in files) == has_mask
    assert seal["mask_full"] is None and row["clean"] is None


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ({"bbox": [0, 0, 5, 5], "category_id": 9}, "not COCO instances"),
        ({"segmentation": {"size": [3, 4], "counts": [12]}, "bbox": [0, 0, 1, 1]}, "4 x 3 on an image of 40 x 30"),
    ],
)
def test_damage_is_named(tmp_path: Path, annotation: dict[str, Any], message: str) -> None:
    folder = foreign(tmp_path / "set", annotation)
    with pytest.raises(Seal2RealError, match=r"instances_val2017\.json") as caught:
        list(read(folder))
    assert message in str(caught.value)


def test_missing_image_is_named(tmp_path: Path) -> None:
    folder = foreign(tmp_path / "set", {"segmentation": [], "bbox": [0, 0, 5, 5]})
    (folder / "images/scan.jpg").unlink()
    with pytest.raises(Seal2RealError, match=r"scan\.jpg: image missing"):
        list(read(folder))
