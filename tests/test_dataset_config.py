"""The settings of generate: which pages and seals they ask for, and one line for what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import seal2real.cli as cli
from seal2real.dataset.generate import GenerateConfig, load_context, make_sample
from seal2real.errors import UsageError
from seal2real.physics.strength import parse_strength, written
from seal2real.press.stamping import NOT_RIDING
from seal2real.seal import KINDS


def sources_of(count: int = 12, **values: object) -> list[str]:
    config = GenerateConfig(**{"forger": "none", "dpi": 36, **values})  # type: ignore[arg-type]
    context = load_context(config)
    return [make_sample(config, index, context).page.source for index in range(count)]


def test_pages_are_of_the_chosen_templates_and_language() -> None:
    chosen = sources_of(templates=("letter-zh", "letter-en"))
    assert {source.split()[0] for source in chosen} == {"template:letter-zh", "template:letter-en"}
    assert all(source.split()[0].endswith("-en") for source in sources_of(language="en"))
    both = sources_of(templates=("letter-zh", "letter-en"), language="en")
    assert {source.split()[0] for source in both} == {"template:letter-en"}


def test_rates_of_handwriting_and_of_red_things() -> None:
    every = sources_of(templates=("contract-zh",), pen=1.0, red=1.0)
    assert sum("+pen" in source for source in every) > 6  # where there is a line for it
    assert all("+red-" in source for source in every)
    none = sources_of(templates=("contract-zh",), pen=0.0, red=0.0, coloured_paper=0.0)
    assert set(none) == {"template:contract-zh"}


def test_pages_on_coloured_paper() -> None:
    every = sources_of(templates=("contract-zh",), coloured_paper=1.0)
    assert all("+paper-" in source for source in every) and len({source.split("+paper-")[1] for source in every}) > 2
    assert not any("+paper-" in source for source in sources_of(templates=("contract-zh",), coloured_paper=0.0))


@pytest.mark.parametrize(("text", "strength"), [("0.3", 0.3), ("0", 0.0), ("0.1-0.9", (0.1, 0.9))])
def test_a_strength_is_a_number_or_a_range(text: str, strength: float | tuple[float, float]) -> None:
    assert parse_strength(text, "wear") == strength and written(strength) == text


@pytest.mark.parametrize("text", ["much", "0.1-", "0.1-0.2-0.3", "-"])
def test_other_strengths_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"wear is .*; give a number from 0 to 1, or a range"):
        parse_strength(text, "wear")


def test_wear_of_a_range_is_drawn_for_every_sample() -> None:
    config = GenerateConfig(forger="untrained", dpi=40, crops=64, kinds=("company",), wear=(0.2, 0.6), capture=0.1)
    context = load_context(config)
    styles = [dict(make_sample(config, index, context).provenance["style"]) for index in range(6)]
    worn = [style["wear"] for style in styles]
    assert len(set(worn)) == 6 and min(worn) >= 0.2 and max(worn) <= 0.6
    assert {style["capture"] for style in styles} == {0.1}
    assert make_sample(config, 3, context).provenance["style"] == styles[3]


def test_own_pages_get_red_things_only_if_asked_for(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (248, 351), (250, 250, 250)).save(tmp_path / "page.pdf")
    assert set(sources_of(4, pages=str(tmp_path))) == {"page.pdf#1"}
    assert load_context(GenerateConfig(forger="none", pages=str(tmp_path), red=1.0)).pages.red == 1.0  # type: ignore[attr-defined]


def test_kinds_that_are_not_split_over_sheets_are_kinds() -> None:
    assert set(KINDS) >= NOT_RIDING


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"pen": 1.5}, "pen is 1.5; it must be a share of the pages, 0 to 1"),
        ({"red": -0.1}, "red is -0.1"),
        ({"coloured_paper": 2}, "coloured-paper is 2"),
        ({"wear": (0.6, 0.2)}, "wear is 0.6-0.2; it must be 0 to 1, or a range in it"),
        ({"capture": 1.5}, "capture is 1.5"),
        ({"templates": ("leter-zh",)}, "no page template 'leter-zh'; did you mean 'letter-zh'?"),
        ({"language": "zh-cn"}, "no page templates in language 'zh-cn'; did you mean 'zh'?"),
        ({"language": "klingon"}, "use one of en, mixed, zh"),
        ({"templates": ("letter-zh",), "language": "en"}, "no page template is left"),
        ({"pages": "somewhere", "language": "en"}, "leave out template and language"),
        ({"pages": "somewhere", "templates": ("letter-zh",)}, "leave out template and language"),
        ({"kinds": ("compny",)}, "no seal kind 'compny'; did you mean 'company'?"),
        ({"colour": "blu"}, "no ink colour 'blu'; did you mean 'blue'?"),
    ],
)
def test_wrong_choices_are_one_line(values: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_context(GenerateConfig(**{"forger": "none", **values}))  # type: ignore[arg-type]
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_the_command_has_the_same_choices(tmp_path: Path) -> None:
    design = tmp_path / "seal.yaml"
    design.write_text("kind: company\ntext: 岚陵市瀚途货运代理有限公司\n", encoding="utf-8")
    out = tmp_path / "out"
    words = f"generate {out} -n 4 --forger none --dpi 36 --template letter-zh --language zh --pen 0 --red 0 --designs"
    done = CliRunner().invoke(
        cli.app, [*words.split(), str(design), "--riding-sheets", "2", "--workers", "1", "--preview", "0"]
    )
    assert done.exit_code == 0, done.output
    text = (out / "metadata.jsonl").read_text(encoding="utf-8")
    assert text.count('"document"') == 4 and text.count("岚陵市瀚途货运代理有限公司") >= 4
    assert '"page":"template:letter-zh"' in text.replace(" ", "")
