"""The command line: help that helps, and one line for every foreseen mistake."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from seal2real import __version__
from seal2real.cli import run


@pytest.fixture
def pasted(tmp_path: Path) -> Path:
    folder = tmp_path / "pasted"
    folder.mkdir()
    cv2.imwrite(str(folder / "good.png"), np.full((64, 64, 3), 255, np.uint8))
    return folder


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["generate"], 2, "Missing argument"),
        (["generate", "OUT", "--count", "none"], 2, "count"),
        (["generate", "OUT", "--count", "0"], 2, "count is 0; it must be at least 1"),
        (["generate", "OUT", "--dpi", "5"], 2, "dpi is 5"),
        (["generate", "OUT", "--workers", "0", "--forger", "none"], 2, "workers is 0"),
        (["generate", "OUT", "--kind", "moon", "--forger", "none", "-j1"], 2, "moon"),
        (["generate", "OUT", "--colour", "pink", "--forger", "none", "-j1"], 2, "pink"),
        (["generate", "FILE/OUT", "--forger", "none", "-j1"], 1, "cannot be written"),
        (["preview", "OUT"], 2, "OUT: no such folder"),
        (["forge", "OUT", "--out", "OTHER"], 1, "no such folder"),
        (["forge", "TEXTS", "--out", "OTHER"], 1, "holds no image files"),
        (["forge", "PASTED", "--out", "PASTED"], 2, "the images themselves"),
        (["forge", "PASTED", "--out", "OTHER", "--forger", "none"], 2, "changes nothing"),
        (["nonsense"], 2, "No such command"),
        (["generate", "OUT", "--wear", "nan", "--forger", "none"], 2, "wear is nan; it must be 0 to 1"),
        (["generate", "OUT", "--negatives", "nan", "--forger", "none"], 2, "negatives is nan"),
        (["generate", "OUT", "--count", "-1"], 2, "count is -1"),
        (["generate", "OUT", "--preview", "-1"], 2, "--preview"),
        (["generate", "OUT", "--seed", "-1", "--forger", "none"], 2, "seed is -1"),
        (["generate", "OUT", "--press", "ridng=1", "--forger", "none"], 2, "did you mean 'riding'?"),
        (["generate", "OUT", "--authenticity", "past=1"], 2, "did you mean 'paste'?"),
        (["generate", "OUT", "--format", "coc", "--forger", "none"], 2, "did you mean 'coco'?"),
        (["generate", "OUT", "--engine", "rray", "--forger", "none"], 2, "did you mean 'ray'?"),
        (["generate", "OUT", "--pages", "TEXTS", "--forger", "none", "-j1"], 1, "holds no PDFs or images"),
        (["generate", "OUT", "--pages", "FAKE", "--forger", "none", "-j1"], 1, "a.png is not an image"),
        (["generate", "OUT", "--forger", "NOPE", "-j1"], 1, "NOPE: no such folder"),
        (["generate", "FILE", "--forger", "none", "-j1"], 2, "FILE is a file"),
        (["generate", "TEXTS", "--forger", "none", "-j1"], 2, "TEXTS is not empty"),
        (["generate", "OUT", "--dry-run", "-j0", "--forger", "none"], 2, "workers is 0"),
        (["generate", "s4://b/d", "--forger", "none", "-j1"], 2, "no file system is known as 's4'"),
        (["preview", "PASTED"], 2, "is no dataset"),
        (["preview", "s3://b/d"], 2, "s3://b/d is a URL"),
        (["preview", "SET", "--out", "a.txt"], 2, "ends in .jpg"),
        (["preview", "SET"], 1, "line 1: not a row of the native format (NaN is no JSON number)"),
        (["forge", "PASTED", "--out", "OTHER", "--seed", "-1", "--forger", "untrained"], 2, "seed is -1"),
        (["forge", "PASTED", "--out", "OTHER", "--dpi", "nan"], 2, "dpi is nan"),
        (["forge", "PASTED", "--out", "s3://b/d", "--forger", "untrained"], 2, "is a URL"),
        (["forge", "FAKE", "--out", "OTHER", "--forger", "untrained"], 1, "none of its 1 images can be used"),
        (["convert", "SET", "--to", "coc", "--out", "OTHER"], 2, "did you mean 'coco'?"),
        (["convert", "SET", "--to", "coco", "--out", "OTHER"], 1, "NaN is no JSON number"),
        (["convert", "SET", "--to", "paddle", "--out", "OTHER"], 1, "NaN is no JSON number"),
        (["convert", "BINARY", "--to", "coco", "--out", "OTHER"], 1, "line 1: not a row"),
        (["convert", "SET", "--to", "coco", "--out", "s3://b/d"], 2, "s3://b/d is a URL"),
        (["convert", "file:///data", "--to", "coco", "--out", "OTHER"], 2, "file:///data is a URL"),
        (["convert", "SET", "--to", "coco", "--out", "TEXTS"], 2, "not empty"),
        (["convert", "SET", "--to", "coco", "--from", "yol", "--out", "OTHER"], 2, "did you mean 'yolo'?"),
        (["validate", "NOPE"], 2, "NOPE: no such folder"),
        (["validate", "FILE"], 2, "FILE is a file"),
        (["validate", "s3://b/d"], 2, "copy the dataset to a folder"),
        (["validate", "file:///data"], 2, "give its path: /data"),
        (["validate", "SET", "--max", "-1"], 2, "max is -1"),
        (["stats", "memory://d"], 2, "memory://d is a URL"),
        (["stats", "SET", "-j1"], 1, "none of its rows can be read"),
        (["evaluate", "SET", "--real", "PASTED", "--samples", "0"], 2, "samples is 0"),
        (["evaluate", "SET", "--real", "PASTED", "--seed", "-1"], 2, "seed is -1"),
        (["evaluate", "SET", "--real", "PASTED", "--out", "FILE"], 2, "FILE is a file"),
        (["draw", "--kind", "company", "--out", "a.png", "--angle", "nan"], 2, "angle is nan"),
        (["draw", "--kind", "company", "--out", "s3://b/a.png"], 2, "s3://b/a.png is a URL"),
        (["draw", "--kind", "company", "--out", "a.png", "--colour", "violett"], 2, "did you mean 'violet'?"),
        (["draw", "--kind", "company", "--out", "a.png", "--text", "\U00030edd"], 1, "U+30EDD"),
        (["draw", "BAD.yaml", "--out", "a.png"], 2, "BAD.yaml:2: unknown key 'size'; did you mean 'size_mm'?"),
        (["fonts", "FILE"], 2, "font"),
        (["train", "--out", "RUN"], 2, "--real is missing"),
        (
            ["train", "--out", "RUN", "--real", "PASTED", "--config", "TRAIN.yaml"],
            2,
            "TRAIN.yaml:2: unknown key 'stepz'",
        ),
        (
            ["train", "--out", "RUN", "--real", "PASTED", "--config", "TWICE.yaml"],
            2,
            "TWICE.yaml:2: key 'steps' is given",
        ),
        (["train", "--out", "RUN", "--real", "PASTED", "--seed", "-1"], 2, "seed is -1"),
        (["pretrain", "--out", "RUN", "--seed", "-1"], 2, "seed is -1"),
        (["pretrain", "--out", "RUN", "--minutes", "nan"], 2, "minutes is nan"),
    ],
)
def test_mistakes_are_explained_in_one_line(
    arguments: list[str],
    status: int,
    message: str,
    tmp_path: Path,
    pasted: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_text("")
    (tmp_path / "TEXTS").mkdir()
    (tmp_path / "TEXTS" / "a.txt").write_text("no image")
    for name, file, content in (
        ("FAKE", "a.png", b"no image"),
        ("SET", "metadata.jsonl", b'{"file_name": "stamped/0.jpg", "seals": [], "dpi": NaN}\n'),
        ("BINARY", "metadata.jsonl", b"\xff\xfe\x80"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_bytes(content)
    (tmp_path / "BAD.yaml").write_text("kind: company\nsize: 42\n")
    (tmp_path / "TRAIN.yaml").write_text("steps: 3\nstepz: 4\n")
    (tmp_path / "TWICE.yaml").write_text("steps: 3\nsteps: 4\n")
    pasted.rename(tmp_path / "PASTED")
    before = sorted(path.name for path in tmp_path.iterdir())
    assert run(arguments) == status
    errors = capsys.readouterr().err
    assert message in errors and "Traceback" not in errors
    lines = [line for line in errors.splitlines() if line.strip() and not line.startswith(("Usage", "Try"))]
    assert len(lines) == 1, errors
    if arguments[0] != "generate" or ("--kind" not in arguments and "--colour" not in arguments):
        assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    """A limit on the size of files stands in for a full disk: every export, from a dataset whose images are links."""
    pytest.importorskip("resource")
    dataset, out = tmp_path / "set", tmp_path / "out"
    assert run(["generate", str(dataset), "-n", "1", "--forger", "none", "--dpi", "72", "-j", "1"]) == 0
    code = (
        "import resource, signal, sys; from seal2real.cli import run;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64));"
        "sys.exit([run(['convert', sys.argv[1], '--to', name, '--out', sys.argv[2]]) for name in sys.argv[3:]]"
        " != [1] * len(sys.argv[3:]))"
    )
    names = ["coco", "yolo", "voc", "labelme", "paddle", "huggingface", "webdataset", "donut"]
    done = subprocess.run(
        [sys.executable, "-c", code, str(dataset), str(out), *names],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == len(names), lines
    assert all("cannot be written (" in line and "file too large" in line for line in lines), lines
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"seal2real {__version__}\n"


@pytest.mark.parametrize(
    "command",
    [
        *("generate", "preview", "forge", "convert", "draw", "fonts"),
        *("train", "pretrain", "evaluate", "validate", "stats"),
    ],
)
def test_every_command_has_help_with_defaults(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert "default" in text and "Usage" in text


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from seal2real.cli import run; run(['--help']);"
        "sys.exit([m for m in ('torch', 'typst', 'cv2', 'skia', 'rapidocr') if m in sys.modules] or 0)"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == "" and "generate" in done.stdout
    assert time.perf_counter() - start < 5  # well under one second alone; machines that run tests are busy


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "seal2real.cli", "--debug", "preview", str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
        check=False,
    )
    assert done.returncode == 1 and "Traceback" in done.stderr and "UsageError" in done.stderr


def test_generate_prints_where_to_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "made"
    assert run(["generate", str(out), "-n", "2", "--forger", "none", "--dpi", "72", "-j", "1"]) == 0
    printed = capsys.readouterr().out
    assert "2 samples" in printed and str(out / "preview.jpg") in printed
    sheet = cv2.imread(str(out / "preview.jpg"))
    assert sheet is not None and sheet.shape[1] > 300
    assert run(["preview", str(out), "--out", str(tmp_path / "again.jpg"), "-n", "1"]) == 0
    assert (tmp_path / "again.jpg").is_file()
