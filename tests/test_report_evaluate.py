from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from seal2real.dataset.formats.native import load_sample, read_rows
from seal2real.dataset.generate import GenerateConfig, generate
from seal2real.errors import Seal2RealError, UsageError
from seal2real.images import encode_png, load_rgb
from seal2real.report.c2st import JudgeBudget
from seal2real.report.evaluate import evaluate
from seal2real.report.labels import ink_agreement, iou, label_validity
from seal2real.report.protocol import Protocol
from seal2real.tasks.measures import characters_read

BUDGET = JudgeBudget(folds=2, repeats=1, cnn_steps=4, cnn_batch=16, bootstraps=100)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    out = tmp_path_factory.mktemp("dataset")
    generate(GenerateConfig(count=6, forger="none", crops=400, dpi=200, colour="red"), out, workers=1)
    return out


@pytest.fixture(scope="module")
def real(tmp_path_factory, dataset):
    """Stand-ins for real images: the same crops, greyed, with noise."""
    folder = tmp_path_factory.mktemp("real")
    rng = np.random.default_rng(0)
    for number, row in enumerate(read_rows(dataset)):
        noisy = load_rgb(dataset / row["file_name"]) * 0.85 + 20 + rng.normal(0, 6, (row["height"], row["width"], 3))
        (folder / f"{number}.png").write_bytes(encode_png(np.clip(noisy, 0, 255).astype(np.uint8)))
    return folder


def test_evaluate_writes_its_report(dataset, real, tmp_path):
    report = evaluate(
        dataset, real, tmp_path / "out", budget=BUDGET, protocol=Protocol(per_source=8), floor_splits=1, ocr=False
    )
    assert {"generated", "pasted"} <= {row.name for row in report.comparison.rows}
    assert report.comparison.row("generated").headline.value > 0.7
    assert "C2ST AUC" in str(report)
    assert "ink IoU" in str(report)
    written = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert written["labels"]["seals"] == report.labels.seals > 0
    assert written["labels"]["kept"] is None
    assert load_rgb(report.files["sheet"]).shape[1] > 64
    assert "plot" not in report.files or load_rgb(report.files["plot"]).shape[1] > 300


def test_black_seals_are_compared_apart(dataset, real, tmp_path_factory):
    """Black real seals beside coloured ones leave the coloured figures as they are."""
    mixed = tmp_path_factory.mktemp("mixed")
    for path in real.iterdir():
        (mixed / path.name).write_bytes(path.read_bytes())
        grey = np.repeat(load_rgb(path).min(axis=2, keepdims=True), 3, axis=2)
        (mixed / f"black-{path.name}").write_bytes(encode_png(grey))
    quick = {
        "budget": replace(BUDGET, cnn_steps=0),
        "protocol": Protocol(per_source=8),
        "floor_splits": 0,
        "ocr": False,
    }
    report = evaluate(dataset, mixed, black=True, **quick)
    assert report.comparison.to_json()["rows"] == evaluate(dataset, real, **quick).comparison.to_json()["rows"]
    if report.black is None:  # the dataset is red, so there is nothing to compare black seals with
        assert any("black seals were not compared" in note for note in report.comparison.notes)


def test_labels_of_flat_pastes_hold(dataset):
    rows = list(read_rows(dataset))
    validity = label_validity(dataset, rows)
    assert validity.seals >= 6
    assert validity.iou_clean > 0.9
    assert validity.iou_stamped > 0.75
    assert validity.kept is None


def test_wrong_labels_are_seen(dataset):
    sample = load_sample(dataset, next(iter(read_rows(dataset))))
    good = ink_agreement(sample, 0)
    shifted = tuple(np.roll(mask, 6, axis=1) for mask in sample.visible)
    bad = ink_agreement(type(sample)(**{**vars(sample), "visible": shifted}), 0)
    assert good.clean > bad.clean + 0.3
    assert good.stamped > bad.stamped + 0.2
    assert good.clean_core > bad.clean_core + 0.3


def test_characters_that_are_no_longer_read_are_counted(dataset):
    """A reader that misses every second character of the stamped lines."""
    rows = list(read_rows(dataset))
    truths = {line["text"] for row in rows for seal in row["seals"] for line in seal["lines"] if line["crop"]}
    assert truths
    calls = iter(range(10_000))
    lines = [line["text"] for row in rows for seal in row["seals"] for line in seal["lines"] if line["crop"]]
    order = ["".join(text.split()) for text in lines]  # spaces are no glyphs

    def reader(line):
        number = next(calls)
        text = order[number // 2]
        return text if number % 2 == 0 else text[: len(text) // 2]

    validity = label_validity(dataset, rows, reader)
    assert validity.read_pasted == validity.characters == sum(map(len, order))
    assert validity.kept == pytest.approx(sum(len(t) // 2 for t in order) / sum(map(len, order)))


def test_characters_read_in_order():
    assert characters_read("ABCDE", "ABXDE").tolist() == [True, True, False, True, True]
    assert not characters_read("ABC", "").any()


def test_iou():
    a, b = np.array([True, True, False]), np.array([False, True, True])
    assert iou(a, b) == pytest.approx(1 / 3)
    assert iou(a, b, np.array([True, True, False])) == pytest.approx(1 / 2)
    assert iou(~a & a, ~a & a) == 1.0


def test_rapidocr_reads_a_drawn_line():
    pytest.importorskip("rapidocr")
    import cv2

    from seal2real.report.labels import rapidocr_recogniser

    line = np.full((48, 300, 3), 255, np.uint8)
    cv2.putText(line, "INVOICE 2024", (10, 34), cv2.FONT_HERSHEY_SIMPLEX, 1, (200, 20, 30), 2, cv2.LINE_AA)
    assert "2024" in rapidocr_recogniser()(line)


def test_bad_input(dataset, real, tmp_path):
    with pytest.raises(UsageError, match="no dataset"):
        evaluate(tmp_path, real)
    with pytest.raises(Seal2RealError, match="no such folder"):
        evaluate(dataset, tmp_path / "nowhere")
    with pytest.raises(UsageError, match="at least 4"):
        evaluate(dataset, real, max_samples=2)
    (tmp_path / "labels.json").write_text('{"not": "a list"}')
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(encode_png(np.zeros((30, 30, 3), np.uint8)))
    with pytest.raises(Seal2RealError, match="not a list of labelled seals"):
        evaluate(dataset, tmp_path)
