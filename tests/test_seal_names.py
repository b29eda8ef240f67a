"""Invented names: their form, and that the fonts at hand can set all of them."""

from __future__ import annotations

import numpy as np
import pytest

from seal2real.seal import check_coverage, names
from seal2real.seal.names import words


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_company_names_end_in_their_legal_form(rng: np.random.Generator) -> None:
    for _ in range(200):
        name = names.company_name(rng, "股份有限公司")
        assert name.endswith("股份有限公司")
        assert 8 <= len(name) <= 22
        head, tail = names.split_company(name)
        assert head
        assert tail
        assert head + tail == name


def test_numbers_have_their_length_and_alphabet(rng: np.random.Generator) -> None:
    for _ in range(100):
        number = names.tax_number(rng)
        assert len(number) == 18
        assert not set(number) - set("0123456789ABCDEFGHJKLMNPQRTUWXY")
        code = names.seal_code(rng)
        assert len(code) == 13
        assert code.isdigit()


def test_people_have_two_or_three_characters(rng: np.random.Generator) -> None:
    assert {len(names.person_name(rng)) for _ in range(100)} == {2, 3}


@pytest.mark.parametrize("style", ["iso", "dots", "zh", "en"])
def test_dates(rng: np.random.Generator, style: str) -> None:
    assert any(str(year) in names.date(rng, style) for year in range(2008, 2027) for _ in range(40))


@pytest.mark.parametrize("font", ["song", "hei"])
def test_the_fonts_cover_every_word_list(font: str) -> None:
    for key in ("place_first", "place_second", "brand_first", "brand_second", "surnames", "given", "trades", "offices"):
        check_coverage("".join(words(key)), font)
    for key in ("departments", "purposes", "notices_zh", "cyrillic_towns", "vietnamese_brands", "vietnamese_towns"):
        check_coverage("".join(words(key)), font)


def test_names_vary(rng: np.random.Generator) -> None:
    assert len({names.company_name(rng) for _ in range(300)}) > 295


def test_every_company_of_the_lists_has_an_english_name_of_its_own() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        name = names.in_english(names.company_name(rng))
        assert name.endswith(" Co., Ltd") and name.isascii() and len(name) <= 36
    assert names.in_english("鹭林迅识园林绿化股份有限公司") == "Lulin Xunshi Gardens Co., Ltd"
    assert names.in_english("筑渡（芷海）建设有限公司") == "Zhihai Zhudu Building Co., Ltd"
    assert names.in_english("沐海省烁微化工有限公司") == "Muhai Shuowei Chemicals Co., Ltd"


@pytest.mark.parametrize("name", ["", "某某厚德有限公司", "沐林区人民法院", "岚陵市有限公司", "Venmira Shipping B.V."])
def test_other_names_have_none(name: str) -> None:
    assert names.in_english(name) == ""
