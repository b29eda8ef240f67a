"""`seal2real stats`: counts that add up, measures in their units, a readable plot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.cli import run
from seal2real.dataset.generate import GenerateConfig, generate
from seal2real.dataset.stats import MEASURES, Measure, _extent, dataset_stats, histogram
from seal2real.report.stats_plot import write_stats_plot


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("stats") / "d"
    generate(
        GenerateConfig(count=6, seed=4, forger="none", dpi=72, press="partial-strike=0,off-page=0,riding=0"),
        out,
        workers=1,
    )
    rows = [json.loads(line) for line in (out / "metadata.jsonl").read_text(encoding="utf-8").splitlines()]
    rows[5].update(seals=[], objects={"bbox": [], "categories": []})  # a page without a seal
    (out / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return out


def test_counts_add_up(dataset: Path) -> None:
    rows = [json.loads(line) for line in (dataset / "metadata.jsonl").read_text(encoding="utf-8").splitlines()]
    seals = [seal for row in rows for seal in row["seals"]]
    stats = dataset_stats(dataset, workers=1)
    assert (stats.samples, stats.seals, stats.negatives, stats.skipped) == (6, len(seals), 1, 0)
    assert sum(stats.counts["split"].values()) == sum(stats.counts["page"].values()) == 6
    for name in ("kind", "colour", "authenticity"):
        assert sum(stats.counts[name].values()) == len(seals)
        assert stats.counts[name][seals[0][name]] == sum(seal[name] == seals[0][name] for seal in seals)
    assert stats.values["seals_per_image"].tolist() == [len(row["seals"]) for row in rows]
    lengths = [sum(len(line["text"]) for line in seal["lines"]) for seal in seals]
    assert stats.values["text_length"].tolist() == lengths


def test_measures_are_in_their_units(dataset: Path) -> None:
    stats = dataset_stats(dataset, workers=1)
    assert np.allclose(stats.values["size_px"], stats.values["size_mm"] * 72 / 25.4, rtol=1e-4)
    assert stats.values["size_mm"].min() > 10 and stats.values["size_mm"].max() < 100
    assert stats.values["ink"].min() > 0 and stats.values["ink"].max() <= 1
    assert np.allclose(stats.values["visible"], 1)  # pastes are not worn
    assert stats.values["text_under_seals"].min() >= 0 and stats.values["text_under_seals"].max() < 0.6


def test_json_holds_histograms_of_every_value(dataset: Path) -> None:
    stats = dataset_stats(dataset, workers=1)
    plain = json.loads(json.dumps(stats.to_json(), allow_nan=False))
    assert set(plain["measures"]) == {measure.name for measure in MEASURES}
    for name, measure in plain["measures"].items():
        assert sum(measure["histogram"]["counts"]) == measure["count"] == len(stats.values[name])
        assert measure["min"] <= measure["p5"] <= measure["median"] <= measure["p95"] <= measure["max"]


def test_processes_count_the_same_as_one(dataset: Path, tmp_path: Path) -> None:
    copy = tmp_path / "many"
    copy.mkdir()
    for folder in ("ink", "masks"):
        (copy / folder).symlink_to(dataset / folder)
    (copy / "metadata.jsonl").write_text((dataset / "metadata.jsonl").read_text(encoding="utf-8") * 5)
    one, two = dataset_stats(copy, workers=1), dataset_stats(copy, workers=2)
    assert one.to_json() == two.to_json() and one.samples == 30


def test_what_cannot_be_read_is_left_out_and_counted(dataset: Path, tmp_path: Path) -> None:
    lines = (dataset / "metadata.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "metadata.jsonl").write_text(lines[0] + '{"file_name": 3}\n' + "[\n", encoding="utf-8")
    stats = dataset_stats(tmp_path, workers=1)  # no image is there
    seals = len(json.loads(lines[0])["seals"])
    assert (stats.samples, stats.seals, stats.skipped) == (1, seals, 2 + 1 + 2 * seals)
    assert "seal2real validate" in str(stats) and len(stats.values["ink"]) == 0


def test_plot_is_a_picture_of_all_panels(dataset: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = write_stats_plot(dataset_stats(dataset, workers=1), tmp_path / "plot.png")
    picture = cv2.imread(str(out))
    assert picture is not None and picture.shape[0] > 800 and picture.shape[1] > 1500
    assert (picture < 200).any(axis=2).mean() > 0.02  # drawn upon, not blank


def test_command_prints_tables_and_writes_json(dataset: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(["stats", str(dataset), "-j", "1", "--json", str(tmp_path / "stats.json")]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "6 samples" in printed and "kind of seal" in printed and "without a seal: 1" in printed
    assert json.loads((tmp_path / "stats.json").read_text())["negatives"] == 1


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["NOWHERE"], 2, "no such folder"),
        (["EMPTY"], 2, "is no dataset"),
        (["BROKEN"], 1, "none of its rows can be read"),
        (["BROKEN", "--workers", "0"], 2, "workers is 0"),
        (["BROKEN", "--plot", "plot.jpg"], 2, "ends in .png"),
    ],
)
def test_mistakes_are_explained_in_one_line(
    arguments: list[str], status: int, message: str, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (Path("EMPTY"), Path("BROKEN")):
        folder.mkdir()
    Path("BROKEN/metadata.jsonl").write_text("no json\n")
    assert run(["stats", *arguments]) == status
    errors = capsys.readouterr().err
    assert message in errors and len(errors.strip().splitlines()) == 1


@given(st.lists(st.integers(-300, 300), min_size=1, max_size=60), st.booleans())
@settings(max_examples=60, deadline=None)
def test_histogram_counts_every_value_once(numbers: list[int], whole: bool) -> None:
    counts, edges = histogram(np.asarray(numbers, np.float32), Measure("n", "n", "", whole))
    assert counts.sum() == len(numbers) and len(edges) == len(counts) + 1 <= 50
    assert edges[0] <= min(numbers) and max(numbers) <= edges[-1]


@given(st.floats(-180, 180), st.floats(5, 200), st.floats(5, 200))
@settings(max_examples=60, deadline=None)
def test_extent_is_that_before_the_turn(angle: float, width: float, height: float) -> None:
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    turn = np.radians(angle)
    turned = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])  # clockwise, y down
    assert np.allclose(_extent(turned, angle), (width, height), atol=1e-6)
