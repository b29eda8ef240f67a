"""Hugging Face `datasets` opens the native folder and the Parquet export, offline; the way back is exact."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seal2real.dataset.formats import FORMATS, huggingface
from seal2real.dataset.formats.folder import all_file_bytes
from seal2real.dataset.formats.huggingface import read, write
from seal2real.dataset.formats.native import METADATA, dump_row, load_sample, read_rows
from seal2real.errors import Seal2RealError, UsageError
from seal2real.seal import KINDS, random_design

pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(scope="module")
def exported(labelled_crops: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("huggingface") / "out"
    FORMATS["huggingface"].write(labelled_crops, out, lambda done: None)
    return out


@pytest.fixture(scope="module")
def datasets() -> Iterator[Any]:
    library = pytest.importorskip("datasets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library.config, "HF_HUB_OFFLINE", True)
        library.disable_progress_bars()
        yield library


@pytest.fixture(scope="module")
def opened(exported: Path, datasets: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return datasets.load_dataset(str(exported), cache_dir=str(tmp_path_factory.mktemp("cache")))


def rows_by_name(dataset: Path) -> dict[str, dict[str, Any]]:
    return {row["file_name"]: row for row in read_rows(dataset)}


def test_round_trip_is_exact(exported: Path, labelled_crops: Path) -> None:
    back = {row["file_name"]: (row, files) for row, files in read(exported)}
    rows = rows_by_name(labelled_crops)
    assert back.keys() == rows.keys()
    for name, row in rows.items():
        assert json.dumps(back[name][0], sort_keys=True) == json.dumps(row, sort_keys=True)
        assert back[name][1] == all_file_bytes(labelled_crops, row)


def test_load_dataset_opens_the_folder_with_its_splits(opened: Any, labelled_crops: Path) -> None:
    splits: dict[str, int] = {}
    for row in read_rows(labelled_crops):
        splits[row["split"]] = splits.get(row["split"], 0) + 1
    assert {name: len(part) for name, part in opened.items()} == splits


def test_opened_images_and_labels_are_ours(opened: Any, labelled_crops: Path) -> None:
    rows = [row for row in read_rows(labelled_crops) if row["split"] == "validation"]
    features = opened["validation"].features["seals"].feature
    for got, row in zip(opened["validation"], rows, strict=True):
        sample = load_sample(labelled_crops, row)
        assert np.array_equal(np.asarray(got["image"]), sample.stamped)
        assert np.array_equal(np.asarray(got["clean"]), sample.clean)
        assert np.array_equal(np.asarray(got["ink"]), sample.ink)
        assert json.loads(got["provenance"]) == row["provenance"]
        assert [line["text"] for line in got["text"]] == [line["text"] for line in row["text"]]
        for number, (seal, expected) in enumerate(zip(got["seals"], row["seals"], strict=True)):
            assert features["kind"].int2str(seal["kind"]) == expected["kind"]
            assert features["colour"].int2str(seal["colour"]) == expected["colour"]
            assert np.array_equal(np.asarray(seal["mask_full"]) > 0, sample.full[number])
            assert np.array_equal(np.asarray(seal["mask_visible"]) > 0, sample.visible[number])
            assert seal["polygon"] == expected["polygon"]
            assert json.loads(seal["design"]) == expected["design"]
            for line, wanted, crop in zip(seal["lines"], expected["lines"], sample.lines[number], strict=True):
                assert (line["text"], line["characters"]) == (wanted["text"], wanted["characters"])
                assert (line["crop"] is None) == (crop is None)
                assert crop is None or np.array_equal(np.asarray(line["crop"]), crop)


def test_negative_survives(opened: Any) -> None:
    (negative,) = [row for part in opened.values() for row in part if not row["seals"]]
    assert negative["image"].size == (256, 256)
    assert negative["objects"] == {"bbox": [], "categories": []}


def test_streaming_opens_it_too(exported: Path, datasets: Any, labelled_crops: Path) -> None:
    stream = datasets.load_dataset(str(exported), split="train", streaming=True)
    assert len(list(stream)) == sum(row["split"] == "train" for row in read_rows(labelled_crops))


def test_native_folder_is_an_imagefolder(labelled_crops: Path, datasets: Any, tmp_path: Path) -> None:
    data = datasets.load_dataset("imagefolder", data_dir=str(labelled_crops), split="train", cache_dir=str(tmp_path))
    rows = list(read_rows(labelled_crops))
    assert len(data) == len(rows)
    for got, row in zip(data, rows, strict=True):
        assert got["image"].size == (row["width"], row["height"])
        assert got["split"] == row["split"]
        assert [seal["polygon"] for seal in got["seals"]] == [seal["polygon"] for seal in row["seals"]]


def test_an_option_has_one_type_in_all_kinds() -> None:
    """Else Arrow, which `imagefolder` reads the native rows with, finds no type for the column."""
    found: dict[str, set[str]] = {}
    for kind in KINDS:
        for seed in range(20):
            options = random_design(np.random.default_rng(seed), kind).options
            for name, value in json.loads(json.dumps(options)).items():
                shape = "number" if type(value) in (int, float) else type(value).__name__
                found.setdefault(name, set()).add(shape)
    assert {name: shapes for name, shapes in found.items() if len(shapes - {"NoneType"}) > 1} == {}


def test_files_are_cut_to_size_and_numbered(
    labelled_crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface, "GROUP_BYTES", 1)
    monkeypatch.setattr(huggingface, "FILE_BYTES", 1)
    write(labelled_crops, tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out/data").iterdir())
    assert names[:2] == ["test-00000-of-00002.parquet", "test-00001-of-00002.parquet"]
    assert [name for name in names if name.startswith("train")] == [f"train-0000{i}-of-00003.parquet" for i in range(3)]
    assert len(list(read(tmp_path / "out"))) == 7


def test_same_dataset_gives_the_same_bytes(exported: Path, labelled_crops: Path, tmp_path: Path) -> None:
    write(labelled_crops, tmp_path / "out")
    for path in exported.rglob("*.*"):
        assert (tmp_path / "out" / path.relative_to(exported)).read_bytes() == path.read_bytes()


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    extra=st.dictionaries(
        st.sampled_from(["note", "more", "hint", "score"]),
        st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4), st.lists, max_leaves=4),
    )
)
def test_unknown_fields_are_kept(
    labelled_crops: Path, tmp_path_factory: pytest.TempPathFactory, extra: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("extra")
    (folder / "data").mkdir()
    for part in ("stamped", "clean", "ink", "masks", "lines"):
        (folder / "data" / part).symlink_to(labelled_crops / part)
    rows = [row for row in read_rows(labelled_crops) if row["seals"]][:1]
    rows[0].update(extra)
    rows[0]["seals"][0].update(extra)
    rows[0]["seals"][0]["lines"][0].update(extra)
    (folder / "data" / METADATA).write_text("".join(map(dump_row, rows)), encoding="utf-8")
    write(folder / "data", folder / "out")
    assert [row for row, _ in read(folder / "out")] == rows


def with_reference(dataset: Path, folder: Path) -> dict[str, Any]:
    """A copy whose one row has a seal with a reference; returns that row."""
    shutil.copytree(dataset, folder)
    row = next(row for row in read_rows(dataset) if row["seals"])
    (folder / "references").mkdir(exist_ok=True)
    row["seals"][0]["reference"] = "references/000000_0.jpg"
    (folder / "references/000000_0.jpg").write_bytes((folder / row["clean"]).read_bytes())
    (folder / METADATA).write_text(dump_row(row), encoding="utf-8")
    return row


@pytest.mark.parametrize("name", ["huggingface", "webdataset"])
def test_references_of_verification_travel(labelled_crops: Path, tmp_path: Path, name: str) -> None:
    row = with_reference(labelled_crops, tmp_path / "data")
    FORMATS[name].write(tmp_path / "data", tmp_path / "out", lambda done: None)
    reader = FORMATS[name].read
    assert reader is not None
    assert list(reader(tmp_path / "out")) == [(row, all_file_bytes(tmp_path / "data", row))]


def test_absent_labels_and_unknown_kinds_survive(labelled_crops: Path, tmp_path: Path) -> None:
    shutil.copytree(labelled_crops, tmp_path / "data")
    rows = list(read_rows(labelled_crops))
    for row in rows:
        row.update(clean=None, ink=None, dpi=None)
        for seal in row["seals"]:
            seal.update(kind="strange", colour=None, angle=None, mask_full=None, mask_visible=None)
    (tmp_path / "data" / METADATA).write_text("".join(map(dump_row, rows)), encoding="utf-8")
    write(tmp_path / "data", tmp_path / "out")
    back = {row["file_name"]: row for row, _ in read(tmp_path / "out")}
    assert back == {row["file_name"]: row for row in rows}


def test_mistakes_are_one_line(labelled_crops: Path, exported: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no data/SPLIT"):
        list(read(tmp_path))
    with pytest.raises(UsageError, match="not empty"):
        write(labelled_crops, exported)
    shutil.copytree(exported, tmp_path / "damaged")
    victim = next((tmp_path / "damaged/data").iterdir())
    victim.write_bytes(victim.read_bytes()[:500])
    with pytest.raises(Seal2RealError, match=f"{victim.name}: not a file"):
        list(read(tmp_path / "damaged"))
    shutil.copytree(labelled_crops, tmp_path / "data")
    row = next(read_rows(labelled_crops))
    (tmp_path / "data" / METADATA).write_text(dump_row({**row, "width": "wide"}), encoding="utf-8")
    with pytest.raises(Seal2RealError, match="a whole number above 0"):
        write(tmp_path / "data", tmp_path / "out")
    (tmp_path / "data" / METADATA).write_text(dump_row(row), encoding="utf-8")
    (tmp_path / "data" / row["ink"]).unlink()
    with pytest.raises(Seal2RealError, match=row["ink"]):
        write(tmp_path / "data", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged", "data"]
