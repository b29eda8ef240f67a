"""Reading one straightened line: a small convolutional network and connectionist temporal classification (CTC, Graves
et al. 2006)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import nn

from seal2real.errors import Seal2RealError
from seal2real.prior.training import initial_weights
from seal2real.sample import Image
from seal2real.tasks.crops import CropSet
from seal2real.tasks.fitting import FitConfig, Progress, fit
from seal2real.tasks.line_images import HEIGHT, STEP, batched, fitted
from seal2real.tasks.models import Pretrained
from seal2real.tasks.recognise_lesson import FRESH, RecogniseLesson
from seal2real.weights import load_into, read_json, save_module

NAME = "recogniser"
_CHANNELS = (32, 64, 128, 224)
Recogniser = Callable[[Image], tuple[str, float]]  # a straightened line to its text and confidence 0..1


class LineNetwork(nn.Module):
    """Columns of a line to logits over characters: convolutions that take the height away, then some along the line.

    Args:
        characters: how many there are; class 0 is CTC's blank.
        channels: of the four stages.
        depth: blocks along the line.
    """

    def __init__(self, characters: int, channels: tuple[int, ...] = _CHANNELS, depth: int = 4):
        super().__init__()
        self.channels = tuple(channels)
        first, second, third, last = channels
        self.stem = nn.Conv2d(3, first, 3, stride=2, padding=1)
        self.stages = nn.Sequential(
            _Square(first),
            nn.Conv2d(first, second, 3, stride=2, padding=1),
            _Square(second),
            nn.Conv2d(second, third, 3, stride=(2, 1), padding=1),
            _Square(third),
            nn.Conv2d(third, last, (4, 3), stride=(4, 1), padding=(0, 1)),
        )
        self.along = nn.Sequential(*(_Along(last) for _ in range(depth)))
        self.norm = nn.LayerNorm(last)
        self.head = nn.Linear(last, characters + 1)

    def forward(self, lines: torch.Tensor) -> torch.Tensor:
        """``[B, 3, 32, W]`` in 0..1, W a multiple of 4, to logits ``[B, W / 4, characters + 1]``."""
        hidden = self.stages(self.stem(2 * lines - 1))
        hidden = self.along(hidden)[:, :, 0]
        logits: torch.Tensor = self.head(self.norm(hidden.transpose(1, 2)))
        return logits.float()

    @torch.no_grad()
    def take_over(self, other: LineNetwork) -> None:
        """The weights of a network of the same channels that knows the first of this one's characters."""
        weights = other.state_dict()
        own = self.state_dict()
        for name in ("head.weight", "head.bias"):
            own[name][: len(weights[name])] = weights[name]
            weights[name] = own[name]
        self.load_state_dict(weights)


class _Square(nn.Module):
    """Two 3 x 3 convolutions around a residual connection."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return hidden + self.second(F.silu(self.first(self.norm(hidden))))


class _Along(nn.Module):
    """Neighbours along the line by channel, then all channels of a column (as in ConvNeXt, Liu et al. 2022)."""

    def __init__(self, width: int):
        super().__init__()
        self.neighbours = nn.Conv2d(width, width, (1, 7), padding=(0, 3), groups=width)
        self.norm = nn.LayerNorm(width)
        self.wide = nn.Linear(width, 3 * width)
        self.narrow = nn.Linear(3 * width, width)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        inner = self.norm(self.neighbours(hidden).permute(0, 2, 3, 1))
        return hidden + self.narrow(F.silu(self.wide(inner))).permute(0, 3, 1, 2)


def train_recogniser(
    datasets: Sequence[Path],
    out: Path,
    config: FitConfig | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    channels: tuple[int, ...] = _CHANNELS,
    start: str | Path | None = None,
    fresh: float = FRESH,
) -> SealRecogniser:
    """Train on native datasets, and write the model to ``out/model``; arguments as of
    `seal2real.tasks.models.UNetTraining.__call__`, ``fresh`` as of `RecogniseLesson`. It knows the characters of the
    datasets, of the model that it starts from, and unless ``fresh`` is 0 the `common_characters`."""
    config = config or FitConfig(batch=32)
    first = None if start is None else SealRecogniser.from_pretrained(start)
    lesson = RecogniseLesson(CropSet(datasets), "" if first is None else first.characters, fresh)
    with initial_weights(config.seed):
        network = LineNetwork(len(lesson.characters), channels if first is None else first.network.channels)
    if first is not None:
        network.take_over(first.network)
    network = fit(network, lesson, config, out, resume, progress)
    values = {"kind": NAME, "characters": lesson.characters, "channels": list(network.channels)}
    save_module(network, out / "model", values, torch.bfloat16)
    return SealRecogniser(network, lesson.characters)


class SealRecogniser(Pretrained):
    """Reads straightened lines.

    Args:
        network: as from `train_recogniser`.
        characters: that it knows, in the order of its classes.
    """

    kind = NAME

    def __init__(self, network: LineNetwork, characters: str):
        self.network, self.characters = network.eval().requires_grad_(False), characters

    @classmethod
    def of_folder(cls, folder: Path) -> SealRecogniser:
        """As of `seal2real.tasks.models.Pretrained.of_folder`."""
        config = read_json(folder / "config.json")
        characters, channels = config.get("characters"), config.get("channels")
        if not isinstance(characters, str) or not isinstance(channels, list) or len(channels) != len(_CHANNELS):
            raise Seal2RealError(f"{folder / 'config.json'}: no characters or channels; these are no recogniser's")
        network = LineNetwork(len(characters), tuple(int(c) for c in channels))
        load_into(network, folder / "model.safetensors")
        return cls(network, characters)

    @torch.inference_mode()
    def __call__(self, line: Image) -> tuple[str, float]:
        """Text and confidence of a line ``uint8 [h, w, 3]`` of any size, by the likeliest class of each column."""
        height, width = line.shape[:2]
        if height != HEIGHT:
            size = max(STEP, round(width * HEIGHT / height)), HEIGHT
            line = np.asarray(cv2.resize(line, size, interpolation=cv2.INTER_AREA), np.uint8)
        scores = self.network(batched([fitted(line)])["lines"])[0].softmax(1)
        return decode(scores.numpy(), self.characters)


def decode(scores: npt.NDArray[np.float32], characters: str) -> tuple[str, float]:
    """The text of probabilities ``[T, characters + 1]``: repeats are one, blanks (class 0) fall out; and the mean
    probability of its characters (1 of an empty text: nothing is there)."""
    best = scores.argmax(1)
    kept = (best > 0) & np.concatenate(([True], best[1:] != best[:-1]))
    text = "".join(characters[index - 1] for index in best[kept])
    return text, float(scores.max(1)[kept].mean()) if kept.any() else 1.0
