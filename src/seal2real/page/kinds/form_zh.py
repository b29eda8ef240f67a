"""The Chinese approval form: facts in a grid, then opinions, each signed, sealed and dated in its own box."""

from __future__ import annotations

from typing import Any

import numpy as np

from seal2real.page import words_zh as zh
from seal2real.page.style import page_style
from seal2real.page.text import Filler, chance, choose, digits, fill, pool, some, uniform
from seal2real.seal import names


def form_zh(rng: np.random.Generator) -> dict[str, Any]:
    """Data of ``form-zh.typ``."""
    words = pool("form_zh")
    fields: dict[str, Filler] = {
        **zh.fields(rng),
        "birth": lambda r: f"{r.integers(1958, 2003)}年{r.integers(1, 13)}月",
        "sex": lambda r: choose(r, "男女"),
        "department": names.department,
        "post": lambda r: choose(r, pool("certificate_zh")["posts"]),
        "degree": lambda r: choose(r, words["degrees"]),
        "code": lambda r: digits(r, 8),
        "bank": zh.bank,
        "account": zh.bank_account,
        "tax": zh.tax_number,
    }
    style = page_style(rng, "zh")
    style |= {"size": choose(rng, (10, 10.5, 11, 12)), "indent": 0, "leading": uniform(rng, 0.5, 0.8), "header": ""}
    # Some forms are printed blank and filled by hand or not at all.
    filled = 1.0 if chance(rng, 0.7) else 0.35
    facts = [
        [fill(rng, cell, {}, fields) if i % 2 == 0 or chance(rng, filled) else "" for i, cell in enumerate(row)]
        for row in some(rng, words["facts"], int(rng.integers(3, 7)))
    ]
    count = int(rng.integers(2, 5))
    height = uniform(rng, 24, 46) if count < 4 else uniform(rng, 22, 32)
    opinions = [
        {
            "label": label,
            "text": text if chance(rng, 0.6 * filled) else "",
            "height": round(height * uniform(rng, 0.9, 1.25), 2),
            "sign": choose(rng, words["signs"]),
            "date": zh.date_text(rng) if chance(rng, 0.3) else zh.blank_date(rng),
        }
        for label, text in some(rng, words["opinions"], count)
    ]
    title = choose(rng, words["titles"])
    return {
        "style": style,
        "title": title,
        "title_scale": uniform(rng, 1.5, 2.1),
        "title_gap": choose(rng, (0, 0, 0.15, 0.3)),
        "above": uniform(rng, 0, 8),
        "left": choose(rng, ("", f"填报单位：{zh.firm(rng)}", "填报单位（盖章）：")),
        "right": choose(rng, ("", f"编号：{digits(rng, 7)}", zh.blank_date(rng))),
        "frame": choose(rng, (0.5, 1.0, 1.5)),
        "first": uniform(rng, 0.8, 1.2),
        "pad": uniform(rng, 5, 9),
        "facts": facts,
        "list": _list(rng, words) if chance(rng, 0.4) else [],
        "upright": chance(rng, 0.5),
        "opinions": opinions,
        "note": choose(rng, words["notes"]),
    }


def _list(rng: np.random.Generator, words: dict[str, Any]) -> list[list[str]]:
    header = choose(rng, words["lists"])
    makers: dict[str, Filler] = {
        "名称": zh.goods,
        "数量": lambda r: str(r.integers(1, 90)),
        "单价": lambda r: f"{r.integers(10, 900)}.00",
        "金额": lambda r: f"{r.integers(100, 90000)}.00",
        "日期": zh.date_text,
        "摘要": lambda r: choose(r, ("差旅费", "材料费", "办公费", "运输费", "培训费", "维修费")),
        "起止时间": lambda r: (
            f"{(y := int(r.integers(2000, 2018)))}.{r.integers(1, 13)}—{y + int(r.integers(1, 6))}.{r.integers(1, 13)}"
        ),
        "工作单位": zh.firm,
        "职务": lambda r: choose(r, pool("certificate_zh")["posts"]),
        "证明人": zh.person,
    }
    rows, blank = int(rng.integers(2, 5)), chance(rng, 0.3)
    body = [
        [str(i) if name == "序号" else "" if blank or name not in makers else makers[name](rng) for name in header]
        for i in range(1, rows + 1)
    ]
    return [header, *body]
