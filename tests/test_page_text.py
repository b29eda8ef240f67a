"""Numbers and words in the ways that documents write them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal2real.page import words_en, words_zh
from seal2real.page.text import capital_amount, chinese_digits, chinese_number, fill

DIGITS = "零壹贰叁肆伍陆柒捌玖"
UNITS = {"拾": 10, "佰": 100, "仟": 1000}


def read_capitals(text: str) -> int:
    """The amount in fen that Chinese capitals say."""
    total = group = digit = yuan = 0
    for character in text:
        if character in DIGITS:
            digit = DIGITS.index(character)
        elif character in UNITS:
            group, digit = group + digit * UNITS[character], 0
        elif character == "万":
            total, group, digit = total + (group + digit) * 10**4, 0, 0
        elif character == "亿":
            total, group, digit = (total + group + digit) * 10**8, 0, 0
        elif character == "元":
            yuan, total, group, digit = total + group + digit, 0, 0, 0
        elif character in "角分":
            total, digit = total + digit * (10 if character == "角" else 1), 0
    return yuan * 100 + total


@given(st.integers(0, 10**13))
def test_capitals_say_the_amount(cents: int) -> None:
    text = capital_amount(cents)
    assert read_capitals(text) == cents
    assert "零零" not in text and "零元" not in text.replace("零元整", "")


@pytest.mark.parametrize(
    ("cents", "text"),
    [
        (0, "零元整"),
        (123400, "壹仟贰佰叁拾肆元整"),
        (100100, "壹仟零壹元整"),
        (1000010005, "壹仟万零壹佰元零伍分"),
        (150, "壹元伍角整"),
        (5, "伍分"),
        (10_0003_0000_00, "壹拾亿零叁万元整"),
    ],
)
def test_capitals_as_written_on_cheques(cents: int, text: str) -> None:
    assert capital_amount(cents) == text


def test_plain_numerals() -> None:
    assert [chinese_number(n) for n in (1, 10, 12, 20, 31)] == ["一", "十", "十二", "二十", "三十一"]
    assert chinese_digits(2023) == "二〇二三"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "zero"),
        (21, "twenty-one"),
        (1250, "one thousand two hundred and fifty"),
        (1005, "one thousand and five"),
        (2_000_000, "two million"),
    ],
)
def test_english_number_words(value: int, text: str) -> None:
    assert words_en.number_words(value) == text


def test_fill_prefers_fixed_values_and_names_unknown_fields() -> None:
    rng = np.random.default_rng(0)
    assert fill(rng, "{a}-{b}", {"a": "x"}, {"b": lambda _: "y"}) == "x-y"
    with pytest.raises(KeyError, match="nothing"):
        fill(rng, "{nothing}", {}, {})


def test_dates_of_one_document_go_forward() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        date = words_zh.fields(rng)["date"]
        years = [date(rng) for _ in range(4)]
        if years[0][:4].isdigit():
            assert sorted(y[:4] for y in years) == [y[:4] for y in years]
