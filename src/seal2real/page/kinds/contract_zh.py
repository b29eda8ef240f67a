"""The Chinese contract: parties, clauses from pools of sentences, a schedule of goods, signature blocks."""

from __future__ import annotations

from typing import Any

import numpy as np

from seal2real.page import words_zh as zh
from seal2real.page.style import page_style
from seal2real.page.text import Filler, capital_amount, chance, chinese_number, choose, fill, pool, some, uniform

_FILLED = {"address": zh.address, "phone": zh.phone, "bank": zh.bank, "account": zh.bank_account, "tax": zh.tax_number}
_ROW_LABELS = {
    "name-seal": ("{}（盖章）：", "{}（公章）：", "{}（签章）："),
    "name": ("{}：",),
    "seal": ("（盖章）", "（公章）", "盖章："),
    "legal": ("法定代表人（签字）：", "法定代表人："),
    "agent": ("委托代理人：", "授权代表："),
    "legal-or-agent": ("法定代表人或授权代表：", "法定代表人/委托代理人（签字）："),
    "sign": ("代表签字：", "签字："),
    "date": ("日期：", "签订日期：", ""),
    "address": ("地址：",),
    "phone": ("电话：",),
    "bank": ("开户银行：", "开户行："),
    "account": ("账号：",),
    "tax": ("税号：",),
}


def contract_zh(rng: np.random.Generator) -> dict[str, Any]:
    """Data of ``contract-zh.typ``."""
    words = pool("contract_zh")
    agreement = choose(rng, words["types"])
    title, clauses = agreement["title"], words["clauses"]
    style = page_style(rng, "zh")
    names = [zh.firm(rng), zh.person(rng) if chance(rng, 0.08) else zh.firm(rng)]
    labels = _party_labels(rng, agreement["first"], agreement["second"])
    style["header"] = choose(rng, (names[0], title, "")) if chance(rng, 0.25) else ""
    number = zh.document_number(rng)
    count = int(rng.integers(3, 13))
    last = len(clauses) - 1  # "other provisions" always closes
    picked = [*sorted(int(i) for i in rng.permutation(last)[: count - 1]), last]
    fields = zh.fields(rng)
    values = {"title": title, "subject": fill(rng, agreement["subject"], {}, fields)}
    goods = _goods_table(rng) if agreement["goods"] and chance(rng, 0.5) else {"items": []}
    data: dict[str, Any] = {
        "style": style,
        "title": title,
        "title_scale": uniform(rng, 1.5, 2.1),
        "title_gap": choose(rng, (0, 0, 0.12, 0.3, 0.5)) if len(title) < 9 else 0,
        "title_above": uniform(rng, 0, 1.5),
        "title_below": uniform(rng, 0.6, 1.8),
        "number": choose(rng, ("合同编号：", "编号：", "合同号：")) + (number if chance(rng, 0.85) else "____________"),
        "number_place": choose(rng, ("top", "top", "under", "none")),
        "underline_names": chance(rng, 0.4),
        "parties": [_party(rng, label, name) for label, name in zip(labels, names, strict=True)],
        "preamble": fill(rng, choose(rng, words["preambles"]), values, fields),
        "clauses": _clauses(rng, [clauses[i] for i in picked], values, fields),
        "closing": choose(rng, words["closings"]),
        "sign_above": uniform(rng, 0.8, 3.0),
        "sign_layout": choose(rng, ("columns", "columns", "columns", "stacked", "boxed")),
        **goods,
    }
    shown = chance(rng, 0.55)
    # Both parties sign one form: the same rows, blanks and lines; what is filled in may differ.
    rows = [(row, str(choose(rng, _ROW_LABELS[row])), chance(rng, 0.45)) for row in _signer_rows(rng)]
    width = uniform(rng, 7, 9.5)
    date = fields["date"](rng) if chance(rng, 0.5) else zh.blank_date(rng)
    data["signers"] = [
        {"rows": [_signer_row(rng, *row, label, name if shown else "", date) | {"width": width} for row in rows]}
        for label, name in zip(labels, names, strict=True)
    ]
    return data


def _party_labels(rng: np.random.Generator, first: str, second: str) -> tuple[str, str]:
    if first == "甲方" or chance(rng, 0.4):
        return "甲方", "乙方"
    if chance(rng, 0.6):
        return f"甲方（{first}）", f"乙方（{second}）"
    return first, second


def _party(rng: np.random.Generator, label: str, name: str) -> dict[str, Any]:
    options = [
        f"法定代表人：{zh.person(rng)}",
        f"地址：{zh.address(rng)}",
        f"联系人：{zh.person(rng)}",
        f"联系电话：{zh.phone(rng)}",
        f"统一社会信用代码：{zh.tax_number(rng)}",
    ]
    return {"label": label + "：", "name": name, "lines": options[: int(rng.integers(0, 5))]}


def _clauses(
    rng: np.random.Generator, picked: list[Any], values: dict[str, str], fields: dict[str, Filler]
) -> list[dict[str, Any]]:
    numbering = choose(rng, ("第{}条 ", "第{}条　", "{}、"))
    inner = choose(rng, ("", "{n}.{i} ", "{i}. ", "（{i}）", "{i}、"))
    made = []
    for n, clause in enumerate(picked, start=1):
        sentences = clause["sentences"]
        wanted = int(rng.integers(1, len(sentences) + 1))
        # The first sentence of a clause opens the subject; the others keep their order.
        kept = [0, *sorted(int(i) + 1 for i in rng.permutation(len(sentences) - 1)[: wanted - 1])]
        items = [
            (inner.format(n=n, i=i) if len(kept) > 1 else "") + fill(rng, sentences[k], values, fields)
            for i, k in enumerate(kept, start=1)
        ]
        made.append({"title": numbering.format(chinese_number(n)) + clause["title"], "items": items})
    return made


def _goods_table(rng: np.random.Generator) -> dict[str, Any]:
    total, rows = 0, []
    for number in range(1, int(rng.integers(2, 8)) + 1):
        price, count = int(rng.integers(5, 9000)) * 100, int(rng.integers(1, 200))
        total += price * count
        rows.append(
            [
                str(number),
                zh.goods(rng),
                zh.model_number(rng),
                zh.unit(rng),
                str(count),
                f"{price / 100:.2f}",
                f"{price * count / 100:.2f}",
            ]
        )
    return {
        "items": rows,
        "item_header": ["序号", "名称", "规格型号", "单位", "数量", "单价（元）", "金额（元）"],
        "item_columns": [1, 2.4, 2, 1, 1.1, 1.7, 2],
        "item_total": f"合计人民币（大写）：{capital_amount(total)}　　¥{total / 100:,.2f}",
        "cell_pad": uniform(rng, 3, 7),
    }


def _signer_rows(rng: np.random.Generator) -> list[str]:
    rows = [choose(rng, ("name-seal", "name-seal", "name", "seal"))]
    if rows[0] == "name":
        rows.append("seal")
    rows.append(choose(rng, ("legal", "agent", "legal-or-agent", "sign")))
    if chance(rng, 0.35):
        rows += some(rng, ("address", "phone", "bank", "account", "tax"), int(rng.integers(1, 5)))
    rows.append("date")
    return rows


def _signer_row(
    rng: np.random.Generator, row: str, text: str, line: bool, party: str, name: str, date: str
) -> dict[str, Any]:
    if row in _FILLED:
        return {"label": text, "value": _FILLED[row](rng), "kind": "", "line": False}
    if row == "date":
        return {"label": text, "value": date, "kind": "date", "line": False}
    if row in ("name-seal", "name"):
        kind = "company-name" if name else "signature"
        return {"label": text.format(party), "value": name, "kind": kind, "line": line}
    return {"label": text, "value": "", "kind": "signature", "line": line}
