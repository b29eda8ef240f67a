"""Forgers as folders and on the Hugging Face hub: ``config.json``, ``model.safetensors`` and a model card."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seal2real.errors import Seal2RealError, UsageError
from seal2real.images import write_atomic
from seal2real.weights import write_json, write_tensors

if TYPE_CHECKING:
    from seal2real.forger.forge import Forger

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
_log = logging.getLogger(__name__)
_CARD = """---
license: {licence}
library_name: seal2real
pipeline_tag: image-to-image
tags:
- seal2real
- document-ai
- synthetic-data
---

# {name}

A {kind} forger of [Seal2Real](https://arxiv.org/abs/2310.00546): it makes drawn seals on documents look real, while
every label stays exact.

| | |
|---|---|
| kind | {kind} |
| parameters | {parameters:,} |
| capture devices learned one by one | {devices} |
| format | safetensors, {dtype} |

## Use

```
seal2real generate OUT --forger {where}
seal2real forge IMAGES --out DIR --forger {where}
```

```python
from seal2real.forger import Forger
forger = Forger.from_pretrained("{where}")
sample = forger.forge(sample, rng, {{"device": "phone"}})
```

## What it learned from

{training}

## Limits

It resembles the images that it learned from: inks, papers and devices that were not among them are the press-and-scan
model's own ranges. Generated images are for training and testing models, and say in their metadata that they are
synthetic. Not for making a copy of a given seal.
"""


def save_forger(
    forger: Forger, folder: Path, training: str = "", licence: str = "apache-2.0", where: str | None = None
) -> None:
    """Write a forger as a folder that `load_pretrained` and `seal2real --forger` take.

    Args:
        forger: its weights are written as they were before inference made them smaller.
        folder: files of these names are replaced.
        training: what the model card says of the training data, in Markdown.
        licence: identifier of the licence, as the hub lists them.
        where: what the card's commands name; None is the folder.
    """
    state, config = forger.weights, dict(forger.network.config)
    dtypes = sorted({str(tensor.dtype).removeprefix("torch.") for tensor in state.values()})
    card = _CARD.format(
        licence=licence,
        name=forger.name,
        kind=config["kind"],
        parameters=sum(tensor.numel() for tensor in state.values()),
        devices="yes" if config.get("devices") else "no",
        dtype=", ".join(dtypes),
        where=where or folder.as_posix(),
        training=training or "Not told. Say here what the real images were, and whether they may be used so.",
    )
    write_tensors(folder / WEIGHTS, state, {"format": "pt"})
    write_json(folder / CONFIG, config)
    write_atomic(folder / CARD, card.encode())


def push_forger(forger: Forger, name: str, training: str = "", private: bool = False) -> str:
    """Upload a forger to the hub, where the user is logged in; the page's address.

    Raises:
        Seal2RealError: no network, no rights, or no such name.
    """
    import tempfile

    from huggingface_hub import HfApi

    with tempfile.TemporaryDirectory() as temporary:
        save_forger(forger, Path(temporary), training, where=name)
        try:
            api = HfApi()
            address = api.create_repo(name, private=private, exist_ok=True)
            api.upload_folder(repo_id=name, folder_path=temporary)
        except Exception as error:
            raise _explained(error, name, "written to") from error
    return str(address)


def fetch_forger(name: str, revision: str | None = None) -> Path:
    """Folder of a forger of the hub, from the cache where it is there already.

    Args:
        name: OWNER/NAME.
        revision: branch, tag or commit; None is the newest.

    Raises:
        Seal2RealError: no such name, or it cannot be fetched (no network, no rights).
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=[CONFIG, WEIGHTS, CARD]))
    except Exception as error:
        raise _explained(error, name, "fetched from") from error


def is_hub_id(name: str) -> bool:
    """Whether a name can be one of the hub: OWNER/NAME in its letters, and no path."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    if name.count("/") != 1 or name.startswith((".", "/", "~")) or Path(name).parent.exists():
        return False
    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return True


def _explained(error: Exception, name: str, done: str) -> Seal2RealError:
    """One line for what the hub's library raises: dozens of classes, of which some are those of its HTTP client."""
    from huggingface_hub import errors

    _log.debug("%s", error)
    kinds: list[tuple[Any, str]] = [
        (errors.GatedRepoError, "its owner must let you in first; ask on its page and run 'hf auth login'"),
        (errors.RepositoryNotFoundError, "there is none of that name, or it is private; run 'hf auth login' if so"),
        (errors.RevisionNotFoundError, "it has no such revision"),
        (errors.HFValidationError, "that is no OWNER/NAME"),
    ]
    for kind, what in kinds:
        if isinstance(error, kind):
            return UsageError(f"{name}: no such folder, and on the Hugging Face hub {what}")
    return Seal2RealError(
        f"{name}: no such folder, and it cannot be {done} the Hugging Face hub (no connection?); fetch its {CONFIG} "
        f"and {WEIGHTS} on another machine and give their folder"
    )
