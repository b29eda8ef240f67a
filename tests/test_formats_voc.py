"""Pascal VOC: boxes from 1, both ends inside; palette masks whose numbers are objects and classes."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from consumers import python_with, run_in
from seal2real.dataset.formats import FORMATS
from seal2real.dataset.formats.native import read_rows
from seal2real.dataset.formats.voc import colour_map, read, write
from seal2real.errors import Seal2RealError
from small_datasets import seal_masks, write_dataset

BELOW, ABOVE = (2, 3, 50, 40), (20, 10, 36, 30)


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seals, one over the other, on one image; an image without any."""
    seals = [
        {"box": BELOW, "wear": 6, "kind": "company", "texts": ["甲 & 乙 <公司>"]},
        {"box": ABOVE, "wear": 0, "kind": "notice", "texts": []},
    ]
    specs = [
        {"size": (60, 50), "suffix": "jpg", "split": "train", "seals": seals},
        {"size": (40, 30), "suffix": "png", "split": "validation", "seals": []},
    ]
    return write_dataset(tmp_path_factory.mktemp("voc") / "native", specs)


@pytest.fixture
def exported(native: Path, tmp_path: Path) -> Path:
    FORMATS["voc"].write(native, tmp_path / "out", lambda done: None)
    return tmp_path / "out"


def test_boxes_count_from_one(exported: Path) -> None:
    tree = ElementTree.parse(exported / "Annotations/000000.xml").getroot()
    first = tree.find("object/bndbox")
    assert first is not None
    x, y, w, h = BELOW
    assert {item.tag: int(item.text or "") for item in first} == {
        "xmin": x + 1,
        "ymin": y + 1,
        "xmax": x + w,
        "ymax": y + h,
    }
    assert [item.findtext("name") for item in tree.iter("object")] == ["company", "notice"]
    assert [tree.findtext(f"size/{name}") for name in ("width", "height", "depth")] == ["60", "50", "3"]


@pytest.mark.parametrize("mask", ["visible", "full"])
def test_masks_are_palette_images(native: Path, tmp_path: Path, mask: Any) -> None:
    write(native, tmp_path / "out", mask=mask)
    which = ("full", "visible").index(mask)
    below, above = seal_masks((60, 50), BELOW, 6)[which], seal_masks((60, 50), ABOVE, 0)[which]
    kinds = (tmp_path / "out/labels.txt").read_text().splitlines()
    with PIL.Image.open(tmp_path / "out/SegmentationObject/000000.png") as image:
        assert image.mode == "P" and image.getpalette()[3:9] == [128, 0, 0, 0, 128, 0]  # type: ignore[index]
        numbers = np.asarray(image)
    assert np.array_equal(numbers == 2, above)
    assert np.array_equal(numbers == 1, below & ~above)
    with PIL.Image.open(tmp_path / "out/SegmentationClass/000000.png") as image:
        classes = np.asarray(image)
    assert set(np.unique(classes[numbers == 1])) == {kinds.index("company")}
    assert set(np.unique(classes[numbers == 2])) == {kinds.index("notice")}
    assert not classes[numbers == 0].any() and kinds[0] == "background"


def test_palette_is_that_of_the_kit() -> None:
    colours = colour_map()
    known = {0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 0), 7: (128, 128, 128), 8: (64, 0, 0), 255: (224, 224, 192)}
    assert {number: tuple(int(v) for v in colours[number]) for number in known} == known
    assert len(np.unique(colours, axis=0)) == 256


def test_lists_name_every_image_once(labelled_crops: Path, tmp_path: Path) -> None:
    write(labelled_crops, tmp_path / "out")
    for kind in ("Main", "Segmentation"):
        lists = tmp_path / "out/ImageSets" / kind
        found = {split: (lists / f"{split}.txt").read_text().split() for split in ("train", "val", "test")}
        for row in read_rows(labelled_crops):
            stem = Path(row["file_name"]).stem
            assert [split for split, stems in found.items() if stem in stems] == [row["split"].replace("idation", "")]
        assert (lists / "trainval.txt").read_text().split() == sorted(found["train"] + found["val"])


def test_a_seal_off_the_edge_is_truncated(labelled_crops: Path, tmp_path: Path) -> None:
    write(labelled_crops, tmp_path / "out")
    for row in read_rows(labelled_crops):
        tree = ElementTree.parse(tmp_path / f"out/Annotations/{Path(row['file_name']).stem}.xml")
        for item, seal in zip(tree.iter("object"), row["seals"], strict=True):
            points = np.array(seal["polygon"])
            off = (points < 0).any() or (points > [row["width"], row["height"]]).any()
            assert item.findtext("truncated") == str(int(off))


def test_reads_others(exported: Path) -> None:
    """Without masks, lists and our additions."""
    for name in ("SegmentationObject/000000.png", "ImageSets/Main/train.txt", "ImageSets/Segmentation/train.txt"):
        (exported / name).unlink()
    path = exported / "Annotations/000000.xml"
    tree = ElementTree.parse(path)
    for item in tree.getroot().iter("object"):
        for child in [*item.findall("attributes"), *item.findall("part")]:
            item.remove(child)
    tree.write(path)
    row = next(row for row, _ in read(exported))
    assert [seal["bbox"] for seal in row["seals"]] == [list(BELOW), list(ABOVE)]
    assert all(seal["mask_visible"] is None and seal["colour"] is None for seal in row["seals"])
    assert row["split"] == "train"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<xmin>3</xmin>", "", "<bndbox> without <xmin>"),
        ("<xmin>3</xmin>", "<xmin>99</xmin>", "a box from 99"),
        ("<filename>000000.jpg</filename>", "", "<annotation> without <filename>"),
        ("</annotation>", "", "no element found"),
        ("000000.jpg", "other.jpg", "other.jpg: image missing"),
    ],
)
def test_damage_is_named(exported: Path, old: str, new: str, message: str) -> None:
    path = exported / "Annotations/000000.xml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(Seal2RealError, match=r"000000\.xml") as caught:
        list(read(exported))
    assert message in str(caught.value)


def test_a_mask_of_another_size_is_named(exported: Path) -> None:
    PIL.Image.new("P", (5, 5)).save(exported / "SegmentationObject/000000.png")
    with pytest.raises(Seal2RealError, match=r"SegmentationObject.000000\.png"):
        list(read(exported))


TORCHVISION = """
import json, sys
import numpy as np
from torchvision.datasets import VOCDetection, VOCSegmentation
found = {}
for split in ("train", "val", "trainval"):
    boxes, masks = (kind(sys.argv[1], "2012", split) for kind in (VOCDetection, VOCSegmentation))
    assert len(boxes) == len(masks)
    for (image, label), (same, mask) in zip(boxes, masks):
        label = label["annotation"]
        assert image.size == same.size == mask.size and mask.mode == "P"
        seals = label.get("object", [])
        found[label["filename"]] = [
            [int(label["size"][side]) for side in ("width", "height", "depth")],
            [[seal["name"], *(int(end) for end in seal["bndbox"].values())] for seal in seals],
            np.unique(np.asarray(mask)).tolist(),
        ]
print(json.dumps(found))
"""


@pytest.mark.slow
def test_torchvision_itself_reads_it(labelled_crops: Path, tmp_path: Path) -> None:
    python = python_with("torchvision.datasets")
    write(labelled_crops, tmp_path / "VOCdevkit/VOC2012")
    found = json.loads(run_in(python, TORCHVISION, str(tmp_path)).splitlines()[-1])
    kinds = (tmp_path / "VOCdevkit/VOC2012/labels.txt").read_text().splitlines()
    rows = {Path(row["file_name"]).name: row for row in read_rows(labelled_crops) if row["split"] != "test"}
    assert found.keys() == rows.keys()
    for name, row in rows.items():
        size, boxes, numbers = found[name]
        assert size == [row["width"], row["height"], 3]
        ends = [(x, y, x + w, y + h) for x, y, w, h in (seal["bbox"] for seal in row["seals"])]
        assert boxes == [
            [seal["kind"], x + 1, y + 1, right, bottom]
            for seal, (x, y, right, bottom) in zip(row["seals"], ends, strict=True)
        ]
        assert numbers == sorted({0, *(kinds.index(seal["kind"]) for seal in row["seals"])})
