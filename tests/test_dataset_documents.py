"""Documents of several sheets under one cross-page seal: parts of one impression, made apart, kept together."""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from seal2real.dataset.formats.native import read_rows
from seal2real.dataset.generate import GenerateConfig, generate, load_context, make_sample, split_of
from seal2real.errors import UsageError
from seal2real.press import Riding, stamp_sheet
from seal2real.sample import Anchor, Page, Sample
from seal2real.seal import SealDesign, complete_design, draw

WHOLE = "double-strike=0,partial-strike=0"
DESIGN = complete_design({"kind": "company", "text": "岚陵市瀚途货运代理有限公司", "colour": "red"})


def config_of(sheets: int = 3, **values: object) -> GenerateConfig:
    plain = {"forger": "none", "dpi": 50, "riding_sheets": sheets, "press": WHOLE}
    return GenerateConfig(**{**plain, **values})  # type: ignore[arg-type]


def joined(samples: list[Sample], layers: list[np.ndarray]) -> np.ndarray:
    """The strips of a fanned seal side by side, cut out of ``layers`` of the sheets by what the labels say alone."""
    strips = []
    for sample, layer in zip(samples, layers, strict=True):
        seal = sample.seals[0]
        told = seal.effects["riding"]
        (height, width), size = seal.coverage.shape, layer.shape
        first, last = (round(share * (width, height)[told["edge"] in ("top", "bottom")]) for share in told["strip"])
        along = seal.offset[told["edge"] in ("left", "right")]
        if told["edge"] in ("left", "right"):
            columns = slice(size[1] - (last - first), None) if told["edge"] == "right" else slice(0, last - first)
            strips.append(layer[along : along + height, columns])
        else:
            rows = slice(size[0] - (last - first), None) if told["edge"] == "bottom" else slice(0, last - first)
            strips.append(layer[rows, along : along + width].swapaxes(0, 1))
    return np.concatenate(strips, axis=1)


@pytest.mark.parametrize("edge", ["right", "bottom"])
@pytest.mark.parametrize("sheets", [2, 5])
def test_strips_put_together_are_the_seal(edge: str, sheets: int) -> None:
    dpi = 100.0
    pages = [Page(np.full((900 + 10 * n, 640 + 8 * n, 3), 255, np.uint8), dpi, (), (), "blank") for n in range(sheets)]
    uneven = tuple(1.0 + 0.2 * (n % 2) for n in range(sheets))
    riding = Riding(edge, sheets, "fan", 0.5, uneven, 0.0)  # type: ignore[arg-type]
    samples = [
        stamp_sheet(page, np.random.default_rng(4), n, sheets, designs=(DESIGN,), riding=riding)
        for n, page in enumerate(pages)
    ]
    seal = samples[0].seals[0]
    whole = draw(SealDesign.from_dict(seal.design), dpi, seal.angle).coverage
    layers = [sample.seals[0].on_page(sample.seals[0].coverage, *sample.size) for sample in samples]
    together = joined(samples, layers)
    whole = whole if edge == "right" else whole.T
    assert abs(together.shape[1] - whole.shape[1]) <= 2
    width = min(together.shape[1], whole.shape[1])
    overlap = np.minimum(together[:, :width], whole[:, :width]).sum() / whole.sum()
    assert overlap > 0.85, "ring, star and letters go on from sheet to sheet"


def test_sheets_of_a_document_are_one_impression_and_are_told_so() -> None:
    config = config_of(4, forger="untrained")
    context = load_context(config)
    designs, splits = set(), defaultdict(set)
    for document in range(5):
        samples = [make_sample(config, 4 * document + sheet, context) for sheet in range(4)]
        seals = [sample.seals[0] for sample in samples]
        assert len({str(seal.design) for seal in seals}) == 1
        assert len({(seal.colour, seal.absorbance.tobytes(), seal.angle) for seal in seals}) == 1
        for sheet, (sample, seal) in enumerate(zip(samples, seals, strict=True)):
            told = sample.provenance
            assert (told["document"], told["sheet"], told["sheets"]) == (document, sheet, 4)
            assert (seal.effects["riding"]["sheet"], seal.effects["riding"]["sheets"]) == (sheet, 4)
            splits[document].add(split_of(config, 4 * document + sheet, context))
        edges = {tuple(seal.effects["riding"]["strip"]) for seal in seals}
        cuts = sorted(edges)
        assert cuts[0][0] == 0.0 and cuts[-1][1] == 1.0
        assert all(left[1] == right[0] for left, right in itertools.pairwise(cuts))
        assert len({sample.page.source.split()[0] for sample in samples}) == 1, "one template"
        assert len({sample.size for sample in samples}) == 1, "one format of paper"
        assert all(len(sample.seals) == 1 for sample in samples[:-1])
        for seal in samples[-1].seals:
            assert seal.design == seals[0].design and seal.colour == seals[0].colour
        designs.add(str(seals[0].design))
    assert len(designs) == 5
    assert all(len(found) == 1 for found in splits.values())


def test_the_forged_impression_goes_on_from_sheet_to_sheet() -> None:
    """Ink at a cut is alike on both sides, though the sheets are forged apart."""
    config = config_of(3, forger="untrained", dpi=100, capture=0.0)
    context = load_context(config)
    differences, others = [], []
    for document in range(6):
        samples = [make_sample(config, 3 * document + sheet, context) for sheet in range(3)]
        told = samples[0].seals[0].effects["riding"]
        if told["edge"] != "right" or told["style"] != "fan":
            continue
        seals = [sample.seals[0] for sample in samples]
        inks = [seal.absorbance.max() for seal in seals]
        assert len(set(inks)) == 1
        for left, right in itertools.pairwise(samples):
            means = [float(s.ink[s.seals[0].on_page(s.seals[0].visible, *s.size)].mean()) for s in (left, right)]
            differences.append(abs(means[0] - means[1]))
        others.append(means[0])
    assert differences, "some documents are fanned at the right"
    assert np.mean(differences) < 0.1
    assert np.std(others) > 0.0


def test_the_last_sheet_is_sealed_where_it_is_signed() -> None:
    anchors = (Anchor("date", (200.0, 300.0, 80.0, 12.0)), Anchor("signature", (200.0, 260.0, 80.0, 12.0)))
    page = Page(np.full((585, 413, 3), 255, np.uint8), 50.0, (), anchors, "signed")
    sample = stamp_sheet(page, np.random.default_rng(1), 1, 2, designs=(DESIGN,), signing=np.random.default_rng(2))
    first, second = sample.seals
    assert "riding" in first.effects and "riding" not in second.effects
    assert first.design == second.design and np.array_equal(first.absorbance, second.absorbance)
    bare = Page(page.image, 50.0, (), (), "unsigned")
    assert len(stamp_sheet(bare, np.random.default_rng(1), 1, 2, signing=np.random.default_rng(2)).seals) == 1


def test_bytes_depend_on_neither_workers_nor_order(tmp_path: Path) -> None:
    config = config_of(3, count=20, crops=160, dpi=60, forger="untrained")
    digests = []
    for workers in (1, 2):
        out = tmp_path / str(workers)
        generate(config, out, workers=workers)
        files = sorted(path for path in out.rglob("*") if path.is_file())
        digests.append({str(p.relative_to(out)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files})
    assert digests[0] == digests[1]
    splits = defaultdict(set)
    for row in read_rows(tmp_path / "1"):
        splits[row["provenance"]["document"]].add(row["split"])
        assert any("riding" in seal.get("effects", {}) for seal in row["seals"]), "crops are about the cross-page seal"
    assert len(splits) == 7 and all(len(found) == 1 for found in splits.values())


def test_sheets_are_the_pages_of_one_of_the_users_files(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    for number in range(3):
        sheets = [PillowImage.new("RGB", (248, 351), (240, 240, 200 + 9 * number + n)) for n in range(3)]
        sheets[0].save(pages / f"{number}.pdf", save_all=True, append_images=sheets[1:])
    config = config_of(4, pages=str(pages), validation=0.0, test=0.0)
    context = load_context(config)
    for document in range(4):
        sources = [make_sample(config, 4 * document + sheet, context).page.source for sheet in range(4)]
        name = sources[0].partition("#")[0]
        assert sources == [f"{name}#1", f"{name}#2", f"{name}#3", f"{name}#1"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"riding_sheets": 1}, "riding-sheets is 1; it must be 2 to 20"),
        ({"riding_sheets": 21}, "riding-sheets is 21"),
        ({"negatives": 0.1}, "leave out negatives"),
        ({"seals": 2}, "leave out seals"),
        ({"authenticity": "paste=1", "forger": "default"}, "leave out authenticity"),
    ],
)
def test_what_makes_no_sense_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        config_of(**{"sheets": 3, **values}) if "riding_sheets" not in values else GenerateConfig(**values)  # type: ignore[arg-type]


def test_sheets_are_counted_from_zero() -> None:
    page = Page(np.full((300, 200, 3), 255, np.uint8), 50.0, (), (), "blank")
    with pytest.raises(UsageError, match="sheet 3 of 3; count from 0 to 2"):
        stamp_sheet(page, np.random.default_rng(0), 3, 3)
    with pytest.raises(UsageError, match="2 sheets or more"):
        stamp_sheet(page, np.random.default_rng(0), 0, 1)
