"""Donut's format: what its training script reads, and what its processor makes of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from seal2real.dataset.formats import FORMATS
from seal2real.dataset.formats.donut import write
from seal2real.dataset.formats.native import METADATA, dump_row, read_rows
from seal2real.errors import Seal2RealError, UsageError


@pytest.fixture(scope="module")
def exported(labelled_crops: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("donut") / "out"
    FORMATS["donut"].write(labelled_crops, out, lambda done: None)
    return out


def parses(folder: Path) -> dict[str, Any]:
    """Image name -> parse, of all splits."""
    found = {}
    for path in folder.glob(f"*/{METADATA}"):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            assert (path.parent / row["file_name"]).is_file()
            found[row["file_name"]] = json.loads(row["ground_truth"])["gt_parse"]
    return found


def tokens(value: Any) -> str:
    """A parse as the sequence that Donut is trained on (arXiv 2111.15664, section 3.1): ``<s_key>...</s_key>``, items
    of lists apart by ``<sep/>``."""
    if isinstance(value, dict):
        return "".join(f"<s_{key}>{tokens(item)}</s_{key}>" for key, item in value.items())
    return "<sep/>".join(map(tokens, value)) if isinstance(value, list) else str(value)


def collapsed(value: Any) -> Any:
    """As the processor gives it back: no lists of one, and nothing for none."""
    if isinstance(value, dict):
        return {key: collapsed(item) for key, item in value.items()}
    if isinstance(value, list):
        return collapsed(value[0]) if len(value) == 1 else [collapsed(item) for item in value] or ""
    return value.strip()


def test_every_sample_is_there_with_its_seals_and_text(exported: Path, labelled_crops: Path) -> None:
    found = parses(exported)
    rows = {Path(row["file_name"]).name: row for row in read_rows(labelled_crops)}
    assert found.keys() == rows.keys()
    for name, row in rows.items():
        assert (exported / row["split"] / name).read_bytes() == (labelled_crops / row["file_name"]).read_bytes()
        assert [(s["kind"], s["colour"]) for s in found[name]["seals"]] == [
            (s["kind"], s["colour"]) for s in row["seals"]
        ]
        assert found[name]["text"] == [line["text"] for line in row["text"]]
        for seal, native in zip(found[name]["seals"], row["seals"], strict=True):
            whole = [line["text"] for line in native["lines"] if line["crop"]]
            assert [text for text in seal["texts"] if text in whole] == whole, "in reading order"
            assert all(any(text in line["text"] for line in native["lines"]) for text in seal["texts"])


def test_the_processor_reads_the_sequence_back(exported: Path) -> None:
    processing = pytest.importorskip("transformers.models.donut.processing_donut")
    processor = object.__new__(processing.DonutProcessor)  # parsing uses neither its tokenizer nor its image processor
    for parse in parses(exported).values():
        assert processor.token2json(tokens(parse), added_vocab={}) == collapsed(parse)


def test_load_dataset_finds_the_splits(
    exported: Path, labelled_crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    for split in ("train", "validation", "test"):
        data = datasets.load_dataset(str(exported), split=split, cache_dir=str(tmp_path))
        assert len(data) == sum(row["split"] == split for row in read_rows(labelled_crops))
        for row in data:
            assert set(json.loads(row["ground_truth"])["gt_parse"]) == {"seals", "text"}
            assert row["image"].size == (256, 256)


def test_negative_has_no_seals(exported: Path) -> None:
    assert sum(not parse["seals"] for parse in parses(exported).values()) == 1


def test_worn_text_is_not_asked_for(labelled_crops: Path, tmp_path: Path) -> None:
    shutil.copytree(labelled_crops, tmp_path / "worn")
    for path in (tmp_path / "worn/masks").glob("*_visible.png"):
        cv2.imwrite(str(path), np.zeros_like(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)))
    write(tmp_path / "worn", tmp_path / "out")
    seals = [seal for parse in parses(tmp_path / "out").values() for seal in parse["seals"]]
    assert seals and not any(seal["texts"] for seal in seals)


def test_mistakes_are_one_line(labelled_crops: Path, exported: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not empty"):
        write(labelled_crops, exported)
    with pytest.raises(UsageError, match="no dataset"):
        write(tmp_path, tmp_path / "out")
    shutil.copytree(labelled_crops, tmp_path / "data")
    row = next(read_rows(labelled_crops))
    (tmp_path / "data" / METADATA).write_text(dump_row({**row, "file_name": "stamped/gone.jpg"}), encoding="utf-8")
    with pytest.raises(Seal2RealError, match=r"gone\.jpg"):
        write(tmp_path / "data", tmp_path / "out")
    (tmp_path / "data" / METADATA).write_text("", encoding="utf-8")
    with pytest.raises(Seal2RealError, match="no samples"):
        write(tmp_path / "data", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
