"""Whose seal it is: where a page of ours names organisations, one of them has mostly sealed it.

Pages of the user's own are left out: they name organisations that there are, and their seals are not made here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from seal2real.page.library import TEMPLATE
from seal2real.sample import Box, Page
from seal2real.seal import SealDesign, names, random_design

# A name fills its line, or the part behind a colon; what goes on without a mark between is a sentence.
_CHINESE = re.compile(
    r"(?:^|[:：\s])([\u4e00-\u9fff（）()]{4,20}"
    r"(?:公司|合作社|集团|工厂|银行|人民政府(?:办公室)?|局|法院|检察院|委员会|海关|中心|联合会|协会|学会|事务所|公证处"
    r"|图书馆|档案馆|文化馆|博物馆|中学|小学|学院|大学|学校|幼儿园|医院|保健院|研究所|勘查院|测绘院|福利院))"
    r"(?=$|[\s，。；（(])"
)
_LATIN = re.compile(
    r"(?:^|[:：] ?)(?:For and on behalf of |For )?((?:[A-Z][\w&'’-]+ ){1,4}"
    r"(?:Co\., Ltd\.?|Pvt\. Ltd\.?|Ltd\.?|Inc\.?|GmbH|AG|S\.r\.l\.|S\.A\.|B\.V\.|LLC|LLP|PLC|Corporation|Bank"
    r"|Office|Council|Court|University|College|School|Hospital|Ministry|Authority|Agency|Institute))$",
)
_CAPITALS = re.compile(_LATIN.pattern, re.IGNORECASE)  # as seals have it
_FOR = "For "  # before the name in a signatory's block
_WHERE = ("company-name", "signature", "title")  # places of a page that say who seals it
_SLACK = {"chinese": 1, "latin": 3}  # characters by which a name may be longer or shorter than the one it replaces
PERSONS = ("personal-", "hanko")  # what the names of signets begin with, as kinds go
_OFFICE, _OF_FIRMS = "government", ("invoice",)
_FIRM = ("公司", "集团", "工厂", "合作社")
_DRAWS = 40  # until a design has room for the name


@dataclass(frozen=True)
class Issuer:
    """An organisation that a page names.

    Attributes:
        name: as it is printed.
        boxes: lines that name it, each (x, y, width, height) in pixels of the page.
    """

    name: str
    boxes: tuple[Box, ...]

    def distance(self, point: tuple[float, float]) -> float:
        """Pixels from ``point`` to the nearest of the lines."""
        return min(
            float(np.hypot(max(x - point[0], 0, point[0] - x - w), max(y - point[1], 0, point[1] - y - h)))
            for x, y, w, h in self.boxes
        )


def issuers_of(page: Page) -> tuple[Issuer, ...]:
    """The organisations that may have sealed a typeset page: those named where people sign, else all that are named.
    For a page that is not of our templates, none."""
    if not page.source.startswith(TEMPLATE):
        return ()
    named: dict[str, list[Box]] = {}
    signing: set[str] = set()
    places = [anchor.bbox for anchor in page.anchors if anchor.role in _WHERE]
    for line in page.text:
        for name in organisations(line.text):
            named.setdefault(name, []).append(line.bbox)
            if any(_meet(line.bbox, place) for place in places):
                signing.add(name)
    return tuple(Issuer(name, tuple(boxes)) for name, boxes in named.items() if not signing or name in signing)


def organisations(text: str) -> list[str]:
    """The names of organisations in a line of text, such as 甲方：岚陵市瀚途货运代理有限公司."""
    return [match[1] for pattern in (_CHINESE, _LATIN) for match in pattern.finditer(text.strip())]


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
    if not names_another(design) or (design.kind in _OF_FIRMS and not issuer.name.endswith(_FIRM)):
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


def names_another(design: SealDesign) -> bool:
    """Whether a design bears a name that is no person's; public offices seal what others have issued, too."""
    return "name" in design.texts and not design.kind.startswith(PERSONS) and design.kind != _OFFICE


def _script(name: str) -> str:
    """The script of an organisation's name; empty for what is none."""
    return "chinese" if _CHINESE.search(name) else "latin" if _CAPITALS.search(name) else ""


def _meet(box: Box, other: Box) -> bool:
    (x, y, w, h), (u, v, p, q) = box, other
    return x < u + p and u < x + w and y < v + q and v < y + h
