"""English certificates: awards, proofs, authorisations, certificates of origin and conformity, test reports."""

from __future__ import annotations

from typing import Any

import numpy as np

from seal2real.page import words_en as en
from seal2real.page.kinds.certificate_zh import pieces
from seal2real.page.style import page_style
from seal2real.page.text import Filler, chance, choose, fill, pool, uniform

_AWARD_COLOURS = ("#000000", "#1f3a5f", "#7a1f2b", "#8a6d1d", "#245c3f", "#3b2f6b")


def certificate_en(rng: np.random.Generator) -> dict[str, Any]:
    """Data of ``certificate.typ`` in English."""
    words = pool("certificate_en")
    kind, award = (picked := choose(rng, words["kinds"])), bool(picked["award"])
    fields: dict[str, Filler] = {
        **en.fields(rng),
        "course": lambda r: choose(r, words["courses"]),
        "post": lambda r: choose(r, words["posts"]),
    }
    style = page_style(rng, "en")
    landscape = award and chance(rng, 0.75)
    style |= {
        "size": choose(rng, (13, 14, 15, 16) if award else (10.5, 11, 12)),
        "indent": 0,
        "footer": "",
        "header": "",
    }
    style |= {"flipped": landscape, "justify": not award, "leading": uniform(rng, 0.7, 1.1)}
    margin = uniform(rng, 26, 38)
    style["margin"] = {"left": margin, "right": margin, "top": uniform(rng, 24, 34), "bottom": uniform(rng, 22, 30)}
    issuer = en.firm(rng)
    paragraphs = [pieces(fill(rng, p, {}, fields)) for p in kind["paragraphs"]]
    count = int(rng.integers(1, 3)) if award else int(rng.integers(0, 2))
    signers = [
        [en.person(rng), choose(rng, ("Director", "President", "Registrar", "Inspector", "Secretary"))]
        for _ in range(count)
    ]
    return {
        "style": style,
        "accent": choose(rng, _AWARD_COLOURS) if award else choose(rng, ("#000000", "#000000", "#1f3a5f")),
        "border": choose(rng, ("double", "single", "pattern", "none"))
        if award
        else choose(rng, ("none", "none", "single")),
        "outset": uniform(rng, 10, 17),
        "above": uniform(rng, 1, 10),
        "head": issuer if chance(rng, 0.5) else "",
        "title": kind["title"],
        "title_scale": uniform(rng, 1.6, 2.3),
        "title_gap": 0,
        "subtitle": "",
        "subtitle_style": "normal",
        "number": f"{choose(rng, ('No. ', 'Certificate No. ', 'Ref. '))}{en.reference(rng)}"
        if chance(rng, 0.5)
        else "",
        "number_right": chance(rng, 0.4),
        "below": uniform(rng, 0.6, 1.8),
        "centred": award,
        "paragraphs": paragraphs,
        "photo": False,
        "photo_text": "",
        "table": [[fill(rng, cell, {}, fields) for cell in row] for row in kind.get("table", [])],
        "table_first": uniform(rng, 0.8, 1.3),
        "pad": uniform(rng, 5, 9),
        "closing": "",
        "sign_above": uniform(rng, 1.5, 3.5),
        "issuer": issuer,
        "seal_word": choose(rng, ("", "", " (Seal)", " (Official stamp)")),
        "date": fields["date"](rng) if chance(rng, 0.8) else en.blank_date(rng),
        "signers": signers,
        "sign_right": uniform(rng, 0, 3),
        "foot": f"{issuer}, {en.address(rng)}" if not award and chance(rng, 0.4) else "",
    }
