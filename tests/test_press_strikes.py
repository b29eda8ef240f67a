"""Double and partial strikes, cross-page seals, overlaps and pages without seals: ink and labels go together."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.errors import UsageError
from seal2real.press import PressSettings, Riding, compose, crop_page, place, stamp_page, stamp_sheets
from seal2real.press.strikes import Edge, double_strike, partial_strike, riding_centre, riding_part, size_of
from seal2real.sample import Anchor, Page, PlacedSeal, TextBox
from seal2real.seal import draw, random_design

SEED = st.integers(0, 2**31)
DPI = 80.0
NEVER = PressSettings(
    over_seal=0.0, double_strike=0.0, partial_strike=0.0, upside_down=0.0, any_angle=0.0, off_page=0.0, riding=0.0,
    riding_unsigned=0.0,
)  # fmt: skip


def paper(signed: bool = True) -> Page:
    anchors = (Anchor("date", (400.0, 700.0, 120.0, 16.0)), Anchor("signature", (360.0, 640.0, 160.0, 24.0)))
    text = (TextBox("words of a contract", (60.0, 50.0, 180.0, 16.0)),)
    return Page(np.full((935, 661, 3), 250, np.uint8), DPI, text, anchors if signed else (), "test")


PAGE = paper()


def one(seed: int, kind: str = "company", angle: float | None = None) -> PlacedSeal:
    rng = np.random.default_rng(seed)
    return place(draw(random_design(rng, kind), DPI), PAGE, rng, centre=(330.0, 460.0), angle=angle)


def many(rates: PressSettings, count: int | None = 1, page: Page = PAGE, samples: int = 60) -> list[PlacedSeal]:
    return [
        seal
        for seed in range(samples)
        for seal in stamp_page(page, np.random.default_rng(seed), count=count, kinds=["company"], settings=rates).seals
    ]


# -- double strikes -------------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(SEED, st.sampled_from(["company", "invoice", "personal-square", "triangle"]))
def test_a_double_strike_holds_both_strikes(seed: int, kind: str) -> None:
    first = one(seed, kind)
    twice = double_strike(first, DPI, np.random.default_rng(seed))
    told = twice.effects["double-strike"]
    before, after = (s.on_page(s.inked, 935, 661) for s in (first, twice))
    assert (after - before).min() > -1e-5
    assert after.max() <= 1.0 + 1e-6
    moved = draw(random_design(np.random.default_rng(seed), kind), DPI, first.angle + told["turn"])
    grown = after.sum() - before.sum()
    assert 0.02 * told["strength"] * moved.coverage.sum() < grown < moved.coverage.sum()
    assert twice.visible.sum() >= first.visible.sum()
    assert not (twice.visible & ~twice.full_mask).any()
    for ours, theirs in zip(twice.lines, first.lines, strict=True):
        assert np.array_equal(ours.polygon, theirs.polygon)
    ys, xs = np.nonzero(after > 0.5)
    for x, y in list(zip(xs.tolist(), ys.tolist(), strict=True))[:: max(len(xs) // 200, 1)]:
        assert cv2.pointPolygonTest(twice.outline, (x + 0.5, y + 0.5), True) > -1.5
    assert cv2.contourArea(twice.outline, oriented=True) > 0  # clockwise on the screen, as every outline


def test_a_faint_second_strike_leaves_less_ink_than_the_first() -> None:
    strengths = [double_strike(one(seed), DPI, np.random.default_rng(seed)) for seed in range(12)]
    for seal in strengths:
        added = seal.inked[(seal.coverage > 0.99)]
        assert added.min() >= seal.effects["double-strike"]["strength"] - 0.02


# -- partial strikes ------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(SEED)
def test_a_partial_strike_keeps_the_design_and_loses_ink(seed: int) -> None:
    whole = one(seed)
    part = partial_strike(whole, np.random.default_rng(seed))
    assert np.array_equal(part.full_mask, whole.full_mask)
    assert np.array_equal(part.outline, whole.outline)
    assert part.contact is not None
    assert 0.0 <= part.contact.min() <= part.contact.max() <= 1.0
    assert not (part.visible & ~whole.visible).any()
    told = part.effects["partial-strike"]
    assert told["form"] in ("edge", "middle")
    assert told["missing"] == pytest.approx(1.0 - part.visible.sum() / whole.full_mask.sum(), abs=1e-3)
    sample = compose(PAGE, [part])
    bare = part.on_page(np.where(part.contact == 0.0, part.coverage, 0.0), 935, 661) > 0.5
    assert np.array_equal(sample.stamped[bare], PAGE.image[bare])


def test_partial_strikes_miss_some_but_not_all() -> None:
    missing = [partial_strike(one(seed), np.random.default_rng(seed)).effects["partial-strike"] for seed in range(60)]
    shares = np.array([told["missing"] for told in missing])
    assert 0.1 < shares.mean() < 0.4
    assert shares.max() < 0.75
    assert {told["form"] for told in missing} == {"edge", "middle"}


# -- cross-page seals -----------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(SEED, st.integers(2, 6), st.sampled_from(get_args(Edge)))
def test_the_parts_of_a_cross_page_seal_make_up_the_whole(seed: int, sheets: int, edge: Edge) -> None:
    rng = np.random.default_rng(seed)
    riding = replace(Riding.random(rng, sheets, edge), turn=0.0)
    samples = stamp_sheets([PAGE] * sheets, rng, random_design(rng, "company"), riding=riding)
    seals = [sample.seals[0] for sample in samples]
    whole = float(draw_of(seals[0]).sum())
    parts = [float(seal.on_page(seal.coverage, 935, 661).sum()) for seal in seals]
    assert 0.88 * whole < sum(parts) < 1.03 * whole  # the steps of the paper keep the die off
    side = {"left": 0, "right": 661, "top": 0, "bottom": 935}
    texts = 0
    for sheet, (sample, seal) in enumerate(zip(samples, seals, strict=True)):
        told = seal.effects["riding"]
        assert (told["sheet"], told["sheets"]) == (sheet, sheets)
        axis = 0 if told["edge"] in ("left", "right") else 1
        window = seal.window(935, 661)
        assert window is not None
        near = seal.outline[:, axis].clip(0, side["right" if axis == 0 else "bottom"])
        assert np.abs(near - side[told["edge"]]).min() < 3.0  # it reaches its edge
        assert np.array_equal(sample.mask, seal.on_page(seal.visible, 935, 661))
        texts += sum(on_sheet(quad) for line in seal.lines for quad in line.characters)
        for line in seal.lines:
            assert len(line.text) == len(line.characters)
            assert len(line.polygon) % 2 == 0
    everything = sum(len(line.characters) for line in draw(design_of(seals[0]), DPI).lines)
    assert abs(texts - everything) <= 2  # each character is on one sheet, but for the rounding to pixels at a cut


def on_sheet(quad: np.ndarray) -> bool:
    x, y = quad.mean(axis=0)
    return bool(0 <= x < 661 and 0 <= y < 935)


def design_of(seal: PlacedSeal):  # type: ignore[no-untyped-def]
    from seal2real.seal import SealDesign

    return SealDesign.from_dict(seal.design)


def draw_of(seal: PlacedSeal) -> np.ndarray:
    return draw(design_of(seal), DPI, seal.angle).coverage


def test_a_fanned_sheet_has_nothing_under_the_sheet_above() -> None:
    riding = Riding("right", 3, "fan", 0.5, (1.0, 1.0, 1.0), 0.0)
    drawn = draw(random_design(np.random.default_rng(1), "company"), DPI)
    size, extent = size_of(drawn), (661, 935)
    seal = place(drawn, PAGE, np.random.default_rng(1), centre=riding_centre(riding, 1, size, extent), angle=0.0)
    part = riding_part(seal, riding, 1, size, extent, DPI)
    page = part.on_page(part.coverage, 935, 661)
    cut = 661 - size[0] / 3
    assert page[:, : int(cut) - 1].sum() == 0.0
    assert page[:, int(cut) + 3 :].sum() > 0.0
    assert part.outline[:, 0].min() == pytest.approx(cut, abs=1.0)
    name = next(line.text for line in seal.lines if line.role == "name")
    kept = "".join(line.text for line in part.lines if line.role == "name")
    assert 0 < len(kept) < len(name)
    assert kept in name


def test_cross_page_seals_want_two_sheets_of_one_resolution() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match="2 pages or more"):
        stamp_sheets([PAGE], rng)
    with pytest.raises(UsageError, match="several resolutions"):
        stamp_sheets([PAGE, replace(PAGE, dpi=100.0)], rng)
    with pytest.raises(UsageError, match="3 sheets"):
        stamp_sheets([PAGE, PAGE], rng, riding=Riding.random(rng, 3))


# -- rates ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "effect"),
    [
        ("double_strike", "double-strike"),
        ("partial_strike", "partial-strike"),
        ("upside_down", "upside-down"),
        ("off_page", "off-page"),
        ("riding", "riding"),
        ("over_signature", "over-signature"),
    ],
)
def test_each_effect_happens_at_its_rate(rate: str, effect: str) -> None:
    def share(value: float) -> float:
        seals = many(replace(NEVER, **{rate: value}), samples=40)
        return sum(effect in seal.effects for seal in seals) / len(seals)

    assert share(0.0) == 0.0
    assert share(1.0) == 1.0
    assert 0.2 < share(0.5) < 0.8


def test_upside_down_seals_are_upside_down_and_off_page_ones_are_off_the_page() -> None:
    for seal in many(replace(NEVER, upside_down=1.0), samples=20):
        assert abs(abs(seal.angle) - 180.0) < 40.0
    for seal in many(replace(NEVER, off_page=1.0), samples=20):
        on = seal.on_page(seal.coverage, 935, 661).sum() / seal.coverage.sum()
        assert 0.15 < on < 0.97


def test_seals_are_put_across_each_other_or_keep_off() -> None:
    def touching(rate: float) -> int:
        count = 0
        for seed in range(25):
            rng = np.random.default_rng(seed)
            first, second = stamp_page(PAGE, rng, count=2, settings=replace(NEVER, over_seal=rate)).seals
            count += bool((first.on_page(first.coverage, 935, 661) * second.on_page(second.coverage, 935, 661)).any())
        return count

    assert touching(1.0) > 15
    assert touching(0.0) < 3


def test_pages_without_a_place_for_seals_get_cross_page_seals() -> None:
    rates = replace(NEVER, riding_unsigned=1.0)
    assert all("riding" in seal.effects for seal in many(rates, page=paper(signed=False), samples=10))
    assert not any("riding" in seal.effects for seal in many(rates, samples=10))


def test_negatives_have_no_seal_and_some_have_red_things() -> None:
    rates = PressSettings(negatives=0.5)
    samples = [stamp_page(PAGE, np.random.default_rng(seed), settings=rates) for seed in range(40)]
    bare = [sample for sample in samples if not sample.seals]
    assert 10 < len(bare) < 30
    assert all(sample.ink.max() == 0.0 and np.array_equal(sample.stamped, sample.clean) for sample in bare)
    red = [sample for sample in bare if "+red-" in sample.page.source]
    assert 0 < len(red) < len(bare)
    assert all((sample.page.image != PAGE.image).any() for sample in red)
    assert (PAGE.image == 250).all()


def test_crops_of_bare_pages_like_what_is_red() -> None:
    image = np.full((400, 600, 3), 255, np.uint8)
    image[300:330, 500:540] = (220, 20, 30)
    sample = compose(replace(PAGE, image=image, text=()), ())
    crops = [crop_page(sample, 128, np.random.default_rng(seed)) for seed in range(30)]
    assert sum(bool((crop.stamped[..., 1] < 100).any()) for crop in crops) > 18
    assert all(crop.size == (128, 128) for crop in crops)
    with pytest.raises(UsageError, match="at least 1 pixel"):
        crop_page(sample, 0, np.random.default_rng(0))


def test_rates_can_be_written_as_text() -> None:
    assert PressSettings.parse(None) == PressSettings()
    parsed = PressSettings.parse("double-strike=0.25, riding=0")
    assert (parsed.double_strike, parsed.riding, parsed.partial_strike) == (0.25, 0.0, PressSettings().partial_strike)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("double_strike=0.1", "did you mean 'double-strike'"),
        ("riding=2", "0 to 1"),
        ("riding", "has no number"),
        ("riding=0.1,riding=0.2", "twice"),
        ("negatives=0.1", "no 'negatives'"),
    ],
)
def test_wrong_rates_are_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        PressSettings.parse(text)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match="off-page"):
        PressSettings(off_page=1.5)
    with pytest.raises(UsageError, match="counts"):
        PressSettings(counts=(0.0, 0.0))
