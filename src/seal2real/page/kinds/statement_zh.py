"""Chinese table-heavy sheets: statements of account, delivery notes, price lists, payrolls, test results."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from seal2real.page import words_zh as zh
from seal2real.page.style import page_style
from seal2real.page.text import capital_amount, chance, choose, digits, fill, pool, uniform

_NUMERIC = (
    "数量",
    "单价",
    "金额",
    "应收金额",
    "已收金额",
    "余额",
    "借方",
    "贷方",
    "基本工资",
    "绩效工资",
    "补贴",
    "扣款",
    "实发金额",
)
_SUMMED = ("金额", "实发金额", "应收金额", "已收金额", "借方", "贷方")


def statement_zh(rng: np.random.Generator) -> dict[str, Any]:
    """Data of ``statement-zh.typ``."""
    words = pool("statement_zh")
    kind = choose(rng, words["kinds"])
    style = page_style(rng, "zh")
    style |= {
        "size": choose(rng, (8.5, 9, 9.5, 10, 10.5)),
        "indent": 0,
        "leading": uniform(rng, 0.5, 0.75),
        "header": "",
    }
    style["margin"] |= {"left": uniform(rng, 12, 24), "right": uniform(rng, 12, 24)}
    style["flipped"] = chance(rng, 0.25)
    header: list[str] = kind["columns"]
    count = int(rng.integers(3, 16 if style["flipped"] else 26))
    sums = dict.fromkeys(_SUMMED, 0)
    start = zh.moment(rng)
    days = [start + datetime.timedelta(days=int(d)) for d in np.cumsum(rng.integers(0, 12, size=count))]
    balance = np.cumsum(rng.integers(1, 400000, size=count)) * 100
    rows = [_row(rng, header, i, days[i - 1], int(balance[i - 1]), sums, words) for i in range(1, count + 1)]
    blank_rows = int(rng.integers(0, 4)) if chance(rng, 0.3) else 0
    rows += [[""] * len(header) for _ in range(blank_rows)]
    summed = [name in header and sums[name] > 0 for name in _SUMMED]
    total = [f"{sums[name] / 100:,.2f}" if name in _SUMMED and sums[name] else "" for name in header]
    total[1 if header[0] == "序号" else 0] = choose(rng, ("合计", "合　计", "总计"))
    main = next((sums[n] for n, used in zip(_SUMMED, summed, strict=True) if used), 0)
    firm, other = zh.firm(rng), zh.firm(rng)
    facts = [
        choose(rng, ("客户名称：", "单位名称：", "收货单位：")) + other,
        choose(rng, ("单号：", "No. ", "编号：")) + digits(rng, 8),
        choose(rng, ("供货单位：", "制单单位：", "公司名称：")) + firm,
        choose(rng, ("日期：", "制单日期：", "填表日期：")) + zh.date_text(rng),
    ]
    named = chance(rng, 0.45)
    signers = [
        [label, name if named and "盖章" in label else ""]
        for label, name in zip(kind["signers"], (firm, other, ""), strict=False)
    ]
    dates = [zh.date_text(rng) if chance(rng, 0.4) else zh.blank_date(rng) for _ in signers]
    return {
        "style": style,
        "firm": firm,
        "firm_above": chance(rng, 0.5),
        "title": kind["title"],
        "title_scale": uniform(rng, 1.5, 2.1),
        "title_gap": choose(rng, (0, 0.2, 0.5)),
        "facts": facts[: 2 * int(rng.integers(1, 3))],
        "columns": kind["widths"],
        "header": header,
        "rows": rows,
        "total": total if main else [],
        "capital": f"合计金额（大写）：{capital_amount(main)}" if main and chance(rng, 0.5) else "",
        "numeric": [i for i, name in enumerate(header) if name in _NUMERIC],
        "lines": choose(rng, ("grid", "grid", "grid", "rows", "open")),
        "shade": choose(rng, (0, 0, 15, 30, 50)),
        "pad": uniform(rng, 3, 6.5),
        "notes": [fill(rng, note, {}, zh.FIELDS) for note in kind["notes"]],
        "sign_above": uniform(rng, 0.8, 2.5),
        "sign_row": uniform(rng, 1.0, 2.5),
        "signers": signers,
        "dates": dates if chance(rng, 0.75) else [],
    }


def _row(
    rng: np.random.Generator,
    header: list[str],
    index: int,
    day: datetime.date,
    balance: int,
    sums: dict[str, int],
    words: dict[str, Any],
) -> list[str]:
    price, count = int(rng.integers(5, 5000)) * 10, int(rng.integers(1, 300))
    left, base = int(rng.integers(1, 900000)) * 100, int(rng.integers(28, 90)) * 10000
    bonus, extra, cut = (int(rng.integers(0, 300)) * 1000 for _ in range(3))
    debit = chance(rng, 0.6)
    money = {
        "单价": price,
        "金额": price * count,
        "应收金额": left,
        "已收金额": left if debit else 0,
        "借方": left if debit else 0,
        "贷方": 0 if debit else left,
        "余额": balance,
        "基本工资": base,
        "绩效工资": bonus,
        "补贴": extra // 4,
        "扣款": cut // 4,
        "实发金额": base + bonus + extra // 4 - cut // 4,
    }
    cells = []
    for name in header:
        if name in money:
            if name in sums:
                sums[name] += money[name]
            cells.append(f"{money[name] / 100:,.2f}" if money[name] else "")
            continue
        standard = int(rng.integers(10, 900)) / 10
        plain = {
            "序号": str(index),
            "日期": f"{day.year}-{day.month:02d}-{day.day:02d}",
            "单号": digits(rng, 9),
            "摘要": choose(rng, words["summaries"]),
            "品名": zh.goods(rng),
            "规格型号": zh.model_number(rng),
            "单位": zh.unit(rng),
            "数量": str(count),
            "姓名": zh.person(rng),
            "检测项目": choose(rng, words["tests"]),
            "标准值": f"≥{standard:.1f}",
            "实测值": f"{standard * uniform(rng, 1.0, 1.4):.2f}",
            "结论": choose(rng, ("合格", "合格", "符合")),
        }
        cells.append(plain.get(name, ""))
    return cells
