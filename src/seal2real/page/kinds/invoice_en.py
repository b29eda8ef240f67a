"""English invoices, delivery notes, purchase orders and quotations."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from seal2real.page import words_en as en
from seal2real.page.style import page_style
from seal2real.page.text import chance, choose, uniform
from seal2real.page.words_zh import model_number, moment

_ACCENTS = ("#000000", "#000000", "#1f3a5f", "#2b5c8a", "#7a1f2b", "#245c3f", "#444444", "#8a4b14", "#3b2f6b")
_TITLES = (
    "INVOICE",
    "TAX INVOICE",
    "PROFORMA INVOICE",
    "Commercial Invoice",
    "PURCHASE ORDER",
    "DELIVERY NOTE",
    "Quotation",
    "PACKING LIST",
    "CASH SALES",
    "Receipt",
)
_NOTES = (
    "",
    "Goods sold are not returnable.",
    "Payment is due within 30 days. Please quote the invoice number with your transfer.",
    "We declare that this document shows the actual price of the goods described.",
    "Received the above goods in good order and condition.",
    "E. & O. E.",
)


def invoice_en(rng: np.random.Generator) -> dict[str, Any]:
    """Data of ``invoice-en.typ``."""
    style = page_style(rng, "en")
    style |= {
        "size": choose(rng, (8.5, 9, 9.5, 10, 10.5)),
        "indent": 0,
        "leading": uniform(rng, 0.5, 0.7),
        "header": "",
    }
    title, seller, buyer = choose(rng, _TITLES), en.firm(rng), en.firm(rng)
    sign, rate = en.currency(rng), choose(rng, (0, 5, 6, 7, 10, 19, 20))
    coded = chance(rng, 0.5)
    total, rows = 0, []
    for number in range(1, int(rng.integers(1, 14)) + 1):
        price, count = int(rng.integers(5, 9000)) * choose(rng, (1, 10, 25)), int(rng.integers(1, 120))
        total += price * count
        code = [model_number(rng).replace("型", "")] if coded else []
        rows.append(
            [str(number), *code, en.goods(rng), str(count), f"{price / 100:,.2f}", f"{price * count / 100:,.2f}"]
        )
    tax = round(total * rate / 100)
    sums = [
        ["Subtotal", f"{total / 100:,.2f}"],
        [f"{choose(rng, ('VAT', 'GST', 'Sales tax'))} {rate}%", f"{tax / 100:,.2f}"],
    ]
    sums = (sums if rate else []) + [
        [choose(rng, ("TOTAL", "Total", "Amount due", "Grand total")), en.money(rng, sign, total + tax)]
    ]
    form, day = float(rng.random()), moment(rng)
    due = day + datetime.timedelta(days=int(rng.integers(7, 60)))
    facts = [
        [f"{title.split()[-1].capitalize()} No.", en.reference(rng), ""],
        ["Date", en.date_text(rng, day, form), "date"],
    ]
    more = [
        ["Due date", en.date_text(rng, due, form), ""],
        ["Your ref.", en.reference(rng), ""],
        ["Terms", choose(rng, ("30 days net", "Cash", "C.O.D.", "T/T in advance", "L/C at sight")), ""],
        ["Sales person", en.person(rng), ""],
    ]
    say = choose(rng, ("Say", "In words"))
    words = f"{say}: {en.number_words((total + tax) // 100)} and {(total + tax) % 100:02d}/100 only"
    return {
        "style": style,
        "accent": choose(rng, _ACCENTS),
        "layout": choose(rng, ("left", "right", "centre")),
        "seller": seller,
        "seller_lines": [en.address(rng), f"Tel: {en.phone(rng)}", f"Reg. No. {en.reference(rng)}"][
            : int(rng.integers(1, 4))
        ],
        "title": title,
        "title_scale": uniform(rng, 1.5, 2.6),
        "gap": uniform(rng, 0.6, 1.6),
        "bar": chance(rng, 0.5),
        "bill_label": choose(rng, ("Bill to", "Sold to", "Customer", "Invoice to", "Ship to")),
        "buyer_lines": [buyer, *en.address(rng).split(", "), f"Attn: {en.person(rng)}"],
        "facts": facts + more[: int(rng.integers(0, 5))],
        "columns": [0.5, *([1.4] if coded else []), 3.2, 0.8, 1.3, 1.5],
        "header": ["#", *(["Code"] if coded else []), "Description", "Qty", "Unit price", f"Amount ({sign})"],
        "numeric": [3, 4, 5] if coded else [2, 3, 4],
        "rows": rows,
        "lines": choose(rng, ("grid", "grid", "rows", "none")),
        "fill": chance(rng, 0.35),
        "zebra": chance(rng, 0.3),
        "pad": uniform(rng, 3, 6.5),
        "sums": sums,
        "words": words if chance(rng, 0.35) else "",
        "bank": ["Bank details", f"Account: {en.account(rng)}", f"Beneficiary: {seller}"] if chance(rng, 0.5) else [],
        "note": choose(rng, _NOTES),
        "sign_above": uniform(rng, 1.2, 4),
        "sign_right": chance(rng, 0.65),
        "sign_for": choose(rng, ("", f"For {seller}", f"For and on behalf of {seller}")),
        "room": uniform(rng, 1, 3.5),
        "sign_label": choose(
            rng,
            (
                "Authorised signature",
                "Authorised signatory and stamp",
                "Signature & company stamp",
                "Received by",
                "Accounts Dept.",
            ),
        ),
        "foot": choose(
            rng,
            (
                "",
                "Thank you for your business.",
                "This is a computer generated document.",
                f"{seller} · {en.address(rng)}",
            ),
        ),
    }
