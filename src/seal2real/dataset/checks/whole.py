"""Checks across rows and files: duplicates, leaks between splits, files that no row names, what a run left behind.

Of every row only hashes of 64 bits are kept (about 20 bytes a file and 100 a row), so that a dataset of millions of
samples is checked in little memory.
"""

from __future__ import annotations

import hashlib
import json
import os
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seal2real.dataset.checks.finding import ERROR, WARNING, Finding
from seal2real.dataset.checks.labels import SPLITS
from seal2real.dataset.formats.fields import is_whole
from seal2real.dataset.formats.native import FOLDERS, METADATA
from seal2real.dataset.store import FAILURES, SETTINGS, WORK

_IDENTITY = frozenset({"name", "code", "tax-number"})  # roles of text that tell one seal from another
_PAGE_TEXT = 40  # characters from which on a page's own text tells it from another
_NO_PICTURE = 0


@dataclass(frozen=True)
class RowKeys:
    """What the checks across rows need of one row.

    Attributes:
        index: number of the sample, -1 where the row does not tell.
        split: number of the split in `labels.SPLITS`, -1 for another.
        files: hashes of the paths that the row names.
        picture: hash of the stamped image's pixels, 0 where it cannot be read.
        designs: hashes of the seals' kinds and texts; seals without a text of their own ("PAID") have none.
        pages: hashes of the page's text, and of its source where that is a file.
    """

    index: int
    split: int
    files: tuple[int, ...]
    picture: int
    designs: tuple[int, ...]
    pages: tuple[int, ...]


def row_keys(row: dict[str, Any], picture: int | None) -> RowKeys:
    """The keys of a row whose fields are right."""
    told = row["provenance"]
    index = told.get("index")
    return RowKeys(
        index=index if is_whole(index) and 0 <= index < 2**62 else -1,
        split=SPLITS.index(row["split"]) if row["split"] in SPLITS else -1,
        files=tuple(map(hash64, named_files(row))),
        picture=_NO_PICTURE if picture is None else picture,
        designs=tuple(sorted({key for seal in row["seals"] if (key := design_key(seal)) is not None})),
        pages=page_keys(row),
    )


def design_key(seal: dict[str, Any]) -> int | None:
    """A hash that two impressions of one seal share: of its kind and of the texts that tell it from other seals.

    Args:
        seal: ``seals[]`` of a native row.
    """
    texts = seal["design"].get("texts")  # whole, even where a page's edge has cut the seal
    if not isinstance(texts, dict) or not texts:
        texts = {f"{line['role']} {at}": line["text"] for at, line in enumerate(seal["lines"])}
    telling = sorted((role, text) for role, text in texts.items() if role.partition(" ")[0] in _IDENTITY)
    return hash64(json.dumps([seal["kind"], telling], ensure_ascii=False)) if telling else None


def page_keys(row: dict[str, Any]) -> tuple[int, ...]:
    """Hashes that two samples of one page share."""
    keys = []
    text = "\n".join(box["text"] for box in row["text"])
    if len(text) >= _PAGE_TEXT:
        keys.append(hash64("text:" + text))
    source = row["provenance"].get("page")
    if isinstance(source, str) and source and not source.startswith("template:"):  # a template is no page
        keys.append(hash64("page:" + source))
    return tuple(keys)


def named_files(value: Any) -> list[str]:
    """Every path that a row names, even if the row is not sound: any text that begins with one of our folders."""
    if isinstance(value, str):
        return [value] if value.partition("/")[0] in FOLDERS and "/" in value else []
    if isinstance(value, dict):
        inner = [item for name, item in value.items() if name not in ("text", "design", "provenance", "objects")]
        return [path for item in inner for path in named_files(item)]
    if isinstance(value, list) and value and isinstance(value[0], (dict, str)):
        return [path for item in value for path in named_files(item)]
    return []


def hash64(text: str) -> int:
    """64 bits of BLAKE2b."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


class Ledger:
    """The keys of all rows, in order, and where each row begins in ``metadata.jsonl``."""

    def __init__(self, dataset: Path):
        self.dataset = dataset
        self.rows = 0
        self._offsets = array("q")
        self._indices, self._splits = array("q"), array("b")
        self._files, self._file_rows = array("Q"), array("I")
        self._pictures, self._picture_rows = array("Q"), array("I")
        self._designs, self._design_rows = array("Q"), array("I")
        self._pages, self._page_rows = array("Q"), array("I")

    def add(self, offset: int, keys: RowKeys | None, files: tuple[int, ...] = ()) -> None:
        """Note the next row.

        Args:
            offset: where its line begins in the file, in bytes.
            keys: its keys; None if its fields are wrong.
            files: of such a row, the hashes of the paths that it names.
        """
        row = self.rows
        self._offsets.append(offset)
        self.rows += 1
        self._indices.append(-1 if keys is None else keys.index)
        self._splits.append(-1 if keys is None else keys.split)
        columns = [(self._files, self._file_rows, files if keys is None else keys.files)]
        if keys is not None:
            columns += [(self._designs, self._design_rows, keys.designs), (self._pages, self._page_rows, keys.pages)]
            if keys.picture != _NO_PICTURE:
                columns.append((self._pictures, self._picture_rows, (keys.picture,)))
        for hashes, rows, values in columns:
            hashes.extend(values)
            rows.extend([row] * len(values))

    def findings(self) -> Iterator[Finding]:
        """What is wrong across rows and files."""
        yield from self._order()
        yield from self._duplicates()
        yield from self._leaks()
        yield from self._orphans()
        yield from self._remains()

    def row(self, number: int) -> dict[str, Any]:
        """A row, read again."""
        with (self.dataset / METADATA).open("rb") as file:
            file.seek(self._offsets[number])
            row: dict[str, Any] = json.loads(file.readline())
            return row

    def _name(self, number: int) -> str:
        return str(self.row(number).get("file_name", METADATA))

    def _order(self) -> Iterator[Finding]:
        indices = np.frombuffer(self._indices, np.int64) if self.rows else np.zeros(0, np.int64)
        first: dict[int, int] = {}
        known = np.flatnonzero(indices >= 0)
        for group in _groups(indices[known], known):
            first[int(indices[group[0]])] = int(group[0])
            for number in group[1:].tolist():
                message = f"sample {indices[number]} is also row {group[0]}"
                yield Finding(ERROR, "duplicate-index", self._name(number), number, message)
        for at in np.flatnonzero(np.diff(indices[known]) < 0).tolist():
            number, before = int(known[at + 1]), int(known[at])
            message = f"sample {indices[number]} comes after sample {indices[before]}; rows go by their index"
            yield Finding(ERROR, "row-order", self._name(number), number, message)
        count = self._wanted_count()
        if count is not None:
            present = np.zeros(count, bool)
            present[indices[(indices >= 0) & (indices < count)]] = True
            failed = self._failed()
            missing = np.array([number for number in np.flatnonzero(~present).tolist() if number not in failed])
            unreadable = int((indices < 0).sum())
            if len(missing) > unreadable:
                shown = ", ".join(map(str, missing[:5].tolist())) + (", ..." if len(missing) > 5 else "")
                message = f"{len(missing)} of {count} samples have no row: {shown}"
                yield Finding(ERROR, "missing-row", METADATA, None, message)
            if self.rows > count:
                yield Finding(ERROR, "missing-row", METADATA, None, f"{self.rows} rows; {SETTINGS} says {count}")

    def _wanted_count(self) -> int | None:
        try:
            count = json.loads((self.dataset / SETTINGS).read_text(encoding="utf-8"))["count"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return count if is_whole(count) and 0 < count < 10**9 else None

    def _failed(self) -> frozenset[int]:
        """Samples that could not be made, as the run itself has listed them."""
        try:
            lines = (self.dataset / FAILURES).read_text(encoding="utf-8").splitlines()
            return frozenset(json.loads(line)["index"] for line in lines)
        except (OSError, ValueError, KeyError, TypeError):
            return frozenset()

    def _duplicates(self) -> Iterator[Finding]:
        for group in _groups(_values(self._files), _values(self._file_rows)):
            number = int(group[-1])
            message = f"is named {len(group)} times, by rows {', '.join(map(str, sorted(set(group[:5].tolist()))))}"
            yield Finding(ERROR, "duplicate-file", self._twice(number, group), number, message)
        for group in _groups(_values(self._pictures), _values(self._picture_rows)):
            first = int(group[0])
            for number in group[1:].tolist():
                if number != first and self._name(number) != self._name(first):
                    message = f"shows the same picture as {self._name(first)} (row {first})"
                    severity = WARNING if self._same_bare_page(number, first) else ERROR
                    yield Finding(severity, "duplicate-image", self._name(number), number, message)

    def _same_bare_page(self, number: int, first: int) -> bool:
        """Whether both rows are one page of the user's, without a seal: such a page is shown as it is."""
        rows = self.row(number), self.row(first)
        return not any(row["seals"] for row in rows) and bool(set(page_keys(rows[0])) & set(page_keys(rows[1])))

    def _twice(self, number: int, group: npt.NDArray[Any]) -> str:
        """The path that the rows of a group share."""
        paths = named_files(self.row(number))
        if int(group[0]) == number:
            return next(path for path in paths if paths.count(path) > 1)
        others = set(named_files(self.row(int(group[0]))))
        return next(path for path in paths if path in others)

    def _leaks(self) -> Iterator[Finding]:
        splits = np.frombuffer(self._splits, np.int8) if self.rows else np.zeros(0, np.int8)
        for check, hashes, rows in (
            ("split-design", self._designs, self._design_rows),
            ("split-page", self._pages, self._page_rows),
        ):
            told: set[int] = set()
            for group in _groups(_values(hashes), _values(rows)):
                known = group[splits[group] >= 0]
                for number in known[splits[known] != splits[known[0]]].tolist() if len(known) else ():
                    if number in told:
                        continue
                    told.add(number)
                    first = int(known[0])
                    message = (
                        f"{self._what(check, number, first)} is in split {SPLITS[splits[number]]} here and in split "
                        f"{SPLITS[splits[first]]} in {self._name(first)} (row {first})"
                    )
                    yield Finding(ERROR, check, self._name(number), number, message)

    def _what(self, check: str, number: int, first: int) -> str:
        if check == "split-page":
            return "the same page"
        others = {design_key(seal) for seal in self.row(first)["seals"]}
        for seal in self.row(number)["seals"]:
            if design_key(seal) in others and design_key(seal) is not None:
                return f"the {seal['kind']} seal {' '.join(line['text'] for line in seal['lines'])!r}"
        return "the same seal"

    def _orphans(self) -> Iterator[Finding]:
        named = np.unique(_values(self._files))
        for folder in FOLDERS:
            for path in _files_below(self.dataset, folder):
                key = np.uint64(hash64(path))
                at = int(np.searchsorted(named, key))
                if at == len(named) or named[at] != key:
                    yield Finding(ERROR, "orphan-file", path, None, "no row names it")

    def _remains(self) -> Iterator[Finding]:
        if (self.dataset / WORK).exists():
            message = "is left of an interrupted run; go on with: seal2real generate --resume, with the same settings"
            yield Finding(ERROR, "unfinished", WORK, None, message)
        for path in sorted(self.dataset.glob("*.tmp")):
            yield Finding(WARNING, "unfinished", path.name, None, "is a temporary file that an interrupted run left")


def _values(values: array[int]) -> npt.NDArray[Any]:
    kind = np.dtype(values.typecode)  # the letters of Python's arrays are NumPy's, too
    return np.frombuffer(values, kind) if len(values) else np.zeros(0, kind)


def _groups(keys: npt.NDArray[Any], rows: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    """The rows of every key that occurs more than once, in order."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(keys) else np.zeros(0, int)
    ends = np.append(starts[1:], len(keys))
    for start, end in zip(starts[ends - starts > 1], ends[ends - starts > 1], strict=True):
        yield np.sort(rows[order[start:end]])


def _files_below(dataset: Path, folder: str) -> Iterator[str]:
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(dataset / here) as entries:
                inside = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
        except (FileNotFoundError, NotADirectoryError):
            continue
        for name, is_folder in inside:
            path = f"{here}/{name}"
            if is_folder:
                waiting.append(path)
            else:
                yield path
