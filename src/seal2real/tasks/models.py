"""Where the models of tasks are: those that come with the package, folders, and the hub."""

from __future__ import annotations

from pathlib import Path

from seal2real.errors import Seal2RealError
from seal2real.forger.pretrained import fetch_forger, is_hub_id
from seal2real.tasks.networks import TaskUNet, new_network
from seal2real.weights import read_json, shipped

DEFAULT = "default"


def model_folder(name: str | Path, kind: str) -> Path:
    """Folder of a model.

    Args:
        name: "default" for the shipped one, a folder (a model's own, or the run that trained it), or OWNER/NAME of the
            hub.
        kind: what it must be, as ``config.json`` says it.

    Raises:
        Seal2RealError: nothing is there, or a model of another kind.
    """
    if name == DEFAULT:
        folder = shipped(kind)
    elif (Path(name) / "model" / "config.json").is_file():
        folder = Path(name) / "model"
    elif not Path(name).exists() and is_hub_id(str(name)):
        folder = fetch_forger(str(name))
    else:
        folder = Path(name)
    config = folder / "config.json"
    if not config.is_file():
        if name == DEFAULT:
            raise Seal2RealError(f"no {kind} comes with the package; train one with train-task, and give its run")
        raise Seal2RealError(f"{name}: no {kind} is there; give the folder of one that was trained, or its run")
    found = read_json(config).get("kind")
    if found != kind:
        raise Seal2RealError(f"{name}: expected a {kind}, found {found or 'something else'}; give the folder of one")
    return folder


def first_network(
    start: str | Path | None,
    kind: str,
    seed: int,
    full: int,
    half: int,
    widths: tuple[int, ...] | None = None,
    inputs: int = 3,
) -> TaskUNet:
    """What a training begins with: a model (see `model_folder`), or a new network (see `new_network`).

    Raises:
        Seal2RealError: no such model.
    """
    if start is not None:
        return TaskUNet.load(model_folder(start, kind))
    return new_network(seed, full, half, widths, inputs)
