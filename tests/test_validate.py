"""`seal2real validate`: a good dataset passes, and every planted fault is found and named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from seal2real.cli import run
from seal2real.dataset.checks.geometry import fill_polygon
from seal2real.dataset.generate import GenerateConfig, generate
from seal2real.dataset.validate import ValidationReport, validate
from seal2real.errors import Seal2RealError, UsageError

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forged crops with a company seal in the middle; all in the training split."""
    out = tmp_path_factory.mktemp("crops") / "crops"
    config = GenerateConfig(
        count=4, seed=3, forger="untrained", dpi=100, crops=288, kinds=("company",), validation=0, test=0
    )
    generate(config, out, workers=1)
    return out


@pytest.fixture
def copy(crops: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(crops, tmp_path / "copy"))


def rows_of(dataset: Path) -> Rows:
    return [json.loads(line) for line in (dataset / "metadata.jsonl").read_text(encoding="utf-8").splitlines()]


def write_rows(dataset: Path, rows: Rows) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (dataset / "metadata.jsonl").write_text(text, encoding="utf-8")


def found(report: ValidationReport) -> set[tuple[str, str, int | None]]:
    return {(one.check, one.file, one.row) for one in report.findings}


def test_forged_crops_are_sound(crops: Path) -> None:
    report = validate(crops, workers=1)
    assert report.findings == [] and report.rows == 4


def test_rounding_at_a_pixels_edge_is_no_fault(copy: Path) -> None:
    """A box whose lower edge was 92.003 is written as 92.00, and the row of pixels that it touched seems lost."""
    rows = rows_of(copy)
    outline = np.zeros((rows[1]["height"], rows[1]["width"]), np.uint8)
    fill_polygon(outline, np.asarray(seal(rows)["polygon"], np.float64))
    edge = int(np.flatnonzero(outline.any(axis=1))[0])  # the first row of pixels that the seal reaches
    x = int(np.flatnonzero(outline[edge])[0])
    window = slice(edge - 4, edge + 1), slice(x, x + 4)
    visible = cv2.imread(str(copy / VISIBLE), cv2.IMREAD_GRAYSCALE)
    assert visible is not None and not outline[edge - 1].any()
    share, inked = round(float(outline[window].mean()), 2), round(float((visible[window] > 0).mean()), 2)
    assert share > 0.04  # else the tolerance for shares hides it
    box = {"text": "x", "bbox": [x, edge - 4, 4.0, 4.0], "under_seal": share, "under_ink": inked}
    rows[1]["text"] = [box]
    write_rows(copy, rows)
    assert [str(finding) for finding in validate(copy, workers=1).findings] == []
    rows[1]["text"] = [box | {"under_seal": share + 0.1}]
    write_rows(copy, rows)
    assert {one.check for one in validate(copy, workers=1).findings} == {"page-text"}


# Each fault: (plants it in rows or files, check that must find it, file that must be named, row).
Plant = Callable[[Path, Rows], None]
STAMPED, CLEAN, INK = "stamped/000001.jpg", "clean/000001.jpg", "ink/000001.png"
FULL, VISIBLE, LINE = "masks/000001_0_full.png", "masks/000001_0_visible.png", "lines/000001_0_0.png"


def truncate(folder: Path, name: str, keep: float) -> None:
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: int(len(data) * keep)])


def corrupt(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    # an end-of-image marker too early: other bytes may by chance be decoded as some picture
    data[len(data) * 2 // 3 : len(data) * 2 // 3 + 60] = b"\xff\xd9" + bytes(range(58))
    (folder / name).write_bytes(bytes(data))


def swap(folder: Path, one: str, other: str) -> None:
    (folder / one).rename(folder / "kept")
    (folder / other).rename(folder / one)
    (folder / "kept").rename(folder / other)


def paint(folder: Path, name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    pixels = cv2.imread(str(folder / name), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    cv2.imwrite(str(folder / name), change(pixels), [cv2.IMWRITE_JPEG_QUALITY, 92])


def blot(pixels: np.ndarray) -> np.ndarray:
    pixels = pixels.copy()
    pixels[-12:, -12:] = 160
    return pixels


def moved(points: list[list[float]], by: float) -> list[list[float]]:
    return [[x + by, y] for x, y in points]


def seal(rows: Rows, row: int = 1) -> dict[str, Any]:
    return rows[row]["seals"][0]


def line(rows: Rows, row: int = 1) -> dict[str, Any]:
    return seal(rows, row)["lines"][0]


def same_design_elsewhere(rows: Rows) -> None:
    seal(rows, 1)["design"] = seal(rows, 0)["design"]
    rows[1]["split"] = "test"


def same_page_elsewhere(rows: Rows) -> None:
    rows[0]["provenance"]["page"] = rows[1]["provenance"]["page"] = "contract.pdf, page 2"
    rows[1]["split"] = "validation"


def self_crossing(points: list[list[float]]) -> list[list[float]]:
    half = len(points) // 2
    return [*points[:half], points[half + 2], points[half + 1], points[half], *points[half + 3 :]]


FAULTS: dict[str, tuple[Plant, str, str, int | None]] = {
    "truncated JPEG": (lambda d, r: truncate(d, STAMPED, 0.6), "damaged", STAMPED, 1),
    "JPEG with its last bytes missing": (lambda d, r: truncate(d, CLEAN, 0.99), "damaged", CLEAN, 1),
    "damaged JPEG": (lambda d, r: corrupt(d, STAMPED), "damaged", STAMPED, 1),
    "damaged mask": (lambda d, r: corrupt(d, FULL), "damaged", FULL, 1),
    "truncated line": (lambda d, r: truncate(d, LINE, 0.5), "damaged", LINE, 1),
    "text instead of an image": (lambda d, r: (d / INK).write_text("ink") and None, "damaged", INK, 1),
    "empty file": (lambda d, r: (d / INK).write_bytes(b"") and None, "damaged", INK, 1),
    "deleted image": (lambda d, r: (d / CLEAN).unlink(), "file", CLEAN, 1),
    "deleted mask": (lambda d, r: (d / VISIBLE).unlink(), "file", VISIBLE, 1),
    "deleted line": (lambda d, r: (d / LINE).unlink(), "file", LINE, 1),
    "extra image": (
        lambda d, r: shutil.copy(d / STAMPED, d / "stamped/9.jpg") and None,
        "orphan-file",
        "stamped/9.jpg",
        None,
    ),
    "extra file": (
        lambda d, r: (d / "masks/notes.txt").write_text("") and None,
        "orphan-file",
        "masks/notes.txt",
        None,
    ),
    "left of a run": (lambda d, r: (d / ".work").mkdir(), "unfinished", ".work", None),
    "swapped masks": (lambda d, r: swap(d, FULL, "masks/000002_0_full.png"), "bbox", FULL, 1),
    "swapped visible masks": (lambda d, r: paint(d, VISIBLE, lambda m: np.roll(m, 90, 1)), "visible", VISIBLE, 1),
    "mask of another size": (lambda d, r: paint(d, FULL, lambda m: m[:, :-8]), "size", FULL, 1),
    "empty full mask": (lambda d, r: paint(d, FULL, np.zeros_like), "mask", FULL, 1),
    "grey mask": (lambda d, r: paint(d, FULL, lambda m: m // 2), "mask", FULL, 1),
    "empty visible mask": (lambda d, r: paint(d, VISIBLE, np.zeros_like), "visible", VISIBLE, 1),
    "empty ink": (lambda d, r: paint(d, INK, np.zeros_like), "ink", INK, 1),
    "ink of nothing": (lambda d, r: paint(d, INK, blot), "ink", INK, 1),
    "ink of another size": (lambda d, r: paint(d, INK, lambda m: m[4:]), "size", INK, 1),
    "clean with a blot": (lambda d, r: paint(d, CLEAN, blot), "clean", CLEAN, 1),
    "clean of another sample": (lambda d, r: swap(d, CLEAN, "clean/000002.jpg"), "clean", CLEAN, 1),
    "unmarked image": (lambda d, r: paint(d, CLEAN, lambda m: m), "synthetic-mark", CLEAN, 1),
    "wrong width": (lambda d, r: r[1].update(width=r[1]["width"] + 1), "size", STAMPED, 1),
    "shifted box": (lambda d, r: seal(r)["bbox"].__setitem__(0, seal(r)["bbox"][0] + 3), "bbox", FULL, 1),
    "reversed outline": (lambda d, r: seal(r)["polygon"].reverse(), "outline", STAMPED, 1),
    "crossing outline": (lambda d, r: seal(r).update(polygon=self_crossing(seal(r)["polygon"])), "outline", STAMPED, 1),
    "outline elsewhere": (lambda d, r: seal(r).update(polygon=moved(seal(r)["polygon"], 60)), "outline", STAMPED, 1),
    "line outside": (lambda d, r: line(r).update(polygon=moved(line(r)["polygon"], 400)), "line", STAMPED, 1),
    "odd points": (lambda d, r: line(r)["polygon"].pop(), "line", STAMPED, 1),
    "reversed line": (lambda d, r: line(r)["polygon"].reverse(), "line", STAMPED, 1),
    "missing box": (lambda d, r: line(r)["characters"].pop() and None, "characters", STAMPED, 1),
    "box elsewhere": (
        lambda d, r: line(r)["characters"].__setitem__(2, [[0, 0], [9, 0], [9, 9], [0, 9]]),
        "characters",
        STAMPED,
        1,
    ),
    "mirrored box": (lambda d, r: line(r)["characters"][2].reverse(), "characters", STAMPED, 1),
    "reversed text": (lambda d, r: line(r)["characters"].reverse(), "reading-order", STAMPED, 1),
    "unknown character": (lambda d, r: line(r).update(text="\U0001f600" + line(r)["text"][1:]), "text", STAMPED, 1),
    "control character": (lambda d, r: line(r).update(text="\t" + line(r)["text"][1:]), "text", STAMPED, 1),
    "crop of another line": (lambda d, r: paint(d, LINE, lambda m: m[:, : m.shape[1] // 2]), "crop", LINE, 1),
    "page text under no seal": (lambda d, r: r[1]["text"][0].update(under_ink=0.77), "page-text", STAMPED, 1),
    "page text off the image": (lambda d, r: r[1]["text"][0].update(bbox=[9e4, 0, 5, 5]), "page-text", STAMPED, 1),
    "unknown split": (lambda d, r: r[1].update(split="trian"), "split", STAMPED, 1),
    "unknown colour": (lambda d, r: seal(r).update(colour="rad"), "names", STAMPED, 1),
    "unknown kind": (lambda d, r: seal(r).update(kind="compani"), "names", STAMPED, 1),
    "missing object": (lambda d, r: r[1]["objects"]["bbox"].pop() and None, "objects", STAMPED, 1),
    "unknown category": (
        lambda d, r: r[1]["objects"].update(categories=[4] * len(r[1]["seals"])),
        "objects",
        STAMPED,
        1,
    ),
    "no index": (lambda d, r: r[1]["provenance"].pop("index") and None, "provenance", STAMPED, 1),
    "no forger": (lambda d, r: r[1]["provenance"].pop("forger") and None, "provenance", STAMPED, 1),
    "missing field": (lambda d, r: seal(r).pop("polygon") and None, "fields", STAMPED, 1),
    "wrong type": (lambda d, r: r[1].update(height=str(r[1]["height"])), "fields", STAMPED, 1),
    "true is no number": (lambda d, r: seal(r).update(angle=True), "fields", STAMPED, 1),
    "two points": (lambda d, r: seal(r).update(polygon=[[1, 2], [3, 4]]), "fields", STAMPED, 1),
    "ragged points": (lambda d, r: seal(r).update(polygon=[[1, 2], [3], [4, 5]]), "fields", STAMPED, 1),
    "path out of the dataset": (lambda d, r: r[1].update(clean="../clean.jpg"), "fields", STAMPED, 1),
    "null path": (lambda d, r: r[1].update(ink=None), "fields", STAMPED, 1),
    "not a number": (lambda d, r: seal(r).update(angle=float("nan")), "json", "metadata.jsonl", 1),
    "repeated row": (lambda d, r: r.insert(2, r[1]), "duplicate-index", STAMPED, 2),
    "repeated name": (lambda d, r: r[2].update(file_name=STAMPED), "duplicate-file", STAMPED, 2),
    "repeated picture": (
        lambda d, r: shutil.copy(d / STAMPED, d / "stamped/000002.jpg") and None,
        "duplicate-image",
        "stamped/000002.jpg",
        2,
    ),
    "rows out of order": (lambda d, r: r.insert(0, r.pop(1)), "row-order", "stamped/000000.jpg", 1),
    "missing row": (lambda d, r: r.pop() and None, "missing-row", "metadata.jsonl", None),
    "no rows": (lambda d, r: r.clear(), "missing-row", "metadata.jsonl", None),
    "design in two splits": (lambda d, r: same_design_elsewhere(r), "split-design", STAMPED, 1),
    "page in two splits": (lambda d, r: same_page_elsewhere(r), "split-page", STAMPED, 1),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_is_found_and_named(fault: str, copy: Path) -> None:
    plant, check, file, row = FAULTS[fault]
    rows = rows_of(copy)
    plant(copy, rows)
    write_rows(copy, rows)
    report = validate(copy, workers=1)
    assert (check, file, row) in found(report), [str(finding) for finding in report.findings]
    assert all("\n" not in str(finding) for finding in report.findings)


def test_broken_line_of_json_is_named_and_its_files_are_no_orphans(copy: Path) -> None:
    lines = (copy / "metadata.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    lines[1] = lines[1][:-3] + "\n"
    (copy / "metadata.jsonl").write_text("".join(lines), encoding="utf-8")
    assert {one.check for one in validate(copy, workers=1).findings} == {"json"}


def test_samples_that_the_run_gave_up_are_not_missed(copy: Path) -> None:
    rows = rows_of(copy)
    gone = rows.pop()
    for path in [*copy.rglob(f"{gone['provenance']['index']:06d}*")]:
        path.unlink()
    write_rows(copy, rows)
    assert {one.check for one in validate(copy, workers=1).findings} == {"missing-row"}
    (copy / "failures.jsonl").write_text(json.dumps({"index": gone["provenance"]["index"]}) + "\n")
    assert validate(copy, workers=1).findings == []


def test_rows_converted_from_another_format_may_lack_what_it_does_not_carry(copy: Path) -> None:
    row = rows_of(copy)[1]
    row.update(clean=None, ink=None, dpi=None, provenance={"converted_from": "yolo"})
    row["seals"][0].update(mask_full=None, mask_visible=None, colour=None, angle=None, lines=[])
    for box in row["text"]:
        box.update(under_seal=None, under_ink=None)
    write_rows(copy, [row])
    kept = copy / row["file_name"]
    for path in [*copy.rglob("*")]:
        if path.is_file() and path not in (kept, copy / "metadata.jsonl"):
            path.unlink()
    assert [str(finding) for finding in validate(copy, workers=1).findings] == []
    row["seals"][0]["bbox"] = "here"
    write_rows(copy, [row])
    assert {one.check for one in validate(copy, workers=1).findings} == {"fields"}


def test_dictionary_of_the_user_counts(copy: Path, tmp_path: Path) -> None:
    letters = sorted({c for row in rows_of(copy) for one in row["seals"] for t in one["lines"] for c in t["text"]})
    dictionary = tmp_path / "dict.txt"
    dictionary.write_text("\n".join(letters), encoding="utf-8")
    assert validate(copy, dictionary=dictionary, workers=1).findings == []
    dictionary.write_text("\n".join(letters[1:]), encoding="utf-8")
    report = validate(copy, dictionary=dictionary, workers=1)
    assert {one.check for one in report.findings} == {"text"}
    assert all(f"U+{ord(letters[0]):04X}" in one.message for one in report.findings)


def test_processes_find_the_same_as_one(copy: Path) -> None:
    rows = rows_of(copy)
    many = [row | {"provenance": row["provenance"] | {"index": i}} for i, row in enumerate(rows * 8)]
    write_rows(copy, many)  # 32 rows, past which processes are started; each file is named 8 times
    truncate(copy, STAMPED, 0.5)
    one, two = validate(copy, workers=1), validate(copy, workers=2)
    assert one.findings == two.findings and one.counts == two.counts
    assert one.counts["error", "damaged"] == 8


def test_many_findings_are_counted_and_the_list_stays_short(copy: Path) -> None:
    report = ValidationReport(copy)
    finding = next(iter(_findings(copy)))
    for _ in range(2500):
        report.add(finding)
    assert report.errors == 2500 and len(report.findings) == 1000


def _findings(dataset: Path) -> list[Any]:
    (dataset / CLEAN).unlink()
    return validate(dataset, workers=1).findings


def test_command_prints_a_line_each_and_fails_on_errors(copy: Path, tmp_path: Path, capfd: Any) -> None:
    assert run(["validate", str(copy), "-j", "1"]) == 0
    assert "4 samples, sound" in capfd.readouterr().out
    (copy / CLEAN).unlink()
    truncate(copy, STAMPED, 0.5)
    assert run(["validate", str(copy), "-j", "1", "--json", str(tmp_path / "r.json"), "--max", "1"]) == 1
    printed = capfd.readouterr()
    assert printed.out.splitlines()[0].startswith(f"error damaged {STAMPED} (row 1): ")
    assert "... and 1 more" in printed.out and "2 errors, 0 warnings" in printed.out
    assert "Corrupt JPEG" not in printed.err  # the decoders' own words are caught
    written = json.loads((tmp_path / "r.json").read_text())
    assert written["errors"] == 2 and {one["file"] for one in written["findings"]} == {CLEAN, STAMPED}


def test_warnings_alone_do_not_fail(copy: Path, capfd: Any) -> None:
    paint(copy, CLEAN, lambda pixels: pixels)
    assert run(["validate", str(copy), "-j", "1"]) == 0
    assert "warning synthetic-mark" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["NOWHERE"], 2, "no such folder"),
        (["EMPTY"], 2, "is no dataset"),
        (["UNFINISHED"], 1, "is not finished"),
        (["COPY", "--workers", "0"], 2, "workers is 0"),
        (["COPY", "--dictionary", "NOWHERE"], 2, "no such file"),
        (["COPY", "--dictionary", "EMPTY/none.txt"], 2, "holds no character"),
        (["COPY", "--dictionary", "EMPTY/latin.txt"], 2, "not UTF-8"),
        (["COPY", "--max", "-1"], 2, "max is -1"),
    ],
)
def test_mistakes_are_explained_in_one_line(
    arguments: list[str], status: int, message: str, copy: Path, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    copy.rename("COPY")
    for folder in (Path("EMPTY"), Path("UNFINISHED"), Path("UNFINISHED/.work")):
        folder.mkdir()
    Path("EMPTY/none.txt").write_text("\n\n")
    Path("EMPTY/latin.txt").write_bytes(b"\xe9\xff")
    assert run(["validate", *arguments]) == status
    errors = capsys.readouterr().err
    assert message in errors and len(errors.strip().splitlines()) == 1


def test_errors_are_of_their_class(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        validate(tmp_path)
    (tmp_path / ".work").mkdir()
    with pytest.raises(Seal2RealError, match="--resume"):
        validate(tmp_path)
