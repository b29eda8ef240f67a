"""Words in a design's options: every kind's own are known, others are refused with the file, the line and a hint."""

from __future__ import annotations

from pathlib import Path

import pytest

from seal2real.errors import UsageError
from seal2real.seal import KINDS, complete_design, draw, load_design, save_design
from seal2real.seal.option_values import check_option, option_words
from seal2real.seeding import rng_for


@pytest.mark.parametrize("kind", KINDS)
def test_the_words_of_every_kind_are_known(kind: str) -> None:
    for index in range(60):
        design = KINDS[kind].sample(rng_for(1, index))
        for option, value in design.options.items():
            if isinstance(value, str) and "font" not in option:
                assert value in option_words(kind, option), f"{option}: no list of its words"
            check_option(kind, option, value, design.texts)


@pytest.mark.parametrize(
    ("kind", "option"),
    [
        ("ring", "separator"),
        ("oval", "separator"),
        ("bilingual", "separator"),
        ("government", "emblem"),
        ("latin", "logo"),
        ("dater", "date_lines"),
        ("personal-square", "arrangement"),
        ("personal-oval", "arrangement"),
        ("finance", "shape"),
        ("customs", "shape"),
        ("riding", "shape"),
    ],
)
def test_every_word_draws_another_seal(kind: str, option: str) -> None:
    words = option_words(kind, option)
    assert len(words) > 1
    drawn = {draw(complete_design({"kind": kind, "options": {option: word}}), 100).coverage.tobytes() for word in words}
    assert len(drawn) == len(words)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: ring\noptions:\n  separator: strar\n", r":3: option 'separator' is 'strar'; did you mean 'star'\?"),
        ("kind: latin\noptions:\n  logo: tree\n", r":3: option 'logo' is 'tree'; use one of wreath, gear"),
        ("kind: finance\n\noptions: {shape: sqare}\n", r":3: option 'shape' is 'sqare'; did you mean 'square'\?"),
        ("kind: customs\noptions: {shape: square}\n", r":2: option 'shape' is 'square'; use one of oval, round"),
        ("kind: dater\noptions: {date_lines: bands}\n", r":2: option 'date_lines' is 'bands'; did you mean 'band'\?"),
        ("kind: company\noptions:\n  ink: gren\n", r":3: option 'ink' is 'gren'; did you mean 'red'\?|use one of"),
        ("kind: notice\noptions:\n  rows: [notice, dat]\n", r":3: option 'rows': no text 'dat'; did you mean 'date'\?"),
        ("kind: company\noptions: {ring_gaps: [1, wide]}\n", r":2: option 'ring_gaps': 'wide' is no number"),
        ("kind: company\nwear: 1.5\n", r":2: wear is 1.5; give a number from 0"),
        ("kind: company\nwear: heavy\n", r":2: wear is 'heavy'; give a number from 0"),
        ("kind: company\noptions: {wear: -1}\n", r":2: wear is -1; give a number"),
    ],
)
def test_other_words_are_refused_with_the_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "design.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message) as caught:
        load_design(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_wear_reads_back_equal(tmp_path: Path) -> None:
    design = complete_design({"kind": "company", "wear": 0.3, "colour": "blue"})
    assert design.options["wear"] == 0.3
    save_design(design, tmp_path / "design.yaml")
    assert "\nwear: 0.3\n" in (tmp_path / "design.yaml").read_text(encoding="utf-8")
    assert load_design(tmp_path / "design.yaml") == design
