"""Chinese certificates: awards, proofs of employment and income, authorisations, inspection reports."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from seal2real.page import words_zh as zh
from seal2real.page.style import page_style
from seal2real.page.text import Filler, chance, choose, digits, fill, pool, uniform

_PIECE = re.compile(r"\[([^\]]+)\]|\*\*([^*]+)\*\*")
_AWARD_COLOURS = ("#b8151b", "#c00000", "#a67c1b", "#8a6d1d", "#000000", "#7a1f1f")


def certificate_zh(rng: np.random.Generator) -> dict[str, Any]:
    """Data of ``certificate.typ`` in Chinese."""
    words = pool("certificate_zh")
    kind = choose(rng, words["kinds"])
    fields: dict[str, Filler] = {
        **zh.fields(rng),
        "honour": lambda r: choose(r, words["honours"]),
        "course": lambda r: choose(r, words["courses"]),
        "post": lambda r: choose(r, words["posts"]),
        "sex": lambda r: choose(r, "男女"),
        "salary": lambda r: f"{int(r.integers(30, 400)) * 100}",
        "code": lambda r: digits(r, int(r.integers(5, 10))),
        "model": zh.model_number,
        # No region code starts with 9 and no one is born in month 13: an identity number in form only.
        "idnumber": lambda r: f"99{digits(r, 4)}{int(r.integers(1960, 2003))}13{digits(r, 6)}",
    }
    award = kind["style"] == "award"
    landscape = chance(rng, float(kind["landscape"]))
    style = page_style(rng, "zh")
    style |= {
        "size": choose(rng, (14, 16, 18) if award and landscape else (12, 13, 14, 15)),
        "indent": 2,
        "footer": "",
        "header": "",
    }
    style["leading"] = uniform(rng, 0.9, 1.5)
    style["flipped"] = landscape
    margin = uniform(rng, 26, 40) if award else uniform(rng, 24, 34)
    style["margin"] = {"left": margin, "right": margin, "top": uniform(rng, 24, 38), "bottom": uniform(rng, 22, 34)}
    # A firm speaks of its own director; anyone may praise or employ.
    own = any("{issuer}" in text for text in kind["paragraphs"])
    issuer = zh.firm(rng) if own or chance(rng, 0.75) else zh.office(rng)
    title = kind["title"]
    table = [[fill(rng, cell, {}, fields) for cell in row] for row in kind.get("table", [])]
    return {
        "style": style,
        "accent": choose(rng, _AWARD_COLOURS) if award else "#000000",
        "border": choose(rng, ("double", "single", "pattern", "none"))
        if award
        else choose(rng, ("none",) * 6 + ("single",)),
        "outset": uniform(rng, 10, 18),
        "above": uniform(rng, 2, 18),
        "head": issuer if kind["head"] and chance(rng, 0.35) else "",
        "title": title,
        "title_scale": uniform(rng, 1.7, 2.6),
        "title_gap": choose(rng, (0, 0.2, 0.5, 1.0)) if len(title) < 6 else 0.1,
        "subtitle": "",
        "subtitle_style": "normal",
        "number": f"{choose(rng, ('编号：', '证书编号：', 'No.'))}{zh.document_number(rng)}"
        if chance(rng, 0.4)
        else "",
        "number_right": chance(rng, 0.7),
        "below": uniform(rng, 0.8, 2.2),
        "centred": False,
        "paragraphs": [pieces(fill(rng, p, {"issuer": issuer}, fields)) for p in kind["paragraphs"]],
        "photo": bool(kind.get("photo")) and chance(rng, 0.8),
        "photo_text": choose(rng, ("照片", "一寸照片", "（贴照片处）", "")),
        "table": table,
        "table_first": uniform(rng, 0.6, 1.1),
        "pad": uniform(rng, 5, 10),
        "closing": kind["closing"],
        "sign_above": uniform(rng, 1.5, 4.5),
        "issuer": choose(rng, ("", "", "单位名称：", "授权单位：")) + issuer if not award else issuer,
        "seal_word": choose(rng, ("", "", "（盖章）", "（公章）")),
        "date": fields["date"](rng) if chance(rng, 0.8) else zh.blank_date(rng),
        "signers": [],
        "sign_right": uniform(rng, 0, 4),
        "foot": choose(rng, ("", "", f"单位地址：{zh.address(rng)}　联系电话：{zh.phone(rng)}")) if not award else "",
    }


def pieces(text: str) -> list[dict[str, str]]:
    """Cut a paragraph into plain text, ``[fields]`` (underlined) and ``**bold**`` words for ``certificate.typ``."""
    found: list[dict[str, str]] = []
    end = 0
    for match in _PIECE.finditer(text):
        if match.start() > end:
            found.append({"kind": "text", "text": text[end : match.start()]})
        field, bold = match.groups()
        found.append({"kind": "field", "text": field} if field else {"kind": "bold", "text": bold})
        end = match.end()
    if end < len(text):
        found.append({"kind": "text", "text": text[end:]})
    return found
