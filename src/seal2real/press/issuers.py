"""Whose seal it is: where a page of ours names organisations, one of them has mostly sealed it.

Pages of the user's own are left out: they name organisations that there are, and their seals are not made here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from seal2real.page.library import TEMPLATE
from seal2real.press.placement import in_head
from seal2real.sample import Box, Page
from seal2real.seal import SealDesign, names, random_design

# A name fills its line, or the part behind a colon; what goes on without a mark between is a sentence.
_CHINESE = re.compile(
    r"(?:^|[:：\s])([\u4e00-\u9fff（）()]{4,20}"
    r"(?:公司|合作社|集团|工厂|银行|人民政府(?:办公室)?|局|法院|检察院|测试所|检验所|检测所|委员会|海关|中心|联合会|协会|学会|事务所|公证处"
    r"|图书馆|档案馆|文化馆|博物馆|中学|小学|学院|大学|学校|幼儿园|医院|保健院|研究所|勘查院|测绘院|福利院))"
    r"(?=$|[\s，。；（(])"
)
_LATIN = re.compile(
    r"(?:^(?:[A-Z] )?|[:：] ?)(?:For and on behalf of |For )?((?:[A-Z][\w&'’-]+ ){1,4}"
    r"(?:Co\., Ltd\.?|Pvt\. Ltd\.?|Ltd\.?|Inc\.?|GmbH|AG|S\.r\.l\.|S\.A\.|B\.V\.|LLC|LLP|PLC|Corporation|Bank"
    r"|Office|Council|Court|University|College|School|Hospital|Ministry|Authority|Agency|Institute))$",
)
_SEALED = re.compile(r"^.*（[公盖签]章）[:：]?(?=.)")  # before the name of who seals
_CAPITALS = re.compile(_LATIN.pattern, re.IGNORECASE)  # as seals have it
_HAN = re.compile("[\u4e00-\u9fff]")
_PER_WORD = 3.0  # Latin letters that say as much as a Chinese character
_FOR = "For "  # before the name in a signatory's block
_WHERE = ("company-name", "signature", "title")  # places of a page that say who seals it
_SLACK = {"chinese": 1, "latin": 3}  # characters by which a name may be longer or shorter than the one it replaces
PERSONS = ("personal-", "hanko")  # what the names of signets begin with, as kinds go
FIRM, OFFICE, _OF_FIRMS = "company", "government", ("invoice",)  # kinds
_ABROAD = (FIRM, "contract", "oval", "bilingual")  # of Chinese seals, those that English pages get
_EMBLEM = ("法院", "检察院", "人民政府")
_FIRMS = ("公司", "集团", "工厂", "合作社")
_DRAWS = 40  # until a design has room for the name


@dataclass(frozen=True)
class Issuer:
    """An organisation that a page names.

    Attributes:
        name: as it is printed.
        boxes: lines that name it where the page is signed, each (x, y, width, height) in pixels of the page.
    """

    name: str
    boxes: tuple[Box, ...]

    @property
    def has_emblem(self) -> bool:
        """Whether its seal has an emblem where firms have a star."""
        return self.name.endswith(_EMBLEM)

    def distance(self, point: tuple[float, float]) -> float:
        """Pixels from ``point`` to the nearest of the lines; 0 where there is none."""
        if not self.boxes:
            return 0.0
        return min(
            float(np.hypot(max(x - point[0], 0, point[0] - x - w), max(y - point[1], 0, point[1] - y - h)))
            for x, y, w, h in self.boxes
        )


def issuers_of(page: Page) -> tuple[Issuer, ...]:
    """The organisations that may have sealed a typeset page: those named where it is signed, else those in its head,
    else all that are named. For a page that is not of our templates, none."""
    if not page.source.startswith(TEMPLATE):
        return ()
    named: dict[str, list[Box]] = {}
    ranks: dict[str, int] = {}
    places = [anchor.bbox for anchor in page.anchors if anchor.role in _WHERE]
    for text, box in _lines(page, places):
        for name in organisations(text):
            head = in_head(box, page)
            named.setdefault(name, [])
            if not head:
                named[name].append(box)
            rank = 2 if not any(_meet(box, place) for place in places) else int(head)
            ranks[name] = min(rank, ranks.get(name, rank))
    first = min(ranks.values(), default=0)
    return tuple(Issuer(name, tuple(boxes)) for name, boxes in named.items() if ranks[name] == first)


def _lines(page: Page, places: Sequence[Box]) -> Iterator[tuple[str, Box]]:
    """Lines of text, with their boxes; two lines of one place as one where only both together name somebody."""
    joined = False
    for index, line in enumerate(page.text):
        after = page.text[index + 1] if index + 1 < len(page.text) else line
        if joined:  # with the one before
            joined = False
            continue
        both = line.text.strip() + after.text.strip()
        together = after is not line and any(_meet(line.bbox, place) and _meet(after.bbox, place) for place in places)
        joined = together and bool(organisations(both)) and not organisations(line.text)
        yield (both, _around(line.bbox, after.bbox)) if joined else (line.text, line.bbox)


def organisations(text: str) -> list[str]:
    """The names of organisations in a line of text, such as 甲方：岚陵市瀚途货运代理有限公司."""
    text = _SEALED.sub("", text.strip())
    return [match[1] for pattern in (_CHINESE, _LATIN) for match in pattern.finditer(text)]


def issued_by(
    design: SealDesign, issuer: Issuer, rng: Generator, accept: Callable[[SealDesign], bool] | None = None
) -> SealDesign | None:
    """A design like ``design``, of its kind, that names the issuer.

    Args:
        design: names an organisation of its own, in the same script.
        issuer: that is to take its place.
        rng: draws other designs of the kind, until the name of one is about as long.
        accept: which designs may be used.

    Returns:
        The design; None if the kind has no place for such a name.
    """
    firm = issuer.name.endswith(_FIRMS)
    if not names_another(design) or (design.kind in _OF_FIRMS and not firm) or (design.kind == OFFICE and firm):
        return None
    script = _script(issuer.name)
    for _ in range(_DRAWS):
        texts = _named(design.texts, issuer.name, script)
        if texts is not None:
            named = replace(design, texts=texts)
            return named if accept is None or accept(named) else None
        design = random_design(rng, design.kind)
    return None


def _named(texts: Mapping[str, str], name: str, script: str) -> dict[str, str] | None:
    """The texts of a seal with this name in place of its own, in both languages if it has two; None if it does not
    fit."""
    scripts = {role: _script(text.removeprefix(_FOR)) for role, text in texts.items()}
    role = next((role for role, found in scripts.items() if found == script), "")
    others = [other for other, found in scripts.items() if found not in ("", script)]
    body = texts.get(role, "").removeprefix(_FOR)
    if not role or abs(len(name) - len(body)) > _SLACK[script] or (others and script != "chinese"):
        return None
    start = _FOR if texts[role].startswith(_FOR) else ""
    given = {role: start + (name.upper() if body.isupper() else name)}
    for other in others:
        given[other] = names.in_english(name).upper()
    return None if "" in given.values() else {**texts, **given}


def scripts_of(page: Page) -> frozenset[str]:
    """The scripts, "chinese" and "latin", that at least a quarter of a page's letters are of; none where its text is
    not known."""
    text = "".join(box.text for box in page.text)
    chinese, latin = len(_HAN.findall(text)), len(re.findall("[A-Za-z]", text)) / _PER_WORD
    shares = {"chinese": chinese, "latin": latin}
    return frozenset(name for name, share in shares.items() if share > 0.25 * (chinese + latin))


def is_strange(design: SealDesign, scripts: frozenset[str]) -> bool:
    """Whether who works with a page of these scripts would hardly have such a seal. Chinese firms seal English pages,
    too; other Chinese seals, and all others' on Chinese pages, are strange."""
    text = "".join(design.texts.values())
    if scripts == {"latin"}:
        return bool(_HAN.search(text)) and design.kind not in _ABROAD
    japanese = design.kind.startswith(PERSONS[1])
    return scripts == {"chinese"} and (japanese or (not _HAN.search(text) and any(map(str.isalpha, text))))


def names_another(design: SealDesign) -> bool:
    """Whether a design bears a name that is no person's."""
    return "name" in design.texts and not design.kind.startswith(PERSONS)


def _script(name: str) -> str:
    """The script of an organisation's name; empty for what is none."""
    return "chinese" if _CHINESE.search(name) else "latin" if _CAPITALS.search(name) else ""


def _around(box: Box, other: Box) -> Box:
    (x, y, w, h), (u, v, p, q) = box, other
    left, top = min(x, u), min(y, v)
    return left, top, max(x + w, u + p) - left, max(y + h, v + q) - top


def _meet(box: Box, other: Box) -> bool:
    (x, y, w, h), (u, v, p, q) = box, other
    return x < u + p and u < x + w and y < v + q and v < y + h
