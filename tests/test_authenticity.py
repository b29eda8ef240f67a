"""Samples for seal verification: what is genuine, what is pasted, copied or altered, and what is told of it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.dataset.authenticity import CASES, AuthenticityMix, Case, make_case
from seal2real.dataset.formats.native import encode_sample, row_files
from seal2real.dataset.generate import GenerateConfig, generate, load_context, make_sample, split_of
from seal2real.errors import UsageError
from seal2real.forger import Forger
from seal2real.physics.print_copy import Printer, print_page, separate
from seal2real.press import PressSettings, absorbance_of, compose, place, stamp_page
from seal2real.press.alteration import CHANGES, alter_design
from seal2real.press.tampering import Paste, flat_picture, paste_picture
from seal2real.sample import Page, PlacedSeal, Sample, TextBox
from seal2real.seal import draw, random_design

SEED = st.integers(0, 2**31)
DPI = 80.0
PLAIN = PressSettings(double_strike=0.0, partial_strike=0.0, off_page=0.0, riding=0.0, riding_unsigned=0.0)


def paper() -> Page:
    image = np.full((320, 320, 3), 255, np.uint8)
    for y in range(40, 320, 40):
        cv2.putText(image, "words of a contract", (20, y), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (15, 15, 15), 2, cv2.LINE_AA)
    return Page(image, DPI, (TextBox("words of a contract", (20.0, 20.0, 250.0, 24.0)),), (), "test")


PAGE = paper()
INK = absorbance_of((222.0, 40.0, 48.0))


def stamped(seed: int, count: int = 1) -> Sample:
    rng = np.random.default_rng(seed)
    kinds = ["company", "invoice", "personal-square"]
    return stamp_page(PAGE, rng, count=count, kinds=kinds, colour="red", settings=PLAIN)


def placed(seed: int = 0) -> PlacedSeal:
    rng = np.random.default_rng(seed)
    art = draw(random_design(rng, "company"), DPI)
    return place(art, PAGE, rng, centre=(160.0, 160.0), angle=5.0, colour="red", absorbance=INK)


# -- altered designs ------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(SEED, st.sampled_from(list(CHANGES)))
def test_an_altered_design_differs_in_one_thing(seed: int, change: str) -> None:
    rng = np.random.default_rng(seed)
    design = random_design(rng, "company")
    other, told = alter_design(design, rng, change)
    assert told["what"] == change
    assert told["was"] != told["now"]
    before, after = design.to_dict(), other.to_dict()
    fields = {
        "character": {"texts"},
        "font": {"font"},
        "star-turn": {"options"},
        "ring-width": {"ring_mm"},
        "size": {"size_mm", "ring_mm", "star_mm", "height_mm", "weight", "options"},
    }
    assert {key for key in before if before[key] != after[key]} <= fields[change]
    ours, theirs = draw(design, DPI).coverage, draw(other, DPI).coverage
    assert ours.shape != theirs.shape or np.abs(ours - theirs).max() > 0.2


def test_one_character_means_one() -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        design = random_design(rng, "company")
        other, told = alter_design(design, rng, "character")
        differ = [
            (a, b)
            for role, text in design.texts.items()
            for a, b in zip(text, other.texts[role], strict=True)
            if a != b
        ]
        assert differ == [(told["was"], told["now"])]


def test_sizes_are_off_by_3_to_10_percent() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        design = random_design(rng, "company")
        other, _ = alter_design(design, rng, "size")
        off = abs(other.size_mm[0] / design.size_mm[0] - 1.0)
        assert 0.0299 < off < 0.1001
        assert other.ring_mm / design.ring_mm == pytest.approx(other.size_mm[0] / design.size_mm[0], abs=0.01)


def test_changes_that_a_design_does_not_allow_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match="does not allow"):
        alter_design(random_design(rng, "invoice"), rng, "star-turn")
    with pytest.raises(UsageError, match="no change 'colour'"):
        alter_design(random_design(rng, "invoice"), rng, "colour")


# -- digital pastes -------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(SEED)
def test_a_paste_changes_the_page_where_its_labels_say(seed: int) -> None:
    seal = placed()
    way = Paste.random(np.random.default_rng(seed), "drawn")
    pasted = paste_picture(PAGE.image, seal, flat_picture(seal), DPI, way)
    change = np.abs(pasted.image.astype(int) - PAGE.image).max(axis=2)
    seen = seal.on_page(pasted.visible, 320, 320)
    white = PAGE.image.min(axis=2) == 255
    assert change[seen & white].min() > 15
    if way.ground == "keyed":
        assert change[(pasted.ink == 0.0) & white].max() <= 1  # on print, the picture's light fringe may show
    if way.scale < 0.6:  # too coarse at this resolution to compare
        return
    full = seal.on_page(seal.full_mask, 320, 320)
    assert (seen & full).sum() / (seen | full).sum() > 0.45  # low resolution and feathers blur it


def test_over_hides_print_and_multiply_shows_it() -> None:
    seal = placed()
    way = Paste("drawn", "over", 1.0, False, 0.0, 1.0, None, 0.0, "keyed")
    print_under = (PAGE.image.max(axis=2) < 40) & seal.on_page(seal.coverage > 0.99, 320, 320)
    assert print_under.sum() > 20
    over = paste_picture(PAGE.image, seal, flat_picture(seal), DPI, way).image
    shown = paste_picture(PAGE.image, seal, flat_picture(seal), DPI, replace(way, blend="multiply")).image
    assert over[print_under][:, 0].min() > 180
    assert shown[print_under][:, 0].max() < 45
    solid = seal.on_page(seal.coverage > 0.99, 320, 320)
    assert np.abs(over[solid].astype(int) - [222, 40, 48]).max() < 6


def test_a_picture_of_another_size_is_refused() -> None:
    with pytest.raises(UsageError, match="frame"):
        paste_picture(PAGE.image, placed(), np.zeros((5, 5, 3), np.uint8), DPI, Paste.random(np.random.default_rng(0)))


# -- colour prints --------------------------------------------------------------------------------------------------


@settings(max_examples=5, deadline=None)
@given(SEED)
def test_prints_of_pages_that_differ_in_a_seal_are_alike_elsewhere(seed: int) -> None:
    printer = Printer.random(np.random.default_rng(seed))
    sample = compose(PAGE, [placed()])
    with_seal, without = (
        print_page(image, DPI, printer, np.random.default_rng(seed)) for image in (sample.stamped, PAGE.image)
    )
    far = cv2.dilate((sample.ink > 0).astype(np.uint8), np.ones((13, 13), np.uint8)) == 0
    assert np.array_equal(with_seal[far], without[far])
    ink = sample.ink > 0.8
    taken = without[ink].astype(float).mean(axis=0) - with_seal[ink].astype(float).mean(axis=0)
    assert taken[1] > 60  # the seal is there, and red
    assert taken[0] < 0.75 * taken[1]


@pytest.mark.parametrize("process", ["laser", "inkjet"])
def test_tones_come_out_as_they_should(process: str) -> None:
    printer = Printer(process, 133.0, ((0.0, 0.0),) * 4, (1.0,) * 4, 0.6, 0.02, 0.1, 0.0, 0.0, 1.0)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    for colour in ((255, 255, 255), (180, 180, 180), (90, 90, 90), (20, 20, 20), (215, 120, 120), (200, 40, 60)):
        flat = np.full((150, 150, 3), colour, np.uint8)
        printed = print_page(flat, 200.0, printer, rng)[20:-20, 20:-20].astype(float).mean(axis=(0, 1))
        assert np.abs(printed - colour).max() < 42
    areas = separate(np.full((2, 2, 3), 255, np.uint8), printer)
    assert areas.max() == 0.0


# -- cases ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_every_case_is_told_and_repeatable(case: Case, untrained: Forger) -> None:
    sample = stamped(5, count=2)
    first, second = (make_case(sample, case, untrained, np.random.default_rng(9)) for _ in range(2))
    assert first.stamped.tobytes() == second.stamped.tobytes()
    assert first.provenance["case"] == case
    kinds = [seal.authenticity for seal in first.seals]
    genuine = [seal.genuine for seal in first.seals]
    assert (kinds, genuine) == {
        "impression": (["impression"] * 2, [True] * 2),
        "paste": (kinds, [kind == "impression" for kind in kinds]),
        "copy": (["colour-copy"] * 2, [False] * 2),
        "altered": (["impression"] * 2, genuine),
    }[case]
    if case == "paste":
        assert sorted(kinds) == ["impression", "paste"]
    if case == "altered":
        assert sorted(genuine) == [False, True]
        assert [seal.altered is None for seal in first.seals] == genuine
    assert [seal.kind for seal in first.seals] == [seal.kind for seal in sample.seals]
    for seal in first.seals:
        assert seal.reference is not None
        assert seal.reference.std() > 3.0


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", [1, 2])
def test_masks_lie_on_the_ink_and_the_clean_twin_is_clean(case: Case, seed: int, untrained: Forger) -> None:
    made = make_case(stamped(seed), case, untrained, np.random.default_rng(seed), {"wear": 0.2, "capture": 0.2})
    darker = made.clean.astype(float).mean(axis=2) - made.stamped.astype(float).mean(axis=2)
    bare = made.page.image.min(axis=2) > 250
    assert darker[made.mask & bare].mean() > 15
    reach = 81 if case == "copy" else 41  # which may be scanned twice: two blurs, two JPEGs
    far = cv2.dilate((made.ink > 0.0).astype(np.uint8), np.ones((reach, reach), np.uint8)) == 0
    assert np.abs(darker[far]).max() < 1e-6
    assert np.abs(darker[(made.ink < 0.02) & bare]).mean() < 3.0


def test_a_page_without_seals_is_only_scanned(untrained: Forger) -> None:
    made = make_case(compose(PAGE, ()), "copy", untrained, np.random.default_rng(0))
    assert made.seals == ()
    assert made.provenance["case"] == "negative"
    assert np.array_equal(made.stamped, made.clean)
    with pytest.raises(UsageError, match="no case 'fake'"):
        make_case(compose(PAGE, ()), "fake", untrained, np.random.default_rng(0))  # type: ignore[arg-type]


def test_the_mix_is_drawn_by_its_shares() -> None:
    mix = AuthenticityMix.parse("impression=0.5,copy=0.5")
    rng = np.random.default_rng(0)
    drawn = [mix.draw(rng) for _ in range(200)]
    assert set(drawn) == {"impression", "copy"}
    assert 70 < drawn.count("copy") < 130
    for text, message in (("paster=1", "did you mean 'paste'"), ("paste=0", "above 0"), ("", "above 0")):
        with pytest.raises(UsageError, match=message):
            AuthenticityMix.parse(text)


# -- in datasets ----------------------------------------------------------------------------------------------------


def config(**values: object) -> GenerateConfig:
    base = {"count": 4, "forger": "untrained", "crops": 160, "dpi": 60, "kinds": ("company",), "seals": 1}
    return GenerateConfig(**{**base, **values})  # type: ignore[arg-type]


def test_rows_name_the_reference_and_what_was_altered() -> None:
    made = config(authenticity="altered=1", press="riding=0,riding-unsigned=0,off-page=0")
    context = load_context(made)
    sample = make_sample(made, 0, context)
    encoded = encode_sample(sample, 0, split_of(made, 0, context))
    (seal,) = encoded.row["seals"]
    assert (seal["authenticity"], seal["genuine"]) == ("impression", False)
    assert seal["altered"]["what"] in CHANGES
    assert seal["reference"] == "references/000000_0.jpg"
    assert set(row_files(encoded.row)) == set(encoded.files)
    plain = make_sample(config(), 0, context)
    (row,) = encode_sample(plain, 0, "train").row["seals"] or [{}]
    assert "reference" not in row
    assert "genuine" not in row


def test_a_dataset_is_the_same_for_one_and_two_workers_and_validates(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from seal2real.dataset.validate import validate

    made = config(authenticity="impression=1,paste=1,copy=1,altered=1", negatives=0.25, count=6, seed=1)
    for workers in (1, 2):
        generate(made, tmp_path / str(workers), workers=workers)
    files = sorted(path.relative_to(tmp_path / "1") for path in (tmp_path / "1").rglob("*") if path.is_file())
    assert any(path.parts[0] == "references" for path in files)
    for path in files:
        assert (tmp_path / "1" / path).read_bytes() == (tmp_path / "2" / path).read_bytes(), path
    found = validate(tmp_path / "1")
    assert [finding for finding in found.findings if finding.severity == "error"] == []


def test_impressions_are_wanted_for_verification() -> None:
    with pytest.raises(UsageError, match="forger is none"):
        config(forger="none", authenticity="paste=1")
    with pytest.raises(UsageError, match="did you mean"):
        config(press="ridding=1")
    with pytest.raises(UsageError, match="negatives"):
        config(negatives=2.0)
