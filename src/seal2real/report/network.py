"""The pixel judge of the classifier test: a small convolutional network, trained from scratch each time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from seal2real.report.c2st import Judge
from seal2real.report.features import Features, Patches


class PatchNetwork(nn.Module):
    """Pixels and their high-pass residual, unshuffled 2 x 2 (lossless); three convolutions; mean and deviation over the
    plane, so that texture counts and place does not. About 45,000 weights. The normalisation is over the batch, not per
    sample: the strength of grain and noise must stay visible.
    """

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        sizes = [24, width, 2 * width, 3 * width]
        layers: list[nn.Module] = [nn.PixelUnshuffle(2)]
        for number, (inputs, outputs) in enumerate(pairwise(sizes)):
            stride = 1 if number == 0 else 2
            layers += [
                nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.LeakyReLU(0.1, inplace=True),
            ]
        self.body = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(2 * sizes[-1], 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """``float [N, 3, S, S]`` in -1..1 to logits ``[N]``."""
        residual = images - nn.functional.avg_pool2d(images, 5, stride=1, padding=2, count_include_pad=False)
        planes = self.body(torch.cat([images, 4.0 * residual], dim=1)).flatten(2)
        logits: torch.Tensor = self.head(torch.cat([planes.mean(dim=2), planes.std(dim=2)], dim=1))
        return logits[:, 0]


def network_judge(patches: Patches, steps: int, batch: int, seeds: int) -> Judge:
    """A judge on pixels: AdamW with a one-cycle rate, half a batch per side, flips and turns, colour jitter."""
    pixels = torch.from_numpy(np.ascontiguousarray(patches.transpose(0, 3, 1, 2))).float() / 127.5 - 1.0

    def judge(
        train: npt.NDArray[np.intp],
        labels: npt.NDArray[np.float64],
        test: npt.NDArray[np.intp],
        rng: np.random.Generator,
    ) -> Features:
        scores = np.zeros(len(test))
        for _ in range(seeds):
            scores += _train_and_score(pixels, train, labels, test, steps, batch, rng)
        return scores / seeds

    return judge


def _train_and_score(
    pixels: torch.Tensor,
    train: npt.NDArray[np.intp],
    labels: npt.NDArray[np.float64],
    test: npt.NDArray[np.intp],
    steps: int,
    batch: int,
    rng: np.random.Generator,
) -> npt.NDArray[np.float64]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**62)))
        network = PatchNetwork()
        optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.02)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=3e-3, total_steps=steps, pct_start=0.2)
        sides = [train[labels < 0.5], train[labels > 0.5]]
        target = torch.cat([torch.full((batch // 2,), 0.05), torch.full((batch // 2,), 0.95)])
        network.train()
        for _ in range(steps):
            chosen = np.concatenate([rng.choice(side, batch // 2) for side in sides])
            images = _augment(pixels[torch.from_numpy(chosen)], rng)
            loss = nn.functional.binary_cross_entropy_with_logits(network(images), target)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
        network.eval()
        with torch.inference_mode():
            parts = [network(part) for part in pixels[torch.from_numpy(test)].split(256)]
    return torch.cat(parts).double().numpy()


def _augment(images: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    images = torch.rot90(images, int(rng.integers(4)), (2, 3))
    if rng.integers(2):
        images = images.flip(3)
    shift = torch.from_numpy(rng.normal(0, 0.03, (len(images), 3, 1, 1)).astype(np.float32))
    return images + shift
