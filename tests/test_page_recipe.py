"""Templates that declare their own words: one file each, clear errors, and sums that are right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.errors import Seal2RealError
from seal2real.page.recipe import amount, fill_recipe, goods, has_recipe
from seal2real.seal import names
from test_page_text import read_capitals


def recipe(folder: Path, head: str) -> Path:
    path = folder / "test-en.typ"
    path.write_text(
        "// ---\n" + "".join(f"// {line}\n" for line in head.splitlines()) + "// ---\nText", encoding="utf-8"
    )
    return path


def drawn(folder: Path, head: str, seed: int = 0, language: str = "en") -> dict:
    return fill_recipe(recipe(folder, head), language, np.random.default_rng(seed))


def test_values_of_every_kind(tmp_path: Path) -> None:
    head = """
style: {size: 10, margin: {left: 33}}
data:
  firm: "{firm}"
  again: "for {firm}"
  one: [a, b]
  all: {all: [1, "{digits4}"]}
  some: {some: [2, 2], from: [x, y, z]}
  number: {between: [3, 5]}
  share: {between: [0.5, 0.6]}
  many: {repeat: [3, 3], of: "no. {i}"}
  maybe: {chance: 0.0, then: {all: [1]}}
  sure: {chance: 1.0}
  table: {table: [[a, "{firm}"], [b, c]]}
  nested: {deep: {number: 7}}
  later: "{page} of {pages}"
  zh: "{zh_firm}"
  en: {english: zh}
"""
    data = drawn(tmp_path, head)
    assert data["again"] == "for " + data["firm"] and data["one"] in "ab"
    assert data["all"][0] == 1 and len(data["all"][1]) == 4
    assert data["some"] in (["x", "y"], ["x", "z"], ["y", "z"])
    assert data["number"] in (3, 4, 5) and 0.5 <= data["share"] <= 0.6
    assert data["many"] == ["no. 1", "no. 2", "no. 3"] and data["maybe"] == [] and data["sure"] is True
    assert data["table"][0][1] == data["firm"] and data["nested"] == {"deep": {"number": 7}}
    assert data["later"] == "{page} of {pages}" and "\u4e00" <= data["zh"][0] <= "\u9fff"
    assert data["en"] == names.in_english(data["zh"]) != ""
    assert data["style"]["margin"]["left"] == 33 and data["style"]["margin"]["right"] >= 17
    assert data == drawn(tmp_path, head) and data != drawn(tmp_path, head, 1)


@pytest.mark.parametrize(
    ("head", "what"),
    [
        ("data: {a: '{nobody}'}", "nobody"),
        ("data: {a: [}", "not YAML"),
        ("words: {}", "not .'words'."),
        ("data: {a: {between: [1]}}", "cannot be drawn"),
        ("data: {a: []}", "cannot be drawn"),
        ("data: {a: {english: b}}", "names 'b'"),
    ],
)
def test_mistakes_name_the_template(tmp_path: Path, head: str, what: str) -> None:
    with pytest.raises(Seal2RealError, match=rf"test-en\.typ.*{what}"):
        drawn(tmp_path, head)


def test_an_unclosed_recipe_is_named(tmp_path: Path) -> None:
    path = tmp_path / "open-zh.typ"
    path.write_text("// ---\n// data: {}\n")
    assert has_recipe(path)
    with pytest.raises(Seal2RealError, match="does not end"):
        fill_recipe(path, "zh", np.random.default_rng(0))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.sampled_from(["zh", "en"]), st.sampled_from([0, 5, 13, 20]))
def test_sums_of_goods_are_right(seed: int, count: int, language: str, tax: int) -> None:
    items = goods(np.random.default_rng(seed), language, count, tax)

    def cents(text: str) -> int:
        return round(float(text.replace(",", "")) * 100)

    assert len(items["rows"]) == count
    for row in items["rows"]:
        assert cents(row[6]) == int(row[4]) * cents(row[5])
    net = sum(cents(row[6]) for row in items["rows"])
    assert cents(items["net"]["figure"]) == net
    assert cents(items["total"]["figure"]) == net + round(net * tax / 100)
    assert read_capitals(items["total"]["capital"]) == cents(items["total"]["figure"])


def test_amounts_in_words() -> None:
    assert amount(125000) == {
        "figure": "1,250.00",
        "capital": "壹仟贰佰伍拾元整",
        "words": "One thousand two hundred and fifty",
    }
    assert amount(199)["words"] == "One and 99/100"
