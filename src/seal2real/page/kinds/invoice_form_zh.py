"""The Chinese invoice form: buyer, goods with tax, total in capitals, seller, payee and reviewer."""

from __future__ import annotations

from typing import Any

import numpy as np

from seal2real.page import words_zh as zh
from seal2real.page.style import page_style
from seal2real.page.text import capital_amount, chance, choose, digits, pool, uniform

_ACCENTS = ("#8a4b14", "#7b3f00", "#1f4e8c", "#2c6e49", "#000000", "#000000", "#333333", "#a0522d", "#8b1a1a")


def invoice_form_zh(rng: np.random.Generator) -> dict[str, Any]:
    """Data of ``invoice-form-zh.typ``."""
    words = pool("invoice_form_zh")
    style = page_style(rng, "zh")
    style |= {"size": choose(rng, (8, 8.5, 9, 9.5, 10)), "indent": 0, "leading": 0.5, "footer": "", "header": ""}
    style["margin"] |= {"left": uniform(rng, 10, 20), "right": uniform(rng, 10, 20)}
    if chance(rng, 0.3):  # the size of the printed form: 240 mm by 140 mm, alone on its sheet
        style["paper"] = "a5"
        style["flipped"] = True
        style["margin"] |= {"top": uniform(rng, 8, 13), "bottom": uniform(rng, 6, 10)}
    rate = choose(rng, (3, 6, 9, 13))
    rows, net, tax = [], 0, 0
    for _ in range(int(rng.integers(1, 9))):
        price, count = int(rng.integers(10, 60000)) * 10, int(rng.integers(1, 60))
        amount = price * count
        due = round(amount * rate / 100)
        net, tax = net + amount, tax + due
        rows.append(
            [
                f"*{choose(rng, words['classes'])}*{zh.goods(rng)}" if chance(rng, 0.7) else zh.goods(rng),
                zh.model_number(rng) if chance(rng, 0.7) else "",
                zh.unit(rng),
                str(count),
                f"{price / 100:.2f}",
                f"{amount / 100:.2f}",
                f"{rate}%",
                f"{due / 100:.2f}",
            ]
        )
    rows += [[""] * 8 for _ in range(max(0, int(rng.integers(2, 7)) - len(rows)))]
    total = net + tax
    day = zh.moment(rng)
    right = [
        ["发票号码：", digits(rng, choose(rng, (8, 20)))],
        ["开票日期：", f"{day.year}年{day.month:02d}月{day.day:02d}日"],
    ]
    if chance(rng, 0.4):
        right.insert(0, ["发票代码：", digits(rng, 12)])
    people = [[f"{role}：", zh.person(rng) if chance(rng, 0.8) else "", False] for role in ("收款人", "复核", "开票人")]
    people.append([choose(rng, ("销售方（章）：", "销售方：（章）", "开票单位（盖章）：")), "", True])
    return {
        "style": style,
        "accent": choose(rng, _ACCENTS),
        "rule": choose(rng, (0.4, 0.5, 0.7, 0.9)),
        "above": 0 if "flipped" in style else uniform(rng, 0, 30),
        "title": choose(rng, words["titles"]),
        "title_scale": uniform(rng, 1.7, 2.3),
        "title_gap": choose(rng, (0, 0, 0.15)),
        "double": chance(rng, 0.5),
        "left": choose(rng, ("", f"机器编号：{digits(rng, 12)}", choose(rng, words["copies"]))),
        "right": right,
        "buyer_top": chance(rng, 0.85),
        "buyer": _party(rng, choose(rng, ("购买方", "购货单位", "购方"))),
        "seller": _party(rng, choose(rng, ("销售方", "销货单位", "销方"))),
        "note": {"label": "密码区", "rows": [[_cipher(rng), "", False] for _ in range(4)]},
        "side": uniform(rng, 0.55, 0.9),
        "header": ["货物或应税劳务名称", "规格型号", "单位", "数量", "单价", "金额", "税率", "税额"],
        "columns": [2.9, 1.5, 0.8, 0.9, 1.4, 1.6, 0.8, 1.4],
        "numeric": [3, 4, 5, 6, 7],
        "grid": chance(rng, 0.5),
        "pad": uniform(rng, 2, 5),
        "rows": rows,
        "totals": ["", "", "", "", f"¥{net / 100:.2f}", "", f"¥{tax / 100:.2f}"],
        "capital": choose(rng, ("⊗", "", "")) + capital_amount(total),
        "figure": f"¥{total / 100:.2f}",
        "remark": choose(
            rng, ("", "", f"合同编号：{zh.document_number(rng)}", f"项目名称：{zh.place(rng)}{zh.street(rng)}路工程")
        ),
        "people": people,
        "below": choose(rng, words["below"]) if "flipped" not in style else "",
    }


def _party(rng: np.random.Generator, label: str) -> dict[str, Any]:
    address = f"{zh.address(rng)} {zh.phone(rng)}" if chance(rng, 0.8) else ""
    account = f"{zh.bank(rng)} {zh.bank_account(rng)}" if chance(rng, 0.8) else ""
    return {
        "label": label,
        "rows": [
            ["名　　称：", zh.firm(rng), True],
            ["纳税人识别号：", zh.tax_number(rng), False],
            ["地址、电话：", address, False],
            ["开户行及账号：", account, False],
        ],
    }


def _cipher(rng: np.random.Generator) -> str:
    return "".join(choose(rng, "0123456789+-*/<>") for _ in range(int(rng.integers(18, 23))))
