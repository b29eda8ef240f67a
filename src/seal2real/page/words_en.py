"""English words of the pages: people and firms that do not exist, addresses, dates, amounts, pattern fields."""

from __future__ import annotations

import datetime

import numpy as np

from seal2real.page.text import Filler, chance, choose, digits, pool
from seal2real.page.words_zh import model_number, moment
from seal2real.seal import names

_CURRENCIES = ("USD", "EUR", "GBP", "US$", "$", "€", "£", "CHF", "SGD", "HK$")
_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def firm(rng: np.random.Generator) -> str:
    """A company's name."""
    return names.english_company(rng)


def person(rng: np.random.Generator) -> str:
    """A person's name, at times with a middle initial."""
    words = pool("words_en")
    middle = f" {choose(rng, 'ABCDEFGHJKLMNPRSTW')}." if chance(rng, 0.2) else ""
    return f"{choose(rng, words['first_names'])}{middle} {choose(rng, words['last_names'])}"


def place(rng: np.random.Generator) -> str:
    """A town that does not exist."""
    return names.english_brand(rng) + choose(rng, ("", "", "ton", "ville", "ford", " Bay", "burg"))


def address(rng: np.random.Generator) -> str:
    """A street address."""
    street = f"{rng.integers(1, 400)} {choose(rng, pool('words_en')['streets'])}"
    unit = f"{choose(rng, ('Suite', 'Unit', 'Floor'))} {rng.integers(1, 40)}, " if chance(rng, 0.3) else ""
    return f"{unit}{street}, {place(rng)} {digits(rng, 5)}"


def date_text(rng: np.random.Generator, day: datetime.date | None = None, form: float | None = None) -> str:
    """A written date in one of the usual forms, which ``form`` in 0..1 selects."""
    day = day or moment(rng)
    form = float(rng.random()) if form is None else form
    if form < 0.35:
        return f"{day.day} {day:%B} {day.year}"
    if form < 0.6:
        return f"{day:%B} {day.day}, {day.year}"
    if form < 0.75:
        return f"{day.day:02d}/{day.month:02d}/{day.year}"
    return day.isoformat() if form < 0.9 else f"{day.day:02d} {day:%b} {day.year}".upper()


def blank_date(rng: np.random.Generator) -> str:
    """A date to be filled in by hand."""
    return choose(rng, ("____ / ____ / ________", "_______________", "____________ 20____", "___-___-_____"))


def currency(rng: np.random.Generator) -> str:
    """A currency's code or sign."""
    return choose(rng, _CURRENCIES)


def money(rng: np.random.Generator, sign: str, cents: int) -> str:
    """An amount with its currency."""
    return f"{sign}{' ' if sign.isalpha() else ''}{cents / 100:,.2f}"


def amount_text(rng: np.random.Generator) -> str:
    """An amount with its currency, and at times in words."""
    sign, value = currency(rng), int(10 ** rng.uniform(2.7, 6.5))
    value -= value % 10 ** max(len(str(value)) - 3, 0)
    text = money(rng, sign, value * 100)
    return f"{text} ({number_words(value)})" if chance(rng, 0.35) else text


def number_words(value: int) -> str:
    """0 <= value < 10**9 in English words, e.g. 1250 -> one thousand two hundred and fifty."""
    if value < 20:
        return _ONES[value]
    if value < 100:
        return _TENS[value // 10] + (f"-{_ONES[value % 10]}" if value % 10 else "")
    if value < 1000:
        rest = f" and {number_words(value % 100)}" if value % 100 else ""
        return f"{_ONES[value // 100]} hundred{rest}"
    for size, name in ((10**6, "million"), (10**3, "thousand")):
        if value >= size:
            below = value % size
            joint = " and " if 0 < below < 100 else " "
            return f"{number_words(value // size)} {name}" + (f"{joint}{number_words(below)}" if below else "")
    raise AssertionError("unreachable")


def phone(rng: np.random.Generator) -> str:
    """A telephone number of the range that is set aside for fiction (555-01xx)."""
    return f"+1 {rng.integers(200, 990)} 555 01{rng.integers(0, 100):02d}"


def reference(rng: np.random.Generator) -> str:
    """A file's number."""
    letters = "".join(choose(rng, "ABCDEFGHJKLMNPRSTUVW") for _ in range(int(rng.integers(2, 4))))
    form = choose(rng, ("{0}-{1}-{2:04d}", "{0}/{1}/{2}", "{0}{2:05d}", "{0}-{2:06d}"))
    return form.format(letters, moment(rng).year, int(rng.integers(1, 9999)))


def goods(rng: np.random.Generator) -> str:
    """Something that is bought."""
    return choose(rng, pool("words_en")["goods"])


def account(rng: np.random.Generator) -> str:
    """A bank account in form only (no country has the code XX)."""
    number = "XX" + digits(rng, 18)
    return " ".join(number[i : i + 4] for i in range(0, len(number), 4))


FIELDS: dict[str, Filler] = {
    "account": account,
    "address": address,
    "amount": amount_text,
    "days": lambda rng: choose(
        rng, ("seven (7)", "ten (10)", "fourteen (14)", "30", "thirty (30)", "60", "ninety (90)")
    ),
    "firm": firm,
    "goods": goods,
    "model": model_number,
    "months": lambda rng: choose(rng, ("six (6)", "12", "twelve (12)", "24", "twenty-four (24)", "36")),
    "number": lambda rng: str(rng.integers(2, 60)),
    "percent": lambda rng: f"{choose(rng, (1, 2, 5, 10, 15, 20, 25, 30, 40, 50))}%",
    "person": person,
    "phone": phone,
    "place": place,
    "reference": reference,
    "year": lambda rng: str(moment(rng).year),
}


def fields(rng: np.random.Generator) -> dict[str, Filler]:
    """The fields of one document: as `FIELDS`, with dates of one form that go forward through a few years."""
    day, form = moment(rng) - datetime.timedelta(days=500), float(rng.random())

    def date(rng: np.random.Generator) -> str:
        nonlocal day
        day += datetime.timedelta(days=int(rng.integers(15, 220)))
        return date_text(rng, day, form)

    return {**FIELDS, "date": date}
