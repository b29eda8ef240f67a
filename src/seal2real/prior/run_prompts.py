"""The backbone and the prompts of a training run."""

from __future__ import annotations

from pathlib import Path

from seal2real.errors import Seal2RealError, UsageError
from seal2real.prior.backbone import Backbone, load_backbone
from seal2real.prior.config import read_config_file
from seal2real.prior.prompts import Prompts

SHIPPED = "compact"


def open_run(run: str, backbone: str | None = None) -> tuple[Backbone, Prompts]:
    """Load what stage 1 learned.

    Args:
        run: RUN folder of a training, or "compact": the shipped backbone with the captions of a middling impression
            and of a flat paste as its prompts, learned from no real image.
        backbone: name, folder or hub id; None takes the one that the run adapted, else the one it started from.

    Returns:
        (backbone, prompts), both frozen.

    Raises:
        Seal2RealError: no such run, one without prompts, or with prompts of another backbone's shape.
    """
    folder = Path(run)
    if run == SHIPPED and not folder.is_dir():
        model = load_backbone(backbone or SHIPPED).requires_grad_(False)
        return model, Prompts.start(model).requires_grad_(False)
    if not folder.is_dir():
        raise Seal2RealError(f"{run}: no such folder; give a RUN folder of seal2real train, or {SHIPPED!r}")
    path = folder / "prompts.safetensors"
    if not path.is_file():
        raise Seal2RealError(
            f"{run}: holds no prompts ({path.name}); learn them: seal2real train --real DIR --out RUN --stage 1"
        )
    if backbone is None:
        backbone = str(folder / "backbone") if (folder / "backbone").is_dir() else _started_from(folder)
    model = load_backbone(backbone).requires_grad_(False)
    return model, Prompts.load(path, model).requires_grad_(False)


def _started_from(folder: Path) -> str:
    config = folder / "config.yaml"
    name = read_config_file(config).get("backbone", SHIPPED) if config.is_file() else None
    if not isinstance(name, str):
        raise UsageError(f"{folder}: holds neither backbone/ nor a config.yaml that names one; add --backbone")
    return name
