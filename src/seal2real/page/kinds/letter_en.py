"""English business letters."""

from __future__ import annotations

from typing import Any

import numpy as np

from seal2real.page import words_en as en
from seal2real.page.style import page_style
from seal2real.page.text import chance, choose, fill, pool, some, uniform

_COLOURS = ("#000000", "#000000", "#1a3c7a", "#8c1c2c", "#0b5d3b", "#444444", "#005f86", "#5a3d7a")


def letter_en(rng: np.random.Generator) -> dict[str, Any]:
    """Data of ``letter.typ`` in English."""
    words = pool("letter_en")
    kind, fields = choose(rng, words["kinds"]), en.fields(rng)
    style = page_style(rng, "en")
    style |= {"size": choose(rng, (10, 10.5, 11, 11, 12)), "indent": 0}
    sender = en.firm(rng)
    points = some(rng, words["points"], int(rng.integers(2, 5))) if chance(rng, 0.25) else []
    paragraphs = [fill(rng, p, {}, fields) for p in kind["paragraphs"]]
    if points:
        paragraphs.append("Please find enclosed the following documents:")
    address = en.address(rng)
    reply = []
    if kind.get("reply"):
        reply = [
            "CONFIRMATION",
            "The balance stated above agrees with our records.",
            "Signature and stamp: ____________________",
            "Date: ____________________",
        ]
    return {
        "style": style,
        "accent": choose(rng, _COLOURS),
        "head": choose(rng, ("centred", "split", "split", "right", "none")),
        "head_scale": uniform(rng, 1.4, 2.1),
        "sender": sender,
        "sender_latin": choose(rng, ("", address, f"{address} · {en.phone(rng)}")),
        "contact": [address, f"Tel. {en.phone(rng)}"][: int(rng.integers(1, 3))],
        "logo": sender[0],
        "logo_round": float(rng.integers(0, 3)) / 2,
        "rule": choose(rng, (0.4, 0.8, 1.5, 2.0)),
        "above": uniform(rng, 0.5, 3),
        "reference": f"{choose(rng, ('Our ref.: ', 'Ref. ', 'Ref. No.: '))}{en.reference(rng)}"
        if chance(rng, 0.5)
        else "",
        "date_top": chance(rng, 0.75),
        "date_right": chance(rng, 0.5),
        "recipient": [en.firm(rng), *en.address(rng).split(", "), ""] if chance(rng, 0.8) else [],
        "title": "TO WHOM IT MAY CONCERN" if chance(rng, 0.15) else "",
        "title_scale": uniform(rng, 1.1, 1.5),
        "title_gap": 0,
        "subject": choose(rng, ("", "Subject: ", "Re: ")) + fill(rng, kind["subject"], {}, fields),
        "greeting": choose(rng, ("Dear Sir or Madam,", "Dear Sirs,", f"Dear {en.person(rng)},", "Dear Customer,")),
        "paragraphs": paragraphs,
        "points": points,
        "point_form": choose(rng, ("{i}. ", "({i}) ", "• ", "– ")),
        "table": [],
        "table_columns": [],
        "wish": [],
        "sign_above": uniform(rng, 0.8, 2.5),
        "sign_side": "left" if chance(rng, 0.7) else "right",
        "sign_right": uniform(rng, 0, 3),
        "sign_line": chance(rng, 0.45),
        "room": uniform(rng, 1.5, 4.5),
        "valediction": choose(rng, words["closings"]) + ",",
        "seal_word": choose(rng, ("", "", " (Seal)", " (Company stamp)")),
        "signer": en.person(rng),
        "signer_post": choose(rng, words["posts"]) if chance(rng, 0.7) else "",
        "date": choose(rng, ("", "", "Date: ")) + fields["date"](rng),
        "reply": reply,
        "foot": f"{sender} · {address} · Reg. No. {en.reference(rng)}" if chance(rng, 0.4) else "",
    }
