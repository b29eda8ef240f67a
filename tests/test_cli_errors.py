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
        (["preview", "OUT"], 2, "is no dataset"),
        (["forge", "OUT", "--out", "OTHER"], 1, "no such folder"),
        (["forge", "TEXTS", "--out", "OTHER"], 1, "holds no image files"),
        (["forge", "PASTED", "--out", "PASTED"], 2, "the images themselves"),
        (["forge", "PASTED", "--out", "OTHER", "--forger", "none"], 2, "changes nothing"),
        (["nonsense"], 2, "No such command"),
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
    pasted.rename(tmp_path / "PASTED")
    before = sorted(path.name for path in tmp_path.iterdir())
    assert run(arguments) == status
    errors = capsys.readouterr().err
    assert message in errors and "Traceback" not in errors
    lines = [line for line in errors.splitlines() if line.strip() and not line.startswith(("Usage", "Try"))]
    assert len(lines) == 1, errors
    if "--kind" not in arguments and "--colour" not in arguments:
        assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"seal2real {__version__}\n"


@pytest.mark.parametrize("command", ["generate", "preview", "forge", "evaluate"])
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
