"""Train, validation and test: apart by design and by page, so that nothing that is learned can be recognised.

A sample's split is drawn by its number; the sheets of one document share theirs. What it is then made of comes from the
part of the world that belongs to that split:

- **Seals.** Every name of an organisation or a person belongs to one split, by a hash of the name. It does not depend
  on the seed, so that data sets with the same shares never share a name across splits either. Seals without a name
  (a date, PAID, 作废) have only stock words, and occur everywhere; no two of them are drawn alike.
- **The user's designs.** They are shared out; those of one name, or of equal content, to the same split. With fewer
  designs than splits, train comes first, then the larger split. No invented seal has a name of theirs.
- **The user's pages.** Every file belongs to one split, copies of a file to the same. With fewer files than splits it
  is the pages of the files that are shared out; with fewer pages than splits, train comes first, then the larger split.
- **Pages from templates.** What a template is filled with (names, numbers, dates, amounts, chosen clauses, layout)
  belongs as a whole to one split, by its hash. A form's own words, which all its copies have, occur in every split.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from seal2real.page import FolderPages, TemplatePages
    from seal2real.sample import Page
    from seal2real.seal import SealDesign

SPLITS = ("train", "validation", "test")
_ENDINGS = ("之印章", "之印", "印章", "印")  # of a person's seal: the name is the same without
_QUOTED = re.compile("«(.+?)»")
Shares = Mapping[str, float]
_Unit = TypeVar("_Unit")


def shares_of(validation: float, test: float) -> dict[str, float]:
    """The shares of all splits that get any."""
    shares = dict(zip(SPLITS, (1.0 - validation - test, validation, test), strict=True))
    return {name: share for name, share in shares.items() if share > 1e-9}


def split_at(place: float, shares: Shares) -> str:
    """The split at a place in [0, 1): test, validation, and then train."""
    total, reached = sum(shares.values()), 0.0
    for name in reversed(SPLITS):
        reached += shares.get(name, 0.0) / total
        if name in shares and place < reached:
            return name
    return next(iter(shares))


def place_of(key: str) -> float:
    """A place in [0, 1) for a text, evenly spread, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") / 2.0**64


def seal_identity(texts: Mapping[str, str]) -> str | None:
    """Whose seal it is, as far as splits are concerned; None for one that names nobody.

    Args:
        texts: of a `seal2real.seal.SealDesign`.
    """
    from seal2real.seal.names import words

    name = _folded(texts.get("name", ""))
    if name in map(_folded, words("cyrillic_forms")):  # the ring has the legal form, and the middle the name
        name = _folded(texts.get("purpose", ""))
    if quoted := _QUOTED.search(name):
        name = quoted[1]
    for ending in _ENDINGS:
        if len(name) > len(ending) + 1 and name.endswith(ending):
            name = name.removesuffix(ending)
            break
    return name or None


def _folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def design_accepter(split: str, shares: Shares, taken: Set[str] = frozenset()) -> Callable[[SealDesign], bool] | None:
    """Which invented designs belong to a split; None if all do.

    Args:
        split: the split.
        shares: of the splits.
        taken: identities that are not invented, as the user's own designs have them.
    """
    if len(shares) == 1 and not taken:
        return None

    def accept(design: SealDesign) -> bool:
        identity = seal_identity(design.texts)
        return identity is None or (identity not in taken and split_at(place_of(identity), shares) == split)

    return accept


def template_part(pages: TemplatePages, split: str, shares: Shares) -> TemplatePages:
    """The templates with the fillings that belong to a split."""
    if len(shares) == 1:
        return pages

    def accept(data: Mapping[str, Any]) -> bool:
        return split_at(place_of(json.dumps(data, sort_keys=True, ensure_ascii=False)), shares) == split

    return replace(pages, accept=accept)


def folder_parts(pages: FolderPages, shares: Shares) -> dict[str, FolderPages]:
    """The user's pages, shared out.

    Returns:
        Split -> its pages. Splits for which there was nothing are missing: train never, else the smallest first.
    """
    units: list[list[tuple[Path, Sequence[int]]]]
    units = [[(path, pages.pages[path]) for path in same] for same in _copies(list(pages.pages))]
    if len(units) < len(shares):
        units = [
            [(path, (number,)) for path in same for number in pages.pages[path][at : at + 1]]
            for same in _copies(list(pages.pages))
            for at in range(len(pages.pages[same[0]]))
        ]
    units.sort(key=lambda unit: place_of(f"{unit[0][0].relative_to(pages.folder).as_posix()}#{unit[0][1][0]}"))
    parts: dict[str, FolderPages] = {}
    for split, taken in share_out(units, shares).items():
        numbers: dict[Path, Sequence[int]] = {}
        for path, more in sorted(
            (entry for unit in taken for entry in unit), key=lambda entry: (entry[0], entry[1][0])
        ):
            numbers[path] = [*numbers[path], *more] if path in numbers else more
        parts[split] = pages.part(numbers)
    return parts


def page_identity(page: Page) -> str:
    """16 hexadecimal digits that two pages share only if they are the same page of the same file, or read the same."""
    text = "\n".join([page.source, *(box.text for box in page.text)])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def share_out(units: Sequence[_Unit], shares: Shares) -> dict[str, Sequence[_Unit]]:
    """Units in a random order, cut into the splits' parts. Splits for which there are too few units are missing."""
    parts, start = {}, 0
    for split, count in _counts(len(units), shares).items():
        parts[split] = units[start : start + count]
        start += count
    return parts


def _counts(total: int, shares: Shares) -> dict[str, int]:
    """How many of ``total`` units each split gets: its share, yet at least one as long as there are any."""
    names = sorted(shares, key=lambda name: (name != "train", -shares[name]))[:total]
    whole = sum(shares[name] for name in names)
    counts = {name: max(1, round(total * shares[name] / whole)) for name in names[1:]}
    while sum(counts.values()) >= total > 1 and counts:
        largest = max(counts, key=lambda name: counts[name])
        if counts[largest] == 1:
            break
        counts[largest] -= 1
    return {names[0]: total - sum(counts.values()), **counts}


def _copies(paths: Sequence[Path]) -> list[list[Path]]:
    """The files in groups of equal content. Only files of equal size are read."""
    sizes: dict[int, list[Path]] = defaultdict(list)
    for path in paths:
        sizes[path.stat().st_size].append(path)
    groups: list[list[Path]] = []
    for same_size in sizes.values():
        if len(same_size) == 1:
            groups.append(same_size)
            continue
        contents: dict[bytes, list[Path]] = defaultdict(list)
        for path in same_size:
            contents[_digest(path)].append(path)
        groups.extend(contents.values())
    return groups


def _digest(path: Path) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.digest()
