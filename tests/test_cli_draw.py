"""The commands draw and fonts: files, labels, lists, and one line for every mistake."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pylopdf_fonts_zh_cn
import pytest

from seal2real.cli import run
from seal2real.seal import draw, load_design
from seal2real.seal.font_coverage import scripts

NAME = "岚陵市瀚途货运代理有限公司"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("seal.yaml").write_text(f"kind: company\ntext: {NAME}\nsize_mm: 40\n", encoding="utf-8")
    Path("oval.yaml").write_text("kind: invoice\n", encoding="utf-8")
    Path("bad.yaml").write_text("kind: company\nfnt: hei\n", encoding="utf-8")
    Path("emoji.yaml").write_text("kind: company\ntext: 岚😀𠀀\n", encoding="utf-8")
    Path("sub").mkdir()
    Path("sub/seal.yaml").write_text("kind: company\n", encoding="utf-8")
    Path("font.ttf").write_bytes(b"no font")
    Path("empty").mkdir()
    Path("fonts").mkdir()
    Path("fonts/own.otf").symlink_to(pylopdf_fonts_zh_cn.sans_path())
    Path("fonts/broken.ttf").write_bytes(b"no font")
    return tmp_path


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_one_design_in_every_format_with_labels(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outs = [part for name in ("a.png", "a.svg", "a.pdf", "a.jpg") for part in ("--out", name)]
    assert run(["draw", "seal.yaml", *outs, "--dpi", "200", "--labels", "labels.json", "--angle", "12"]) == 0
    assert "a.png: company, " in capsys.readouterr().out
    image = cv2.imread("a.png", cv2.IMREAD_UNCHANGED)
    assert image is not None and image.shape[2] == 4
    art = draw(load_design("seal.yaml"), 200.0, 12.0)
    assert np.array_equal(image[..., 3], np.rint(art.coverage * 255).astype(np.uint8))
    photo = cv2.imread("a.jpg")
    assert photo is not None and photo.shape[2] == 3 and photo[0, 0].min() > 240
    rows = json.loads(Path("labels.json").read_text(encoding="utf-8"))["seals"]
    assert [row["file"] for row in rows] == ["a.png", "a.svg", "a.pdf", "a.jpg"]
    assert [row["unit"] for row in rows] == ["px", "mm", "mm", "px"]
    line = rows[0]["lines"][0]
    assert line["text"] == NAME and [part["text"] for part in line["characters"]] == list(NAME)
    assert np.allclose(line["polygon"], art.lines[0].polygon, atol=1e-3)
    assert rows[1]["width"] == pytest.approx(40.0, abs=0.1)


def test_options_stand_for_a_file_and_go_before_it(here: Path) -> None:
    given = ["--kind", "department", "--text", NAME, "--text", "purpose=合同专用章", "--size", "38", "--colour", "blue"]
    assert run(["draw", *given, "--option", "inset_mm=1.25", "--font", "hei", "--out", "x.png", "--yaml"]) == 0
    design = load_design("x.yaml")
    assert design.texts == {"name": NAME, "purpose": "合同专用章"} and design.size_mm == (38.0, 38.0)
    assert (design.font, design.options["ink"], design.options["inset_mm"]) == ("hei", "blue", 1.25)
    image = cv2.imread("x.png", cv2.IMREAD_UNCHANGED)
    assert image is not None and image[0, 0, 0] > image[0, 0, 2]  # blue, in OpenCV's order
    assert run(["draw", "x.yaml", "--size", "30x31", "--out", "y.png", "--dpi", "254", "--paper"]) == 0
    paper = cv2.imread("y.png", cv2.IMREAD_UNCHANGED)
    assert paper is not None and paper.shape == (314, 304, 3) and (paper[0, 0] == 255).all()


def test_several_designs_go_to_a_folder(here: Path) -> None:
    command = ["draw", "seal.yaml", "oval.yaml", "--out", "out", "--format", "png", "--format", "pdf", "--dpi", "100"]
    assert run([*command, "--yaml"]) == 0
    expected = {f"{name}.{suffix}" for name in ("seal", "oval") for suffix in ("png", "pdf", "yaml")}
    assert files(here / "out") == expected
    assert load_design("out/oval.yaml") == load_design("oval.yaml")


@pytest.mark.parametrize("kind", ["company", None])
def test_invented_designs_come_with_yaml_that_draws_the_same_bytes(here: Path, kind: str | None) -> None:
    chosen = [] if kind is None else ["--kind", kind]
    common = ["--out", "one", "--dpi", "120", "--format", "png", "--format", "svg"]
    assert run(["draw", "--random", *chosen, "--seed", "9", "--count", "3", *common]) == 0
    designs = sorted(map(str, (here / "one").glob("*.yaml")))
    assert len(designs) == 3
    assert all(load_design(path).kind == (kind or load_design(path).kind) for path in designs)
    assert run(["draw", *designs, "--out", "two", *common[2:]]) == 0
    assert len(files(here / "two")) == 6
    for name in files(here / "two"):
        assert (here / "one" / name).read_bytes() == (here / "two" / name).read_bytes(), name


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["draw"], 2, "--out is missing"),
        (["draw", "--out", "x.png"], 2, "nothing to draw"),
        (["draw", "none.yaml", "--out", "x.png"], 2, "none.yaml: no such file"),
        (["draw", "bad.yaml", "--out", "x.png"], 2, "bad.yaml:2: unknown key 'fnt'; did you mean 'font'?"),
        (["draw", "seal.yaml", "bad.yaml", "--out", "x"], 2, "bad.yaml:2: unknown key"),
        (["draw", "emoji.yaml", "--out", "x.png"], 1, "emoji.yaml: font"),
        (["draw", "emoji.yaml", "--out", "x.png"], 1, "(U+1F600), '𠀀' (U+20000)"),
        (["draw", "seal.yaml", "--out", "x.gif"], 2, "x.gif: the suffix chooses the format; use one of .png"),
        (["draw", "seal.yaml", "oval.yaml", "--out", "x.png"], 2, "several designs go to a folder"),
        (["draw", "seal.yaml", "sub/seal.yaml", "--out", "x"], 2, "would be drawn to one name"),
        (["draw", "seal.yaml", "--out", "x", "--format", "pgn"], 2, "no format 'pgn'; did you mean 'png'?"),
        (["draw", "seal.yaml", "--out", "x.png", "--format", "png"], 2, "leave out --format"),
        (["draw", "seal.yaml", "--out", ".", "--yaml"], 2, "write over the design itself"),
        (["draw", "seal.yaml", "--out", "x.png", "--dpi", "5"], 2, "dpi is 5"),
        (["draw", "seal.yaml", "--out", "x.png", "--colour", "rad"], 2, "did you mean 'red'?"),
        (["draw", "seal.yaml", "--out", "x.png", "--size", "big"], 2, "--size is 'big'"),
        (["draw", "seal.yaml", "--out", "x.png", "--size", "0"], 2, "give sizes > 0"),
        (["draw", "seal.yaml", "--out", "x.png", "--option", "span"], 2, "give NAME=VALUE"),
        (["draw", "seal.yaml", "--out", "x.png", "--option", "spam=3"], 2, "did you mean 'span'?"),
        (["draw", "seal.yaml", "--out", "x.png", "--font", "font.ttf"], 2, "cannot read the font file 'font.ttf'"),
        (["draw", "seal.yaml", "--out", "x.png", "--font", "no.ttf"], 2, "no font style or font file 'no.ttf'"),
        (["draw", "seal.yaml", "--out", "x.png", "--text", "nmae=a"], 2, "no text 'nmae'; did you mean 'name'?"),
        (["draw", "seal.yaml", "--out", "font.ttf/x.png"], 1, "cannot be written"),
        (["draw", "seal.yaml", "--out", "x.png", "--count", "2"], 2, "--count goes with --random"),
        (["draw", "--kind", "compny", "--out", "x.png"], 2, "no seal kind 'compny'; did you mean 'company'?"),
        (["draw", "--random", "--kind", "compny", "--out", "x"], 2, "did you mean 'company'?"),
        (["draw", "--random", "--count", "0", "--out", "x"], 2, "count is 0"),
        (["draw", "--random", "--seed", "-1", "--out", "x"], 2, "seed is -1"),
        (["draw", "--random", "seal.yaml", "--out", "x"], 2, "--random invents designs"),
        (["draw", "--random", "--out", "x.png"], 2, "several designs go to a folder"),
        (["fonts", "none.ttf"], 2, "'none.ttf'"),
        (["fonts", "font.ttf"], 2, "cannot read the font file 'font.ttf'"),
        (["fonts", "empty"], 2, "empty: holds no font files"),
    ],
)
def test_mistakes_are_explained_in_one_line(
    here: Path, arguments: list[str], status: int, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    before = files(here)
    assert run(arguments) == status
    errors = capfd.readouterr().err  # of the whole process, the libraries below included
    assert message in errors and "Traceback" not in errors
    assert len([line for line in errors.splitlines() if line.strip()]) == 1, errors
    assert files(here) == before


def test_fonts_lists_what_they_cover(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fonts", "--text", "岚陵"]) == 0
    printed = capsys.readouterr().out
    assert "fangsong" in printed and "Noto Serif SC" in printed and "have all of '岚陵': song" in printed
    assert run(["fonts", "--json", "--text", "岚😀"]) == 0
    rows = {row["font"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["song"]["missing"] == "😀" and rows["song"]["covers"]["gb2312-1"] == 1.0
    assert rows["song"]["source"] == "style" and set(rows["song"]["covers"]) == set(scripts())
    assert run(["fonts", "fonts/own.otf", "--text", "😀"]) == 0
    printed = capsys.readouterr().out
    assert "own.otf" in printed and "no font here has all of '😀'" in printed and "fangsong" not in printed


def test_a_broken_font_in_a_folder_is_skipped_and_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fonts", "fonts"]) == 0
    captured = capsys.readouterr()
    assert "fonts/own.otf" in captured.out and "broken.ttf" not in captured.out
    assert "skipped" in captured.err and "broken.ttf" in captured.err


def test_the_scripts_have_their_standard_counts() -> None:
    counts = {name: len(characters) for name, characters in scripts().items()}
    assert counts["gb2312-1"] == 3755 and counts["gb2312-2"] == 3008  # GB/T 2312-1980
    assert (
        counts["vietnamese"] == 2 * 67
        and counts["kana"] == 83 + 86
        and counts["cyrillic"] == 66
        and counts["digits"] == 10
    )  # JIS X 0208
    assert all(len(set(characters)) == len(characters) for characters in scripts().values())


@pytest.mark.parametrize("command", ["draw", "fonts"])
def test_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--help"]) == 0
    assert "Usage" in capsys.readouterr().out
