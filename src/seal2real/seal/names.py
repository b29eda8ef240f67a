"""Fictitious names for seals, assembled at random from the neutral word lists in ``words.json``.

None is taken from a register of companies. Place names are two syllables that are common in geography, joined at
random; trade names likewise.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from numpy.random import Generator

_FORMS = ("有限公司", "有限责任公司", "股份有限公司")
_LONG = 23  # letters of an English name's words
_PROVINCES = (
    "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42", "43", "44",
    "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65",
)  # fmt: skip
_CITIES = ("11", "12", "31", "50")
_REGION = ("市", "县", "区", "省")
# How often each purpose of the word list is met, in its order: finance, contracts and personnel lead.
_PURPOSE_WEIGHTS = (8, 9, 4, 4, 1, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 0.5, 1)


@cache
def words(key: str) -> Sequence[str]:
    """One of the word lists (a string is a list of single characters)."""
    lists = json.loads(files("seal2real.seal").joinpath("words.json").read_text(encoding="utf-8"))
    return tuple(lists[key])


def _pick(rng: Generator, values: Sequence[str]) -> str:
    return values[int(rng.integers(len(values)))]


def _digits(rng: Generator, count: int) -> str:
    return "".join(map(str, rng.integers(0, 10, count)))


def pick(rng: Generator, key: str) -> str:
    """One entry of the word list ``key``."""
    return _pick(rng, words(key))


def place(rng: Generator) -> str:
    """A two-character place name without its rank, e.g. 岚陵."""
    return _pick(rng, words("place_first")) + _pick(rng, words("place_second"))


def brand(rng: Generator) -> str:
    """A two-character trade name, now and then three."""
    middle = _pick(rng, words("brand_first")) if rng.random() < 0.12 else ""
    return _pick(rng, words("brand_first")) + middle + _pick(rng, words("brand_second"))


def company_name(rng: Generator, form: str | None = None) -> str:
    """Place, brand, trade and legal form, 9 to 19 characters.

    Args:
        rng: source of every choice.
        form: legal form; None for a random one.
    """
    rank = _pick(rng, ("", "", "市", "省"))
    where = place(rng) + rank
    form = form or _FORMS[int(rng.choice(3, p=(0.66, 0.14, 0.20)))]
    if rng.random() < 0.12:  # the place in brackets after the brand
        return f"{brand(rng)}（{place(rng)}）" + _pick(rng, words("trades")) + form
    return where + brand(rng) + _pick(rng, words("trades")) + form


def split_company(name: str) -> tuple[str, str]:
    """A company's name in two rows, broken before the trade if that is known, else in the middle."""
    starts = [at for trade in words("trades") if (at := name.find(trade)) > 1]
    at = min(starts, default=len(name) // 2)
    return name[:at], name[at:]


def office_name(rng: Generator) -> str:
    """A public body of an invented place, e.g. 岚陵市财政局."""
    return place(rng) + _pick(rng, _REGION) + _pick(rng, words("offices"))


def department(rng: Generator) -> str:
    """A department, e.g. 财务部."""
    return _pick(rng, words("departments"))


def purpose(rng: Generator) -> str:
    """The purpose line of a special seal, e.g. 财务专用章."""
    weights = [w / sum(_PURPOSE_WEIGHTS) for w in _PURPOSE_WEIGHTS]
    return words("purposes")[int(rng.choice(len(words("purposes")), p=weights))]


def person_name(rng: Generator) -> str:
    """A Chinese name of two or three characters."""
    given = _pick(rng, words("given")) + (_pick(rng, words("given")) if rng.random() < 0.75 else "")
    return _pick(rng, words("surnames")) + given


def tax_number(rng: Generator) -> str:
    """18 characters in the alphabet of the unified social credit code (GB 32100-2015: no I, O, S, V, Z).

    The check digit is left to chance, so that a number is almost never a valid one.
    """
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    tail = "".join(_pick(rng, alphabet if rng.random() < 0.35 else alphabet[:10]) for _ in range(9))
    return "91" + _region_code(rng) + tail + _pick(rng, alphabet)


def seal_code(rng: Generator) -> str:
    """A 13-digit registration code as on the lower arc of Chinese seals: six of a region, seven more."""
    return _region_code(rng) + _digits(rng, 7)


def _region_code(rng: Generator) -> str:
    """Six digits as of GB/T 2260: province, city (of a province that is one city: 01), district or county."""
    province = _pick(rng, _PROVINCES)
    city = 1 if province in _CITIES else int(rng.integers(1, 18))
    county = int(rng.integers(21, 32) if rng.random() < 0.3 else rng.integers(1, 14))
    return f"{province}{city:02d}{county:02d}"


def date(rng: Generator, style: str = "iso") -> str:
    """A date between 2008 and 2026.

    Args:
        rng: source of every choice.
        style: "iso" (2024-03-07), "dots" (2024.03.07), "zh" (2024年03月07日), "en" (07 MAR 2024).
    """
    year, month, day = int(rng.integers(2008, 2027)), int(rng.integers(1, 13)), int(rng.integers(1, 29))
    months = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
    return {
        "iso": f"{year}-{month:02d}-{day:02d}",
        "dots": f"{year}.{month:02d}.{day:02d}",
        "zh": f"{year}年{month:02d}月{day:02d}日",
        "en": f"{day:02d} {months[month - 1]} {year}",
    }[style]


def notice(rng: Generator, language: str = "zh") -> str:
    """The word of a notice stamp ("zh" or "en")."""
    return _pick(rng, words("notices_zh") if language == "zh" else words("notices_en"))


def english_brand(rng: Generator) -> str:
    """An invented Latin-script name, e.g. Fenmira."""
    return _pick(rng, words("latin_first")) + _pick(rng, words("latin_second"))


def english_company(rng: Generator) -> str:
    """An invented Latin-script company, e.g. Fenmira Trading Co., Ltd."""
    return " ".join((english_brand(rng), _pick(rng, words("latin_trades")), _pick(rng, words("latin_forms"))))


def in_english(company: str) -> str:
    """The English name that a Chinese company of these word lists has on a seal in two languages, e.g. Lanling Hantu
    Trading Co., Ltd; empty for other names."""
    body = next((company.removesuffix(form) for form in sorted(_FORMS, key=len)[::-1] if company.endswith(form)), "")
    trades = dict(zip(words("trades"), words("trades_en"), strict=True))
    trade = max((trade for trade in trades if body.endswith(trade)), key=len, default="")
    syllables = {entry[0]: entry[1:] for entry in words("pinyin")}
    own = body.removesuffix(trade).rstrip("）")
    if "（" in own:  # the place in brackets after the brand
        first, where = own.split("（", 1)
    else:
        where, first = own[:2], own[2:]
        first = first[1:] if len(first) > 2 and first[0] in _REGION else first
    if not trade or not first or not where or any(character not in syllables for character in first + where):
        return ""
    parts = ["".join(syllables[character] for character in part).capitalize() for part in (where, first)]
    long = len("".join(parts)) + len(trades[trade]) > _LONG  # then without the place
    return f"{' '.join(parts[long:])} {trades[trade]} Co., Ltd"


def english_department(rng: Generator) -> str:
    """A centre word of a Latin-script stamp, e.g. ACCOUNTS."""
    return _pick(rng, words("latin_departments"))


def cyrillic_brand(rng: Generator) -> str:
    """An invented Cyrillic name, e.g. Верстрой."""
    return _pick(rng, words("cyrillic_first")) + _pick(rng, words("cyrillic_second"))


def cyrillic_town(rng: Generator) -> str:
    """An invented town in Cyrillic."""
    return _pick(rng, words("cyrillic_towns"))


def digits(rng: Generator, count: int) -> str:
    """``count`` random digits."""
    return _digits(rng, count)


def cyrillic_form(rng: Generator) -> str:
    """A legal form as the outer ring of a Cyrillic company stamp has it."""
    return _pick(rng, words("cyrillic_forms"))


def latin_place(rng: Generator) -> str:
    """An invented town in Latin capitals."""
    return _pick(rng, words("latin_places"))


def latin_centre(rng: Generator) -> str:
    """The centre of a Latin-script round stamp, e.g. COMMON SEAL."""
    return _pick(rng, words("latin_centres"))


def vietnamese_company(rng: Generator) -> tuple[str, str]:
    """Legal form and trade name of an invented Vietnamese company."""
    return _pick(rng, words("vietnamese_forms")), _pick(rng, words("vietnamese_brands"))


def vietnamese_town(rng: Generator) -> str:
    """District and town as on the lower arc of a Vietnamese stamp."""
    return _pick(rng, words("vietnamese_towns"))


def institution_name(rng: Generator) -> str:
    """A public institution of an invented place, e.g. 岚陵市中心医院."""
    return place(rng) + _pick(rng, _REGION[:3]) + _pick(rng, words("institutions"))


def authority_name(rng: Generator) -> str:
    """A government, court or authority of an invented place, e.g. 岚陵县人民政府."""
    return place(rng) + _pick(rng, _REGION) + _pick(rng, words("courts")[:-1])


def address(rng: Generator) -> str:
    """A street of an invented town, e.g. 岚陵市文澜路128号."""
    return f"{place(rng)}市{_pick(rng, words('streets'))}{int(rng.integers(1, 400))}号"


def telephone(rng: Generator) -> str:
    """An area code that begins with 00 (there is none such) and seven digits."""
    return f"00{_digits(rng, 2)}-{_digits(rng, 7)}"


def latin_address(rng: Generator) -> str:
    """Number, street and invented town, e.g. 12 Mill Lane, Elmsgate."""
    return f"{int(rng.integers(1, 200))} {_pick(rng, words('latin_streets'))}, {latin_place(rng).title()}"


def japanese_company(rng: Generator) -> str:
    """An invented Japanese company, e.g. 株式会社青浜商事."""
    body = (
        _pick(rng, words("japanese_first"))
        + _pick(rng, words("japanese_second"))
        + _pick(rng, words("japanese_trades"))
    )
    return f"株式会社{body}" if rng.random() < 0.7 else f"{body}株式会社"
