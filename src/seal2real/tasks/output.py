"""What the tools write: results as JSON and CSV, pictures beside them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from seal2real.errors import Seal2RealError, UsageError
from seal2real.images import encode_png, write_atomic
from seal2real.sample import Image
from seal2real.tasks.scans import Scan, Scans, Unusable


@dataclass
class Outcome:
    """What a tool found on one page.

    Attributes:
        seals: plain values of each.
        pictures: suffix of a file's name -> ``uint8 [H, W]`` or ``[H, W, 3]``, or ``bool [H, W]``.
        lines: for the terminal.
    """

    seals: list[dict[str, Any]]
    pictures: dict[str, np.ndarray] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


@dataclass
class Results:
    """What became of all pages.

    Attributes:
        pages: plain values of each: ``file``, ``page``, ``width``, ``height``, ``seals``.
        skipped: files and pages that could not be used.
    """

    pages: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[Unusable] = field(default_factory=list)


def work_through(
    scans: Scans,
    tool: Callable[[Image], Outcome],
    folders: Mapping[str, Path | None] = MappingProxyType({}),
    told: Callable[[Scan, Outcome], None] = lambda scan, outcome: None,
    skipped: Callable[[Unusable], None] = lambda unusable: None,
    progress: Callable[[int], None] = lambda done: None,
) -> Results:
    """Run a tool on every page; one that cannot be used is left out, and told.

    Args:
        scans: the pages.
        tool: from an image to what it found.
        folders: suffix of a picture -> the folder for it; without one it is not written.
        told: called with each page and what was found.
        skipped: called with each page that cannot be used.
        progress: called with 1 after each page.

    Raises:
        UsageError: two pages would write the same picture.
        Seal2RealError: no page at all can be used; or a picture cannot be written.
    """
    results = Results()
    written: dict[Path, str] = {}
    for scan in scans:
        if isinstance(scan, Unusable):
            results.skipped.append(scan)
            skipped(scan)
            progress(1)
            continue
        outcome = tool(scan.image)
        for suffix, picture in outcome.pictures.items():
            folder = folders.get(suffix)
            if folder is None:
                continue
            path = folder / scan.path.parent.relative_to(scans.roots[scan.path]) / f"{scan.stem}{suffix}.png"
            if path in written:
                raise UsageError(f"{scan.name} and {written[path]} would both write {path}; rename one of them")
            written[path] = scan.name
            write_atomic(path, encode_png(picture))
        height, width = scan.image.shape[:2]
        page = {"file": str(scan.path), "page": scan.page, "width": width, "height": height, "seals": outcome.seals}
        results.pages.append(page)
        told(scan, outcome)
        progress(1)
    if not results.pages:
        raise Seal2RealError(f"none of the pages can be used; the first: {results.skipped[0].reason}")
    return results


def write_results(results: Results, json_file: Path | None, csv_file: Path | None) -> None:
    """Write all results: as JSON, whole; as CSV, a row for each seal."""
    if json_file is not None:
        values = {
            "pages": results.pages,
            "skipped": [{"file": entry.name, "reason": entry.reason} for entry in results.skipped],
        }
        write_atomic(json_file, (json.dumps(values, ensure_ascii=False, indent=1) + "\n").encode())
    if csv_file is not None:
        write_atomic(csv_file, _table(results.pages).encode("utf-8-sig"))  # spreadsheets take it for Latin-1 without


def _table(pages: Sequence[dict[str, Any]]) -> str:
    rows = [
        {"file": page["file"], "page": page["page"] or "", "seal": number, **dict(_cells(seal))}
        for page in pages
        for number, seal in enumerate(page["seals"], 1)
    ]
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["file", "page", "seal"]
    text = io.StringIO()
    table = csv.DictWriter(text, names, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _cells(seal: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in seal.items():
        if name == "bbox":
            yield from zip(("x", "y", "width", "height"), value, strict=True)
        elif name == "lines":
            yield "text", " / ".join(line["text"] for line in value)
        elif name in ("probabilities", "reference"):
            yield from value.items()
        elif name != "polygon":
            yield name, value
