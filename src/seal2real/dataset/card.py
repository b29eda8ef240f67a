"""The dataset card: what a reader of the folder must know."""
# ruff: noqa: E501 (a table row of Markdown is one line)

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_CARD = """---
pretty_name: Seal2Real documents with seals
license: {license}
task_categories: [image-segmentation, object-detection, image-to-text, image-to-image]
tags: [synthetic, document-ai, seal, stamp]
---

# Documents with seals, made by Seal2Real {version}

**Every image here is synthetic.** Names of organisations and persons, numbers and texts are invented; a likeness to real
ones is chance. The JPEG files say so in their metadata (IPTC Digital Source Type).

{count} samples, seed {seed}. Forger: `{forger}`{forger_note}. Pages: {pages_note}.

{license_note}

## How to read it

```python
from datasets import load_dataset

data = load_dataset("imagefolder", data_dir="THIS FOLDER", split="train")
train = data.filter(lambda row: row["split"] == "train")
```

(`imagefolder` calls all rows "train"; the split is the column `split`: train, validation or test.)

## Fields of `metadata.jsonl`

One sample a line. Paths are relative to the file. Pixels, x to the right, y down; `bbox` is [x, y, width, height].

| field | what it is |
|---|---|
| `file_name` | the stamped image |
| `clean` | the same page under the same scan without seals, aligned to the pixel |
| `ink` | 8-bit map of visible ink: 255 = all light of the darkest channel absorbed |
| `width`, `height`, `dpi`, `split` | of the image |
| `seals[].kind`, `.colour`, `.angle` | kind of seal, ink class, rotation in degrees clockwise |
| `seals[].bbox` | tight box of the seal's full mask on the image |
| `seals[].polygon` | outline; it may reach past the image's edge |
| `seals[].mask_full`, `.mask_visible` | 1-bit masks: the design, and the ink that can be seen after wear |
| `seals[].lines[]` | `text`, `role`, `curved`; `polygon` (along the top edge in reading order, back along the bottom edge); `characters` (a quad each: top-left, top-right, bottom-right, bottom-left as read); `crop`, the line unwarped for recognition, or null where it runs off the image |
| `seals[].authenticity` | `impression` (made to look real), `paste` (a digital picture on the page), `colour-copy` (printed with its page) or `photocopy` (copied with its page, without colour; `colour` stays that of the ink) |
| `seals[].genuine`, `.reference`, `.altered` | in verification sets: whether it is an impression of the genuine die; an image of that die's impression; for another die, what differs (`what`, `was`, `now`), else null |
| `seals[].effects` | how the seal was put down, if not plainly: `bend_mm`, `double-strike`, `partial-strike`, `riding` (which sheet of how many, and its `strip` of the seal), `wear` (of the design itself), `upside-down`, `over-seal`, `over-signature`, `off-page`, `issuer` (the page names whose seal it is), `random-text`; how it was pasted or copied |
| `seals[].design` | what the seal was drawn from |
| `text[]` | the page's own text: `text`, `bbox`; `under_seal` and `under_ink`, the shares of the box inside a seal's outline and under visible ink |
| `objects` | boxes of the seals with category 0 = seal, for object detection |
| `provenance` | seed, index, forger, page source, version; `device` (scan, phone, photocopy) where one was chosen; where samples are the sheets of documents: `document`, `sheet`, `sheets` |

## Settings

```json
{settings}
```
"""


def dataset_card(settings: Mapping[str, Any]) -> str:
    """The text of a dataset's README.md.

    Args:
        settings: those of `seal2real.dataset.generate.GenerateConfig`, with "version".
    """
    own_pages = settings["pages"] is not None
    return _CARD.format(
        license="other" if own_pages else "apache-2.0",
        license_note=(
            "The pages are the user's own: their licence holds for the images. Seals and labels: Apache-2.0."
            if own_pages
            else "Licence of images and labels: Apache-2.0."
        ),
        pages_note="from the user's own folder" if own_pages else "typeset from templates",
        forger_note=" (flat pasted seals, not made to look real)" if settings["forger"] == "none" else "",
        version=settings["version"],
        count=settings["count"],
        seed=settings["seed"],
        forger=settings["forger"],
        settings=json.dumps(dict(settings), indent=1, ensure_ascii=False),
    )
