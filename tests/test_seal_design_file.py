"""Designs from YAML and from a few values: what is written reads back, what is open is filled, mistakes are located."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pylopdf_fonts_zh_cn
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seal2real.errors import MissingGlyphError, Seal2RealError, UsageError
from seal2real.seal import KINDS, SealDesign, complete_design, draw, invent_design, load_design, save_design
from seal2real.seal.design_file import design_yaml

KIND = st.sampled_from(sorted(KINDS))
SEED = st.integers(0, 2**31)
NAME = "岚陵市瀚途货运代理有限公司"


def write(folder: Path, text: str) -> Path:
    path = folder / "design.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(KIND, SEED)
def test_a_design_reads_back_equal(tmp_path: Path, kind: str, seed: int) -> None:
    design = invent_design(seed, 0, kind)
    path = tmp_path / "design.yaml"
    save_design(design, path)
    assert load_design(path) == design
    assert design_yaml(load_design(path)) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_design_that_was_read_draws_the_same_pixels(kind: str, tmp_path: Path) -> None:
    design = invent_design(11, 4, kind)
    save_design(design, tmp_path / "design.yaml")
    first, second = draw(design, 120.0), draw(load_design(tmp_path / "design.yaml"), 120.0)
    assert first.coverage.tobytes() == second.coverage.tobytes()
    assert first.design == second.design


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_kind_alone_makes_a_design(kind: str) -> None:
    design = complete_design({"kind": kind})
    assert design == complete_design({"kind": kind}) and design.kind == kind
    assert draw(design, 100.0).lines
    assert any(complete_design({"kind": kind}, seed) != design for seed in (1, 2, 3))


@settings(max_examples=20, deadline=None)
@given(KIND, st.integers(0, 1))
def test_size_scales_what_is_open(kind: str, seed: int) -> None:
    usual = complete_design({"kind": kind, "seed": seed})
    large = complete_design({"kind": kind, "seed": seed, "size_mm": usual.size_mm[0] * 1.5})
    assert np.allclose(large.size_mm, 1.5 * np.array(usual.size_mm), atol=2e-3)
    for key in ("ring_mm", "star_mm", "height_mm", "weight"):
        assert getattr(large, key) == pytest.approx(1.5 * getattr(usual, key), abs=2e-3)
    for key, value in usual.options.items():
        if key.endswith("_mm") and isinstance(value, float):
            assert large.options[key] == pytest.approx(1.5 * value, abs=2e-3)
        else:
            assert key.endswith("_mm") or large.options[key] == value


def test_given_values_stay_and_no_text_is_added() -> None:
    design = complete_design({"kind": "company", "text": NAME, "font": "hei", "star_mm": 11, "options": {"span": 230}})
    assert design.texts == {"name": NAME}
    assert (design.font, design.star_mm, design.options["span"]) == ("hei", 11.0, 230)
    assert complete_design({"kind": "department", "text": NAME}).texts["purpose"]  # a department's seal must name it
    assert "code" in complete_design({"kind": "company", "texts": {"name": NAME, "code": "3701020012345"}}).texts


@pytest.mark.parametrize("length", [4, 9, 13, 18])
def test_letters_have_room_whatever_the_length_of_the_name(length: int) -> None:
    name = (NAME * 2)[:length]
    design = complete_design({"kind": "company", "text": name})
    quads = draw(design, 300.0).lines[0].characters
    widths = [float(np.linalg.norm(quad[1] - quad[0])) for quad in quads]
    steps = [float(np.linalg.norm(b.mean(0) - a.mean(0))) for a, b in itertools.pairwise(quads)]
    assert max(widths) < 1.25 * min(steps)  # no letter over the next; corners of cells may touch at the inner side
    assert length < 8 or max(steps) < 3.5 * min(widths)  # and none lost in a gap


def test_null_leaves_a_text_or_an_option_out(tmp_path: Path) -> None:
    text = "kind: invoice\ntexts: {serial: null}\noptions: {ring_gaps: null}\nfont: null\n"
    for seed in range(6):
        design = load_design(write(tmp_path, text), seed)
        assert "serial" not in design.texts and "ring_gaps" not in design.options
        assert {"name", "tax-number", "purpose"} <= set(design.texts)


def test_texts_are_taken_as_they_are_written(tmp_path: Path) -> None:
    text = f"kind: contract\ntexts:\n  name: {NAME}\n  purpose: 合同专用章\n  date: 2024-03-07\n"
    assert load_design(write(tmp_path, text)).texts["date"] == "2024-03-07"
    text = f"kind: company\ntexts:\n  name: {NAME}\n  code: 0101020012345\n"
    assert load_design(write(tmp_path, text)).texts["code"] == "0101020012345"


def test_colour_is_the_ink_of_the_design(tmp_path: Path) -> None:
    design = load_design(write(tmp_path, "kind: company\ncolour: violet\n"))
    assert design.options["ink"] == "violet"
    assert "colour: violet" in design_yaml(design) and "ink" not in design_yaml(design)


def test_changes_go_before_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, f"kind: company\ntexts: {{name: {NAME}, code: '1'}}\nsize_mm: 40\n")
    design = load_design(path, texts={"code": "37"}, size_mm=[30, 30])
    assert design.texts == {"name": NAME, "code": "37"} and design.size_mm == (30.0, 30.0)


def test_a_font_file_counts_from_the_folder_of_the_design(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fonts").mkdir()
    font = tmp_path / "fonts" / "own.otf"
    font.symlink_to(pylopdf_fonts_zh_cn.sans_path())
    path = write(tmp_path, f"kind: company\ntext: {NAME}\nfont: fonts/own.otf\n")
    monkeypatch.chdir(tmp_path / "fonts")
    design = load_design(path)
    assert Path(design.font).samefile(font)
    monkeypatch.chdir(tmp_path)
    design = load_design("design.yaml")
    assert not Path(design.font).is_absolute()
    save_design(design, "deep/er/copy.yaml")
    assert "font: ../../fonts/own.otf" in Path("deep/er/copy.yaml").read_text(encoding="utf-8")
    again = load_design("deep/er/copy.yaml")
    assert draw(again, 100).coverage.tobytes() == draw(design, 100).coverage.tobytes()


def test_every_missing_character_is_named_with_the_font(tmp_path: Path) -> None:
    path = write(tmp_path, "kind: company\ntext: 岚😀陵𠀀公司😀\n")
    with pytest.raises(MissingGlyphError, match=r"design\.yaml: font 'Noto .*U\+1F600.*U\+20000") as caught:
        load_design(path)
    assert caught.value.characters == "😀𠀀"
    (tmp_path / "bad.ttf").write_bytes(b"\0\1\0\0 no font at all")
    with pytest.raises(UsageError, match=r"design\.yaml:2: cannot read the font file"):
        load_design(write(tmp_path, "kind: company\nfont: bad.ttf\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no design in it"),
        ("- company\n", "no design in it"),
        ("kind: company\n\ntexts: {name: a\n", r"design\.yaml:\d: no valid YAML"),
        ("kind: company\n\tsize_mm: 3\n", r"design\.yaml:2: no valid YAML"),
        ("text: a\n", "key 'kind' is missing; give one of company"),
        ("kind: [a]\n", r"design\.yaml:1: kind is \['a'\]"),
        ("# a seal\nkind: compnay\n", r"design\.yaml:2: no seal kind 'compnay'; did you mean 'company'\?"),
        ("kind: company\nfnt: hei\n", r"design\.yaml:2: unknown key 'fnt'; did you mean 'font'\?"),
        ("kind: company\nsize: 40\n", r"design\.yaml:2: unknown key 'size'; did you mean 'size_mm'\?"),
        ("kind: company\nring_mm: 1\nring_mm: 2\n", r"design\.yaml:3: key 'ring_mm' is given twice"),
        ("kind: company\n\nsize_mm: 0\n", r"design\.yaml:3: size_mm is \[0, .*give sizes > 0"),
        ("kind: company\nsize_mm: [40, -1]\n", r"design\.yaml:2: .*give sizes > 0"),
        ("kind: company\nsize_mm: [40, 40, 40]\n", r"design\.yaml:2: .*\[width, height\]"),
        ("kind: company\nsize_mm: wide\n", r"design\.yaml:2: size_mm is 'wide'"),
        ("kind: company\nsize_mm: .nan\n", r"design\.yaml:2: .*give sizes > 0"),
        ("kind: company\nsize_mm: 5000\n", r"design\.yaml:2: .*up to 500"),
        ("kind: company\nheight_mm: 0\n", r"design\.yaml:2: height_mm is 0; give a number above 0"),
        ("kind: company\nring_mm: -1\n", r"design\.yaml:2: ring_mm is -1"),
        ("kind: company\nring_mm: true\n", r"design\.yaml:2: ring_mm is True; give a number"),
        ("kind: company\nweight: thick\n", r"design\.yaml:2: weight is 'thick'; give a number"),
        ("kind: company\nfont: 7\n", r"design\.yaml:2: font is 7; give a name"),
        ("kind: company\nfont: songg\n", r"design\.yaml:2: no font style or font file 'songg'; did you mean 'song'\?"),
        ("kind: company\nfont: own/none.ttf\n", r"design\.yaml:2: no font style or font file"),
        ("kind: company\ncolour: rad\n", r"design\.yaml:2: no ink colour 'rad'; did you mean 'red'\?"),
        ("kind: company\nseed: -1\n", r"design\.yaml:2: seed is -1"),
        ("kind: company\ntexts: 岚陵\n", r"design\.yaml:2: texts is '岚陵'; give roles"),
        ("kind: company\ntexts:\n  nmae: 岚陵\n", r"design\.yaml:3: a company seal has no text 'nmae'; .*'name'\?"),
        ("kind: company\ntexts:\n  name: [1]\n", r"design\.yaml:3: text 'name' is \[1\]"),
        ("kind: company\ntext: ' '\n", r"design\.yaml:2: text 'name' is empty"),
        ("kind: company\ntext: a\ntexts: {name: b}\n", r"design\.yaml:2: 'text' and 'name' in 'texts'"),
        ('kind: company\ntext: "a\\nb"\n', r"design\.yaml:2: .*line break"),
        ("kind: company\noptions: 3\n", r"design\.yaml:2: options is 3"),
        ("kind: company\noptions:\n  insert_mm: 1\n", r"design\.yaml:3: a company seal has no option 'insert_mm'"),
        ("kind: company\noptions:\n  inset_mm: far\n", r"design\.yaml:3: option 'inset_mm' is 'far'; give a number"),
        ("kind: company\noptions:\n  code_font: nune\n", r"design\.yaml:3: no font style"),
        ("kind: company\nsize_mm: !!python/object:os.system {}\n", r"design\.yaml:2: no valid YAML"),
        ("kind: company\noptions: &a\n  more: *a\n", r"design\.yaml"),
        ("kind: company\ntexts: {name: null}\n", "needs 'name'"),
    ],
)
def test_mistakes_name_the_file_and_the_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        load_design(write(tmp_path, text))
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        load_design(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match="is a directory"):
        load_design(tmp_path)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00k")
    with pytest.raises(UsageError, match="not a text file in UTF-8"):
        load_design(tmp_path / "binary.yaml")
    (tmp_path / "file").write_text("")
    with pytest.raises(Seal2RealError, match="cannot be written"):
        save_design(invent_design(0), tmp_path / "file" / "a.yaml")


VALUE: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 60),
    st.floats(-5, 60),
    st.text("ab岚陵 01", max_size=6),
    st.lists(st.integers(0, 60)),
)


@settings(max_examples=40, deadline=None)
@given(
    KIND,
    st.dictionaries(
        st.sampled_from(["size_mm", "texts", "font", "ring_mm", "height_mm", "condense", "text"]), VALUE, max_size=2
    ),
    st.dictionaries(
        st.sampled_from(["name", "purpose", "code", "date"]), st.text("ab岚陵 01", max_size=30), max_size=2
    ),
    st.dictionaries(st.sampled_from(["inset_mm", "span", "rows", "arrangement", "separator"]), VALUE, max_size=2),
)
def test_any_values_make_a_design_or_one_line(
    kind: str, values: dict[str, Any], texts: dict[str, str], options: dict[str, Any]
) -> None:
    try:
        design = complete_design({"kind": kind, "texts": texts, "options": options, **values})
    except Seal2RealError as error:
        assert "\n" not in str(error)
        return
    assert isinstance(design, SealDesign)
    assert draw(design, 50.0).coverage.max() > 0
