"""The commands train and pretrain: help, settings, what they print, and one line for every foreseen mistake."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
import yaml

from conftest import TINY
from seal2real.cli import app, run
from seal2real.forger.estimator import EstimatorConfig
from seal2real.forger.train_config import TrainConfig
from seal2real.images import encode_jpeg
from seal2real.prior.pretrain import PretrainConfig

ROOT = Path(__file__).parents[1]


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    return str(tmp_path / "tiny.yaml")


@pytest.mark.parametrize(
    ("command", "kind", "least"),
    [("train", TrainConfig, 7), ("pretrain", PretrainConfig, 7), ("pretrain-estimator", EstimatorConfig, 4)],
)
def test_help_states_the_defaults_that_hold(command: str, kind: type, least: int) -> None:
    defaults = {field.name: field.default for field in dataclasses.fields(kind)}
    told = {
        option.name: found.group(1)
        for option in typer.main.get_command(app).commands[command].params  # type: ignore[attr-defined]
        if (found := re.search(r"\[default: (.+)\]", option.help or ""))
    }
    assert len(told) >= least
    for name, value in told.items():
        if defaults[name] is not None or value == "none":
            assert value == str(defaults[name]).lower(), name


def test_dry_run_tells_the_settings_and_writes_nothing(
    real_seals: Path, compact_folder: Path, tmp_path: Path, tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    common = ["train", "--real", str(real_seals), "--backbone", str(compact_folder), "--out", str(out)]
    assert run([*common, "--config", tiny, "--steps", "7", "--dry-run"]) == 0
    printed = capsys.readouterr().out
    values = yaml.safe_load(printed)
    assert (values["steps"], values["batch"], values["forger"]) == (7, 2, "layered")  # command line, file, default
    assert "2 more are held out" in printed and "0.1 million parameters" in printed
    assert not out.exists()


def test_train_prints_what_was_used_how_it_went_and_what_is_next(
    real_seals: Path, compact_folder: Path, tmp_path: Path, tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "seals", tmp_path / "out"
    shutil.copytree(real_seals, folder)
    cut = encode_jpeg(np.zeros((64, 64, 3), np.uint8))[:300]
    (folder / "cut.jpg").write_bytes(cut)
    common = ["train", "--real", str(folder), "--backbone", str(compact_folder), "--out", str(out)]
    assert run([*common, "--config", tiny, "--stage", "1"]) == 0
    printed = capsys.readouterr()
    assert "4 learned from, 2 held out; 1 files skipped" in printed.out
    assert re.search(r"skipped .*cut\.jpg: damaged image", printed.out)
    assert re.search(r"apart \(95 % interval \d+\.\d% to \d+\.\d%, AUC \d\.\d+", printed.out)
    assert f"next: seal2real train --out {out} --resume --stage 2" in printed.out
    assert "Traceback" not in printed.err
    # the printed command works as it is
    assert run(["train", "--out", str(out), "--resume", "--stage", "2", "--steps", "1"]) == 0
    printed = capsys.readouterr()
    assert "stage 2: 1 of 1 steps" in printed.out and f"generate OUT --forger {out}" in printed.out
    assert "stage 1: the prompts tell" in printed.out  # still known
    assert run(["train", "--out", str(out), "--resume", "--steps", "3", "--minutes", "1e-9"]) == 0
    printed = capsys.readouterr()
    assert f"stage 2: 1 of 3 steps; forger in {out / 'forger'}" in printed.out
    assert f"to go on: seal2real train --out {out} --resume" in printed.out
    assert json.loads((out / "report.json").read_text())["skipped"][0][0].endswith("cut.jpg")


def test_few_files_are_said_to_be_judged_on_themselves(
    real_seals: Path, compact_folder: Path, tmp_path: Path, tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "seals").mkdir()
    shutil.copy(real_seals / "0.png", tmp_path / "seals")
    arguments = ["--real", str(tmp_path / "seals"), "--backbone", str(compact_folder), "--out", str(tmp_path / "out")]
    assert run(["train", *arguments, "--config", tiny, "--stage", "1"]) == 0
    printed = capsys.readouterr()
    assert "1 learned from, 0 held out" in printed.out and "too few files to hold any out" in printed.out


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["train"], 2, "Missing option '--out'"),
        (["train", "--out", "OUT"], 2, "--real is missing: name a folder of real images"),
        (["train", "--out", "OUT", "--real", "NOWHERE"], 1, "NOWHERE: no such folder"),
        (["train", "--out", "OUT", "--real", "EMPTY"], 1, "EMPTY: holds no image files"),
        (["train", "--out", "OUT", "--real", "TEXTS"], 1, "TEXTS: holds no image files"),
        (["train", "--out", "OUT", "--real", "BROKEN"], 1, "BROKEN: no seal found in its 1 image files"),
        (["train", "--out", "TEXTS", "--real", "SEALS"], 2, "TEXTS is not empty and holds no run"),
        (["train", "--out", "RUN", "--real", "SEALS"], 2, "RUN already holds a run; add --resume"),
        (
            ["train", "--out", "RUN", "--resume", "--seed", "9"],
            2,
            "RUN: seed was 0 and is now 9; a resumed run keeps it",
        ),
        (["train", "--out", "OUT", "--real", "SEALS", "--stage", "3"], 2, "stage is '3'; choose from 1, 2, all"),
        (["train", "--out", "OUT", "--real", "SEALS", "--prior", "x"], 2, "prior is 'x'; choose from none, sds"),
        (["train", "--out", "OUT", "--real", "SEALS", "--steps", "-3"], 2, "steps is -3; it must be above 0"),
        (["train", "--out", "OUT", "--real", "SEALS", "--config", "NO.yaml"], 2, "NO.yaml: no such file"),
        (
            ["train", "--out", "OUT", "--real", "SEALS", "--config", "typo.yaml"],
            2,
            "unknown key 'stpes'; did you mean 'steps'",
        ),
        (["train", "--out", "OUT", "--real", "SEALS", "--backbone", "NOWHERE"], 1, "NOWHERE: no such backbone"),
        (["train", "--out", "OUT", "--real", "SEALS", "--backbone", "PICKLED"], 1, "not a valid safetensors file"),
        (["train", "--out", "OUT", "--real", "SEALS", "--backbone", "EMPTY"], 1, "unet/ is missing"),
        (["train", "--out", "OUT", "--real", "SEALS", "--pages", "NOWHERE"], 2, "'NOWHERE' does not exist"),
        (
            ["train", "--out", "OUT", "--real", "SEALS", "--pages", "NOWHERE", "--dry-run"],
            2,
            "'NOWHERE' does not exist",
        ),
        (
            ["train", "--out", "OUT", "--real", "SEALS", "--start-from", "EMPTY", "--dry-run"],
            1,
            "EMPTY: no forger here",
        ),
        (["train", "--out", "OUT", "--real", "SEALS", "--calibrate", "EMPTY", "--dry-run"], 1, "EMPTY: no estimator"),
        (["train", "--out", "FILE/OUT", "--real", "SEALS", "--stage", "2", "--prior", "none"], 1, "FILE"),
        (["pretrain"], 2, "Missing option '--out'"),
        (["pretrain", "--out", "TEXTS"], 2, "TEXTS is not empty and holds no run"),
        (["pretrain", "--out", "OUT", "--batch", "0"], 2, "batch is 0"),
        (["pretrain", "--out", "RUN", "--resume"], 2, "unknown key 'real'"),
        (["pretrain-estimator", "--out", "OUT", "--steps", "0"], 2, "steps is 0"),
        (["pretrain-estimator", "--out", "RUN", "--resume"], 2, "unknown key 'real'"),
        (["calibrate", "--real", "EMPTY", "--out", "OUT"], 1, "EMPTY: holds no image files"),
        (["calibrate", "--real", "SEALS", "--out", "RUN"], 2, "RUN: holds a run already"),
        (["calibrate", "--real", "SEALS", "--out", "OUT", "--start-from", "EMPTY"], 1, "EMPTY: no forger here"),
        (["calibrate", "--real", "SEALS", "--out", "OUT", "--estimator", "EMPTY"], 1, "EMPTY: no estimator"),
        (["calibrate", "--real", "SEALS", "--out", "OUT", "--breadth", "1.5"], 2, "breadth is 1.5"),
    ],
)
def test_mistakes_are_explained_in_one_line(
    arguments: list[str],
    status: int,
    message: str,
    real_seals: Path,
    compact_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("EMPTY", "TEXTS", "BROKEN", "RUN"):
        (tmp_path / name).mkdir()
    (tmp_path / "FILE").write_text("")
    (tmp_path / "TEXTS" / "a.txt").write_text("no image")
    (tmp_path / "BROKEN" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    (tmp_path / "RUN" / "config.yaml").write_text("real: SEALS\nseed: 0\nstage: '2'\nprior: none\n")
    (tmp_path / "typo.yaml").write_text("stpes: 3\n")
    (tmp_path / "SEALS").symlink_to(real_seals)
    shutil.copytree(compact_folder, tmp_path / "PICKLED")
    (tmp_path / "PICKLED" / "caption" / "model.safetensors").write_bytes(pickle.dumps([1, 2]))
    before = sorted(path.name for path in tmp_path.rglob("*"))
    assert run(arguments) == status
    errors = capsys.readouterr().err
    assert message in " ".join(errors.split()) and "Traceback" not in errors
    assert len([line for line in errors.splitlines() if line.startswith("seal2real:") or "Error" in line]) == 1, errors
    assert sorted(path.name for path in tmp_path.rglob("*")) == before  # nothing half-written


def test_pretrain_says_where_the_backbone_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.yaml").write_text("pool: 8\nwidths: [16, 16]\nimage_size: 32\nprecision: no\n")
    out = tmp_path / "run"
    assert (
        run(["pretrain", "--out", str(out), "--config", str(tmp_path / "c.yaml"), "--steps", "1", "--batch", "2"]) == 0
    )
    printed = capsys.readouterr().out
    assert f"--backbone {out / 'backbone'}" in printed
    assert run(["pretrain", "--out", str(out), "--resume", "--steps", "2"]) == 0
    assert len((out / "metrics.jsonl").read_text().splitlines()) == 2


def test_the_script_at_the_root_is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, "train.py", "--out", "/nowhere/run", "--real", "/nowhere/seals"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "RANK": "1"},
    )
    assert done.returncode == 1 and done.stderr == ""  # another process than the first says nothing
    done = subprocess.run([sys.executable, "train.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "seal2real train" in done.stdout
