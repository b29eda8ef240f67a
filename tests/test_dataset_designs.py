"""The user's own designs in a data set: what they fix stays, splits keep them apart, a resumed run knows them."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.dataset.designs import design_key, design_parts, load_designs
from seal2real.dataset.formats.native import read_rows
from seal2real.dataset.generate import GenerateConfig, generate, load_context, make_sample, split_of
from seal2real.dataset.splits import seal_identity, shares_of
from seal2real.errors import UsageError
from seal2real.seal import STYLES, SealDesign, complete_design, random_design

PLAIN = "double-strike=0,partial-strike=0,riding=0,riding-unsigned=0,off-page=0"
NAMES = ("岚陵市瀚途货运代理有限公司", "云川市博远科技有限公司", "澄海县沃谷物流有限公司", "青洲市泓桥实业有限公司")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    out = tmp_path / "designs"
    (out / "more").mkdir(parents=True)
    for number, (name, colour) in enumerate(zip(NAMES, ("blue", "violet", "black", "red"), strict=True)):
        text = f"kind: company\ntext: {name}\ncolour: {colour}\n"
        (out / ("more" if number % 2 else ".") / f"{number}.yaml").write_text(text, encoding="utf-8")
    (out / "notes.txt").write_text("no design")
    return out


def config_of(folder: Path, **values: object) -> GenerateConfig:
    plain = {"forger": "none", "dpi": 36, "designs": str(folder), "press": PLAIN}
    return GenerateConfig(**{**plain, **values})  # type: ignore[arg-type]


def test_seals_are_of_the_designs_in_their_own_colours(folder: Path) -> None:
    config = config_of(folder, colour="red", validation=0.0, test=0.0)
    context = load_context(config)
    found: dict[str, set[str]] = defaultdict(set)
    for index in range(24):
        for seal in make_sample(config, index, context).seals:
            found[seal.design["texts"]["name"]].add(seal.colour)
    assert found == {name: {colour} for name, colour in zip(NAMES, ("blue", "violet", "black", "red"), strict=True)}


def test_a_page_has_each_design_once_before_any_comes_again(folder: Path) -> None:
    config = config_of(folder, seals=4, validation=0.0, test=0.0)
    context = load_context(config)
    for index in range(6):
        names = [seal.design["texts"]["name"] for seal in make_sample(config, index, context).seals]
        assert sorted(names) == sorted(NAMES)


def test_a_single_file_is_a_design_too_and_a_share_of_seals_is_invented(folder: Path) -> None:
    config = config_of(folder / "0.yaml", design_share=0.4, validation=0.0, test=0.0, seals=1, kinds=("oval",))
    context = load_context(config)
    kinds = [make_sample(config, index, context).seals[0].kind for index in range(60)]
    assert set(kinds) == {"company", "oval"}
    assert kinds.count("company") / 60 == pytest.approx(0.4, abs=0.2)


def test_no_design_is_in_two_splits_whatever_the_seed(folder: Path) -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for seed in (1, 2):
        config = config_of(folder, seed=seed, validation=0.3, test=0.3)
        context = load_context(config)
        assert set(context.designs) == {"train", "validation", "test"}
        for index in range(30):
            for seal in make_sample(config, index, context).seals:
                found[seal.design["texts"]["name"]].add(split_of(config, index, context))
    assert set(found) == set(NAMES)
    assert all(len(splits) == 1 for splits in found.values())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 30), st.floats(0.0, 0.4), st.floats(0.0, 0.4))
def test_designs_are_shared_out_whole(seed: int, count: int, validation: float, test: float) -> None:
    rng = np.random.default_rng(seed)
    designs = [random_design(rng, ("company", "notice", "oval")[int(rng.integers(3))]) for _ in range(count)]
    designs += designs[: count // 2]  # copies
    shares = shares_of(validation, test)
    parts = design_parts(designs, shares)
    assert sum(map(len, parts.values())) == len(designs)
    keys = [{design_key(design) for design in part} for part in parts.values()]
    assert len(set.union(*keys)) == sum(map(len, keys)), "copies stay together"
    assert len(parts) == min(len(shares), len({design_key(design) for design in designs}))
    assert "train" in parts
    again = design_parts(designs[::-1], shares)
    assert {k: {design_key(d) for d in v} for k, v in again.items()} == dict(zip(parts, keys, strict=True))


def test_seals_without_a_name_are_told_apart_by_what_they_are() -> None:
    void = complete_design({"kind": "notice", "texts": {"notice": "作废"}})
    assert design_key(void) != design_key(SealDesign.from_dict({**void.to_dict(), "ring_mm": 0.77}))
    assert design_key(void) == design_key(SealDesign.from_dict(void.to_dict()))


def test_too_few_designs_are_told_and_leave_splits_out(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "out"
    generate(config_of(folder / "0.yaml", count=12, validation=0.4, test=0.4), out, workers=1)
    assert {row["split"] for row in read_rows(out)} == {"train"}
    assert "too few designs" in caplog.text and "validation, test" in caplog.text


def test_invented_seals_have_no_name_of_a_design() -> None:
    from seal2real.dataset.splits import design_accepter

    design = random_design(np.random.default_rng(5), "company")
    taken = frozenset({seal_identity(design.texts) or ""})
    accept = design_accepter("train", {"train": 1.0}, taken)
    assert accept is not None and not accept(design)
    assert accept(random_design(np.random.default_rng(6), "company"))


def test_a_resumed_run_wants_the_same_designs(folder: Path, tmp_path: Path) -> None:
    out, config = tmp_path / "out", config_of(folder, count=12, validation=0.0, test=0.0)

    def stop(done: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(config, out, workers=1, progress=stop)
    kept = json.loads((out / "generate.json").read_text(encoding="utf-8"))["design_files"]
    assert list(kept) == ["0.yaml", "2.yaml", "more/1.yaml", "more/3.yaml"] and len(kept["0.yaml"]) == 64
    text = (folder / "0.yaml").read_text(encoding="utf-8")
    (folder / "0.yaml").write_text(text + "size_mm: 42\n", encoding="utf-8")
    (folder / "more/5.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(
        UsageError, match=r"other settings \(0\.yaml has changed, more/5\.yaml is new\); repeat"
    ) as told:
        generate(config, out, workers=1, resume=True)
    assert "\n" not in str(told.value)
    (folder / "0.yaml").write_text(text, encoding="utf-8")
    (folder / "more/5.yaml").unlink()
    generate(config, out, workers=1, resume=True)
    assert sum(1 for _ in read_rows(out)) == 12


def test_fonts_that_designs_bring_are_known_too(folder: Path) -> None:
    (folder / "more/own.ttf").write_bytes(Path(STYLES["hei"].path.partition("#")[0]).read_bytes())
    text = "kind: company\ntext: 岚陵市瀚途货运有限公司\nfont: own.ttf\n"
    (folder / "more/7.yaml").write_text(text, encoding="utf-8")
    text = "kind: company\ntexts: {code: 0101020012345}\noptions: {code_font: more/own.ttf}\n"
    (folder / "8.yaml").write_text(text, encoding="utf-8")
    digests = load_designs(folder).digests
    assert list(digests).count("more/own.ttf") == 1
    assert digests["more/own.ttf"] == hashlib.sha256((folder / "more/own.ttf").read_bytes()).hexdigest()


def test_wear_of_a_design_reaches_the_forger(tmp_path: Path) -> None:
    ink: dict[float, float] = {}
    for wear in (0.0, 1.0):
        path = tmp_path / f"{wear}.yaml"
        path.write_text(f"kind: company\ntext: {NAMES[0]}\ncolour: red\nwear: {wear}\n", encoding="utf-8")
        config = config_of(path, forger="untrained", dpi=72, crops=128, seals=1, wear=0.5, validation=0.0, test=0.0)
        context = load_context(config)
        samples = [make_sample(config, index, context) for index in range(6)]
        assert all(sample.seals[0].effects["wear"] == wear for sample in samples)
        seals = [(sample, sample.seals[0]) for sample in samples]
        ink[wear] = float(np.mean([s.ink[seal.on_page(seal.full_mask, *s.size)].std() for s, seal in seals]))
    assert ink[1.0] > 1.3 * ink[0.0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"designs": "nowhere"}, "'nowhere' do not exist; name a YAML file"),
        ({"design_share": 0.0}, "design-share is 0.0; it must be above 0"),
        ({"designs": None, "design_share": 0.5}, "there are none; give designs too"),
        ({"kinds": ("oval",)}, "kind chooses nothing; leave it out"),
    ],
)
def test_what_makes_no_sense_is_refused(values: dict[str, object], message: str, folder: Path) -> None:
    with pytest.raises(UsageError, match=message):
        load_context(config_of(folder, **values))


def test_a_folder_without_designs_and_one_with_a_mistake(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"holds no \.yaml files"):
        load_designs(tmp_path / "empty")
    (folder / "more/9.yaml").write_text("kind: company\noptions:\n  spam: 3\n")
    with pytest.raises(UsageError, match=r"more/9\.yaml:3: a company seal has no option 'spam'"):
        load_designs(folder)
