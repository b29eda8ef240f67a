"""Engines: failed samples are listed and tried again, dead workers are replaced within a bound, folders stay clean."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from seal2real.cli import run
from seal2real.dataset.engines import Failure, run_shards
from seal2real.dataset.engines.worker import MAX_DEATHS
from seal2real.dataset.estimate import estimate
from seal2real.dataset.formats.native import read_rows
from seal2real.dataset.generate import GenerateConfig, generate
from seal2real.dataset.store import FAILURES, WORK, LocalStore, Shard, Store, open_store, plan_shards
from seal2real.errors import Seal2RealError, UsageError


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@dataclass
class Deadly:
    """A job whose worker dies of some shards, as often as a file says."""

    notes: Path
    deaths: int  # of shard 1

    def prepare(self) -> None:
        pass

    def run(self, shard: Shard, store: Store, stopped: Callable[[], bool]) -> tuple[Failure, ...]:
        with (self.notes / f"shard{shard.number}").open("a") as file:
            file.write("x")
        if shard.number == 1 and (self.notes / "shard1").stat().st_size <= self.deaths:
            os.kill(os.getpid(), signal.SIGKILL)
        return (Failure(shard.start, "odd"),) if shard.number == 2 else ()


def test_dead_workers_are_replaced(tmp_path: Path) -> None:
    shards, ended = plan_shards(30), []
    run_shards(
        Deadly(tmp_path, 2),
        shards,
        LocalStore(tmp_path),
        workers=2,
        finished=lambda shard, failures: ended.append((shard.number, len(failures))),
    )
    assert sorted(ended) == [(0, 0), (1, 0), (2, 1), (3, 0)]
    assert [(tmp_path / f"shard{n}").stat().st_size for n in range(4)] == [1, 3, 1, 1], "nothing else was made twice"


def test_a_shard_that_kills_every_worker_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(Seal2RealError, match=r"samples 8 to 15: .* died of them \(killed by signal 9\).*--resume"):
        run_shards(
            Deadly(tmp_path, 99), plan_shards(30), LocalStore(tmp_path), workers=2, finished=lambda shard, failed: None
        )
    assert (tmp_path / "shard1").stat().st_size == MAX_DEATHS


def pages_with_a_damaged_one(folder: Path) -> tuple[Path, bytes]:
    """Four pages, of which one shows only when it is decoded that it is truncated. Also its whole bytes."""
    folder.mkdir()
    noise = np.random.default_rng(0)
    for number in range(4):
        cv2.imwrite(str(folder / f"{number}.png"), noise.integers(180, 255, (150, 100 + number, 3), dtype=np.uint8))
    from seal2real.dataset.splits import folder_parts, shares_of
    from seal2real.page import FolderPages

    victim = folder_parts(FolderPages(folder, 36), shares_of(0.0, 0.2))["test"].files[0]
    whole = victim.read_bytes()
    victim.write_bytes(whole[: len(whole) // 2])
    return victim, whole


def test_failed_samples_are_listed_and_tried_again(tmp_path: Path) -> None:
    victim, whole = pages_with_a_damaged_one(tmp_path / "pages")
    config = GenerateConfig(
        count=20, forger="none", dpi=36, pages=str(tmp_path / "pages"), validation=0.0, test=0.2, seed=2
    )
    out = tmp_path / "out"
    made = generate(config, out, workers=1)
    failed = [failure.index for failure in made.failures]
    assert 1 <= len(failed) <= 10
    listed = [json.loads(line) for line in (out / FAILURES).read_text(encoding="utf-8").splitlines()]
    assert [row["index"] for row in listed] == failed
    assert victim.name in listed[0]["error"] and listed[0]["config"]["seed"] == 2 and "Traceback" in listed[0]["trace"]
    there = [row["provenance"]["index"] for row in read_rows(out)]
    assert sorted(there + failed) == list(range(20))
    assert not any((out / f"stamped/{index:06d}.jpg").exists() for index in failed)

    with pytest.raises(Seal2RealError, match=rf"samples failed \(--max-failures 0\); the first is sample {failed[0]} "):
        generate(config, out, workers=1, resume=True, max_failures=0)

    victim.write_bytes(whole)
    assert generate(config, out, workers=2, resume=True).failures == ()
    generate(config, tmp_path / "undisturbed", workers=1)
    assert digests(out) == digests(tmp_path / "undisturbed")
    assert not (out / FAILURES).exists() and not (out / WORK).exists()


def test_command_tells_of_failures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pages_with_a_damaged_one(tmp_path / "pages")
    options = ["--forger=none", "--dpi=36", f"--pages={tmp_path / 'pages'}", "--validation=0", "--test=0.2", "-j1"]
    out = str(tmp_path / "out")
    assert run(["generate", out, "-n12", "--seed=2", "--preview=0", *options]) == 0
    printed = capsys.readouterr()
    assert "samples failed, the first: sample" in printed.err and "--resume" in printed.err
    assert run(["generate", str(tmp_path / "all"), "-n12", "--seed=2", "--max-failures=0", *options]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("seal2real:")]
    assert len(lines) == 1 and "--max-failures 0" in lines[0]


def test_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "deep" / "out"
    assert run(["generate", str(out), "-n1000", "--forger=none", "--dpi=36", "--crops=64", "--dry-run", "-j2"]) == 0
    printed = capsys.readouterr().out
    assert "1000 samples" not in printed and "samples: 1000 in 125 shards" in printed
    assert "time:" in printed and "needed" in printed and "free" in printed
    assert list(tmp_path.iterdir()) == []


def test_estimate_is_near_the_truth(tmp_path: Path) -> None:
    config = GenerateConfig(count=6, forger="none", dpi=36, crops=64)
    told = estimate(config, tmp_path / "out", 1)
    generate(config, tmp_path / "out", workers=1)
    sizes = [path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.parent.name in ("stamped", "masks")]
    assert 0.5 < told.files / (len(digests(tmp_path / "out")) - 3) < 2  # without metadata, card and settings
    assert told.bytes_needed > sum(sizes) and told.fits and told.bytes_free is not None


def test_nothing_is_left_of_a_run_that_wrote_nothing(tmp_path: Path) -> None:
    settings = {"seed": 1}
    store = open_store(tmp_path / "a" / "b", settings, resume=False)
    assert (tmp_path / "a/b" / WORK).is_dir()
    store.leave()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").mkdir()
    open_store(tmp_path / "mine", settings, resume=False).leave()
    assert list((tmp_path / "mine").iterdir()) == [], "a folder that was there stays"


def test_full_disk_leaves_no_folders(tmp_path: Path) -> None:
    def limit() -> None:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))  # not even the settings can be written

    code = (
        "import sys; from seal2real.dataset.generate import *\n"
        "from seal2real.errors import Seal2RealError\n"
        "try: generate(GenerateConfig(count=2, forger='none', dpi=36), sys.argv[1], workers=1)\n"
        "except Seal2RealError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, str(tmp_path / "new" / "out")],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "cannot be written (file too large)" in done.stdout, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_two_runs_into_one_folder(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    store = open_store(tmp_path / "out", {"seed": 1}, resume=False)
    with pytest.raises(UsageError, match="another run is writing"):
        open_store(tmp_path / "out", {"seed": 1}, resume=True)
    assert (tmp_path / "out" / WORK).is_dir(), "the second leaves the first alone"
    store.leave()


def test_more_formats_beside_the_dataset(tmp_path: Path) -> None:
    config = GenerateConfig(count=3, forger="none", dpi=36, crops=64)
    made = generate(config, tmp_path / "out", workers=1, formats=["coco", "yolo"])
    assert {name: folder.name for name, folder in made.converted.items()} == {"coco": "out-coco", "yolo": "out-yolo"}
    assert list((tmp_path / "out-coco" / "annotations").glob("*.json"))
    again = generate(config, tmp_path / "out", workers=1, formats=["coco"], resume=True)
    assert list(again.converted) == ["coco"]


def test_shards_grow_with_the_dataset() -> None:
    for count in (1, 8, 9, 80_000, 80_001, 1_000_000, 100_000_000):
        shards = plan_shards(count)
        assert sum(map(len, shards)) == count and shards[-1].stop == count
        assert len(shards) <= 100_000 and max(map(len, shards)) <= 1000
    assert len(plan_shards(1_000_000)) == 10_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engine=rayy"], "no engine 'rayy'; did you mean 'ray'?"),
        (["--ray-address=auto"], "goes with --engine ray"),
        (["--max-failures=-1"], "max-failures is -1"),
        (["--format=cocoo"], "unknown format 'cocoo'; did you mean 'coco'?"),
    ],
)
def test_mistakes(arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["generate", str(tmp_path / "out"), "--forger=none", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
