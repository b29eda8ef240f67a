"""Models of tasks: where they are (with the package, in folders, on the hub), how a tool is made of one, and how the
U-Net of one is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import torch

from seal2real.errors import Seal2RealError
from seal2real.forger.pretrained import fetch_forger, is_hub_id
from seal2real.tasks.crops import CropSet
from seal2real.tasks.fitting import FitConfig, Lesson, Progress, fit
from seal2real.tasks.networks import TaskUNet, new_network
from seal2real.weights import read_json, shipped

DEFAULT = "default"
Own = TypeVar("Own", bound="Pretrained")
Tool = TypeVar("Tool", bound="UNetTool")
Made = TypeVar("Made")
_DEFAULT = FitConfig()


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


class Sizes(NamedTuple):
    """Maps of a task's U-Net at full and at half the resolution, and its input channels; see `TaskUNet`."""

    full: int
    half: int
    inputs: int = 3


def load_network(folder: Path, sizes: Sizes) -> TaskUNet:
    """The network of a model's folder.

    Raises:
        Seal2RealError: a file is missing or damaged, or the model was made for another version of its tool.
    """
    network = TaskUNet.load(folder)
    found = Sizes(network.sizes.full, network.sizes.half, network.sizes.inputs)
    if found != sizes:
        raise Seal2RealError(f"{folder}: a model of another version ({found}, expected {sizes}); train it again")
    return network


class Pretrained:
    """A tool made of a trained model. A subclass says of which kind, and how it is made of its folder."""

    kind: ClassVar[str]

    @classmethod
    def from_pretrained(cls: type[Own], name: str | Path = DEFAULT) -> Own:
        """The shipped one ("default"), that of a folder, or of the hub.

        Raises:
            Seal2RealError: no such model, or a damaged one.
        """
        return cls.of_folder(model_folder(name, cls.kind))

    @classmethod
    def of_folder(cls: type[Own], folder: Path) -> Own:
        """That of a model's own folder.

        Raises:
            Seal2RealError: a file is missing, damaged, or of another model.
        """
        raise NotImplementedError


class UNetTool(Pretrained):
    """A tool that is nothing but a trained U-Net. A subclass says of which ``sizes``.

    Args:
        network: trained for the tool's task.
        dtype: of the computation.
    """

    sizes: ClassVar[Sizes]

    def __init__(self, network: TaskUNet, dtype: torch.dtype = torch.bfloat16):
        self.network = network.for_inference(dtype)

    @classmethod
    def of_folder(cls: type[Tool], folder: Path) -> Tool:
        """As of `Pretrained.of_folder`."""
        return cls(load_network(folder, cls.sizes))


@dataclass(frozen=True)
class UNetTraining(Generic[Made]):
    """The training of a task's U-Net: called with datasets, it learns and writes the model.

    Attributes:
        kind: of the model, as ``config.json`` says it.
        lesson: batches and loss, of rows of datasets.
        made: what a call returns, of the network and of what ``finish`` told.
        sizes: of the network.
        default: settings where none are given.
        finish: called with the trained network and the datasets; the values that it returns stand in ``config.json``.
    """

    kind: str
    lesson: Callable[[CropSet], Lesson]
    made: Callable[..., Made]
    sizes: Sizes
    default: FitConfig = _DEFAULT
    finish: Callable[[TaskUNet, Sequence[Path]], dict[str, Any]] = lambda network, datasets: {}

    def __call__(
        self,
        datasets: Sequence[Path],
        out: Path,
        config: FitConfig | None = None,
        resume: bool = False,
        progress: Progress | None = None,
        widths: tuple[int, ...] | None = None,
        start: str | Path | None = None,
    ) -> Made:
        """Train on native datasets, and write the model to ``out/model``.

        Args:
            datasets: folders that `seal2real generate` made; their training split is used.
            out: folder of the run.
            config: settings; None takes ``default``.
            resume: go on with the run in ``out``.
            progress: called after each step.
            widths: of the network; None for the usual ones.
            start: model to go on from, as for `model_folder`; None begins with random weights.

        Raises:
            UsageError: no dataset, or ``out`` holds something else.
            Seal2RealError: no such model to start from, data that lacks what the task needs, or a loss that is not
                finite.
        """
        config = config or self.default
        lesson = self.lesson(CropSet(datasets))
        if start is not None:
            network = load_network(model_folder(start, self.kind), self.sizes)
        else:
            network = new_network(config.seed, self.sizes.full, self.sizes.half, widths, self.sizes.inputs)
        network = fit(network, lesson, config, out, resume, progress)
        more = self.finish(network, datasets)
        network.save(out / "model", kind=self.kind, **more)
        return self.made(network, **more)
