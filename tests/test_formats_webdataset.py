"""WebDataset tar files: read back by the webdataset library, by us, and the same bytes every time."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seal2real.dataset.formats import FORMATS
from seal2real.dataset.formats import webdataset as module
from seal2real.dataset.formats.folder import all_file_bytes
from seal2real.dataset.formats.native import METADATA, dump_row, load_sample, read_rows
from seal2real.dataset.formats.webdataset import member_names, read, write
from seal2real.errors import Seal2RealError, UsageError


@pytest.fixture(scope="module")
def exported(labelled_crops: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("webdataset") / "out"
    FORMATS["webdataset"].write(labelled_crops, out, lambda done: None)
    return out


def library_samples(pattern: str, decode: bool) -> dict[str, dict[str, Any]]:
    wds = pytest.importorskip("webdataset")
    data = wds.WebDataset(pattern, shardshuffle=False, empty_check=False)
    return {sample["__key__"]: sample for sample in (data.decode("rgb8") if decode else data)}


def test_round_trip_is_exact(exported: Path, labelled_crops: Path) -> None:
    back = {row["file_name"]: (row, files) for row, files in read(exported)}
    rows = {row["file_name"]: row for row in read_rows(labelled_crops)}
    assert back.keys() == rows.keys()
    for name, row in rows.items():
        assert back[name] == (row, all_file_bytes(labelled_crops, row))


def test_the_library_reads_every_byte(exported: Path, labelled_crops: Path) -> None:
    for row in read_rows(labelled_crops):
        samples = library_samples(str(exported / f"{row['split']}-000000.tar"), decode=False)
        sample = samples[Path(row["file_name"]).stem]
        assert json.loads(sample["json"]) == row
        for path, name in member_names(row).items():
            assert sample[name] == (labelled_crops / path).read_bytes()


def test_the_library_decodes_images_and_labels(exported: Path, labelled_crops: Path) -> None:
    samples = library_samples(str(exported / "validation-000000.tar"), decode=True)
    rows = [row for row in read_rows(labelled_crops) if row["split"] == "validation"]
    assert len(samples) == len(rows)
    for row in rows:
        sample, native = samples[Path(row["file_name"]).stem], load_sample(labelled_crops, row)
        assert np.array_equal(sample["stamped.jpg"], native.stamped)
        assert np.array_equal(sample["clean.jpg"], native.clean)
        assert sample["json"]["seals"] == row["seals"]
        for number, full in enumerate(native.full):
            assert np.array_equal(sample[f"mask_{number}_full.png"][..., 0] > 127, full)


def test_negative_survives(exported: Path) -> None:
    negatives = [row for row, files in read(exported) if not row["seals"] and len(files) == 3]
    assert len(negatives) == 1


def test_bytes_do_not_tell_when_and_by_whom(exported: Path, labelled_crops: Path, tmp_path: Path) -> None:
    for path in labelled_crops.rglob("*.jpg"):
        os.utime(path, (1, 1))
    write(labelled_crops, tmp_path / "out")
    for path in exported.iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()
    with tarfile.open(exported / "train-000000.tar") as tar:
        members = tar.getmembers()
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, 0, "", "")}
    keys = [m.name.split(".")[0] for m in members]
    assert keys == sorted(keys), "the files of a sample stand together"


def test_files_are_cut_to_size(labelled_crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILE_BYTES", 1)
    seen: list[int] = []
    write(labelled_crops, tmp_path / "out", seen.append)
    assert sum(seen) == 7
    assert sorted(path.name for path in (tmp_path / "out").glob("train*")) == [f"train-00000{i}.tar" for i in range(3)]
    assert "train-{000000..000002}.tar" in (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert len(library_samples(str(tmp_path / "out/train-{000000..000002}.tar"), decode=False)) == 3
    assert len(list(read(tmp_path / "out"))) == 7


def test_absent_files_and_other_suffixes(labelled_crops: Path, tmp_path: Path) -> None:
    shutil.copytree(labelled_crops, tmp_path / "data")
    row = next(read_rows(labelled_crops))
    shutil.copy(tmp_path / "data" / row["ink"], tmp_path / "data/stamped/a.b.png")
    row.update(file_name="stamped/a.b.png", clean=None, ink=None)
    for seal in row["seals"]:
        seal.update(mask_full=None, mask_visible=None)
    (tmp_path / "data" / METADATA).write_text(dump_row(row), encoding="utf-8")
    write(tmp_path / "data", tmp_path / "out")
    assert list(read(tmp_path / "out")) == [(row, all_file_bytes(tmp_path / "data", row))]
    (sample,) = library_samples(str(tmp_path / f"out/{row['split']}-000000.tar"), decode=False).values()
    assert "stamped.png" in sample and "clean.jpg" not in sample


def test_mistakes_are_one_line(labelled_crops: Path, exported: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no \.tar files"):
        list(read(tmp_path))
    with pytest.raises(UsageError, match="not empty"):
        write(labelled_crops, exported)
    shutil.copytree(exported, tmp_path / "damaged")
    victim = tmp_path / "damaged/train-000000.tar"
    victim.write_bytes(victim.read_bytes()[:3000])
    with pytest.raises(Seal2RealError, match=r"train-000000\.tar: damaged"):
        list(read(tmp_path / "damaged"))
    victim.unlink()
    with tarfile.open(victim, "w") as tar:
        tar.add(labelled_crops / "README.md", "000000.txt")
    with pytest.raises(Seal2RealError, match=r"no 000000\.json"):
        list(read(tmp_path / "damaged"))
