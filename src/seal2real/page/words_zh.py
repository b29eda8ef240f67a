"""Chinese words of the pages: fictitious people, firms and places, dates, amounts, and the fields of the patterns."""

from __future__ import annotations

import datetime

import numpy as np

from seal2real.page.text import Filler, capital_amount, chance, chinese_digits, chinese_number, choose, digits, pool
from seal2real.seal import names

_UNITS = ("台", "套", "件", "个", "箱", "吨", "米", "批", "只", "千克", "张", "组")
_COURTS = ("甲方所在地", "乙方所在地", "合同签订地", "原告所在地", "被告所在地", "合同履行地")


def place(rng: np.random.Generator) -> str:
    """A town that does not exist, without its rank."""
    return names.place(rng)


def firm(rng: np.random.Generator) -> str:
    """A company's full name."""
    return names.company_name(rng)


def office(rng: np.random.Generator) -> str:
    """A public body's name."""
    return names.office_name(rng)


def person(rng: np.random.Generator) -> str:
    """A person's name of two or three characters."""
    return names.person_name(rng)


def street(rng: np.random.Generator) -> str:
    """A street's name without its rank."""
    return choose(rng, pool("words_zh")["streets"])


def address(rng: np.random.Generator) -> str:
    """A street address."""
    road = street(rng) + choose(rng, ("路", "路", "大道", "街", "东路", "西路", "南路", "北街"))
    text = f"{place(rng)}市{place(rng)[0]}{choose(rng, '城江山阳湖')}区{road}{rng.integers(1, 999)}号"
    if chance(rng, 0.5):
        text += choose(rng, ("{}号楼{}室", "{}栋{}室", "{}座{}单元", "{}幢{}")).format(
            rng.integers(1, 30), rng.integers(101, 2808)
        )
    return text


def moment(rng: np.random.Generator) -> datetime.date:
    """A day between 2008 and 2025."""
    return datetime.date(2008, 1, 1) + datetime.timedelta(days=int(rng.integers(0, 365 * 18)))


def date_text(rng: np.random.Generator, day: datetime.date | None = None) -> str:
    """A written date, in one of the usual forms."""
    day = day or moment(rng)
    return format_date(rng, day, float(rng.random()))


def format_date(rng: np.random.Generator, day: datetime.date, form: float) -> str:
    """The date in one of the usual forms, which ``form`` in 0..1 selects."""
    if form < 0.62:
        return f"{day.year}年{day.month}月{day.day}日"
    if form < 0.74:
        return f"{day.year} 年 {day.month} 月 {day.day} 日"
    if form < 0.84:  # as official papers write it
        return f"{chinese_digits(day.year)}年{chinese_number(day.month)}月{chinese_number(day.day)}日"
    return f"{day.year}{(s := '-./'[int(form * 1e4) % 3])}{day.month:02d}{s}{day.day:02d}"


def blank_date(rng: np.random.Generator) -> str:
    """A date to be filled in by hand; partly filled at times."""
    year = str(moment(rng).year) if chance(rng, 0.35) else choose(rng, ("　　", "　　　", "20　"))
    gap = choose(rng, ("　", "　　"))
    return f"{year}年{gap}月{gap}日"


def money(rng: np.random.Generator) -> int:
    """An amount in fen, from hundreds to tens of millions of yuan, mostly round."""
    value = int(10 ** rng.uniform(2.5, 7.2)) * 100
    if chance(rng, 0.6):
        step = 10 ** max(len(str(value)) - int(rng.integers(2, 4)), 2)
        value = max(value // step, 1) * step
    elif chance(rng, 0.5):
        value += int(rng.integers(0, 100))
    return value


def amount_text(rng: np.random.Generator) -> str:
    """An amount in figures with its unit, and at times in capitals."""
    cents = money(rng)
    figure = f"{cents / 100:,.2f}" if chance(rng, 0.7) else f"{cents // 100}"
    form = rng.random()
    if form < 0.45:
        return f"人民币{figure}元（大写：{capital_amount(cents)}）"
    if form < 0.7:
        return f"人民币{capital_amount(cents)}（¥{figure}）"
    return f"{figure}元"


def phone(rng: np.random.Generator) -> str:
    """A telephone number of no real range (area code 0999, mobile prefix 100)."""
    return f"100{digits(rng, 8)}" if chance(rng, 0.5) else f"0999-{digits(rng, 8)}"


def bank(rng: np.random.Generator) -> str:
    """A branch of a bank that does not exist."""
    return (
        choose(rng, pool("words_zh")["banks"]) + place(rng) + choose(rng, ("支行", "分行", "分行营业部", "开发区支行"))
    )


def bank_account(rng: np.random.Generator) -> str:
    """An account number, in groups of four at times."""
    number = digits(rng, int(rng.integers(16, 20)))
    return " ".join(number[i : i + 4] for i in range(0, len(number), 4)) if chance(rng, 0.4) else number


def tax_number(rng: np.random.Generator) -> str:
    """A unified social credit code in form only."""
    return names.tax_number(rng)


def goods(rng: np.random.Generator) -> str:
    """Something that is bought."""
    return choose(rng, pool("words_zh")["goods"])


def unit(rng: np.random.Generator) -> str:
    """A unit of measure."""
    return choose(rng, _UNITS)


def model_number(rng: np.random.Generator) -> str:
    """A product's model."""
    letters = "".join(choose(rng, "ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(int(rng.integers(1, 4))))
    tail = choose(rng, ("", "", "A", "B", "mm", "型", "/2"))
    return f"{letters}{choose(rng, ('-', '', ''))}{rng.integers(10, 9999)}{tail}"


def document_number(rng: np.random.Generator) -> str:
    """A contract's or file's number."""
    letters = "".join(choose(rng, "ABCDGHJKLMSTXYZ") for _ in range(int(rng.integers(2, 5))))
    year = moment(rng).year
    return choose(rng, ("{0}-{1}-{2:03d}", "{0}{1}{2:04d}", "{0}（{1}）{2:03d}号", "{0}/{1}-{2}")).format(
        letters, year, rng.integers(1, 999)
    )


FIELDS: dict[str, Filler] = {
    "amount": amount_text,
    "court": lambda rng: choose(rng, _COURTS),
    "date": date_text,
    "days": lambda rng: str(choose(rng, (3, 5, 7, 10, 15, 20, 30, 45, 60, 90))),
    "account": bank_account,
    "bank": bank,
    "firm": firm,
    "goods": goods,
    "months": lambda rng: str(choose(rng, (3, 6, 12, 18, 24, 36))),
    "percent": lambda rng: f"{choose(rng, (1, 3, 5, 10, 15, 20, 30, 40, 50, 60, 70))}%",
    "permille": lambda rng: choose(rng, ("千分之一", "千分之三", "千分之五", "万分之五", "0.5‰", "0.05%", "1%")),
    "person": person,
    "place": lambda rng: place(rng) + choose(rng, ("市", "市", "县", "区")),
    "address": address,
    "copies": lambda rng: choose(rng, ("贰", "肆", "陆", "二", "四", "六")),
    "each": lambda rng: choose(rng, ("壹", "贰", "一", "两")),
    "year": lambda rng: str(moment(rng).year),
    "number": lambda rng: str(rng.integers(2, 200)),
    "street": street,
    "phone": phone,
    "office": office,
    "model": model_number,
    "tax": tax_number,
    "unit": unit,
}


def fields(rng: np.random.Generator) -> dict[str, Filler]:
    """The fields of one document: as `FIELDS`, with dates of one form that go forward through a few years."""
    day, form = moment(rng) - datetime.timedelta(days=500), float(rng.random())

    def date(rng: np.random.Generator) -> str:
        nonlocal day
        day += datetime.timedelta(days=int(rng.integers(15, 220)))
        return format_date(rng, day, form)

    def date_capital(rng: np.random.Generator) -> str:
        nonlocal day
        day += datetime.timedelta(days=int(rng.integers(15, 220)))
        return format_date(rng, day, 0.8)

    return {**FIELDS, "date": date, "date_capital": date_capital}
