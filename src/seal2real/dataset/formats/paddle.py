"""PaddleOCR's and PaddleX's text files for detecting and recognising the text of seals.

Two data sets beside each other, each as PaddleX's dataset check wants it (``images/``, ``train.txt`` and ``val.txt``
with one tab a line; ``dict.txt`` for recognition):

- ``det/``: ``images/NAME.jpg<tab>[{"transcription": text, "points": [[x, y], ...]}, ...]``. Polygons have an even count
  of points, along the top of the characters in reading order and back along their bottom. What cannot be read says
  ``###``, which the trainers leave out of their loss (see `seal2real.dataset.legibility`).
- ``rec/``: ``images/NAME.png<tab>text``, the straightened crops of the lines that are legible and whole; ``dict.txt``
  has every character but the space (PaddleOCR adds it: ``use_space_char``); ``lines.jsonl`` says of each crop where it
  is from and how much of it lies under ink.

PaddleOCR's loader passes over images without any polygon. A negative therefore carries one: four pixels in a corner,
``###``, so that it is trained on as background.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

import cv2
import numpy as np

from seal2real.dataset.formats.base import Format, Progress
from seal2real.dataset.formats.folder import file_bytes, new_folder, rows_to_export
from seal2real.dataset.formats.foreign import SPLITS, json_line, link_file
from seal2real.dataset.formats.native import Row, read_rows
from seal2real.dataset.legibility import ILLEGIBLE, VISIBLE_SHARE, seal_parts
from seal2real.dataset.unwarp import unwarp_line
from seal2real.errors import Seal2RealError
from seal2real.images import encode_png

_BACKGROUND = {"transcription": ILLEGIBLE, "points": [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]]}
_HELD_OUT = 10  # of a data set without validation and test samples, every tenth sample serves
_MIN_SIDE = 4.0  # pixels; lower lines of the page are no text any more

_Crop = tuple[dict[str, Any], str | bytes]  # where it is from; its native path, or its bytes
_log = logging.getLogger(__name__)
_README = """# Text of seals, for PaddleOCR and PaddleX

Every image here is synthetic. `det/` is for text detection, `rec/` for text recognition; each is a PaddleX data set.
{pages}
{images} images with {polygons} polygons, of which {illegible} say `###`: less than {share:.0%} of their ink can be
seen, or their characters are cut by the edge of the image. {crops} line crops; the longest text has {longest}
characters (`max_text_length` must be at least that); `dict.txt` has {characters} characters and no space
(`use_space_char: true`).

```
python main.py -c paddlex/configs/modules/seal_text_detection/PP-OCRv4_mobile_seal_det.yaml \\
    -o Global.mode=check_dataset -o Global.dataset_dir=det
```

(`main.py` of PaddleX's repository.)
"""


def write(dataset: Path, out: Path, progress: Progress = lambda done: None, *, page_text: bool = False) -> None:
    """Write the texts of a native dataset's seals for PaddleOCR.

    Args:
        dataset: folder of the native dataset.
        out: folder to make.
        progress: called with the count of samples just done.
        page_text: take the page's own lines, too, with the share of each that lies under ink.

    Raises:
        UsageError: no such dataset, or ``out`` is not empty.
        Seal2RealError: a file cannot be read or written.
    """
    list_of, note = _lists(dataset)
    tally: Counter[str] = Counter()
    characters: set[str] = set()
    with new_folder(out) as folder, ExitStack() as stack:
        lists: dict[tuple[str, str], TextIO] = {}
        for task in ("det", "rec"):
            (folder / task / "images").mkdir(parents=True)
            for tag in SPLITS.values():
                lists[task, tag] = stack.enter_context(_text_file(folder / task / f"{tag}.txt"))
        origins = stack.enter_context(_text_file(folder / "rec/lines.jsonl"))
        for number, row in enumerate(rows_to_export(dataset, progress)):
            tag = list_of(row, number)
            image = PurePosixPath(row["file_name"]).name
            link_file(dataset, row["file_name"], folder / "det/images" / image)
            items, crops = _seal_items(dataset, row)
            if page_text:
                page_items, page_crops = _page_items(dataset, row)
                items, crops = items + page_items, crops + page_crops
            print(f"images/{image}\t{json_line(items or [_BACKGROUND])}", file=lists["det", tag])
            tally["images"] += 1
            tally["polygons"] += len(items)
            tally["illegible"] += sum(item["transcription"] == ILLEGIBLE for item in items)
            for position, (origin, crop) in enumerate(crops):
                name = f"images/{PurePosixPath(image).stem}_{position:03d}.png"
                if isinstance(crop, str):
                    link_file(dataset, crop, folder / "rec" / name)
                else:
                    (folder / "rec" / name).write_bytes(crop)
                text = origin["text"]
                print(f"{name}\t{text}", file=lists["rec", tag])
                print(json_line({"image": name, "split": tag, **origin}), file=origins)
                characters |= set(text)
                tally["crops"] += 1
                tally["longest"] = max(tally["longest"], len(text))
        alphabet = sorted(characters - {" "})
        (folder / "rec/dict.txt").write_text("".join(f"{c}\n" for c in alphabet), encoding="utf-8", newline="\n")
        pages = "\nThe page's own lines are among them; `rec/lines.jsonl` tells how much of each is under ink.\n"
        counts = {name: tally[name] for name in ("images", "polygons", "illegible", "crops", "longest")}
        readme = _README.format(
            **counts, characters=len(alphabet), share=VISIBLE_SHARE, pages=pages if page_text else ""
        )
        (folder / "README.md").write_text(readme, encoding="utf-8")
        if note:
            _log.warning("%s %s", dataset, note)
        for (task, tag), listed in lists.items():
            if tag != "test" and not listed.tell():
                _log.warning("%s: %s/%s.txt is empty; PaddleX wants samples in it", out, task, tag)


def write_with_page_text(dataset: Path, out: Path, progress: Progress = lambda done: None) -> None:
    """As `write`, with the page's own lines."""
    write(dataset, out, progress, page_text=True)


def _lists(dataset: Path) -> tuple[Callable[[Row, int], str], str]:
    """Which text file a row goes to, by the row and its number; and what the user is to know of it.

    ``val.txt`` must not stay empty: without validation samples, those of the test split take their place, and without
    these a part of the training samples.
    """
    splits = {row["split"] for row in read_rows(dataset)}
    if "validation" in splits or not splits:
        return lambda row, number: SPLITS[row["split"]], ""
    if "test" in splits:
        note = "has no validation samples: those of the test split go to val.txt"
        return lambda row, number: "val" if row["split"] == "test" else "train", note
    note = f"has training samples alone: one in {_HELD_OUT} goes to val.txt"  # the second first: two samples suffice
    return lambda row, number: "val" if number % _HELD_OUT == 1 else "train", note


def _seal_items(dataset: Path, row: Row) -> tuple[list[dict[str, Any]], list[_Crop]]:
    """Polygons of the seals' lines, and the crops of those that can be read whole."""
    items: list[dict[str, Any]] = []
    crops: list[_Crop] = []
    for seal in row["seals"]:
        for line, parts in seal_parts(dataset, row, seal):
            for part in parts:
                text = _one_line(part.text)
                legible = part.legible and bool(text)
                items.append(
                    {"transcription": text if legible else ILLEGIBLE, "points": _points(part.polygon), "of": "seal"}
                )
                if legible and part.whole and line["crop"]:
                    origin = {"text": text, "of": "seal", "kind": seal["kind"], "colour": seal["colour"]}
                    origin |= {
                        "role": line.get("role"),
                        "curved": line.get("curved"),
                        "visible": round(part.visible, 2),
                    }
                    crops.append((origin, line["crop"]))
    return items, crops


def _page_items(dataset: Path, row: Row) -> tuple[list[dict[str, Any]], list[_Crop]]:
    """Boxes of the page's own lines, and their crops, all legible: ink of seals lets print show through."""
    image = cv2.imdecode(np.frombuffer(file_bytes(dataset, row["file_name"]), dtype=np.uint8), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise Seal2RealError(f"{dataset / row['file_name']} is damaged; generate the dataset again")
    items: list[dict[str, Any]] = []
    crops: list[_Crop] = []
    for line in row["text"]:
        text = _one_line(line["text"])
        x, y, w, h = line["bbox"]
        box = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], dtype=np.float32)
        box = np.clip(box, 0, [row["width"], row["height"]]).astype(np.float32)
        if not text or np.ptp(box, axis=0).min() < _MIN_SIDE:
            continue
        shares = {"under_seal": line.get("under_seal"), "under_ink": line.get("under_ink")}
        items.append({"transcription": text, "points": _points(box), "of": "page", **shares})
        crops.append(({"text": text, "of": "page", **shares}, encode_png(unwarp_line(np.asarray(image), box))))
    return items, crops


def _text_file(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", newline="\n")


def _one_line(text: str) -> str:
    """Text as the files can hold it: tabs and line ends would break their lines."""
    return " ".join(text.split())


def _points(polygon: np.ndarray) -> list[list[float]]:
    return [[round(float(x), 2), round(float(y), 2)] for x, y in polygon]


FORMAT = Format("paddle", "PaddleOCR and PaddleX: detection and recognition of the text of seals", write, None)
WITH_PAGE_TEXT = Format(
    "paddle-page", "PaddleOCR and PaddleX: the text of seals and of the page under them", write_with_page_text, None
)
