"""The Chinese receipt slip: one, two or three to a sheet."""

from __future__ import annotations

from typing import Any

import numpy as np

from seal2real.page import words_zh as zh
from seal2real.page.style import page_style
from seal2real.page.text import capital_amount, chance, choose, digits, pool, uniform

_ACCENTS = ("#000000", "#000000", "#333333", "#1d4f91", "#0f6b3c", "#b01c2e", "#7a3d10")
_WAYS = ("☑现金　□转账　□支票", "□现金　☑转账　□支票", "□现金　□转账　□支票", "现金", "银行转账", "")


def receipt_zh(rng: np.random.Generator) -> dict[str, Any]:
    """Data of ``receipt-zh.typ``."""
    style = page_style(rng, "zh")
    count = int(rng.choice((1, 2, 3), p=(0.5, 0.25, 0.25)))
    style |= {"size": choose(rng, (10, 10.5, 11, 12)), "indent": 0, "leading": 0.7, "footer": "", "header": ""}
    style["margin"] = {side: uniform(rng, 11, 20) for side in ("left", "right", "top", "bottom")}
    if count == 1 and chance(rng, 0.7):
        style |= {"paper": "a5", "flipped": True}
    payee = zh.firm(rng)
    form = float(rng.random())
    return {
        "style": style,
        "accent": choose(rng, _ACCENTS),
        "title": choose(rng, ("收款收据", "收据", "收 款 凭 证", "专用收款收据", "押金收据")),
        "title_scale": uniform(rng, 1.6, 2.3),
        "title_gap": choose(rng, (0, 0.2, 0.5)),
        "framed": chance(rng, 0.4),
        "firm_above": chance(rng, 0.35),
        "copy": choose(rng, ("", "第一联　存根", "第二联　收据", "第三联　记账")),
        "row": uniform(rng, 0.9, 1.6) if count < 3 else uniform(rng, 0.8, 1.1),
        "above": uniform(rng, 0, 8),
        "gap": uniform(rng, 4, 9),
        "seal_label": choose(rng, ("收款单位（盖章）：", "单位盖章：", "收款单位（公章）")),
        "named": chance(rng, 0.4),
        "slips": [_slip(rng, payee, form) for _ in range(count)],
    }


def _slip(rng: np.random.Generator, payee: str, form: float) -> dict[str, Any]:
    cents, blank = zh.money(rng), chance(rng, 0.1)
    reason = f"{choose(rng, pool('statement_zh')['summaries'])}（{zh.document_number(rng)}）"
    return {
        "payee": payee,
        "number": digits(rng, 7),
        "date": zh.blank_date(rng) if blank else zh.format_date(rng, zh.moment(rng), form),
        "payer": "" if blank else choose(rng, (zh.firm(rng), zh.person(rng), zh.firm(rng))),
        "reason": "" if blank else reason,
        "capital": "" if blank else capital_amount(cents),
        "figure": "" if blank else f"{cents / 100:.2f}",
        "way": choose(rng, _WAYS),
        "people": [[label, zh.person(rng) if chance(rng, 0.5) else ""] for label in ("会计：", "收款人：", "经手人：")],
    }
