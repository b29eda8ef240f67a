"""Between formats: there and back, and one line for every mistake."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seal2real.cli import run
from seal2real.dataset.convert import convert, import_dataset, recognise
from seal2real.dataset.formats import FORMATS, MODULES, format_of
from seal2real.dataset.formats.native import METADATA, Row, read_rows, row_files
from seal2real.dataset.legibility import load_mask
from seal2real.errors import Seal2RealError, UsageError
from small_datasets import images, write_dataset

READABLE = ("coco", "yolo", "yolo-detect", "voc", "labelme", "icdar-rest")
RECOGNISED = {**{name: name for name in READABLE}, "yolo-detect": "yolo"}


def compare_seal(name: str, before: Row, after: Row, source: Path, back: Path, upper: list[Row]) -> None:
    """What the format carries of a seal is what it was."""
    assert after["kind"] == before["kind"]
    assert np.allclose(after["bbox"], before["bbox"], atol=0.01)
    if name in ("coco", "voc", "labelme"):
        for key in ("colour", "angle", "authenticity"):
            assert after[key] == before[key]
        assert [(line["text"], line["role"]) for line in after["lines"]] == [
            (line["text"], line["role"]) for line in before["lines"]
        ]
    if name in ("coco", "yolo", "labelme"):
        # YOLO begins where the cut does; the corners are the same.
        assert np.allclose(sorted(after["polygon"]), sorted(before["polygon"]), atol=0.01)
    if name in ("coco", "labelme"):
        assert [line["polygon"] for line in after["lines"]] == [line["polygon"] for line in before["lines"]]
    if name == "coco":
        for key in ("mask_full", "mask_visible"):
            assert np.array_equal(load_mask(back / after[key]), load_mask(source / before[key]))
    if name == "voc":  # one object a pixel: the upper one
        seen = load_mask(source / before["mask_visible"])
        for other in upper:
            seen &= ~load_mask(source / other["mask_visible"])
        assert np.array_equal(load_mask(back / after["mask_visible"]), seen)


def images_of(folder: Path) -> dict[bytes, Row]:
    return {(folder / row["file_name"]).read_bytes(): row for row in read_rows(folder)}


@pytest.mark.parametrize("name", READABLE)
@given(specs=st.lists(images(), min_size=1, max_size=4))
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_there_and_back(name: str, specs: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        source, there, back = (Path(place) / part for part in ("native", "there", "back"))
        write_dataset(source, specs)
        convert(source, [name], there)
        convert(there, ["native"], back)
        before, after = list(read_rows(source)), images_of(back)
        assert len(after) == len(before)
        for row in before:
            found = after[(source / row["file_name"]).read_bytes()]
            assert (found["width"], found["height"], found["split"]) == (row["width"], row["height"], row["split"])
            assert all((back / path).is_file() for path in row_files(found))
            if name == "icdar-rest":
                continue  # titles alone; they have tests of their own
            if name.startswith("yolo"):
                assert found["file_name"] == row["file_name"]
            assert len(found["seals"]) == len(row["seals"])
            for number, (seal, again) in enumerate(zip(row["seals"], found["seals"], strict=True)):
                compare_seal(name, seal, again, source, back, row["seals"][number + 1 :])


@pytest.mark.parametrize("name", READABLE)
def test_real_samples_there_and_back(name: str, labelled_crops: Path, tmp_path: Path) -> None:
    counts: list[int] = []
    convert(labelled_crops, [name], tmp_path / "there", progress=counts.append)
    rows = list(read_rows(labelled_crops))
    assert sum(counts) == len(rows)
    assert recognise(tmp_path / "there") == RECOGNISED[name]
    import_dataset(tmp_path / "there", tmp_path / "back")
    after = images_of(tmp_path / "back")
    for row in rows:
        found = after[(labelled_crops / row["file_name"]).read_bytes()]
        assert found["split"] == row["split"]
        assert found["provenance"] == {"converted_from": RECOGNISED[name]}
        assert bool(found["seals"]) == bool(row["seals"]) or name == "icdar-rest"
        if name in ("coco", "labelme"):
            for seal, again in zip(row["seals"], found["seals"], strict=True):
                assert again["polygon"] == seal["polygon"]
                assert [line["polygon"] for line in again["lines"]] == [line["polygon"] for line in seal["lines"]]
                if name == "coco":
                    assert [line["characters"] for line in again["lines"]] == [
                        line["characters"] for line in seal["lines"]
                    ]
                    assert again["bbox"] == seal["bbox"]


def test_several_formats_from_another_than_native(labelled_crops: Path, tmp_path: Path) -> None:
    convert(labelled_crops, ["coco"], tmp_path / "coco")
    folders = convert(tmp_path / "coco", ["native", "yolo", "voc"], tmp_path / "out")
    assert folders == {name: tmp_path / "out" / name for name in ("native", "yolo", "voc")}
    assert [recognise(folder) for folder in folders.values()] == ["native", "yolo", "voc"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["coco", "out"]  # nothing is left over
    convert(tmp_path / "coco", ["voc"], tmp_path / "voc")  # through a native one that vanishes
    for path in (tmp_path / "voc/JPEGImages").iterdir():
        assert path.read_bytes() == (folders["voc"] / "JPEGImages" / path.name).read_bytes()


def test_images_are_linked_not_encoded(labelled_crops: Path, tmp_path: Path) -> None:
    convert(labelled_crops, ["yolo"], tmp_path / "out")
    path = next((tmp_path / "out").rglob("*.jpg"))
    assert path.stat().st_ino == (labelled_crops / "stamped" / path.name).stat().st_ino


@pytest.mark.parametrize("name", READABLE)
def test_a_missing_image_leaves_nothing_behind(name: str, labelled_crops: Path, tmp_path: Path) -> None:
    source = tmp_path / "native"
    shutil.copytree(labelled_crops, source)
    (source / "stamped/000003.jpg").unlink()
    with pytest.raises(Seal2RealError, match=r"000003\.jpg: image missing"):
        convert(source, [name], tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["native"]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["SET", "--to", "coko", "--out", "OUT"], 2, "unknown format 'coko'; did you mean 'coco'?"),
        (["SET", "--to", "YOLO", "--out", "OUT"], 2, "did you mean 'yolo'?"),
        (["SET", "--to", "nativ", "--out", "OUT"], 2, "did you mean 'native'?"),
        (["SET", "--to", "coco", "--from", "vox", "--out", "OUT"], 2, "did you mean 'voc'?"),
        (["SET", "--to", "coco", "--from", "donut", "--out", "OUT"], 2, "donut cannot be read back"),
        (["SET", "--to", "native", "--out", "OUT"], 2, "native format already"),
        (["EMPTY", "--to", "coco", "--out", "OUT"], 2, "is no dataset that can be recognised"),
        (["EMPTY", "--to", "coco", "--from", "native", "--out", "OUT"], 2, "is no dataset"),
        (["EMPTY", "--to", "native", "--from", "coco", "--out", "OUT"], 1, "no COCO dataset"),
        (["EMPTY", "--to", "native", "--from", "yolo", "--out", "OUT"], 1, "no YOLO dataset"),
        (["EMPTY", "--to", "native", "--from", "voc", "--out", "OUT"], 1, "no Pascal VOC dataset"),
        (["EMPTY", "--to", "native", "--from", "labelme", "--out", "OUT"], 1, "no LabelMe folder"),
        (["EMPTY", "--to", "native", "--from", "icdar-rest", "--out", "OUT"], 1, "no ICDAR ReST dataset"),
        (["NOWHERE", "--to", "coco", "--out", "OUT"], 2, "no such folder"),
        (["SET", "--to", "coco", "--out", "FULL"], 2, "not empty; give a new or an empty folder"),
        (["SET", "--to", "coco", "--out", "FULL/note.txt"], 2, "is a file or not empty"),
        (["SET", "--out", "OUT"], 2, "Missing option"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str],
    status: int,
    message: str,
    labelled_crops: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("EMPTY", "FULL"):
        (tmp_path / name).mkdir()
    (tmp_path / "FULL/note.txt").write_text("keep me")
    places = {"SET": str(labelled_crops)}
    words = [places.get(word, word) if word.isupper() else word for word in arguments]
    named = ("EMPTY", "OUT", "FULL", "NOWHERE", "FULL/note.txt")
    words = [str(tmp_path / word) if word in named else word for word in words]
    assert run(["convert", *words]) == status
    errors = capsys.readouterr().err
    assert message in " ".join(errors.split())
    if "Missing option" not in message:
        assert errors.count("\n") == 1 and errors.startswith("seal2real: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["EMPTY", "FULL"]
    assert (tmp_path / "FULL/note.txt").read_text() == "keep me"


def test_the_command_tells_where(labelled_crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    out.mkdir()  # empty is as good as new
    assert run(["convert", str(labelled_crops), "--to", "labelme", "--to", "icdar-rest", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert f"labelme in {out / 'labelme'}" in printed and f"icdar-rest in {out / 'icdar-rest'}" in printed


def test_every_registered_format_says_its_name() -> None:
    for name in MODULES:
        assert FORMATS[name].name == name and FORMATS[name].doc
    with pytest.raises(UsageError, match="known: coco, "):
        format_of("???")


def test_a_dataset_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    empty = {"images": [], "annotations": [], "categories": []}
    (tmp_path / "annotations/instances_train.json").write_text(json.dumps(empty))
    with pytest.raises(Seal2RealError, match="has no images"):
        import_dataset(tmp_path, tmp_path / "out")
    native = tmp_path / "native"
    native.mkdir()
    (native / METADATA).write_text("")
    for name in READABLE:
        with pytest.raises(Seal2RealError):
            convert(native, [name], tmp_path / "out", "native")
