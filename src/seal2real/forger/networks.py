"""Networks of the forger: knobs from a random code, and a small U-Net for residuals."""

from __future__ import annotations

import copy
from itertools import pairwise

import torch
from torch import nn

from seal2real.physics.devices import DEVICES, device_dials
from seal2real.physics.knobs import KNOBS

_EPSILON = 1e-4  # of the blocks' normalisation
_BY_DEVICE = [device_dials(name) for name in DEVICES]  # made here, and not first inside some tracing of the network
_IS_SCAN = torch.tensor([knob.group == "scan" for knob in KNOBS])


class ResidualUNet(nn.Module):
    """A small U-Net, zero at the start: its last layer is initialised to zero.

    Args:
        inputs: input channels.
        outputs: output channels.
        widths: channels per level; each level halves the resolution.
    """

    def __init__(self, inputs: int, outputs: int, widths: tuple[int, ...] = (24, 48, 72)):
        super().__init__()
        self.stem = nn.Conv2d(inputs, widths[0], 3, padding=1)
        self.down = nn.ModuleList(
            nn.Sequential(_Block(wide), nn.Conv2d(wide, wider, 3, stride=2, padding=1))
            for wide, wider in pairwise(widths)
        )
        self.middle = nn.Sequential(_Block(widths[-1]), _Block(widths[-1]))
        self.up = nn.ModuleList(
            nn.ModuleList([nn.Conv2d(wider, wide, 1), _Block(wide)])
            for wide, wider in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.head = nn.Conv2d(widths[0], outputs, 3, padding=1)
        _zero(self.head)
        self.multiple = 2 ** len(self.down)  # sides are padded to multiples of it

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """``[B, inputs, H, W]`` to ``[B, outputs, H, W]``; any H, W >= 2 ** (levels - 1)."""
        height, width = images.shape[-2:]
        step = self.multiple
        hidden = nn.functional.pad(images, (0, -width % step, 0, -height % step), mode="replicate")
        hidden = self.stem(hidden.to(self.stem.weight.dtype))
        skips = []
        for block in self.down:
            skips.append(block[0](hidden))  # type: ignore[index]
            hidden = block[1](skips[-1])  # type: ignore[index]
        hidden = self.middle(hidden)
        for level, skip in zip(self.up, reversed(skips), strict=True):
            hidden = nn.functional.interpolate(level[0](hidden), scale_factor=2.0, mode="nearest")  # type: ignore[index]
            hidden = level[1](hidden + skip)  # type: ignore[index]
        outputs: torch.Tensor = self.head(hidden)
        return outputs[..., :height, :width]

    def for_inference(self, dtype: torch.dtype) -> ResidualUNet:
        """A copy that computes the same in about four fifths of the time, and cannot be trained."""
        fast = copy.deepcopy(self).requires_grad_(False)
        for module in fast.modules():
            if isinstance(module, _Block):
                module.fold()
        # few sizes in place of many: freed blocks of memory fit the next seal
        fast.multiple = max(16, self.multiple)
        return fast.to(dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _zero(layer: nn.Module) -> None:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


class _Block(nn.Module):
    """Two 3x3 convolutions around a residual connection. Normalised over channels only (not over space), so that the
    result at a pixel does not depend on the size of the crop."""

    def __init__(self, width: int):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1, width, 1, 1))
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.scale = nn.Parameter(torch.full((1, width, 1, 1), 0.2))

        self.folded = False

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        if self.folded:
            last = nn.functional.rms_norm(hidden.permute(0, 2, 3, 1), hidden.shape[1:2], eps=_EPSILON)
            inner = nn.functional.silu(self.first(last.permute(0, 3, 1, 2)), inplace=True)
            return hidden + self.second(inner)
        mean_square = hidden.square().mean(1, keepdim=True)
        normal = hidden * torch.rsqrt(mean_square + _EPSILON) * self.gain
        return hidden + self.scale * self.second(nn.functional.silu(self.first(normal)))

    @torch.no_grad()
    def fold(self) -> None:
        """Multiply gain and scale into the convolutions, once and for all: a pass over the image less for each."""
        self.first.weight.mul_(self.gain.view(1, -1, 1, 1))
        self.second.weight.mul_(self.scale.view(-1, 1, 1, 1))
        self.second.bias.mul_(self.scale.flatten())  # type: ignore[union-attr]
        self.folded = True


class KnobNetwork(nn.Module):
    """Dial positions of the press-and-scan model from a random code and a style.

    At the start every dial has its own normal variable and its range of `KNOBS`; training moves and couples them.

    Args:
        styles: number of style classes (ink colours).
        width: hidden width.
        devices: also learn an offset for each capture device. Without, a device acts by its physical ranges alone
            (`physics.devices`), and the weights are those of a network that knows of no devices.
    """

    device_offset: nn.Parameter | None

    def __init__(self, styles: int, width: int = 64, devices: bool = False):
        super().__init__()
        self.register_parameter("device_offset", None)
        if devices:
            self.learn_devices()
        # shared over styles, with an offset for each: a style without real images still learns from the others
        self.start = nn.Parameter(torch.tensor([knob.start for knob in KNOBS]).logit())
        self.spread = nn.Parameter(torch.tensor([knob.spread for knob in KNOBS]).log())
        self.offset = nn.Parameter(torch.zeros(styles, len(KNOBS)))
        last = nn.Linear(width, len(KNOBS))
        _zero(last)
        self.mix = nn.Sequential(
            nn.Linear(len(KNOBS) + styles, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), last
        )

    def learn_devices(self) -> None:
        """Give each device an offset that training can move, zero at the start; nothing where there is one."""
        if self.device_offset is None:
            self.device_offset = nn.Parameter(torch.zeros(len(DEVICES), len(KNOBS)))

    def forward(self, code: torch.Tensor, style: torch.Tensor, device: torch.Tensor | None = None) -> torch.Tensor:
        """Codes ``[B, K]`` (standard normal), style indices ``[B]`` and devices ``[B]`` (0 is any, 1 the first of
        `DEVICES`; None is any for all) to dials ``[B, K]`` in 0..1."""
        return torch.sigmoid(self.logits(code, style, device))

    def logits(self, code: torch.Tensor, style: torch.Tensor, device: torch.Tensor | None = None) -> torch.Tensor:
        """The dials before the sigmoid; arguments as in `forward`.

        Those of the scan know nothing of the ink and are the first style's, or a colour learned from a few grey
        photos would turn its pages grey.
        """
        own, first = self._styled(code, style), self._styled(code, torch.zeros_like(style))
        logits = torch.where(_IS_SCAN.to(code.device), first, own)
        return logits if device is None else self._captured(logits, code, device)

    def _captured(self, logits: torch.Tensor, code: torch.Tensor, device: torch.Tensor) -> torch.Tensor:
        """What a device decides takes the place of what was learned of all devices together."""
        first = (torch.zeros(len(KNOBS), dtype=torch.bool), torch.zeros(len(KNOBS)), torch.zeros(len(KNOBS)))
        decided, mean, spread = (
            torch.stack(rows).to(code.device)[device] for rows in zip(first, *_BY_DEVICE, strict=True)
        )
        logits = torch.where(decided, mean + spread * code, logits)
        if self.device_offset is None:
            return logits
        moved = self.device_offset * _IS_SCAN.to(code.device)
        return logits + torch.cat((torch.zeros_like(moved[:1]), moved))[device]

    def _styled(self, code: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        one_hot = nn.functional.one_hot(style, len(self.offset)).to(code.dtype)
        mixed: torch.Tensor = self.mix(torch.cat((code, one_hot), 1))
        return self.start + self.offset[style] + self.spread.exp() * code + mixed

    def drift(self, anchor: KnobNetwork, draws: int = 256) -> torch.Tensor:
        """How far the dials' distributions have moved from another network's: KL divergence of normals fitted to their
        logits, the mean over dials and styles.

        Args:
            anchor: what to stay near to.
            draws: codes per style, always the same.
        """
        device = self.start.device
        codes = torch.randn(draws, len(KNOBS), generator=torch.Generator().manual_seed(0)).to(device)
        codes = codes.repeat(len(self.offset), 1)
        styles = torch.arange(len(self.offset), device=device).repeat_interleave(draws)
        with torch.no_grad():
            before = anchor.logits(codes, styles).view(len(self.offset), draws, -1)
        logits = self.logits(codes, styles).view_as(before)
        ratio = logits.std(1) / before.std(1)
        moved = (logits.mean(1) - before.mean(1)) / before.std(1)
        drift = (0.5 * (ratio.square() + moved.square() - 1) - ratio.log()).mean()
        if self.device_offset is None:
            return drift
        # of a device, the same for normals that were shifted alone
        spreads = torch.stack([spread for _, _, spread in _BY_DEVICE]).to(device)
        offset = self.device_offset if anchor.device_offset is None else self.device_offset - anchor.device_offset
        return drift + 0.5 * (offset / spreads).square().mean()
