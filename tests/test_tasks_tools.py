"""The tools for scans, with the shipped models: on a generated page, and on whatever a folder may hold."""

from __future__ import annotations

import csv
import json
from difflib import SequenceMatcher
from pathlib import Path

import cv2
import numpy as np
import pypdfium2
import pytest
from PIL import Image as PillowImage

from seal2real.cli import run
from seal2real.dataset.generate import GenerateConfig
from seal2real.dataset.samples import load_context, make_sample
from seal2real.errors import UsageError
from seal2real.images import load_rgb, save_image
from seal2real.sample import Sample
from seal2real.tasks.measures import mask_agreement
from seal2real.tasks.read import SealReader
from seal2real.tasks.remove import Remover, around
from seal2real.tasks.scans import Scan, Scans, Unusable
from seal2real.tasks.segment import Segmenter
from seal2real.tasks.verify import SealVerifier
from test_page_folder import ENCRYPTED


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter.from_pretrained()


def stamped(seed: int) -> Sample:
    """A forged page with a company's seal, at 100 dpi."""
    config = GenerateConfig(
        count=1, seed=seed, dpi=100, seals=1, kinds=("company",), colour="red", wear=0.2, capture=0.2,
        press="issuer=0,bend=0,riding=0,riding-unsigned=0,off-page=0,partial-strike=0,double-strike=0,upside-down=0,"
        "any-angle=0",
        red=0.0, coloured_paper=0.0,
    )  # fmt: skip
    return make_sample(config, 0, load_context(config))


@pytest.fixture(scope="module")
def sample() -> Sample:
    return stamped(77)


@pytest.fixture(scope="module")
def other() -> Sample:
    return stamped(78)


@pytest.fixture
def page(sample: Sample, tmp_path: Path) -> Path:
    path = tmp_path / "page.png"
    save_image(path, sample.stamped)
    return path


def pdf(path: Path, pages: int, image: np.ndarray | None = None) -> Path:
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        sheet = document.new_page(595, 842)
        if image is not None:
            picture = pypdfium2.PdfImage.new(document)
            picture.set_bitmap(pypdfium2.PdfBitmap.from_pil(PillowImage.fromarray(image)))
            picture.set_matrix(pypdfium2.PdfMatrix().scale(595, 842))
            sheet.insert_obj(picture)
            sheet.gen_content()
    document.save(str(path))
    return path


def test_a_generated_seal_is_found_whole(segmenter: Segmenter, sample: Sample) -> None:
    seals = segmenter.segment(sample.stamped)
    assert len(seals) == 1
    height, width = sample.size
    assert mask_agreement(seals[0].on_page(height, width), sample.mask).iou > 0.7
    wanted = sample.seals[0].outline
    box = (*wanted.min(0), *np.ptp(wanted, axis=0))
    assert np.allclose(seals[0].bbox, box, atol=0.12 * max(box[2:]))
    assert (seals[0].shape, seals[0].colour) == ("round", "red")
    again = segmenter.segment(sample.stamped)
    assert again[0].to_dict() == seals[0].to_dict()


@pytest.mark.parametrize("light", [(0.5, 0.55, 0.7), (0.62, 0.5, 0.42)])
def test_dim_or_coloured_light_does_not_flood_the_paper(
    segmenter: Segmenter, sample: Sample, light: tuple[float, float, float]
) -> None:
    seals = segmenter.segment((sample.stamped * light).astype(np.uint8))
    assert len(seals) == 1 and mask_agreement(seals[0].on_page(*sample.size), sample.mask).iou > 0.65


def test_a_page_without_a_seal_stays_empty(segmenter: Segmenter, sample: Sample) -> None:
    assert segmenter.segment(sample.clean) == []


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (2, 2), (7, 5), (33, 1200)])
def test_images_of_any_size_have_no_seal_where_there_is_none(segmenter: Segmenter, size: tuple[int, int]) -> None:
    for value in (0, 128, 255):
        assert segmenter.segment(np.full((*size, 3), value, np.uint8)) == []


def test_removal_touches_nothing_but_the_seal(segmenter: Segmenter, sample: Sample) -> None:
    remover = Remover.from_pretrained(segmenter=segmenter)
    removed = remover.remove(sample.stamped)
    changed = (removed != sample.stamped).any(2)
    found = segmenter.segment(sample.stamped)[0]
    near = around(found.on_page(*sample.size), max(found.bbox[2:]))
    assert changed.any() and not (changed & ~near).any()
    before = np.abs(sample.stamped.astype(int) - sample.clean)[sample.mask].mean()
    after = np.abs(removed.astype(int) - sample.clean)[sample.mask].mean()
    assert after < 0.35 * before
    assert np.array_equal(remover.remove(sample.clean), sample.clean)
    assert np.array_equal(remover.remove(sample.stamped, []), sample.stamped)


def test_lines_of_a_seal_are_followed(segmenter: Segmenter, sample: Sample) -> None:
    read = SealReader(segmenter, engine="pp-ocr").read(sample.stamped)
    assert len(read) == 1
    name = sample.seals[0].lines[0]
    found = next(line for line in read[0].lines if line.text == name.text)
    assert found.curved
    middles = (found.polygon.mean(0), name.polygon.mean(0))
    assert np.linalg.norm(middles[0] - middles[1]) < 12


def test_the_own_engine_reads_without_any_other(segmenter: Segmenter, sample: Sample) -> None:
    read = SealReader(segmenter, engine="own").read(sample.stamped)
    assert len(read) == 1
    name = sample.seals[0].lines[0].text
    assert max(SequenceMatcher(None, name, line.text).ratio() for line in read[0].lines) > 0.7


def test_a_seal_is_judged_and_compared(segmenter: Segmenter, sample: Sample, other: Sample) -> None:
    verifier = SealVerifier(segmenter)
    found = verifier.verify(sample.stamped, verifier.reference(sample.stamped))
    assert len(found) == 1 and found[0].comparison is not None
    assert found[0].comparison.registration.correlation > 0.99
    assert abs(found[0].comparison.registration.turn) < 1
    assert found[0].comparison.same > 0.8
    stranger = verifier.verify(other.stamped, verifier.reference(sample.stamped))[0].comparison
    assert stranger is not None and not stranger.accepted and stranger.same < 0.5
    likeliest, chance = max(found[0].judgement.probabilities.items(), key=lambda each: each[1])
    assert found[0].judgement.verdict == (likeliest if chance >= 0.6 else "unsure")
    assert found[0].comparison.difference.shape == sample.size
    assert found[0].judgement.evidence.shape == found[0].seal.ink.shape
    assert set(found[0].judgement.probabilities) == {"impression", "paste", "colour-copy"}
    assert sum(found[0].judgement.probabilities.values()) == pytest.approx(1.0)
    assert found[0].to_dict()["caution"].startswith("evidence, not proof")
    with pytest.raises(UsageError, match="no threshold for a false accept rate"):
        verifier.verify(sample.stamped, verifier.reference(sample.stamped), 0.37)


def test_every_tool_writes_what_it_is_asked_for(page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    options = ["--json", str(out / "r.json"), "--csv", str(out / "r.csv")]
    pictures = ["--visualise", str(out / "seen")]
    assert run(["segment", str(page), *options, *pictures, "--masks", str(out / "ink")]) == 0
    assert "red round seal at" in capsys.readouterr().out
    values = json.loads((out / "r.json").read_text(encoding="utf-8"))
    assert len(values["pages"][0]["seals"]) == 1 and values["skipped"] == []
    with (out / "r.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [row["kind"] for row in rows] == ["round"]
    size = load_rgb(page).shape
    assert load_rgb(out / "ink" / "page-ink.png").shape == size == load_rgb(out / "seen" / "page-seals.png").shape
    assert run(["read", str(page), "--engine", "pp-ocr", *options, *pictures]) == 0
    assert load_rgb(out / "seen" / "page-text.png").shape == size
    assert "lines" in json.loads((out / "r.json").read_text(encoding="utf-8"))["pages"][0]["seals"][0]
    capsys.readouterr()
    given = ["--reference", str(page), *options, *pictures]
    assert run(["verify", str(page), *given]) == 0
    captured = capsys.readouterr()
    assert "die as page.png" in captured.out and "evidence, not proof" in captured.err
    assert load_rgb(out / "seen" / "page-verified.png").shape == size
    assert run(["remove", str(page), "--out", str(out / "clean"), *options]) == 0
    assert load_rgb(out / "clean" / "page.png").shape == size


def test_files_of_every_sort_are_read_or_told(
    sample: Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    picture = PillowImage.fromarray(sample.stamped)
    picture.convert("CMYK").save(folder / "cmyk.tif")
    picture.convert("P", palette=PillowImage.Palette.ADAPTIVE).save(folder / "palette.png")
    picture.convert("RGBA").save(folder / "alpha.png")
    cv2.imwrite(str(folder / "deep.png"), cv2.cvtColor(sample.stamped, cv2.COLOR_RGB2GRAY).astype(np.uint16) * 257)
    exif = PillowImage.Exif()
    exif[274] = 6
    picture.rotate(90, expand=True).save(folder / "turned.jpg", exif=exif, quality=95)
    pdf(folder / "page.pdf", 1, sample.stamped)
    (folder / "text.png").write_text("no image")
    PillowImage.new("RGB", (1, 1)).save(folder / "dot.png")
    assert run(["segment", str(folder), "--dpi", "100"]) == 0
    captured = capsys.readouterr()
    for name in ("cmyk.tif", "palette.png", "alpha.png", "turned.jpg", "page.pdf, page 1"):
        line = next(line for line in captured.out.splitlines() if name in line)
        assert "red round seal" in line, line
    assert "dot.png: no seal" in captured.out
    assert captured.err.count("skipped") == 1 and "text.png: not an image" in captured.err


@pytest.mark.parametrize("tool", ["segment", "read", "verify", "remove"])
def test_nothing_is_made_of_nothing(tool: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every tool, on a blank page, a single pixel, a PDF without and one with a password, and a damaged one."""
    folder = tmp_path / "in"
    folder.mkdir()
    save_image(folder / "blank.png", np.full((300, 200, 3), 255, np.uint8))
    PillowImage.new("RGB", (1, 1)).save(folder / "dot.png")
    pdf(folder / "empty.pdf", 2)
    (folder / "locked.pdf").write_bytes(ENCRYPTED)
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    more = ["--out", str(tmp_path / "out")] if tool == "remove" else []
    assert run([tool, str(folder), *more, "--dpi", "50", "--json", str(tmp_path / "found.json")]) == 0
    captured = capsys.readouterr()
    assert captured.err.count("skipped") == 2 and "locked.pdf is encrypted" in captured.err
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))["pages"]
    assert len(found) == 4 and not any(page["seals"] for page in found)
    if tool == "remove":
        assert np.array_equal(load_rgb(tmp_path / "out" / "blank.png"), load_rgb(folder / "blank.png"))


def test_pages_of_a_long_pdf_come_one_by_one(tmp_path: Path) -> None:
    scans = Scans([pdf(tmp_path / "long.pdf", 100)], dpi=20)
    assert len(scans) == 100
    pages = list(scans)
    assert all(isinstance(page, Scan) for page in pages)
    assert [page.page for page in pages if isinstance(page, Scan)] == list(range(1, 101))
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    entries = list(Scans([tmp_path / "broken.pdf"]))
    assert len(entries) == 1 and isinstance(entries[0], Unusable) and "\n" not in entries[0].reason


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["segment"], 2, "Missing argument"),
        (["segment", "NOPE"], 2, "no such file or folder"),
        (["segment", "EMPTY"], 1, "holds no images and no PDFs"),
        (["segment", "TEXT"], 1, "none of the pages can be used"),
        (["segment", "PAGE", "--threshold", "2"], 2, "threshold is 2.0; it must be 0 to 1"),
        (["segment", "PAGE", "--dpi", "5"], 2, "5 dpi is out of range"),
        (["segment", "PAGE", "--model", "NOPE"], 1, "no segmenter is there"),
        (["read", "PAGE", "--engine", "tesseract"], 2, "no engine 'tesseract'"),
        (["remove", "PAGE"], 2, "Missing option"),
        (["remove", "PAGE", "--out", "TEXT/x"], 1, ""),
        (["verify", "PAGE", "--reference", "BLANK"], 1, "no seal is found on it"),
        (["verify", "PAGE", "--reference", "PAGE", "--false-accepts", "0.37"], 2, "no threshold for a false accept"),
        (["verify", "PAGE", "--judge", "NOPE"], 1, "no authenticity is there"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], status: int, message: str, page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.png").write_text("no image")
    save_image(tmp_path / "blank.png", np.full((60, 60, 3), 255, np.uint8))
    named = {"PAGE": page, "NOPE": tmp_path / "nope", "EMPTY": tmp_path / "empty", "TEXT": tmp_path / "text.png"}
    named |= {"BLANK": tmp_path / "blank.png"}
    given = [str(named.get(argument, argument)).replace("TEXT", str(named["TEXT"])) for argument in arguments]
    assert run(given) == status
    assert message in capsys.readouterr().err
