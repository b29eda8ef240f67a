"""How a page is set: fonts, sizes, margins, spacing and ink, drawn anew for every page."""

from __future__ import annotations

from typing import Any

import numpy as np

from seal2real.page.text import chance, choose, uniform

_SERIF_ZH = "Noto Serif SC"
_SANS_ZH = "Noto Sans SC"
# Latin letters and digits inside Chinese text come from the first font that has them.
_LATIN_IN_ZH = ("Libertinus Serif", "Libertinus Serif", "")
_ENGLISH = ("Libertinus Serif", "New Computer Modern", "Noto Sans SC", "Noto Serif SC", "DejaVu Sans Mono")
_FOOTERS_ZH = (
    "",
    "",
    "{page}",
    "- {page} -",
    "第 {page} 页 共 {pages} 页",
    "第{page}页",
    "{page} / {pages}",
    "— {page} —",
)
_FOOTERS_EN = ("", "", "{page}", "Page {page} of {pages}", "{page} / {pages}", "- {page} -")


def page_style(rng: np.random.Generator, language: str) -> dict[str, Any]:
    """Draw the style of a page; `templates/common.typ` says what each value does.

    Args:
        rng: random generator.
        language: "zh" or "en".

    Returns:
        JSON values; ``size`` in points, ``margin`` in millimetres, ``leading`` in em, ``ink`` as grey 0..255.
    """
    ink = 0 if chance(rng, 0.55) else int(rng.integers(0, 64))
    margin = {
        "left": uniform(rng, 18, 32),
        "right": uniform(rng, 18, 30),
        "top": uniform(rng, 17, 36),
        "bottom": uniform(rng, 17, 32),
    }
    style: dict[str, Any] = {"ink": ink, "margin": margin, "lang": language, "paper": "a4"}
    if language == "zh":
        body = _SERIF_ZH if chance(rng, 0.85) else _SANS_ZH  # offices set Song and FangSong
        latin = choose(rng, _LATIN_IN_ZH) if body == _SERIF_ZH else choose(rng, ("", "", "Libertinus Serif"))
        title = _SANS_ZH if chance(rng, 0.5) else _SERIF_ZH
        fonts = ([{"name": latin, "covers": "latin-in-cjk"}] if latin else []) + [body]
        style |= {
            "fonts": fonts,
            "title_fonts": [title],
            "size": choose(rng, (10, 10.5, 10.5, 11, 12, 12, 12, 13, 14)),
            "leading": uniform(rng, 0.55, 1.05),
            "justify": chance(rng, 0.85),
            "indent": 2 if chance(rng, 0.8) else 0,
            "cjk_gap": chance(rng, 0.6),
            "footer": choose(rng, _FOOTERS_ZH),
        }
    else:
        body = _ENGLISH[int(rng.choice(len(_ENGLISH), p=(0.50, 0.06, 0.28, 0.10, 0.06)))]
        title = body if chance(rng, 0.6) else choose(rng, ("Noto Sans SC", "Libertinus Serif"))
        if {body, title} & {_SANS_ZH, _SERIF_ZH}:
            title = body  # one way of making bold serves both
        style |= {
            "fonts": [body],
            "bold": body not in (_SANS_ZH, _SERIF_ZH),
            "title_fonts": [title],
            "size": choose(rng, (9, 9.5, 10, 10.5, 11, 11, 12)),
            "leading": uniform(rng, 0.5, 0.9),
            "justify": chance(rng, 0.6),
            "indent": 0 if chance(rng, 0.8) else 1.5,
            "footer": choose(rng, _FOOTERS_EN),
            "paper": "us-letter" if chance(rng, 0.25) else "a4",
        }
        style["par_gap"] = round(style["leading"] + (0.0 if style["indent"] else uniform(rng, 0.3, 0.8)), 3)
    style["sign_gap"] = uniform(rng, 0.7, 1.6)
    return style
