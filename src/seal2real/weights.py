"""Weights on disk: a folder with ``config.json`` and ``model.safetensors``. Nothing is ever unpickled."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from seal2real.errors import Seal2RealError
from seal2real.images import write_atomic


def shipped(name: str) -> Path:
    """Folder of the weights that come with the package: "compact" (backbone), "estimator" or "forger"."""
    return Path(str(resources.files("seal2real"))) / "assets" / name


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """All tensors of a safetensors file.

    Raises:
        Seal2RealError: the file is missing, damaged, or no safetensors file (a pickle under that name, say).
    """
    if not path.is_file():
        raise Seal2RealError(f"{path}: no such file; expected weights in safetensors format")
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a mapping)
    except (SafetensorError, OSError, ValueError) as error:
        raise Seal2RealError(
            f"{path}: not a valid safetensors file ({error}); pickled checkpoints are refused, convert them first"
        ) from None


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file atomically."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomic(path, save(plain, dict(metadata) if metadata else None))


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        Seal2RealError: missing or no JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Seal2RealError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise Seal2RealError(f"{path}: not readable as JSON ({error})") from None
    if not isinstance(value, dict):
        raise Seal2RealError(f"{path}: expected a JSON object, found {type(value).__name__}")
    return value


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, in UTF-8."""
    write_atomic(path, (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode())


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Write a folder's files as one: yields another folder, which takes the place of ``folder`` when all went well.

    Raises:
        Seal2RealError: safetensors could not write (a full disk); nothing is left then.
    """
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        if folder.exists():
            shutil.rmtree(folder)
        part.rename(folder)
    except SafetensorError as error:
        raise Seal2RealError(f"{folder}: cannot be written ({error}); check the space and rights of the disk") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def save_module(
    module: torch.nn.Module, folder: Path, config: Mapping[str, Any], dtype: torch.dtype | None = None
) -> None:
    """Write a module's weights and config; ``dtype`` (e.g. ``torch.bfloat16``) shrinks floating-point tensors."""
    state = module.state_dict()
    if dtype is not None:
        state = {name: t.to(dtype) if t.is_floating_point() else t for name, t in state.items()}
    write_tensors(folder / "model.safetensors", state)
    write_json(folder / "config.json", dict(config))


def load_into(module: torch.nn.Module, path: Path) -> None:
    """Fill a module with the tensors of a file, converted to the module's types.

    Raises:
        Seal2RealError: names or shapes do not fit; the message names the first that differs.
    """
    tensors = read_tensors(path)
    own = module.state_dict()
    for name, tensor in own.items():
        if name not in tensors:
            raise Seal2RealError(f"{path}: tensor {name!r} is missing")
        if tensors[name].shape != tensor.shape:
            raise Seal2RealError(
                f"{path}: tensor {name!r} has shape {list(tensors[name].shape)}, expected {list(tensor.shape)}"
            )
    extra = sorted(set(tensors) - set(own))
    if extra:
        raise Seal2RealError(f"{path}: unexpected tensor {extra[0]!r}; these are weights of another model")
    module.load_state_dict(tensors)
