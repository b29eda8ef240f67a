"""How often people stamp in which way: rates that the user can set."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any

from seal2real.errors import UsageError


def parse_shares(text: str, known: Iterable[str], what: str) -> dict[str, float]:
    """``"a=0.4,b=0.2"`` as numbers by name.

    Args:
        text: names and numbers 0..1.
        known: the names that are allowed.
        what: names the text in errors, such as "press".

    Raises:
        UsageError: an unknown name (the nearest is suggested), a name twice, or no number 0..1.
    """
    names, shares = sorted(known), dict[str, float]()
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = (part.strip() for part in entry.partition("="))
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(names)}"
            raise UsageError(f"{what} {entry!r}: no {name!r}; {hint}")
        if name in shares:
            raise UsageError(f"{what} {text!r} names {name} twice; give it once")
        try:
            shares[name] = float(number)
        except ValueError:
            raise UsageError(f"{what} {entry!r} has no number; write it as {name}=0.2") from None
        if not 0.0 <= shares[name] <= 1.0:
            raise UsageError(f"{what} {entry!r} is out of range; give a share, 0 to 1")
    return shares


@dataclass(frozen=True)
class PressSettings:
    """Rates, each 0..1, of what happens when a page is stamped. The defaults are habits of offices, by our estimate.

    What was done with a seal is told in ``PlacedSeal.effects`` under the name in brackets.

    Attributes:
        counts: relative frequencies of one, two, three, ... seals on a page.
        negatives: share of pages without any seal.
        red_negatives: share of those that get red things that are no seals: logos, red pen, frames, bars.
        over_seal: share of further seals on a page that are put across an earlier one; the others keep off. [over-seal]
        over_signature: share of seals that are put over the signature, where the page has a place for one; None lets
            the page's places attract as they do.
        bend: share whose die bent as it was pressed, as rubber does. [bend_mm]
        double_strike: share that was put down twice, slightly shifted and turned. [double-strike]
        partial_strike: share whose die did not rest fully: an edge or the middle is missing. [partial-strike]
        upside_down: share that was put down upside down. [upside-down]
        any_angle: share at any angle.
        off_page: share that runs off the sheet by carelessness. [off-page]
        riding: share of cross-page seals, split over the edges of stacked sheets (骑缝章), on pages that are signed.
            [riding]
        riding_unsigned: the same on pages without a place for a seal: most sheets of a contract.
        issuer: share of the invented seals that bear the name of an organisation which the page names, where the page
            is of our templates and the kind has a place for it. Above 0, seals in a script that is strange to the
            page are seldom, too. [issuer]
        random_text: share of the invented seals that say random characters, to train recognisers with. [random-text]

    Raises:
        UsageError: a rate is out of range, or no count has a share.
    """

    counts: tuple[float, ...] = (0.68, 0.23, 0.09)
    negatives: float = 0.0
    red_negatives: float = 0.6
    over_seal: float = 0.15
    over_signature: float | None = None
    bend: float = 0.4
    double_strike: float = 0.03
    partial_strike: float = 0.06
    upside_down: float = 0.012
    any_angle: float = 0.025
    off_page: float = 0.015
    riding: float = 0.035
    riding_unsigned: float = 0.35
    issuer: float = 0.85
    random_text: float = 0.0

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name == "counts":
                if not value or min(value) < 0 or not 0 < sum(value) < math.inf:
                    raise UsageError(f"counts is {value}; give a share >= 0 for one, two, ... seals, not all zero")
            elif value is not None and not 0.0 <= value <= 1.0:
                raise UsageError(f"{entry.name.replace('_', '-')} is {value}; give a share, 0 to 1")

    @classmethod
    def parse(cls, text: str | None) -> PressSettings:
        """The defaults, with rates from a text such as ``"double-strike=0.1,riding=0"``.

        Raises:
            UsageError: an unknown name, or a rate out of range.
        """
        names = {entry.name.replace("_", "-"): entry.name for entry in fields(cls)}
        rates = parse_shares(text or "", names.keys() - {"counts", "negatives"}, "press")
        values: dict[str, Any] = {names[key]: rate for key, rate in rates.items()}
        return replace(DEFAULT, **values)


DEFAULT = PressSettings()
