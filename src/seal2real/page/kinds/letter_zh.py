"""Chinese letters between firms: introductions, demands, confirmations with a reply slip, promises, quotations."""

from __future__ import annotations

from typing import Any

import numpy as np

from seal2real.page import words_zh as zh
from seal2real.page.style import page_style
from seal2real.page.text import Filler, chance, choose, digits, fill, pool, some, uniform
from seal2real.seal import names

_COLOURS = ("#000000", "#000000", "#1a3c7a", "#b3161d", "#0b5d3b", "#444444", "#7a1f1f", "#005f86")


def letter_zh(rng: np.random.Generator) -> dict[str, Any]:
    """Data of ``letter.typ`` in Chinese."""
    words = pool("letter_zh")
    kind = choose(rng, words["kinds"])
    fields: dict[str, Filler] = {
        **zh.fields(rng),
        "matter": lambda r: choose(r, words["matters"]),
        "few": lambda r: choose(r, "壹贰叁两三四"),
        "code": zh.document_number,
        "bank": zh.bank,
        "account": zh.bank_account,
    }
    style = page_style(rng, "zh")
    style |= {"size": choose(rng, (11, 12, 12, 13, 14)), "indent": 2}
    style["leading"] = uniform(rng, 0.7, 1.3)
    sender = zh.firm(rng)
    table = _table(rng, kind["title"]) if kind.get("table") else []
    reply = []
    if chance(rng, float(kind["reply"])):
        reply = [
            choose(rng, ("回　　执", "信息证明无误", "回　执　单")),
            choose(
                rng,
                ("贵公司来函收悉，所述内容属实，特此回复。", "经核对，上述信息无误。", "来函已收到，我单位意见如下："),
            ),
            choose(rng, ("（单位盖章）", "单位（公章）：", "（盖章）")),
            zh.blank_date(rng),
        ]
    points = [fill(rng, p, {}, fields) for p in kind["points"]]
    return {
        "style": style,
        "accent": choose(rng, _COLOURS),
        "head": choose(rng, ("centred", "split", "none", "none")),
        "head_scale": uniform(rng, 1.4, 2.0),
        "sender": sender,
        "sender_latin": names.english_company(rng).upper() if chance(rng, 0.4) else "",
        "contact": some(
            rng,
            (f"地址：{zh.address(rng)}", f"电话：{zh.phone(rng)}", f"传真：{zh.phone(rng)}"),
            int(rng.integers(1, 3)),
        ),
        "logo": sender[-8] if len(sender) > 9 else sender[0],
        "logo_round": float(rng.integers(0, 3)) / 2,
        "rule": choose(rng, (0.5, 1.0, 1.5, 2.0)),
        "above": uniform(rng, 0.3, 2.5),
        "reference": f"{choose(rng, ('文号：', '编号：', ''))}{zh.document_number(rng)}" if chance(rng, 0.3) else "",
        "date_top": False,
        "date_right": True,
        "recipient": [],
        "title": kind["title"],
        "title_scale": uniform(rng, 1.5, 2.1),
        "title_gap": choose(rng, (0, 0.3, 0.8, 1.2)) if len(kind["title"]) < 5 else choose(rng, (0, 0.15)),
        "subject": fill(rng, kind["subject"], {}, fields),
        "greeting": choose(rng, (zh.firm(rng), zh.office(rng), zh.firm(rng), "＿＿＿＿＿＿＿＿＿＿")) + "：",
        "paragraphs": [fill(rng, p, {}, fields) for p in kind["paragraphs"]],
        "points": points[: max(3, int(rng.integers(0, len(points) + 1)))],
        "point_form": choose(rng, ("{i}．", "{i}、", "（{i}）")),
        "table": table,
        "table_columns": [1] * len(table[0]) if table else [],
        "wish": kind["wish"],
        "sign_above": uniform(rng, 1.5, 4),
        "sign_side": "right",
        "sign_right": uniform(rng, 0, 3),
        "sign_line": False,
        "room": 0,
        "valediction": "",
        "seal_word": choose(rng, ("", "", "（盖章）", "（公章）")),
        "signer": choose(rng, ("", "", "法定代表人（签字）：　　　　　")),
        "signer_post": "",
        "date": fields["date"](rng) if chance(rng, 0.75) else zh.blank_date(rng),
        "reply": reply,
        "foot": f"地址：{zh.address(rng)}　　邮编：{digits(rng, 6)}　　电话：{zh.phone(rng)}"
        if chance(rng, 0.3)
        else "",
    }


def _table(rng: np.random.Generator, title: str) -> list[list[str]]:
    rows = int(rng.integers(1, 7))
    if title == "报价函":
        prices = [f"{int(rng.integers(10, 90000)) / 10:.2f}" for _ in range(rows + 1)]
        items = [[str(i), zh.goods(rng), zh.model_number(rng), zh.unit(rng), p] for i, p in enumerate(prices, start=1)]
        return [["序号", "名称", "型号", "单位", "单价（元）"], *items]
    table = [["截止日期", "贵公司欠", "欠贵公司", "备注"]]
    for _ in range(rows):
        owed = f"{zh.money(rng) / 100:,.2f}"
        table.append(
            [zh.date_text(rng), owed, "", ""]
            if chance(rng, 0.6)
            else [zh.date_text(rng), "", owed, choose(rng, ("", "货款", "保证金"))]
        )
    return table
