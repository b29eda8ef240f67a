"""Forging: a labelled sample with pasted seals in, the same sample with realistic ones out, labels kept exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator

from seal2real.errors import Seal2RealError, UsageError
from seal2real.forger.layered import CODE_SIZE, VISIBLE_ABSORBANCE, LayeredForger
from seal2real.forger.residual import ResidualForger
from seal2real.physics.ink_measure import measure_ink
from seal2real.physics.knobs import INDEX, KNOBS, decode
from seal2real.physics.operators import gaussian_blur
from seal2real.physics.press_scan import InkNoise, ScanNoise, Settings, scan_fields, scan_with
from seal2real.press.inks import COLOURS
from seal2real.sample import Image, Page, PlacedSeal, Sample
from seal2real.weights import load_into, read_json, shipped

STYLE_KEYS = ("wear", "capture")
_WEAR = ("gain", "thickness", "tilt", "unevenness", "mottle", "grain", "dropout", "double", "smear", "halo", "softness")
_CAPTURE = ("blur", "noise", "chroma_noise", "jpeg", "chroma_blur", "black_level", "shading", "fibre")
_MARGIN_MM = 2.5  # around a seal: room for halo, double strike, and the scan's blur
_PAGE_LATTICE = 512  # cells of the paper's texture: 50 mm of the finest
_BLOCK = 16  # JPEG's unit with halved chroma: windows start and end on it, so that they compress as the page does
_COLOUR_INDEX = {colour: index for index, colour in enumerate(COLOURS)}


class Forger:
    """A trained forger, ready for use on the CPU or a GPU.

    Args:
        network: `LayeredForger` or `ResidualForger`.
        name: goes into the provenance of samples.
        device: where it runs.
    """

    def __init__(self, network: LayeredForger | ResidualForger, name: str, device: str | torch.device = "cpu"):
        self.network = network.to(device).eval().requires_grad_(False)
        self.name = name
        self.device = torch.device(device)

    @classmethod
    def load(cls, folder: Path, name: str | None = None, device: str | torch.device = "cpu") -> Forger:
        """From a folder with ``config.json`` and ``model.safetensors``, or a run that holds one as ``forger/``.

        Raises:
            Seal2RealError: no forger there, or damaged, foreign or pickled weights.
        """
        inner = folder / "forger" if (folder / "forger").is_dir() else folder
        if not (inner / "config.json").is_file():
            raise Seal2RealError(f"{folder}: no forger here (no config.json); give the folder of a finished training run")
        config = read_json(inner / "config.json")
        kinds = {"layered": LayeredForger, "residual": ResidualForger}
        kind = config.pop("kind", None)
        if kind not in kinds:
            raise Seal2RealError(f"{inner / 'config.json'}: unknown kind of forger {kind!r}; known: {', '.join(kinds)}")
        config["widths"] = tuple(config["widths"])
        network = kinds[kind](**config)
        load_into(network, inner / "model.safetensors")
        return cls(network, name or folder.name, device)

    @torch.no_grad()
    def forge(self, sample: Sample, rng: Generator, style: Mapping[str, float] | None = None) -> Sample:
        """Make the seals of a sample look real.

        Args:
            sample: with its layers; what was composed on it before does not matter.
            rng: source of every choice; the result depends on (sample, rng, style) alone.
            style: "wear" and "capture" in 0..1: how worn the impression and how poor the scan is; 0.5 (or a missing
                key) is as learned from the real images, 0 pristine, 1 twice as strong.

        Returns:
            The sample with new ``stamped``, ``clean``, ``ink`` and visible masks. A page that was scanned before keeps
            its own scan: only the ink is forged onto it.

        Raises:
            UsageError: unknown style key, or a value out of range.
        """
        style = _checked(style)
        if isinstance(self.network, ResidualForger):
            return self._forge_flat(sample, rng)
        return self._forge_layers(sample, rng, style)

    @torch.no_grad()
    def forge_image(self, image: Image, rng: Generator, dpi: float = 200.0) -> Image:
        """Forge a flat image ``uint8 [H, W, 3]`` with pasted seals, of which no layers are known.

        The residual forger takes it as it is. For the layered one the paste is undone first: the ink is measured, its
        coverage taken out of the page (exact for a flat colour and a multiply blend), and pressed anew.
        """
        if isinstance(self.network, ResidualForger):
            return self._residual(image, rng)
        sample = unpaste(image, dpi)
        return sample.stamped if not sample.seals else self.forge(sample, rng).stamped

    # -- layered -----------------------------------------------------------------------------------------------

    def _settings(self, code: torch.Tensor, colour: int, style: Mapping[str, float]) -> Settings:
        network: LayeredForger = self.network  # type: ignore[assignment]
        dials = network.dials(code, torch.tensor([colour], device=self.device))
        for key, names in (("wear", _WEAR), ("capture", _CAPTURE)):
            strength = 2.0 * style.get(key, 0.5)
            for name in names:
                off = KNOBS[INDEX[name]].off
                dials[:, INDEX[name]] = (off + (dials[:, INDEX[name]] - off) * strength).clamp(0, 1)
        return decode(dials)

    def _forge_layers(self, sample: Sample, rng: Generator, style: Mapping[str, float]) -> Sample:
        height, width = sample.size
        scale = torch.tensor([sample.page.dpi / 25.4], device=self.device)
        generator = torch.Generator(device=self.device)
        generator.manual_seed(int(rng.integers(2**62)))
        scan_part = torch.tensor([knob.group == "scan" for knob in KNOBS], device=self.device)
        page = _to_tensor(sample.page.image, self.device)
        first = _COLOUR_INDEX[sample.seals[0].colour] if sample.seals else 0
        scan_code = torch.randn(1, CODE_SIZE, generator=generator, device=self.device)
        settings = self._settings(scan_code, first, style)

        layers: list[tuple[PlacedSeal, slice, slice, torch.Tensor]] = []
        for seal in sample.seals:
            code = torch.randn(1, CODE_SIZE, generator=generator, device=self.device)
            own = self._settings(torch.where(scan_part, scan_code, code), _COLOUR_INDEX[seal.colour], style)
            ink, rows, columns = self._ink_of(seal, page, own, scale, generator)
            layers.append((seal, rows, columns, ink))

        windows = [_aligned(rows, columns, height, width) for _, rows, columns, _ in layers]
        if sample.page.scanned:
            clean = page
            stamped = self._stamp_scanned(page, layers, windows, settings, scale)
        else:
            fields = scan_fields(settings, scale, ScanNoise.draw(1, height, width, generator, _PAGE_LATTICE))
            clean = scan_with(page, settings, scale, fields)
            stamped = clean.clone()
            for window in _merged(windows):
                wide = _grown(window, int(3.2 * float(scale)) + _BLOCK, height, width)
                absorbed = _absorbed(layers, wide, page)
                part = scan_with(page[..., wide[0], wide[1]] * torch.exp(-absorbed), settings, scale, fields.window(*wide))
                stamped[..., window[0], window[1]] = part[
                    ..., _inside(window[0], wide[0]), _inside(window[1], wide[1])
                ]
        ink_map = np.zeros((height, width), np.float32)
        seals = []
        for seal, rows, columns, ink in layers:
            strongest = ink.amax(1)[0].clamp_min(0)
            shown = gaussian_blur(strongest[None, None], settings["blur"] * scale)[0, 0] > VISIBLE_ABSORBANCE
            visible = np.zeros(seal.coverage.shape, bool)
            x, y = seal.offset
            rows_in, columns_in = slice(max(rows.start, y), min(rows.stop, y + len(visible))), slice(
                max(columns.start, x), min(columns.stop, x + visible.shape[1])
            )
            visible[_inside(rows_in, slice(y, y)), _inside(columns_in, slice(x, x))] = shown[
                _inside(rows_in, rows), _inside(columns_in, columns)
            ].cpu().numpy()
            seals.append(replace(seal, visible=visible, authenticity="impression"))
            ink_map[rows, columns] += strongest.cpu().numpy()
        return replace(
            sample,
            stamped=_to_image(stamped),
            clean=_to_image(clean) if not sample.page.scanned else sample.page.image,
            ink=-np.expm1(-ink_map),
            seals=tuple(seals),
        ).with_provenance(forger=self.name, style=dict(style))

    def _ink_of(
        self, seal: PlacedSeal, page: torch.Tensor, settings: Settings, scale: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, slice, slice]:
        """Ink of one seal ``[1, 3, h, w]`` and where on the page it lies (clipped to the page)."""
        network: LayeredForger = self.network  # type: ignore[assignment]
        margin = int(_MARGIN_MM * float(scale)) + 1
        coverage = torch.from_numpy(np.pad(seal.coverage, margin))[None, None].to(self.device)
        rows_in, columns_in = coverage.shape[-2:]
        left, top = seal.offset[0] - margin, seal.offset[1] - margin
        height, width = page.shape[-2:]
        rows = slice(min(max(top, 0), height), max(0, min(top + rows_in, height)))
        columns = slice(min(max(left, 0), width), max(0, min(left + columns_in, width)))
        under = torch.ones(1, 3, rows_in, columns_in, device=self.device)
        inner = (..., slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
        if rows.stop > rows.start and columns.stop > columns.start:
            under[inner] = page[..., rows, columns]
        noise = InkNoise.draw(1, rows_in, columns_in, generator)
        colour = torch.tensor([_COLOUR_INDEX[seal.colour]], device=self.device)
        ink, _ = network.ink(under, coverage, colour, settings, scale, noise)
        return ink[inner], rows, slice(columns.start, columns.stop)

    def _stamp_scanned(self, page, layers, windows, settings, scale) -> torch.Tensor:  # type: ignore[no-untyped-def]
        """Ink onto a page that has been scanned already: only the ink takes the scan's blur."""
        stamped = page.clone()
        for window in _merged(windows):
            wide = _grown(window, int(1.5 * float(scale)), *page.shape[-2:])
            absorbed = gaussian_blur(_absorbed(layers, wide, page), settings["blur"] * scale)
            part = page[..., wide[0], wide[1]] * torch.exp(-absorbed)
            stamped[..., window[0], window[1]] = part[..., _inside(window[0], wide[0]), _inside(window[1], wide[1])]
        return stamped

    # -- residual ----------------------------------------------------------------------------------------------

    def _residual(self, image: Image, rng: Generator) -> Image:
        generator = torch.Generator(device=self.device)
        generator.manual_seed(int(rng.integers(2**62)))
        tensor = _to_tensor(image, self.device)
        return _to_image(self.network(tensor, torch.randn(tensor.shape, generator=generator, device=self.device)))

    def _forge_flat(self, sample: Sample, rng: Generator) -> Sample:
        """Stamped and clean each through the residual network under the same noise."""
        seed = int(rng.integers(2**62))
        stamped = self._residual(sample.stamped, np.random.default_rng(seed))
        clean = self._residual(sample.clean, np.random.default_rng(seed))
        seals = tuple(replace(seal, authenticity="impression") for seal in sample.seals)
        return replace(sample, stamped=stamped, clean=clean, seals=seals).with_provenance(forger=self.name)


def load_forger(name: str, device: str | torch.device = "cpu") -> Forger | None:
    """A forger by name: "none" (None), "default" (shipped with the package), "untrained" (the press-and-scan model with
    its built-in ranges), or a folder.

    Raises:
        Seal2RealError: the folder holds no forger, or its weights are damaged, foreign or pickled.
    """
    if name == "none":
        return None
    if name == "untrained":
        return Forger(LayeredForger(residual=False), "untrained", device)
    if name == "default":
        return Forger.load(shipped("forger"), "default", device)
    folder = Path(name)
    if not folder.is_dir():
        raise Seal2RealError(f"{name}: no such folder; give 'default', 'none', 'untrained' or the folder of a training run")
    return Forger.load(folder, device=device)


def unpaste(image: Image, dpi: float) -> Sample:
    """Layers of a flat image: the measured ink becomes a seal's coverage, and is taken out of the page.

    Returns:
        A sample with one `PlacedSeal` for all the ink of the image, or none where no ink is found.
    """
    measured = measure_ink(image)
    page = Page(image, dpi, (), (), "image")
    if not measured.mask.any() or measured.median.max() < 0.05:
        return Sample(page, image, image, np.zeros(image.shape[:2], np.float32), ())
    full = np.maximum(measured.median, 1e-3)
    # a multiply blend absorbs coverage * full; the fullest-absorbed channel tells the coverage best
    channel = int(full.argmax())
    coverage = np.clip(measured.strength / max(float(np.median(measured.strength[measured.mask])), 1e-3), 0, 1)
    near = gaussian_blur(torch.from_numpy(measured.mask.astype(np.float32))[None, None], torch.tensor([1.5]))[0, 0].numpy()
    coverage = (coverage * np.clip(near * 4, 0, 1)).astype(np.float32)
    restored = image / 255.0 * np.exp(coverage[..., None] * full)
    clean = (np.clip(restored, 0, 1) * 255 + 0.5).astype(np.uint8)
    rows, columns = np.flatnonzero(measured.mask.any(1)), np.flatnonzero(measured.mask.any(0))
    outline = np.array(
        [[columns[0], rows[0]], [columns[-1] + 1, rows[0]], [columns[-1] + 1, rows[-1] + 1], [columns[0], rows[-1] + 1]],
        np.float32,
    )
    seal = PlacedSeal(
        "unknown", measured.colour, (0, 0), coverage, full.astype(np.float32), 0.0, outline, (), coverage >= 0.5,
        {"channel": channel},
    )  # fmt: skip
    page = Page(clean, dpi, (), (), "image")
    return Sample(page, image, clean, coverage * float(-np.expm1(-full.max())), (seal,))


def _checked(style: Mapping[str, float] | None) -> Mapping[str, float]:
    for key, value in (style or {}).items():
        if key not in STYLE_KEYS:
            raise UsageError(f"unknown style {key!r}; known: {', '.join(STYLE_KEYS)}")
        if not 0 <= value <= 1:
            raise UsageError(f"style {key} is {value}; choose 0 (none) to 1 (heavy), 0.5 is as learned")
    return style or {}


_Window = tuple[slice, slice]


def _to_tensor(image: Image, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(image)).to(device).permute(2, 0, 1)[None].float().div_(255)


def _to_image(tensor: torch.Tensor) -> Image:
    pixels = tensor[0].mul(255).add_(0.5).clamp_(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return np.ascontiguousarray(pixels)


def _inside(part: slice, whole: slice) -> slice:
    """``part`` in the coordinates of ``whole``."""
    return slice(part.start - whole.start, part.stop - whole.start)


def _aligned(rows: slice, columns: slice, height: int, width: int) -> _Window:
    def on_grid(part: slice, limit: int) -> slice:
        start = max(0, part.start // _BLOCK * _BLOCK - _BLOCK)
        return slice(start, min(limit, (part.stop // _BLOCK + 2) * _BLOCK))

    return on_grid(rows, height), on_grid(columns, width)


def _grown(window: _Window, by: int, height: int, width: int) -> _Window:
    return _aligned(
        slice(window[0].start - by, window[0].stop + by), slice(window[1].start - by, window[1].stop + by), height, width
    )


def _merged(windows: list[_Window]) -> list[_Window]:
    """Windows that overlap joined into one, until none overlap."""
    todo, done = list(windows), []
    while todo:
        rows, columns = todo.pop()
        for index, (r, c) in enumerate(todo):
            if r.start < rows.stop and rows.start < r.stop and c.start < columns.stop and columns.start < c.stop:
                todo.pop(index)
                todo.append(
                    (
                        slice(min(r.start, rows.start), max(r.stop, rows.stop)),
                        slice(min(c.start, columns.start), max(c.stop, columns.stop)),
                    )
                )
                break
        else:
            done.append((rows, columns))
    return done


def _absorbed(layers: list[tuple[PlacedSeal, slice, slice, torch.Tensor]], window: _Window, page: torch.Tensor) -> torch.Tensor:
    """Sum of the seals' ink over a window of the page: ``[1, 3, h, w]``."""
    total = torch.zeros_like(page[..., window[0], window[1]])
    for _, rows, columns, ink in layers:
        r = slice(max(rows.start, window[0].start), min(rows.stop, window[0].stop))
        c = slice(max(columns.start, window[1].start), min(columns.stop, window[1].stop))
        if r.start < r.stop and c.start < c.stop:
            total[..., _inside(r, window[0]), _inside(c, window[1])] += ink[..., _inside(r, rows), _inside(c, columns)]
    return total
