"""Pages are sealed by those whom they name: names are found in their text, and given to designs that have room."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seal2real.press import PressSettings, stamp_page
from seal2real.press.issuers import Issuer, is_strange, issued_by, issuers_of, names_another, organisations, scripts_of
from seal2real.sample import Anchor, Page, TextBox
from seal2real.seal import SealDesign, draw, random_design

FIRM, OTHER, COMPANY = "岚陵市瀚途货运代理有限公司", "砚湖翎木医疗器械有限公司", "Venmira Shipping B.V."


def page_with(*lines: str, anchors: tuple[Anchor, ...] = (), source: str = "template:test +pen") -> Page:
    image = np.full((900, 700, 3), 255, np.uint8)
    text = tuple(TextBox(line, (60.0, 60.0 + 80 * row, 300.0, 20.0)) for row, line in enumerate(lines))
    return Page(image, 80.0, text, anchors, source)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (FIRM, [FIRM]),
        (f"甲方（盖章）：{FIRM}", [FIRM]),
        (f"卖方: {FIRM}（公章）", [FIRM]),
        ("发证机关：萱洲区交通运输局", ["萱洲区交通运输局"]),
        ("沐林区人民法院", ["沐林区人民法院"]),
        (f"收款单位（公章）{FIRM}", [FIRM]),
        (f"原告{FIRM}与被告{OTHER}运输合同纠纷一案", []),
        ("公司各部门：", []),
        ("付款方式：银行转账", []),
        ("将名单报送办公室。", []),
        ("请到邮局", []),
        (f"For and on behalf of {COMPANY}", [COMPANY]),
        (f"The Seller: {COMPANY}", [COMPANY]),
        ("For Rosumbraton Trust Bank", ["Rosumbraton Trust Bank"]),
        (f"Payment is made by {COMPANY} within ten days", []),
        ("Bank of beneficiary", []),
        ("M Margora Commercial Bank", ["Margora Commercial Bank"]),  # behind a logo
        ("", []),
    ],
)
def test_names_are_found_where_they_stand_by_themselves(text: str, names: list[str]) -> None:
    assert organisations(text) == names


def test_who_signs_goes_before_who_is_only_named() -> None:
    lines = (OTHER, f"甲方：{FIRM}")
    assert [issuer.name for issuer in issuers_of(page_with(*lines))] == [OTHER, FIRM]
    signing = page_with(*lines, anchors=(Anchor("signature", (60.0, 130.0, 300.0, 40.0)),))
    assert [issuer.name for issuer in issuers_of(signing)] == [FIRM]
    assert issuers_of(replace(signing, text=())) == ()


def test_a_name_in_the_head_says_who_seals_but_not_where() -> None:
    date = Anchor("date", (400.0, 700.0, 120.0, 20.0))
    judgment = page_with(
        "沐林区人民法院", "民事判决书", FIRM, anchors=(Anchor("title", (60.0, 60.0, 300.0, 20.0)), date)
    )
    (court,) = issuers_of(judgment)
    assert court.name == "沐林区人民法院" and court.boxes == ()
    settings = PressSettings(issuer=1.0, riding=0.0, off_page=0.0)
    seals = [stamp_page(judgment, np.random.default_rng(s), 1, ["company"], settings=settings) for s in range(40)]
    middles = [sample.seals[0].outline.mean(0)[1] for sample in seals]
    assert np.mean([middle > 600 for middle in middles]) > 0.7  # by the date
    assert {sample.seals[0].design["texts"]["name"] for sample in seals} == {court.name}
    assert {sample.seals[0].kind for sample in seals} == {"company"}  # as it was asked for
    usual = [stamp_page(judgment, np.random.default_rng(s), 1, settings=settings).seals[0].kind for s in range(40)]
    assert usual.count("government") > 8 > 3 * usual.count("company")


def test_offices_seldom_seal_what_firms_have_signed() -> None:
    page, settings = page_with(f"甲方：{FIRM}", f"乙方：{OTHER}"), PressSettings(issuer=1.0, riding=0.0)
    kinds = [*["government"] * 12, "company"]  # about as often
    even = [stamp_page(page, np.random.default_rng(s), 1, kinds, settings=settings).seals[0] for s in range(60)]
    strangers = PressSettings(issuer=0.0, riding=0.0)
    free = [stamp_page(page, np.random.default_rng(s), 1, kinds, settings=strangers).seals[0] for s in range(60)]
    offices = [sum(seal.kind == "government" for seal in seals) for seals in (even, free)]
    assert 0 < offices[0] < 0.7 * offices[1]


def test_who_issues_a_licence_seals_it_not_who_holds_it() -> None:
    lines = ("资质证书", f"单位名称：{FIRM}", "", "", "", "", "", "发证机关：萱洲区交通运输局", "2024年3月1日")
    places = (
        Anchor("company-name", (60.0, 140.0, 300.0, 20.0)),
        Anchor("company-name", (60.0, 620.0, 300.0, 20.0)),
        Anchor("date", (60.0, 700.0, 300.0, 20.0)),
    )
    assert [issuer.name for issuer in issuers_of(page_with(*lines, anchors=places))] == ["萱洲区交通运输局"]


def test_a_name_is_read_over_a_break_of_line() -> None:
    lines = (f"收款单位（公章）{FIRM[:6]}", FIRM[6:])
    place = Anchor("signature", (60.0, 60.0, 300.0, 120.0))
    (issuer,) = issuers_of(page_with(*lines, anchors=(place,)))
    assert issuer == Issuer(FIRM, ((60.0, 60.0, 300.0, 100.0),))


@pytest.mark.parametrize(
    ("lines", "scripts"),
    [
        ((FIRM, "合同编号：ABC-2024-001"), {"chinese"}),
        ((COMPANY, "Purchase order"), {"latin"}),
        ((FIRM, COMPANY, "采购合同 Purchase Contract"), {"chinese", "latin"}),
        ((), set()),
    ],
)
def test_the_scripts_of_a_page_are_told(lines: tuple[str, ...], scripts: set[str]) -> None:
    assert scripts_of(page_with(*lines)) == scripts


@pytest.mark.parametrize(
    ("line", "usual", "strange"),
    [
        (FIRM, ("company", "personal-square", "bilingual"), ("cyrillic", "vietnamese", "latin", "hanko-company")),
        (COMPANY, ("company", "latin", "bilingual"), ("personal-square", "hanko-company", "government")),
    ],
)
def test_strange_seals_are_seldom(line: str, usual: tuple[str, ...], strange: tuple[str, ...]) -> None:
    rng, page = np.random.default_rng(2), page_with(line)
    scripts = scripts_of(page)
    assert not any(is_strange(random_design(rng, kind), scripts) for kind in usual)
    assert all(is_strange(random_design(rng, kind), scripts) for kind in strange)
    assert not any(is_strange(random_design(rng, kind), frozenset()) for kind in strange)
    samples = [stamp_page(page, np.random.default_rng(s), 1, settings=PressSettings(riding=0.0)) for s in range(120)]
    designs = [SealDesign.from_dict(seal.design) for sample in samples for seal in sample.seals]
    assert np.mean([is_strange(design, scripts) for design in designs]) < 0.1
    asked = stamp_page(page, rng, 1, [strange[0]], settings=PressSettings(riding=0.0))
    assert asked.seals[0].kind == strange[0]


def test_organisations_of_pages_that_are_not_ours_get_no_seals() -> None:
    assert issuers_of(page_with(FIRM, source="contract.pdf#1")) == ()


@pytest.mark.parametrize("kind", ["company", "department", "invoice", "contract", "dater"])
def test_designs_of_chinese_kinds_take_a_chinese_name_and_can_be_drawn(kind: str) -> None:
    rng = np.random.default_rng(4)
    design = issued_by(random_design(rng, kind), Issuer(FIRM, ((0, 0, 1, 1),)), rng)
    assert design is not None and design.kind == kind and design.texts["name"] == FIRM
    assert FIRM in {line.text for line in draw(design, 100).lines}


@pytest.mark.parametrize("kind", ["oval", "bilingual"])
def test_seals_in_two_languages_name_one_company_twice(kind: str) -> None:
    rng = np.random.default_rng(3)
    firm = "岚陵市瀚途物流有限公司"
    design = issued_by(random_design(rng, kind), Issuer(firm, ((0, 0, 1, 1),)), rng)
    assert design is not None and {firm, "LANLING HANTU LOGISTICS CO., LTD"} <= set(design.texts.values())
    assert issued_by(random_design(rng, kind), Issuer(COMPANY, ((0, 0, 1, 1),)), rng) is None
    assert issued_by(random_design(rng, kind), Issuer("某某厚德有限责任公司", ((0, 0, 1, 1),)), rng) is None


def test_a_branch_keeps_its_own_name() -> None:
    rng = np.random.default_rng(5)
    design = issued_by(random_design(rng, "branch"), Issuer(FIRM, ((0, 0, 1, 1),)), rng)
    assert design is not None and design.texts["name"] == FIRM and design.texts["purpose"] != FIRM
    assert "CO., LTD" not in "".join(design.texts.values())


def test_only_firms_seal_invoices() -> None:
    rng = np.random.default_rng(6)
    office = Issuer("岚陵市萱洲区交通运输局", ((0, 0, 1, 1),))
    assert issued_by(random_design(rng, "invoice"), office, rng) is None
    assert issued_by(random_design(rng, "government"), office, rng) is not None
    assert issued_by(random_design(rng, "department"), office, rng) is not None


def test_names_are_in_capitals_where_the_seal_has_capitals() -> None:
    rng = np.random.default_rng(0)
    design = issued_by(random_design(rng, "latin"), Issuer(COMPANY, ((0, 0, 1, 1),)), rng)
    assert design is not None and design.texts["name"] == COMPANY.upper()


def test_some_kinds_have_no_place_for_a_name() -> None:
    rng = np.random.default_rng(1)
    issuer = Issuer(FIRM, ((0, 0, 1, 1),))
    for kind in ("personal-square", "hanko", "government", "cyrillic", "vietnamese", "latin"):
        assert issued_by(random_design(rng, kind), issuer, rng) is None
    assert not names_another(random_design(rng, "personal-square"))
    assert issued_by(random_design(rng, "company"), issuer, rng, lambda design: False) is None


def test_pages_are_sealed_by_those_whom_they_name() -> None:
    page = page_with(f"甲方：{FIRM}", "", "", "", "", "", "", f"乙方：{OTHER}")
    always, never = PressSettings(issuer=1.0, riding=0.0), PressSettings(issuer=0.0, riding=0.0)
    named = [stamp_page(page, np.random.default_rng(s), 1, ["company"], settings=always).seals[0] for s in range(24)]
    texts = [seal.design["texts"]["name"] for seal in named]
    assert all(seal.effects["issuer"] for seal in named) and set(texts) == {FIRM, OTHER}
    tops = {name: [seal.offset[1] for seal in named if seal.design["texts"]["name"] == name] for name in (FIRM, OTHER)}
    assert np.median(tops[FIRM]) < np.median(tops[OTHER])  # each near its own line
    strangers = [stamp_page(page, np.random.default_rng(s), 1, ["company"], settings=never).seals[0] for s in range(6)]
    assert not any("issuer" in seal.effects or seal.design["texts"]["name"] in texts for seal in strangers)
