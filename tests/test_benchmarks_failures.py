"""How benchmarks/failures.py names causes and chooses the worst, and one small run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from seal2real.images import load_rgb

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
PLAIN = {**os.environ, "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "160", "OMP_NUM_THREADS": "1"}


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module("failures")


def test_causes_of_a_seal(failures: ModuleType) -> None:
    told = [(0.29, None, 1.0), (0.49, None, 1.0), (0.5, None, 1.0), (0.9, 0.6, 2.0)]
    assert [failures.segment_cause(*each) for each in told] == ["missed", "outline", "right", "right"]
    inks = [failures.segment_cause(0.9, 0.59, area) for area in (0.69, 0.7, 1.3, 1.31)]
    assert inks == ["ink too thin", "ink misplaced", "ink misplaced", "ink too fat"]


@pytest.mark.parametrize(
    ("read", "truth", "cause"),
    [
        ("合同专用章", "合同专用章", "right"),
        ("ПЕЧАТЬ", "ПЕЧАТЬ", "right"),
        ("", "合同专用章", "not found"),
        ("", "ПЕЧАТЬ", "other script"),
        ("合同专用", "合同专用章", "a character or two"),
        ("合同专", "合同专用章", "mostly wrong"),
        ("110000021568", "1100000215683", "a character or two"),
        ("1100000215", "1100000215683", "mostly wrong"),
    ],
)
def test_causes_of_a_line(failures: ModuleType, read: str, truth: str, cause: str) -> None:
    assert failures.read_cause(read, truth) == cause


def test_letters_that_are_not_known(failures: ModuleType) -> None:
    assert all(map(failures.other_script, ["ОГРН 12", "खड़गपुर / IIT", "BẮC SƠN"]))
    assert not any(map(failures.other_script, ["Počet príloh", "TÂN HÒA", "株式会社タカ", "2018-10-02", "(6)", "ＡＢ"]))


def test_causes_of_a_page(failures: ModuleType) -> None:
    assert [failures.remove_cause(after, 10, 50.0) for after in (11, 10, 9, 7, 6)] == [
        "all read", "all read", "some lost", "some lost", "most lost",
    ]  # fmt: skip
    assert [failures.remove_cause(0, 0, difference) for difference in (12.0, 12.1)] == ["no trace", "ghost"]


def test_every_cause_shows_its_worst(failures: ModuleType) -> None:
    told = [("right", 1.0), ("outline", 0.6), ("missed", 0.8), ("missed", 1.0), ("missed", 0.9), ("outline", 0.7)]
    cases = [failures.Case("", cause, worse, worse, (), ()) for cause, worse in told]
    chosen = [(case.cause, case.worse) for case in failures.worst_of(cases, 3)]
    assert chosen == [("missed", 1.0), ("missed", 0.9), ("outline", 0.7)]
    assert [case.worse for case in failures.worst_of(cases, 9)] == [1.0, 0.9, 0.8, 0.7, 0.6]
    assert failures.share(cases, "missed") == "3 (50%)" and failures.share(None, "missed") == "-"


def test_words_are_broken(failures: ModuleType) -> None:
    assert failures.wrapped("合同专用章", 2) == ["合同", "专用", "章"]
    assert failures.wrapped("red seal of it", 5) == ["red seal", "of it"]
    assert failures.wrapped("", 2) == [""]


def test_boxes_end_with_the_image(failures: ModuleType) -> None:
    outline = failures.np.array([[-10, 0], [30, 0], [30, 20], [-10, 20]], "float32")
    assert failures.box_within(outline, (100, 20)) == (0, 0, 20, 20)
    assert failures.box_iou((0, 0, 20, 20), (10, 0, 20, 20)) == pytest.approx(1 / 3)
    assert failures.box_iou((0, 0, 20, 20), (20, 20, 5, 5)) == 0


def test_a_small_run(tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARKS / "failures.py"), "--out", str(tmp_path)]
    options = ["--controlled", "2", "--tasks", "segment"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, env=PLAIN, timeout=120)
    assert done.returncode == 0, done.stderr
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines() if "│" in line]
    assert [row[0] for row in rows][:2] == ["right", "missed"] and all(row[1] == "-" for row in rows)
    cases = json.loads((tmp_path / "failures.json").read_text(encoding="utf-8"))
    assert cases and all(case["task"] == "segment" and case["set"] == "controlled" for case in cases)
    pictures = list(tmp_path.glob("*.png"))
    assert bool(pictures) == any(case["cause"] != "right" for case in cases)
    assert all(load_rgb(picture).shape[1] == 1100 for picture in pictures)


def test_tasks_are_checked(tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARKS / "failures.py"), "--out", str(tmp_path), "--tasks", "verify"]
    done = subprocess.run(command, capture_output=True, text=True, env=PLAIN, timeout=120)
    assert done.returncode == 2 and "segment,read,remove" in done.stderr
