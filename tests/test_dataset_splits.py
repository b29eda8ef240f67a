"""Splits: no seal's name and no page in two of them, whatever the seed; pure functions of the sample's number."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.dataset.generate import GenerateConfig, encode, load_context, make_sample, split_of
from seal2real.dataset.splits import (
    SPLITS,
    design_accepter,
    folder_parts,
    place_of,
    seal_identity,
    shares_of,
    split_at,
)
from seal2real.errors import UsageError
from seal2real.page import FolderPages
from seal2real.press import stamp_page
from seal2real.sample import Page
from seal2real.seal import KINDS, random_design
from seal2real.seeding import rng_for

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


def folder_of(root: Path, names: list[str]) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / name), np.full((120 + number, 90, 3), 240, np.uint8))
    return root


def test_no_name_and_no_page_in_two_splits() -> None:
    names: dict[str, set[str]] = defaultdict(set)
    pages: dict[str, set[str]] = defaultdict(set)
    seen: set[str] = set()
    for seed, count in ((1, 110), (2, 40)):  # of two seeds: neither has the other's names in another split
        config = GenerateConfig(seed=seed, forger="none", dpi=36, crops=48, validation=0.3, test=0.3)
        context = load_context(config)
        for index in range(count):
            sample = make_sample(config, index, context)
            split = split_of(config, index, context)
            seen.add(split)
            pages[sample.provenance["page_id"]].add(split)
            for seal in sample.seals:
                if identity := seal_identity(seal.design["texts"]):
                    names[identity].add(split)
    assert seen == set(SPLITS) and len(names) > 100 and len(pages) > 100
    assert [name for name, splits in names.items() if len(splits) > 1] == []
    assert [page for page, splits in pages.items() if len(splits) > 1] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_designs_for_every_split(kind: str) -> None:
    rng = rng_for(0, 0)
    for split in SPLITS:
        accept = design_accepter(split, SHARES)
        assert accept is not None
        assert any(accept(random_design(rng, kind)) for _ in range(400))


def test_kinds_keep_their_shares_in_small_splits() -> None:
    page = Page(np.full((400, 400, 3), 255, np.uint8), 36.0, (), (), "blank")
    kinds = ["company", "notice"]

    def notices(split: str) -> float:
        accept = design_accepter(split, SHARES)
        samples = [stamp_page(page, rng_for(3, index), 3, kinds, accept=accept) for index in range(50)]
        seals = [seal.kind for sample in samples for seal in sample.seals]
        return seals.count("notice") / len(seals)

    assert notices("test") == pytest.approx(notices("train"), abs=0.2)


def test_a_choice_that_leaves_nothing_is_an_error() -> None:
    page = Page(np.full((50, 50, 3), 255, np.uint8), 36.0, (), (), "blank")
    with pytest.raises(UsageError, match="no design of company"):
        stamp_page(page, rng_for(0, 0), 1, ["company"], accept=lambda design: False)


def test_identities() -> None:
    assert seal_identity({"name": "张伟"}) == seal_identity({"name": "张伟印"}) == seal_identity({"name": "张 伟 之印"})
    assert seal_identity({"name": "ABC Co., Ltd"}) == seal_identity({"name": "ＡＢＣ CO., LTD"})
    ring = {"name": "Общество с ограниченной ответственностью", "purpose": "БЕЛАВА", "place": "Г. N"}
    assert seal_identity(ring) == seal_identity({"name": "ООО «Белава»"}) == "белава"
    assert seal_identity({"notice": "PAID", "date": "2020-01-01"}) is None


@given(st.floats(0, 0.99, exclude_max=True), st.floats(0, 0.5), st.floats(0, 0.5))
@settings(deadline=None)
def test_places_fall_into_shares(place: float, validation: float, test: float) -> None:
    shares = shares_of(validation, test)
    split = split_at(place, shares)
    assert split in shares
    if test > 1e-6 and place < test * 0.999:
        assert split == "test"
    elif validation > 1e-6 and test < place < test + validation * 0.999:
        assert split == "validation"


def test_places_are_even() -> None:
    places = np.array([place_of(f"name {number}") for number in range(4000)])
    counts, _ = np.histogram(places, bins=8, range=(0, 1))
    assert counts.min() > 400


@given(st.integers(1, 40), st.floats(0.05, 0.3), st.floats(0.05, 0.3))
@settings(max_examples=12, deadline=None)
def test_files_are_shared_out_whole(
    tmp_path_factory: pytest.TempPathFactory, count: int, validation: float, test: float
) -> None:
    root = folder_of(tmp_path_factory.mktemp("pages"), [f"{number:02d}.png" for number in range(count)])
    shares = shares_of(validation, test)
    parts = folder_parts(FolderPages(root, 72), shares)
    files = [path for part in parts.values() for path in part.files]
    assert sorted(files) == sorted(root.glob("*.png")), "each file once"
    assert len(parts) == min(3, count) and "train" in parts
    if count >= 10:
        for split, part in parts.items():
            assert len(part.files) == pytest.approx(count * shares[split], abs=1.5)


def test_copies_stay_together(tmp_path: Path) -> None:
    root = folder_of(tmp_path, [f"{number}.png" for number in range(9)])
    for number in range(9):
        (root / "more").mkdir(exist_ok=True)
        (root / "more" / f"copy of {number}.png").write_bytes((root / f"{number}.png").read_bytes())
    for part in folder_parts(FolderPages(root, 72), SHARES).values():
        sizes = [path.read_bytes() for path in part.files]
        assert len(sizes) == 2 * len(set(sizes))


def test_own_pages_stay_in_their_split(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "pages", ["a.png", "b.png", "sub/a.png", "sub/c.png", "d.png"])
    config = GenerateConfig(forger="none", dpi=36, pages=str(root), validation=0.3, test=0.3)
    context = load_context(config)
    splits: dict[str, set[str]] = defaultdict(set)
    for index in range(40):
        row = encode(config, index, context).row
        splits[row["provenance"]["page"]].add(row["split"])
    assert set(splits) == {"a.png", "b.png", "sub/a.png", "sub/c.png", "d.png"}
    assert all(len(found) == 1 for found in splits.values())


def test_pages_of_one_pdf_are_shared_out(tmp_path: Path) -> None:
    from PIL import Image

    sheets = [Image.new("RGB", (60, 80), (240, 240, 200 + number)) for number in range(6)]
    sheets[0].save(tmp_path / "all.pdf", save_all=True, append_images=sheets[1:])
    parts = folder_parts(FolderPages(tmp_path, 36), SHARES)
    taken = {split: {part.page(rng_for(0, n)).source for n in range(12)} for split, part in parts.items()}
    assert set(taken) == set(SPLITS)
    assert len(set.union(*taken.values())) == sum(map(len, taken.values()))


def test_too_few_pages_leave_small_splits_out(tmp_path: Path) -> None:
    root = folder_of(tmp_path, ["one.png"])
    config = GenerateConfig(forger="none", dpi=36, pages=str(root), validation=0.4, test=0.2)
    context = load_context(config)
    assert {split_of(config, index, context) for index in range(30)} == {"train"}
