"""The scripts in benchmarks/: they start, tell their options, and the cheap ones make a table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from seal2real.errors import Seal2RealError
from seal2real.seal import KINDS

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
SCRIPTS = sorted(path.name for path in BENCHMARKS.glob("*.py") if "__main__" in path.read_text(encoding="utf-8"))
# colour codes would stand between the words
PLAIN = {**os.environ, "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "160", "OMP_NUM_THREADS": "1"}


def run(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCHMARKS / script), *options]
    return subprocess.run(command, capture_output=True, text=True, env=PLAIN, timeout=120)


def test_the_scripts_are_found() -> None:
    assert {"peers.py", "workers.py", "seals.py", "pages.py"} <= set(SCRIPTS)


@pytest.mark.parametrize("script", ["peers.py", "workers.py", "seals.py", "pages.py", "kill_resume.py"])
def test_help(script: str) -> None:
    done = run(script, "--help")
    assert done.returncode == 0, done.stderr
    assert "--help" in done.stdout


def test_workers_compares_runs(tmp_path: Path) -> None:
    small = ("--count", "16", "--crops", "64", "--dpi", "50", "--forger", "none", "--repeats", "1")
    done = run("workers.py", *small, "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    rows = [line.split("│")[1:-1] for line in done.stdout.splitlines() if line.startswith("│")]
    assert [row[0].strip() for row in rows] == ["1", "2"]
    peaks = [[float(peak) for peak in row[6].split()] for row in rows]
    assert [len(peak) for peak in peaks] == [1, 2]
    assert all(20 < value < 2000 for peak in peaks for value in peak)  # MB: an interpreter with numpy, and no leak
    assert "2 workers against 1" in done.stdout
    assert not list(tmp_path.iterdir())


def test_workers_reports_a_run_that_fails(tmp_path: Path) -> None:
    done = run("workers.py", "--count", "8", "--forger", str(tmp_path / "absent"), "--repeats", "1")
    assert done.returncode == 1
    assert "no such folder" in done.stderr


def test_seals_has_a_row_per_kind() -> None:
    done = run("seals.py", "--per-kind", "1", "--pages", "1", "--dpi", "60")
    assert done.returncode == 0, done.stderr
    names = [line.split("│")[1].strip() for line in done.stdout.splitlines() if line.startswith("│")]
    assert names[: len(KINDS)] == list(KINDS)


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that runs peers; scripts find it beside them."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module("peer_processes")


def test_a_peer_takes_turns_and_counts_failures(tmp_path: Path, processes: ModuleType) -> None:
    """The protocol between `peers.py` and its workers, with a peer that fails every third time."""
    worker = tmp_path / "drive_shaky.py"
    worker.write_text(
        f"import sys\nsys.path.insert(0, {str(BENCHMARKS / 'peer_workers')!r})\n"
        "from itertools import count\nfrom turns import serve\nnumbers = count(1)\n"
        "def step():\n"
        "    print('chatter on standard output')\n"
        "    number = next(numbers)\n"
        "    if number % 3 == 0:\n        raise ValueError('every third')\n"
        "    return sum(range(20000))\n"
        "serve({'sum': step}, {'version': '1'})\n"
    )
    peer = processes.Peer("shaky", (), {"sum": 4}, (), warm_up=2)
    running = processes.Running(peer, Path(sys.executable), [], tmp_path / "log", workers=tmp_path)
    try:
        assert running.about == {"version": "1"}
        running.failed.clear()
        seconds = running.turn("sum", 6)
    finally:
        running.stop()
    assert len(seconds) == 6 and all(0 < value < 5 for value in seconds)
    assert running.failed == {"sum: ValueError: every third": 3}


def test_an_environment_is_kept_while_its_requirements_are(tmp_path: Path, processes: ModuleType) -> None:
    mark = tmp_path / "kept" / "installed.json"
    mark.parent.mkdir()
    mark.write_text(json.dumps(["something<2"]))
    kept = processes.Peer("kept", ("something<2",), {}, ())
    assert processes.environment(kept, tmp_path) == tmp_path / "kept" / "bin" / "python"


def test_a_peer_that_does_not_start_leaves_its_last_word(tmp_path: Path, processes: ModuleType) -> None:
    (tmp_path / "drive_broken.py").write_text("import no_such_library")
    peer = processes.Peer("broken", (), {"any": 1}, ())
    with pytest.raises(Seal2RealError, match="no_such_library"):
        processes.Running(peer, Path(sys.executable), [], tmp_path / "log", workers=tmp_path)
