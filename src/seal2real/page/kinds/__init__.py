"""The kinds of page: each fills one template of ``templates/`` with words and a style drawn from a generator.

Most kinds are one file, a template with a recipe in its head (see `recipe`), and are found by their file's name. Those
below need code of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from seal2real.page.kinds.certificate_en import certificate_en
from seal2real.page.kinds.certificate_zh import certificate_zh
from seal2real.page.kinds.contract_en import contract_en
from seal2real.page.kinds.contract_zh import contract_zh
from seal2real.page.kinds.form_zh import form_zh
from seal2real.page.kinds.invoice_en import invoice_en
from seal2real.page.kinds.invoice_form_zh import invoice_form_zh
from seal2real.page.kinds.letter_en import letter_en
from seal2real.page.kinds.letter_zh import letter_zh
from seal2real.page.kinds.notice_zh import notice_zh
from seal2real.page.kinds.receipt_zh import receipt_zh
from seal2real.page.kinds.statement_zh import statement_zh
from seal2real.page.recipe import fill_recipe, has_recipe


@dataclass(frozen=True)
class PageKind:
    """A kind of page.

    Attributes:
        template: file in ``templates/`` without ``.typ``; languages may share one.
        fill: draws the words and the style: JSON values for the template.
    """

    template: str
    fill: Callable[[np.random.Generator], dict[str, Any]]


# One line per kind; a name ends in its language.
_CODED: dict[str, PageKind] = {
    "contract-zh": PageKind("contract", contract_zh),
    "invoice-form-zh": PageKind("invoice-form-zh", invoice_form_zh),
    "notice-zh": PageKind("notice-zh", notice_zh),
    "certificate-zh": PageKind("certificate", certificate_zh),
    "letter-zh": PageKind("letter", letter_zh),
    "form-zh": PageKind("form-zh", form_zh),
    "statement-zh": PageKind("statement-zh", statement_zh),
    "receipt-zh": PageKind("receipt-zh", receipt_zh),
    "contract-en": PageKind("contract", contract_en),
    "invoice-en": PageKind("invoice-en", invoice_en),
    "certificate-en": PageKind("certificate", certificate_en),
    "letter-en": PageKind("letter", letter_en),
}


def _with_recipe() -> dict[str, PageKind]:
    """The templates that declare their own data, by the name of the file."""
    folder = Path(__file__).parents[1] / "templates"
    paths = sorted(p for p in folder.glob("*-*.typ") if has_recipe(p))
    return {p.stem: PageKind(p.stem, partial(fill_recipe, p, p.stem.rsplit("-", 1)[1])) for p in paths}


TEMPLATES: dict[str, PageKind] = {**_CODED, **_with_recipe()}
