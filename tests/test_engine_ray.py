"""The Ray engine: the same bytes as the local one, workers and parents killed; one line where no cluster answers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("ray")

from seal2real.dataset.engines.ray import _check_address
from seal2real.dataset.generate import GenerateConfig, generate
from seal2real.dataset.store import WORK
from seal2real.errors import Seal2RealError, UsageError

CONFIG = GenerateConfig(count=28, seed=9, forger="none", dpi=36, crops=64)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def below(parent: int, start: bytes) -> list[int]:
    """Processes below ``parent`` whose command begins like this."""
    parents, titles = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                titles[int(entry.name)] = (entry / "cmdline").read_bytes()
            except (OSError, IndexError):
                continue
    found = {parent}
    while more := {pid for pid, above in parents.items() if above in found} - found:
        found |= more
    return [pid for pid in found & titles.keys() if titles[pid].split(b"\0")[0].split(b"/")[-1].startswith(start)]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc")
def test_killed_workers_and_parent_give_the_same_bytes(tmp_path: Path) -> None:
    generate(CONFIG, tmp_path / "local", workers=1)
    out = tmp_path / "ray"
    command = [sys.executable, "-m", "seal2real.cli", "generate", str(out), "--engine=ray", "--workers=2"]
    command += ["--count=28", "--seed=9", "--forger=none", "--dpi=36", "--crops=64", "--preview=0"]
    parent = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 900
    while not list(out.glob(f"{WORK}/*.jsonl")):
        assert parent.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    parent.kill()
    parent.wait()

    parent = subprocess.Popen([*command, "--resume"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while parent.poll() is None and not (workers := below(parent.pid, b"ray::_task")):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    if parent.poll() is None:
        os.kill(workers[0], signal.SIGKILL)
    assert parent.wait(timeout=900) == 0
    assert contents(out) == contents(tmp_path / "local")


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc")
def test_a_cluster_of_our_own_that_dies_is_started_again(tmp_path: Path) -> None:
    generate(CONFIG, tmp_path / "local", workers=1)
    killed: list[int] = []

    def kill_node(done: int) -> None:
        if done and not killed:
            killed.extend(below(os.getpid(), b"raylet"))
            os.kill(killed[0], signal.SIGKILL)

    generate(CONFIG, tmp_path / "ray", engine="ray", workers=2, progress=kill_node)
    assert killed
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")


def test_nothing_answers() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = time.monotonic()
    for address in (f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}"):
        with pytest.raises(Seal2RealError, match=f"nothing answers at the Ray address {address}"):
            _check_address(address)
    assert time.monotonic() - start < 20


@pytest.mark.slow
def test_what_answers_is_not_ray() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: server.accept()[0].recv(10), daemon=True).start()
        start = time.monotonic()
        with pytest.raises(Seal2RealError, match="is no Ray cluster"):
            _check_address(f"127.0.0.1:{server.getsockname()[1]}")
        assert time.monotonic() - start < 60


@pytest.mark.parametrize("address", ["nonsense", "host:", ":6379", "http://host:1", "host:port"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(UsageError, match="is no Ray address"):
        _check_address(address)


def test_command_says_it_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from seal2real.cli import run

    arguments = ["generate", str(tmp_path / "out"), "--forger=none", "--engine=ray", "--ray-address=127.0.0.1:1"]
    assert run(arguments) == 1
    errors = capsys.readouterr().err
    assert "nothing answers at the Ray address 127.0.0.1:1 (connection refused)" in errors
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"
