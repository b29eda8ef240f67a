"""The layered forger: a press-and-scan model whose knobs a network turns, then a residual on the ink layer.

It predicts layers, not pixels: an ink absorbance inside the seal's support and one scan for stamped and clean alike, so
that the page's own text, the removal pair and the masks hold by construction.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from seal2real.forger.networks import KnobNetwork, ResidualUNet
from seal2real.physics.knobs import KNOBS, decode
from seal2real.physics.operators import gaussian_blur
from seal2real.physics.press_scan import InkNoise, ScanNoise, Settings, press_ink, scan
from seal2real.press.inks import COLOURS, INKS, absorbance_of

CODE_SIZE = len(KNOBS)
_TINT = 0.05  # how far the residual network may move the hue: films of one ink differ in thickness above all
VISIBLE_ABSORBANCE = (
    0.18  # absorbance of the strongest channel (about 16 % of the light) at which ink counts as visible
)


@dataclass
class Impression:
    """What the layered forger returns; all ``[B, C, H, W]``.

    Attributes:
        stamped, clean: RGB in 0..1 under one scan; ``clean`` is None where it was not asked for.
        ink: absorbance per channel, >= 0, after the residual network.
        pressed: absorbance per channel, before it (the operators alone).
        dials: ``[B, K]`` the knobs' positions in 0..1.
    """

    stamped: torch.Tensor
    clean: torch.Tensor | None
    ink: torch.Tensor
    pressed: torch.Tensor
    dials: torch.Tensor


class LayeredForger(nn.Module):
    """See the module's docstring.

    Args:
        widths: channels per level of the residual U-Net.
        residual: False leaves the residual network out (the press-and-scan model alone).
        devices: learn what each capture device does, beyond its physical ranges; see `learn_devices`.
    """

    kind = "layered"

    def __init__(self, widths: tuple[int, ...] = (24, 48, 72), residual: bool = True, devices: bool = False):
        super().__init__()
        self.config = {"kind": self.kind, "widths": list(widths), "residual": residual}
        self.knobs = KnobNetwork(len(COLOURS))
        if devices:
            self.learn_devices()
        self.base = nn.Parameter(torch.stack([_class_absorbance(colour) for colour in COLOURS]).log())
        self.residual = ResidualUNet(10, 4, tuple(widths)) if residual else None
        # training sets this to its mixed precision; the operators themselves always run in fp32
        self.autocast: Callable[[], AbstractContextManager] = nullcontext

    def learn_devices(self) -> None:
        """Add the learnable part of the devices, for training on real images that are sorted by device."""
        self.knobs.learn_devices()
        self.config["devices"] = True

    def dials(self, code: torch.Tensor, colour: torch.Tensor, device: torch.Tensor | None = None) -> torch.Tensor:
        """Knob positions ``[B, K]`` for codes ``[B, CODE_SIZE]``, colour indices ``[B]`` (see `COLOURS`) and device
        indices ``[B]`` (0 is any, 1 the first of `physics.devices.DEVICES`; None is any for all)."""
        return self.knobs(code, colour, device)

    def ink(
        self,
        page: torch.Tensor,
        coverage: torch.Tensor,
        colour: torch.Tensor,
        settings: Settings,
        px_per_mm: torch.Tensor,
        noise: InkNoise,
        strength: float = 1.0,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The ink layer.

        Args:
            page: ``[B, 3, H, W]`` reflectance in 0..1.
            coverage: ``[B, 1, H, W]`` in 0..1.
            colour: ``[B]`` indices into `COLOURS`.
            settings: decoded knobs.
            px_per_mm: ``[B]``.
            noise: random fields.
            strength: of the residual network, 0..1.

        Returns:
            (ink, pressed), each ``[B, 3, H, W]`` absorbance: with and without the residual network.
        """
        settings, base = _near_neutral_black(settings, self.base[colour], colour)
        pressed = press_ink(coverage, base.exp(), settings, px_per_mm, noise)
        support = _support(coverage, px_per_mm)
        pressed = pressed * support
        if self.residual is None:
            return pressed, pressed
        scale = (px_per_mm / 5.0).log().view(-1, 1, 1, 1).expand_as(coverage)
        around = gaussian_blur(coverage, 0.8 * px_per_mm, 0.8 * float(px_per_mm.max()))
        grey = page.mean(1, keepdim=True)
        features = torch.cat((pressed, coverage, around, grey, scale, noise.white, support), 1)
        with self.autocast():
            correction = self.residual(features)
        correction = torch.tanh(strength * correction.float())
        hue = _TINT * _hue_swing(colour).view(-1, 1, 1, 1)
        return pressed * torch.exp(0.5 * correction[:, :1] + hue * correction[:, 1:]), pressed

    def forward(
        self,
        page: torch.Tensor,
        coverage: torch.Tensor,
        colour: torch.Tensor,
        px_per_mm: torch.Tensor,
        code: torch.Tensor,
        ink_noise: InkNoise,
        scan_noise: ScanNoise,
        with_clean: bool = False,
        device: torch.Tensor | None = None,
    ) -> Impression:
        """Forge a batch of crops; shapes as in `ink`, devices as in `dials`."""
        dials = self.dials(code, colour, device)
        settings = decode(dials)
        ink, pressed = self.ink(page, coverage, colour, settings, px_per_mm, ink_noise)
        stamped = scan(page * torch.exp(-ink), settings, px_per_mm, scan_noise)
        clean = scan(page, settings, px_per_mm, scan_noise) if with_clean else None
        return Impression(stamped, clean, ink, pressed, dials)


def _near_neutral_black(settings: Settings, base: torch.Tensor, colour: torch.Tensor) -> tuple[Settings, torch.Tensor]:
    """Black ink varies in strength, hardly in hue: full swings of single channels would make it olive or purple.

    Takes and gives decoded knobs and log absorbance ``[B, 3]``.
    """
    names = ("ink_red", "ink_green", "ink_blue")
    hue = _hue_swing(colour)
    mean = torch.stack([settings[name] for name in names]).mean(0)
    level = base.mean(1, keepdim=True)
    near = {name: mean + hue * (settings[name] - mean) for name in names}
    return {**settings, **near}, level + hue.unsqueeze(1) * (base - level)


def _hue_swing(colour: torch.Tensor) -> torch.Tensor:
    """``[B]`` how far the hue of an ink may vary: black hardly."""
    return torch.where(colour == list(COLOURS).index("black"), 0.2, 1.0)


def _class_absorbance(colour: str) -> torch.Tensor:
    """Mean absorbance ``[3]`` of the inks of a class, by how often they are met."""
    inks = [ink for ink in INKS.values() if ink.colour == colour]
    weighted = [torch.from_numpy(absorbance_of(ink.rgb)) * ink.share for ink in inks]
    return torch.stack(weighted).sum(0) / sum(ink.share for ink in inks)


def _support(coverage: torch.Tensor, px_per_mm: torch.Tensor) -> torch.Tensor:
    """``[B, 1, H, W]`` in 0..1: where ink may be at all: the design's surroundings to about 1.5 mm, fading out."""
    near = gaussian_blur(coverage, 0.7 * px_per_mm, 0.7 * float(px_per_mm.max()))
    return F.hardtanh(near * 12.0, 0.0, 1.0)
