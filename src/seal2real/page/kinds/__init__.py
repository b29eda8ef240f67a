"""The kinds of page: each fills one template of ``templates/`` with words and a style drawn from a generator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from seal2real.page.kinds.contract_zh import contract_zh
from seal2real.page.kinds.notice_zh import notice_zh

Filling = Callable[[np.random.Generator], dict[str, Any]]

# One line per kind: the template's name (its file without .typ, ending in the language) and what fills it.
TEMPLATES: dict[str, Filling] = {
    "contract-zh": contract_zh,
    "notice-zh": notice_zh,
}
