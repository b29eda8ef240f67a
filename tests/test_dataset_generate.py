"""Generation: the same bytes whatever the workers, the interruptions and the crashes."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from seal2real.dataset.formats.native import METADATA, load_sample, read_rows, row_files
from seal2real.dataset.generate import GenerateConfig, generate, load_context, make_sample, split_of
from seal2real.dataset.store import SHARD_SIZE, WORK
from seal2real.errors import Seal2RealError, UsageError
from seal2real.report.sheet import contact_sheet

CONFIG = GenerateConfig(count=2 * SHARD_SIZE + 4, seed=5, forger="none", dpi=72)


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    out = tmp_path_factory.mktemp("undisturbed") / "dataset"
    generate(CONFIG, out, workers=1)
    yield out


def command(out: Path, *more: str) -> list[str]:
    plain = [f"--count={CONFIG.count}", f"--seed={CONFIG.seed}", f"--dpi={CONFIG.dpi}", "--forger=none", "--preview=0"]
    return [sys.executable, "-m", "seal2real.cli", "generate", str(out), *plain, *more]


def test_every_sample_and_file_is_there_once(dataset: Path) -> None:
    rows = list(read_rows(dataset))
    assert [row["provenance"]["index"] for row in rows] == list(range(CONFIG.count))
    named = [path for row in rows for path in row_files(row)]
    there = [path for path in digests(dataset) if "/" in path]
    assert sorted(named) == sorted(there)
    assert not (dataset / WORK).exists()
    assert "synthetic" in (dataset / "README.md").read_text(encoding="utf-8")


def test_labels_agree_with_the_pictures(dataset: Path) -> None:
    for row in list(read_rows(dataset))[:6]:
        sample = load_sample(dataset, row)
        difference = np.abs(sample.stamped.astype(int) - sample.clean).max(axis=2)
        masks = np.any(sample.full, axis=0)
        assert difference[masks].mean() > 20  # pale ink, or ink on black print, changes little
        near = cv2.dilate(masks.astype(np.uint8), np.ones((49, 49), np.uint8)) > 0  # as far as JPEG's blocks smear
        assert difference[~near].max(initial=0) < 8


def test_two_workers_one_of_them_killed_write_the_same_bytes(dataset: Path, tmp_path: Path) -> None:
    killed: list[int] = []

    def kill_one(done: int) -> None:
        if done and not killed:
            victim = multiprocessing.active_children()[0].pid
            assert victim is not None
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

    generate(CONFIG, tmp_path / "out", workers=2, progress=kill_one)
    assert killed
    assert digests(tmp_path / "out") == digests(dataset)


def test_killed_run_resumes_to_the_same_bytes(dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(command(out, "--workers=2"), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(out.glob(f"{WORK}/*.jsonl")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert not (out / METADATA).exists()
    for path in out.rglob("stamped/*.jpg"):  # whatever can be seen outside the hidden folder is whole
        if WORK not in path.parts:
            assert path.read_bytes().endswith(b"\xff\xd9")

    seen: list[int] = []
    generate(CONFIG, out, workers=1, resume=True, progress=seen.append)
    assert seen[0] >= SHARD_SIZE, "the finished shard is kept"
    assert sum(seen) == CONFIG.count
    assert digests(out) == digests(dataset)


def test_interrupt_stops_cleanly(tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(
        command(out, "--workers=2", "--count=400"),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    deadline = time.monotonic() + 60
    while not list(out.glob(f"{WORK}/*.jsonl")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted" in errors and "Traceback" not in errors
    assert not [path for path in (out / WORK).iterdir() if path.is_dir()], "no staging left"


def test_resume_of_a_finished_dataset_changes_nothing(dataset: Path) -> None:
    before = digests(dataset)
    generate(CONFIG, dataset, workers=1, resume=True)
    assert digests(dataset) == before


def test_damaged_shard_is_made_again(dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        generate(CONFIG, out, workers=1, progress=lambda done: _interrupt() if done else None)
    (out / "ink/000003.png").unlink()
    generate(CONFIG, out, workers=1, resume=True)
    assert digests(out) == digests(dataset)


def _interrupt() -> None:
    raise KeyboardInterrupt


def test_longer_dataset_begins_with_the_shorter(dataset: Path, tmp_path: Path) -> None:
    generate(GenerateConfig(count=3, seed=5, forger="none", dpi=72), tmp_path / "out", workers=1)
    short = list(read_rows(tmp_path / "out"))
    assert short == list(read_rows(dataset))[:3]


def test_crops_hold_the_seal(tmp_path: Path) -> None:
    config = GenerateConfig(count=6, forger="none", dpi=100, crops=200)
    generate(config, tmp_path / "out", workers=1)
    for row in read_rows(tmp_path / "out"):
        assert (row["width"], row["height"]) == (200, 200)
        assert row["seals"]


def test_forged_crops_do_not_depend_on_the_workers(tmp_path: Path) -> None:
    config = GenerateConfig(count=SHARD_SIZE + 2, forger="untrained", dpi=72, crops=96)
    generate(config, tmp_path / "one", workers=1)
    generate(config, tmp_path / "two", workers=2)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    rows = list(read_rows(tmp_path / "one"))
    assert {row["provenance"]["forger"] for row in rows} == {"untrained"}
    assert {seal["authenticity"] for row in rows for seal in row["seals"]} == {"impression"}


def test_wear_reaches_the_forger() -> None:
    worn = GenerateConfig(forger="untrained", dpi=72, crops=96, wear=1.0)
    fresh = GenerateConfig(forger="untrained", dpi=72, crops=96, wear=0.0)
    context = load_context(worn)

    def unevenness(config: GenerateConfig) -> float:
        samples = [make_sample(config, index, context) for index in range(6)]
        insides = [seal.on_page(seal.full_mask, *sample.size) for sample in samples for seal in sample.seals[:1]]
        return float(np.mean([sample.ink[mask].std() for sample, mask in zip(samples, insides, strict=True)]))

    assert unevenness(worn) > 1.3 * unevenness(fresh)


def test_own_pages_are_used_and_the_damaged_listed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    cv2.imwrite(str(pages / "good.png"), np.full((700, 500, 3), 240, np.uint8))
    (pages / "broken.pdf").write_bytes(b"no pdf")
    generate(GenerateConfig(count=2, forger="none", dpi=72, pages=str(pages)), tmp_path / "out", workers=1)
    assert [row["provenance"]["page"] for row in read_rows(tmp_path / "out")] == ["good.png"] * 2
    assert "broken.pdf" in caplog.text and "too few pages" in caplog.text
    assert "license: other" in (tmp_path / "out/README.md").read_text(encoding="utf-8")


def test_splits_have_their_shares() -> None:
    config = GenerateConfig(validation=0.2, test=0.1)
    splits = [split_of(config, index) for index in range(2000)]
    assert splits.count("validation") / 2000 == pytest.approx(0.2, abs=0.03)
    assert splits.count("test") / 2000 == pytest.approx(0.1, abs=0.03)


def test_samples_differ_by_seed_and_index() -> None:
    context = load_context(CONFIG)
    samples = [make_sample(CONFIG, 0, context), make_sample(CONFIG, 1, context)]
    samples.append(make_sample(GenerateConfig(seed=6, forger="none", dpi=72), 0, context))
    assert len({hashlib.sha256(sample.stamped.tobytes()).hexdigest() for sample in samples}) == 3


def test_existing_folders_are_respected(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="already holds a dataset"):
        generate(CONFIG, dataset, workers=1)
    with pytest.raises(UsageError, match="seed: 5 there, 6 now"):
        generate(GenerateConfig(count=CONFIG.count, seed=6, forger="none", dpi=72), dataset, workers=1, resume=True)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        generate(CONFIG, tmp_path, workers=1, resume=True)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(UsageError, match="is a file"):
        generate(CONFIG, tmp_path / "notes.txt", workers=1)
    with pytest.raises(Seal2RealError, match="cannot be written"):
        generate(CONFIG, tmp_path / "notes.txt" / "below", workers=1)


@pytest.mark.parametrize("workers", [1, 2])
def test_failed_write_is_one_line_and_leaves_nothing_half_written(tmp_path: Path, workers: int) -> None:
    def limit() -> None:  # a file may have 10,000 bytes: writing fails in the middle of an image
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    out = tmp_path / "out"
    done = subprocess.run(
        command(out, f"--workers={workers}"), preexec_fn=limit, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line and "ontconfig" not in line]
    assert len(lines) == 1 and "cannot be written (file too large)" in lines[0] and "--resume" in lines[0]
    assert not list(out.rglob("*.jpg")) and not list(out.glob("metadata*"))


def test_unknown_kind_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no-such-kind"):
        generate(GenerateConfig(count=2, forger="none", kinds=("no-such-kind",)), tmp_path / "out", workers=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", 0),
        ("seed", -1),
        ("dpi", 10),
        ("crops", 8),
        ("seals", 0),
        ("wear", 1.5),
        ("capture", -0.5),
        ("jpeg_quality", 0),
        ("test", 1.5),
    ],
)
def test_values_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=str(value)):
        GenerateConfig(**{name: value})  # type: ignore[arg-type]


def test_imagefolder_opens(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    data = datasets.load_dataset("imagefolder", data_dir=str(dataset), split="train", cache_dir=str(tmp_path))
    rows = list(read_rows(dataset))
    assert len(data) == len(rows)
    assert data[3]["image"].size == (rows[3]["width"], rows[3]["height"])
    assert data[3]["seals"][0]["polygon"] == rows[3]["seals"][0]["polygon"]
    assert data[3]["objects"] == rows[3]["objects"]
    assert [row["text"] for row in data[3]["text"]] == [row["text"] for row in rows[3]["text"]]


def test_contact_sheet_shows_every_sample(dataset: Path) -> None:
    small, large = contact_sheet(dataset, count=1), contact_sheet(dataset, count=6)
    assert large.shape[0] * large.shape[1] > 4 * small.shape[0] * small.shape[1]
    red = (large[..., 0].astype(int) - large[..., 1] > 60).mean()
    assert red > 0.003, "seals can be seen"
    with pytest.raises(UsageError, match="at least 1"):
        contact_sheet(dataset, count=0)


def test_settings_are_kept_with_the_dataset(dataset: Path) -> None:
    settings = json.loads((dataset / "generate.json").read_text(encoding="utf-8"))
    assert settings["seed"] == 5 and settings["forger"] == "none" and "workers" not in settings
