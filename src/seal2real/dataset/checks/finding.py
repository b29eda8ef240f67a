"""One thing that is wrong with a dataset."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

ERROR, WARNING = "error", "warning"


class Problem(NamedTuple):
    """What a check of a row has to say.

    Attributes:
        file: path relative to the dataset of the file concerned.
        message: what is wrong, in part of a line.
        severity: "error" (the label or the file is wrong) or "warning" (doubtful, but it can be used).
    """

    file: str
    message: str
    severity: str = ERROR


@dataclass(frozen=True)
class Finding:
    """A problem, and where it is.

    Attributes:
        severity: "error" or "warning".
        check: name of the check.
        file: path relative to the dataset.
        row: number of the row in ``metadata.jsonl``, from 0; None where it is no row's.
        message: what is wrong, in part of a line.
    """

    severity: str
    check: str
    file: str
    row: int | None
    message: str

    def __str__(self) -> str:
        where = self.file if self.row is None else f"{self.file} (row {self.row})"
        return f"{self.severity} {self.check} {where}: {self.message}"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)
