"""Is a dataset sound? Every file is read and every label checked, by all cores.

What is checked, and how closely, stands in ``docs/validate.md``; the checks themselves in `seal2real.dataset.checks`.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cv2

from seal2real.dataset.checks import ROW_CHECKS
from seal2real.dataset.checks.finding import ERROR, WARNING, Finding
from seal2real.dataset.checks.opened import fingerprint, open_row
from seal2real.dataset.checks.rows import Progress, dataset_file, for_each_row
from seal2real.dataset.checks.text import read_dictionary
from seal2real.dataset.checks.whole import Ledger, RowKeys, hash64, named_files, row_keys
from seal2real.dataset.formats.fields import field_problems, is_converted, is_inside_path, parse_row
from seal2real.dataset.formats.native import METADATA

_KEPT = 1000  # findings of one check that are kept; a wrong writer makes the same mistake in every row
_OF_OUR_OWN = frozenset({"provenance", "synthetic-mark"})  # checks of what other formats do not carry
_BY_OUR_RULES = frozenset({"outline", "line", "names"})  # and of what they may hold otherwise


@dataclass
class ValidationReport:
    """What was found.

    Attributes:
        dataset: the folder.
        rows: rows looked at.
        seconds: time it took.
        findings: errors first, then by check and row; of each check at most a thousand.
        counts: how often each (severity, check) was found, without that limit.
    """

    dataset: Path
    rows: int = 0
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def errors(self) -> int:
        """Count of errors."""
        return sum(count for (severity, _), count in self.counts.items() if severity == ERROR)

    @property
    def warnings(self) -> int:
        """Count of warnings."""
        return sum(count for (severity, _), count in self.counts.items() if severity == WARNING)

    def add(self, finding: Finding) -> None:
        """Count a finding, and keep it unless there are many of its check."""
        key = finding.severity, finding.check
        self.counts[key] += 1
        if self.counts[key] <= _KEPT:
            self.findings.append(finding)

    def sort(self) -> None:
        """Group the findings: errors first, then check by check, row by row."""
        self.findings.sort(key=lambda one: (one.severity, one.check, -1 if one.row is None else one.row, one.file))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "dataset": str(self.dataset),
            "rows": self.rows,
            "errors": self.errors,
            "warnings": self.warnings,
            "counts": {f"{severity} {check}": count for (severity, check), count in sorted(self.counts.items())},
            "findings": [finding.to_json() for finding in self.findings],
        }


def validate(
    dataset: Path,
    *,
    dictionary: Path | None = None,
    workers: int | None = None,
    progress: Progress = lambda done, total=None: None,
) -> ValidationReport:
    """Check every file and every label of a native dataset.

    Args:
        dataset: folder with ``metadata.jsonl``.
        dictionary: text file of the characters that seals may hold; None = those that the package's fonts have.
        workers: processes; None = one per core. They do not change what is found.
        progress: called with the count of rows just checked, and the count of all.

    Raises:
        UsageError: no dataset there, no such dictionary, or ``workers`` below 1.
        Seal2RealError: the dataset was never finished, it cannot be read, or processes keep dying.
    """
    dataset_file(dataset)
    work = partial(check_row, dictionary=None if dictionary is None else read_dictionary(dictionary))
    begun = time.perf_counter()
    report, ledger = ValidationReport(dataset), Ledger(dataset)
    for offset, (findings, keys, files) in for_each_row(dataset, work, workers, progress):
        for finding in findings:
            report.add(finding)
        ledger.add(offset, keys, files)
    if not ledger.rows:
        report.add(Finding(ERROR, "missing-row", METADATA, None, "has no rows"))
    for finding in ledger.findings():
        report.add(finding)
    report.rows = ledger.rows
    report.sort()
    report.seconds = time.perf_counter() - begun
    return report


def check_row(
    dataset: Path, number: int, line: bytes, dictionary: frozenset[str] | None = None
) -> tuple[list[Finding], RowKeys | None, tuple[int, ...]]:
    """Check one line of ``metadata.jsonl`` and the files that it names.

    Returns:
        What was found; the row's keys for the checks across rows, None if its fields are wrong; and then hashes of the
        paths that it names all the same.
    """
    try:
        row = parse_row(line)
    except (ValueError, RecursionError) as error:
        message = f"line {number + 1} is no row: {' '.join(str(error).split())}"
        return [Finding(ERROR, "json", METADATA, number, message)], None, _files_in(line)
    wrong = field_problems(row)
    if wrong:
        name = row["file_name"] if is_inside_path(row.get("file_name")) else METADATA
        found = [Finding(ERROR, "fields", name, number, message) for message in wrong]
        return found, None, tuple(map(hash64, named_files(row)))
    opened = open_row(dataset, row, dictionary)
    converted = is_converted(row)
    found = [Finding(one.severity, check, one.file, number, one.message) for check, one in opened.problems]
    for name, check in ROW_CHECKS.items():
        if converted and name in _OF_OUR_OWN:
            continue
        try:
            for one in check(opened):
                severity = WARNING if converted and name in _BY_OUR_RULES else one.severity
                found.append(Finding(severity, name, one.file, number, one.message))
        except (ValueError, ArithmeticError, IndexError, OverflowError, cv2.error) as error:
            message = f"cannot be checked ({' '.join(str(error).split())})"
            found.append(Finding(ERROR, name, opened.file, number, message))
    picture = fingerprint(opened.stamped) if opened.stamped is not None else None
    return found, row_keys(row, picture), ()


def _files_in(line: bytes) -> tuple[int, ...]:
    """Hashes of the paths in a line that is no JSON: texts between quotes that begin with one of our folders."""
    return tuple({hash64(path) for path in named_files(line.decode("utf-8", "replace").split('"'))})
