"""The benchmark: trained on each source, tried on the controlled set, resumed, refused, shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from seal2real.cli import run
from seal2real.dataset.formats.native import read_rows
from seal2real.errors import UsageError
from seal2real.tasks.benchmark import QUICK, Benchmark, BenchmarkConfig, HeldOut, mean_and_spread
from seal2real.tasks.benchmark_table import COLUMNS, cells, plot, to_markdown, value_of
from seal2real.tasks.controlled import controlled_sample
from seal2real.tasks.sources import SourceConfig, make_datasets, open_source
from seal2real.tasks.trials import remove_controlled

SMALL = replace(QUICK, sources=("pasted", "untrained"), count=12, cases=12, steps=2, controlled=3)


def test_a_benchmark_goes_on_where_it_stopped(tmp_path: Path) -> None:
    tests = replace_recogniser(HeldOut.make(SMALL, [], []))
    first = Benchmark(replace(SMALL, sources=("pasted",)), tests, tmp_path).run()
    assert [(r["source"], r["task"]) for r in first] == [("pasted", "segment"), ("pasted", "remove")]
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").iterdir()}
    told: list[str] = []
    whole = Benchmark(SMALL, tests, tmp_path).run(lambda result: told.append(result["source"]))
    assert told == ["pasted", "pasted", "untrained", "untrained"]
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    assert whole[:2] == first
    assert value_of(whole[0], ("controlled", "iou")) is not None
    assert {column.title for _, column in cells(whole)} >= {"ink IoU, controlled", "removal, PSNR"}
    table = to_markdown(whole)
    assert table.startswith("| figure | pasted | untrained |")
    assert plot(whole).startswith(b"\x89PNG")
    with pytest.raises(UsageError, match=r"steps was 2 and is now 3; remove it, or name another --out"):
        Benchmark(replace(SMALL, steps=3), tests, tmp_path).run()


def replace_recogniser(tests: HeldOut) -> HeldOut:
    tests.recogniser = None  # PP-OCR has a test of its own
    return tests


def test_sources_see_the_same_samples_and_repeat_themselves(tmp_path: Path) -> None:
    made = {}
    for name in ("pasted", "simulated", "pasted again"):
        source = name.split()[0]
        config = SourceConfig(source, 3, 3, 3, side=128, dpi=100)
        folders = make_datasets(
            config, lambda source=source: open_source(source, None, tmp_path, 0), tmp_path / name.replace(" ", "-")
        )
        rows = {part: list(read_rows(folder)) for part, folder in folders.items()}
        made[name] = rows, {p.name: p.read_bytes() for p in sorted((folders["crops"] / "stamped").iterdir())}
    polygons = [[[s["polygon"] for s in row["seals"]] for row in made[name][0]["crops"]] for name in made]
    assert polygons[0] == polygons[1]
    assert made["pasted"][1] == made["pasted again"][1] != made["simulated"][1]
    classes = {s["authenticity"] for row in made["pasted"][0]["cases"] for s in row["seals"]}
    assert classes <= {"impression", "paste"}
    assert all(s["reference"] for row in made["pasted"][0]["cases"] for s in row["seals"])


def test_controlled_samples_have_exact_labels() -> None:
    for index in range(6):
        sample, again = (controlled_sample(index, 5, 0.3) for _ in range(2))
        assert np.array_equal(sample.stamped, again.stamped)
        changed = np.abs(sample.stamped.astype(int) - sample.clean).max(2)
        assert sample.mask.any() == bool(sample.seals)
        if sample.seals and sample.mask.sum() > 200:
            bright = sample.clean.min(2) > 150
            assert changed[sample.mask & bright].mean() > 4 * changed[~sample.mask].mean() + 3
        if not sample.seals:
            assert changed.max() == 0
    assert not np.array_equal(controlled_sample(0, 5).stamped, controlled_sample(0, 6).stamped)


def test_removal_is_measured_between_nothing_and_all() -> None:
    samples = [controlled_sample(index, 9) for index in range(3)]
    figures = remove_controlled({"half": lambda s: s.stamped // 2 + s.clean // 2}, samples, None)
    assert figures["raw"]["psnr"] < figures["half"]["psnr"] < figures["clean"]["psnr"] == 99
    assert figures["raw"]["ssim"] < figures["half"]["ssim"] < figures["clean"]["ssim"] == pytest.approx(1)
    assert figures["raw"]["characters"] is None


def test_means_and_spreads_over_seeds() -> None:
    assert mean_and_spread([1.0, 3.0]) == (2.0, pytest.approx(np.sqrt(2)))
    assert mean_and_spread([2.0]) == (2.0, None)
    assert np.isnan(mean_and_spread([float("nan")])[0])
    assert len({column.title for column in COLUMNS}) == len(COLUMNS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sources", "pastd"], "no source 'pastd'"),
        (["--tasks", "segment,reed"], "no task 'reed'"),
        (["--seeds", "0"], "seeds is 0"),
        (["--steps", "0"], "steps is 0"),
        (["--real", "NOPE"], "no labels.json"),
    ],
)
def test_bad_commands_are_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(tmp_path / "nope") if argument == "NOPE" else argument for argument in arguments]
    assert run(["benchmark", "--out", str(tmp_path / "out"), *given]) in (1, 2)
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_source_that_learns_needs_real_images(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="learns from real images"):
        open_source("cut", None, tmp_path, 0)
    with pytest.raises(UsageError, match="give at least one source"):
        BenchmarkConfig(sources=())
