"""Donut's format, for models that read a whole page into JSON (Kim et al., 2022, arXiv 2111.15664).

``train``, ``validation`` and ``test`` are folders of images with a ``metadata.jsonl``, whose ``ground_truth`` is a JSON
string ``{"gt_parse": {"seals": [{"kind", "colour", "texts"}, ...], "text": [line, ...]}}``. Texts are in reading order;
of a seal's lines, only what can be read on the image (see `seal2real.dataset.legibility`).
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

from seal2real.dataset.formats.base import Format, Progress
from seal2real.dataset.formats.folder import new_folder, rows_to_export
from seal2real.dataset.formats.foreign import json_line, link_file
from seal2real.dataset.formats.native import METADATA, Row
from seal2real.dataset.legibility import seal_parts


def write(dataset: Path, out: Path, progress: Progress = lambda done: None) -> None:
    """Write a native dataset in Donut's format.

    Args:
        dataset: folder of the native dataset.
        out: folder to make.
        progress: called with the count of samples just done.

    Raises:
        UsageError: no such dataset, or ``out`` is not empty.
        Seal2RealError: a file cannot be read or written.
    """
    with new_folder(out) as folder, ExitStack() as stack:
        splits: dict[str, TextIO] = {}
        for row in rows_to_export(dataset, progress):
            split = row["split"]
            if split not in splits:
                (folder / split).mkdir()
                file = (folder / split / METADATA).open("w", encoding="utf-8", newline="\n")
                splits[split] = stack.enter_context(file)
            name = PurePosixPath(row["file_name"]).name
            link_file(dataset, row["file_name"], folder / split / name)
            truth = json_line({"gt_parse": parse_of(dataset, row)})
            print(json_line({"file_name": name, "ground_truth": truth}), file=splits[split])


def parse_of(dataset: Path, row: Row) -> dict[str, Any]:
    """What a model is to read from a sample: ``seals`` and the page's ``text``.

    Raises:
        Seal2RealError: a mask cannot be read.
    """
    seals = []
    for seal in row["seals"]:
        parts = [part for _, parts in seal_parts(dataset, row, seal) for part in parts]
        texts = [part.text.strip() for part in parts if part.legible and part.text.strip()]
        seals.append({"kind": seal["kind"], "colour": seal["colour"], "texts": texts})
    return {"seals": seals, "text": [line["text"] for line in row["text"] if line["text"].strip()]}


FORMAT = Format("donut", "Donut: pages with their seals and texts as JSON to be read from the image", write, None)
