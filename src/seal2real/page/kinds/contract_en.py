"""The English contract: parties, clauses, a schedule of goods, signature blocks."""

from __future__ import annotations

from typing import Any

import numpy as np

from seal2real.page import words_en as en
from seal2real.page.style import page_style
from seal2real.page.text import Filler, chance, choose, fill, pool, uniform


def contract_en(rng: np.random.Generator) -> dict[str, Any]:
    """Data of ``contract.typ`` in English."""
    words = pool("contract_en")
    agreement, clauses = choose(rng, words["types"]), words["clauses"]
    style = page_style(rng, "en")
    fields = en.fields(rng)
    title: str = agreement["title"] if chance(rng, 0.7) else agreement["title"].title().replace(" Of ", " of ")
    party_names = (en.firm(rng), en.firm(rng))
    labels = (agreement["first"], agreement["second"])
    last = len(clauses) - 1
    picked = [*sorted(int(i) for i in rng.permutation(last)[: int(rng.integers(3, 12))]), last]
    values = {"subject": fill(rng, agreement["subject"], {}, fields)}
    goods = _schedule(rng) if agreement["goods"] and chance(rng, 0.6) else {"items": []}
    return {
        "style": style,
        "title": title,
        "title_scale": uniform(rng, 1.3, 2.0),
        "title_gap": 0,
        "title_above": uniform(rng, 0, 1.5),
        "title_below": uniform(rng, 0.6, 1.6),
        "number": choose(rng, ("Contract No. ", "Agreement No.: ", "Ref. ", "No. ")) + en.reference(rng),
        "number_place": choose(rng, ("top", "under", "none")),
        "underline_names": chance(rng, 0.3),
        "parties": [_party(rng, label, name) for label, name in zip(labels, party_names, strict=True)],
        "preamble": fill(rng, choose(rng, words["preambles"]), values, fields),
        "clauses": _clauses(rng, [clauses[i] for i in picked], values, fields),
        "closing": choose(rng, words["closings"]),
        "sign_above": uniform(rng, 0.8, 3.0),
        "sign_layout": choose(rng, ("columns", "columns", "columns", "stacked", "boxed")),
        "signers": _signers(rng, labels, party_names, fields["date"](rng)),
        **goods,
    }


def _party(rng: np.random.Generator, label: str, name: str) -> dict[str, Any]:
    lines = [
        f"Address: {en.address(rng)}",
        f"Represented by: {en.person(rng)}",
        f"Tel.: {en.phone(rng)}",
        f"Registration No.: {en.reference(rng)}",
    ]
    return {"label": label[0].upper() + label[1:] + ": ", "name": name, "lines": lines[: int(rng.integers(0, 5))]}


def _clauses(
    rng: np.random.Generator, picked: list[Any], values: dict[str, str], fields: dict[str, Filler]
) -> list[dict[str, Any]]:
    numbering = choose(rng, ("{}. ", "Article {} – ", "Clause {}. ", "§ {} ", "{}  "))
    inner = choose(rng, ("", "{n}.{i} ", "({i}) "))
    capitals = chance(rng, 0.3)
    made = []
    for n, clause in enumerate(picked, start=1):
        sentences = clause["sentences"]
        kept = [0, *sorted(int(i) + 1 for i in rng.permutation(len(sentences) - 1)[: int(rng.integers(0, 4))])]
        texts = [fill(rng, sentences[k], values, fields) for k in kept]
        if inner and len(texts) > 1:
            items = [inner.format(n=n, i=i) + text for i, text in enumerate(texts, start=1)]
        else:
            items = [" ".join(texts)]
        title = clause["title"].upper() if capitals else clause["title"]
        made.append({"title": numbering.format(n) + title, "items": items})
    return made


def _schedule(rng: np.random.Generator) -> dict[str, Any]:
    total, rows, sign = 0, [], en.currency(rng)
    for number in range(1, int(rng.integers(2, 8)) + 1):
        price, count = int(rng.integers(5, 9000)) * 10, int(rng.integers(1, 200))
        total += price * count
        rows.append([str(number), en.goods(rng), str(count), f"{price / 100:,.2f}", f"{price * count / 100:,.2f}"])
    return {
        "items": rows,
        "item_header": ["No.", "Description", "Qty", "Unit price", "Amount"],
        "item_columns": [0.6, 3, 0.8, 1.4, 1.6],
        "item_total": f"Total: {en.money(rng, sign, total)}",
        "cell_pad": uniform(rng, 3, 6),
    }


def _signers(
    rng: np.random.Generator, labels: tuple[str, str], party_names: tuple[str, str], dated: str
) -> list[dict[str, Any]]:
    width, line = uniform(rng, 11, 15), chance(rng, 0.85)
    intro = choose(rng, ("For and on behalf of {}", "{}", "Signed for {}:", "{}:"))
    by = choose(rng, ("By: ", "Signature: ", "Signed: ", ""))
    seal = choose(rng, ("", "", "(Company seal)", "Stamp:", "(Seal)"))
    named, printed = chance(rng, 0.7), chance(rng, 0.5)
    signers = []
    for label, name in zip(labels, party_names, strict=True):
        rows = [_row(intro.format(label[0].upper() + label[1:] if intro == "{}:" else label), "", "", False)]
        if named:
            rows.append(_row("", name, "company-name", False))
        rows.append(_row(by, "", "signature", line))
        if printed:
            rows.append(_row("Name: ", en.person(rng), "", False))
            rows.append(_row("Title: ", choose(rng, ("Director", "General Manager", "CEO", "Secretary")), "", False))
        if seal:
            rows.append(_row(seal, "", "signature", False))
        rows.append(_row("Date: ", dated if chance(rng, 0.5) else "", "date", True))
        signers.append({"rows": [row | {"width": width} for row in rows]})
    return signers


def _row(label: str, value: str, kind: str, line: bool) -> dict[str, Any]:
    return {"label": label, "value": value, "kind": kind, "line": line}
