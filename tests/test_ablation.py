"""The table of methods: a small one is made, finished rows are not made again, and plans are checked."""

from __future__ import annotations

import csv
import json
import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from seal2real.errors import UsageError
from seal2real.images import load_rgb, save_image
from seal2real.prior.real import RealCrops
from seal2real.report.ablation import Ablation, Plan, Row, read_plan
from seal2real.report.ablation_table import Line, lines, plot_few_shot, shown, to_markdown
from seal2real.report.compare import OTHER_REAL

ROOT = Path(__file__).resolve().parent.parent
QUICK = """
count: 3
dpi: 80
kinds: [company]
lines: 0
network_judge: false
pool: 4
seeds: [0]
common:
  cut: {steps: 2, width: 8, blocks: 1, size: 32, batch: 2, diameter: 96.0}
rows:
  pasted: {kind: pasted}
  cut: {kind: cut, curve: cut}
  "cut, 2 images": {kind: cut, images: 2, curve: cut}
"""


@pytest.fixture(scope="module")
def other_seals(real_seals: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same seals in another light: real images of another origin."""
    folder = tmp_path_factory.mktemp("other")
    for path in sorted(real_seals.glob("*.png")):
        save_image(folder / path.name, (load_rgb(path)[::-1] * 0.9).astype(np.uint8))
    return folder


def command(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return import_module(name)


def test_a_table_is_made_and_gone_on_with(
    real_seals: Path, other_seals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = command("ablation", monkeypatch)
    config, out = tmp_path / "rows.yaml", tmp_path / "out"
    config.write_text(QUICK)
    options = ["--real", str(real_seals), "--test", str(other_seals), "--config", str(config), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["ablation.py", *options, "--only", "pasted"])
    assert script.main() == 0
    first = {path.name: path.stat().st_mtime_ns for path in (out / "results").iterdir()}
    assert set(first) == {"other-real.seed0.json", "pasted.seed0.json"}
    monkeypatch.setattr(sys, "argv", ["ablation.py", *options])
    assert script.main() == 0
    later = {path.name: path.stat().st_mtime_ns for path in (out / "results").iterdir()}
    assert {name: later[name] for name in first} == first  # not made again
    assert set(later) - set(first) == {"cut.seed0.json", "cut--2-images.seed0.json"}

    table = [line.split("|")[1:-1] for line in (out / "ablation.md").read_text().splitlines()]
    assert [row[0].strip() for row in table[2:]] == ["other real", "pasted", "cut", "cut, 2 images"]
    assert {len(row) for row in table} == {12}
    with (out / "ablation.csv").open() as file:
        rows = {row["method"]: row for row in csv.DictReader(file)}
    assert float(rows["pasted"]["ink_iou"]) > 0.6 and float(rows["pasted"]["diversity"]) == 0
    assert rows["pasted"]["parameters"] == "0.0" and float(rows["cut"]["parameters"]) > 1000
    assert rows["cut"]["ink_iou_twin"] == "" and rows["cut, 2 images"]["real_images"] == "2.0"
    written = json.loads((out / "ablation.json").read_text())
    assert len(written["results"]) == 4 and len(written["rows"]) == 4
    assert {"bars.png", "few-shot.png"} <= {path.name for path in out.iterdir()}
    assert not (out / "work" / "cut.seed0" / "run").exists()

    config.write_text(QUICK.replace("steps: 2", "steps: 3"))
    with pytest.raises(UsageError, match="steps was 2 and is now 3"):
        script.main()
    monkeypatch.setattr(sys, "argv", ["ablation.py", *options, "--only", "pastd"])
    with pytest.raises(UsageError, match="did you mean 'pasted'"):
        script.main()
    monkeypatch.setattr(sys, "argv", ["ablation.py", *options[:3], str(real_seals), *options[4:]])
    with pytest.raises(UsageError, match="the same"):
        script.main()


def test_the_figures_are_those_of_the_realism_benchmark(real_seals: Path, tmp_path: Path) -> None:
    """`compare` draws its random numbers by a set's name, so one row alone gives what it gives among others."""
    from seal2real.page import TemplatePages
    from seal2real.report.compare import compare
    from seal2real.report.sources import real_seals as read
    from seal2real.report.variants import crops_of, drawn_samples, made, pasted, simulated

    plan = Plan(count=3, dpi=80, kinds=("company",), lines=0, network_judge=False)
    test = read(real_seals, black=False)
    samples = drawn_samples(3, TemplatePages(80), 80, 7001, plan.kinds)
    ablation = Ablation(plan, real_seals, test, lambda seed: samples if seed == 7001 else [], tmp_path)
    result = ablation.measure(Row("simulated", "simulated"), 0)
    sets = {
        name: crops_of(made(samples, variant, 7001)) for name, variant in (("pasted", pasted), ("simulated", simulated))
    }
    row = compare(test, sets, budget=plan.budget, floor_splits=0, seed=7001).row("simulated")
    assert (result["c2st"], result["kid"]) == (row.headline.value, row.kid.value)
    assert ablation.known("simulated", 0, Row("simulated", "simulated")) == json.loads(
        ablation.path("simulated", 0).read_text()
    )


def test_smaller_sets_are_part_of_larger_ones(real_seals: Path, tmp_path: Path) -> None:
    ablation = Ablation(Plan(), real_seals, [], lambda seed: [], tmp_path)
    names = [{path.name for path in ablation._subset(count, 1).iterdir()} for count in (2, 4, 80)]
    assert [len(each) for each in names] == [2, 4, 6]
    assert names[0] < names[1] < names[2]
    assert len(RealCrops.from_folder(tmp_path / "real" / "4.seed1")) == 4


@pytest.mark.parametrize("name", ["ablation.yaml", "ablation-quick.yaml"])
def test_the_plans_that_come_with_the_project_are_sound(name: str) -> None:
    plan, rows = read_plan(ROOT / "configs" / name)
    assert len({row.name for row in rows}) == len(rows) > 3
    assert plan.count > 0
    slugs = {Ablation(plan, Path(), [], lambda seed: [], Path()).path(row.name, 0) for row in rows}
    assert len(slugs) == len(rows)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("count: 3", "no rows"),
        ("rows: {a: {how: x}}", "kind is missing"),
        ("rows: {a: {kind: fdaa}}", "row 'a': unknown kind 'fdaa'; did you mean 'fda'"),
        ("rows: {a: {kind: fda, bta: 1}}", "row 'a': unknown key 'bta'; did you mean 'beta'"),
        ("rows: {a: {kind: fda, images: 0}}", "images is 0"),
        ("rows: {a: {kind: fda, images: many}}", "images is 'many'"),
        ("cuont: 3\nrows: {a: {kind: fda}}", "unknown key 'cuont'; did you mean 'count'"),
        ("common: {fda: 3}\nrows: {a: {kind: fda}}", "common 'fda'"),
        ("common: {cut: {stps: 3}}\nrows: {a: {kind: cut}}", "unknown key 'stps'"),
        ("seeds: []\nrows: {a: {kind: fda}}", "at least one"),
        ("seeds: [-1]\nrows: {a: {kind: fda}}", "0 or more"),
    ],
)
def test_plans_that_do_not_fit(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=re.escape(message)) as error:
        read_plan(path)
    assert "\n" not in str(error.value)


def test_mean_and_spread_over_seeds() -> None:
    results = [
        {"name": "a", "seed": seed, "c2st": value, "c2st_low": value - 0.1, "c2st_high": value + 0.1, "kid": None}
        for seed, value in ((0, 0.6), (1, 0.8))
    ]
    table = lines([Row("a", "pasted"), Row("missing", "pasted")], results)
    assert [line.name for line in table] == ["a"]
    assert table[0].means["c2st"] == pytest.approx(0.7) and table[0].spreads["c2st"] == pytest.approx(0.1414, abs=1e-4)
    assert "| a | 0.70 ± 0.14 [0.60, 0.80] | - |" in to_markdown(table)


def test_a_curve_needs_two_points() -> None:
    def line(name: str, images: int) -> Line:
        return Line(name, (0,), {"c2st": 0.7, "kid": 1.0, "real_images": images}, {}, 0.6, 0.8)

    rows = [Row("few", "cut", curve="cut"), Row("all", "cut", curve="cut")]
    assert plot_few_shot(rows, [line("few", 5)]) is None
    drawn = plot_few_shot(rows, [line("few", 5), line("all", 70), line(OTHER_REAL, 70)])
    assert drawn is not None and drawn[:4] == b"\x89PNG"


def test_a_cell_without_a_figure() -> None:
    from seal2real.report.ablation_table import COLUMNS

    bare = Line("x", (0,), {"c2st": 0.5, "parameters": 1234567.0}, {}, 0.4, 0.6)
    cells = {column.key: shown(bare, column) for column in COLUMNS}
    assert cells["kid"] == "-" and cells["parameters"] == "1,234,567" and cells["c2st"] == "0.50 [0.40, 0.60]"


def test_blind_check(real_seals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = command("blind_check", monkeypatch)
    sheets, keys = [], []
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        options = ["--real", str(real_seals), "--forger", "untrained", "--count", "3", "--dpi", "80"]
        monkeypatch.setattr(sys, "argv", ["blind_check.py", *options, "--seed", seed, "--out", str(tmp_path / name)])
        script.main()
        sheets.append(load_rgb(tmp_path / name / "sheet.png"))
        keys.append(json.loads((tmp_path / name / "key.json").read_text())["seals"])
    assert np.array_equal(sheets[0], sheets[1]) and keys[0] == keys[1] and keys[0] != keys[2]
    assert [entry["number"] for entry in keys[0]] == list(range(1, 7))
    colours = {real: sorted(e["colour"] for e in keys[0] if e["real"] is real) for real in (True, False)}
    assert len(colours[True]) == 3 and colours[True] == colours[False]
