"""Forging: a labelled sample with pasted seals in, the same sample with realistic ones out, labels kept exact."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import Generator

from seal2real.errors import Seal2RealError, UsageError
from seal2real.forger.layered import CODE_SIZE, LayeredForger
from seal2real.forger.residual import ResidualForger
from seal2real.forger.sheets import InkLayer, composed, copied_ink, inside, meeting, photocopied, visible_ink
from seal2real.physics.devices import ANY, DEVICES, PHOTOCOPY, check_device
from seal2real.physics.ink_measure import measure_ink
from seal2real.physics.knobs import INDEX, KNOBS, decode
from seal2real.physics.operators import blur_plane, gaussian_taps
from seal2real.physics.page_scan import PageScan
from seal2real.physics.photocopy import Copier
from seal2real.physics.press_scan import InkNoise, Settings
from seal2real.physics.toner import Toner, print_unevenly
from seal2real.press.inks import COLOURS
from seal2real.sample import Image, Page, PlacedSeal, Sample
from seal2real.weights import load_into, read_json, shipped

Style = Mapping[str, float | str]
STYLE_KEYS = ("wear", "capture", "device")
_WEAR: tuple[str, ...] = ("spread", "gain", "softness", "thickness", "tilt", "unevenness", "mottle")
_WEAR += ("grain", "dropout", "rim", "halo", "double", "smear")
_FRESH_FILM = 0.85  # dial of the film's thickness at wear 0, at least
_INKS = ("ink_red", "ink_green", "ink_blue")
_CAPTURE = ("blur", "noise", "chroma_noise", "jpeg", "chroma_blur", "black_level", "shading", "fibre")
# Crops of seals say little of a sheet: what passes for grain there is a mottle of the whole page.
_ROUGHEST = 0.022  # deviation of the paper's texture, at most
_FINE, _SMOOTHER = 0.2, 0.8  # millimetres up to which it may be that rough; larger ones less, by this power
_MARGIN_MM = 2.5  # around a seal: room for halo, double strike, and the scan's blur
_THICK = 0.6  # body of the thickest paste
_BAND = 512  # rows that the residual forger takes at a time
_KINDS: dict[str, type[LayeredForger] | type[ResidualForger]] = {"layered": LayeredForger, "residual": ResidualForger}
_COLOUR_INDEX = {colour: index for index, colour in enumerate(COLOURS)}


class Forger:
    """A trained forger, ready for use on the CPU or a GPU.

    Args:
        network: `LayeredForger` or `ResidualForger`.
        name: goes into the provenance of samples.
        device: where it runs.

    Attributes:
        weights: the network's tensors as they were given, on the CPU.
    """

    def __init__(self, network: LayeredForger | ResidualForger, name: str, device: str | torch.device = "cpu"):
        self.device = torch.device(device)
        # as given: what inference makes of them cannot be trained or saved
        self.weights = {key: value.detach().cpu().clone() for key, value in network.state_dict().items()}
        self.network = copy.deepcopy(network).to(device).eval().requires_grad_(False)
        self.name = name
        if isinstance(self.network, LayeredForger) and self.network.residual is not None:
            dtype = torch.bfloat16 if _bf16_is_fast(self.device) else torch.float32
            self.network.residual = self.network.residual.for_inference(dtype)

    @classmethod
    def load(cls, folder: Path, name: str | None = None, device: str | torch.device = "cpu") -> Forger:
        """From a folder with ``config.json`` and ``model.safetensors``, or a run that holds one as ``forger/``.

        Raises:
            Seal2RealError: no forger there, or damaged, foreign or pickled weights.
        """
        inner = folder / "forger" if (folder / "forger").is_dir() else folder
        if not (inner / "config.json").is_file():
            raise Seal2RealError(
                f"{folder}: no forger here (no config.json); give the folder of a finished training run"
            )
        config = read_json(inner / "config.json")
        kind = config.pop("kind", None)
        if kind not in _KINDS:
            raise Seal2RealError(
                f"{inner / 'config.json'}: unknown kind of forger {kind!r}; known: {', '.join(_KINDS)}"
            )
        config["widths"] = tuple(config["widths"])
        network = _KINDS[kind](**config)
        load_into(network, inner / "model.safetensors")
        return cls(network, name or folder.name, device)

    @classmethod
    def from_pretrained(
        cls, name: str | Path, revision: str | None = None, device: str | torch.device = "cpu"
    ) -> Forger:
        """From a folder (see `load`) or, where there is none, from the Hugging Face hub.

        Args:
            name: folder, or OWNER/NAME.
            revision: of the hub's: branch, tag or commit.
            device: where it runs.

        Raises:
            Seal2RealError: nothing there, damaged, foreign or pickled weights, or the hub cannot be reached.
        """
        from seal2real.forger.pretrained import fetch_forger

        if Path(name).is_dir():
            return cls.load(Path(name), device=device)
        return cls.load(fetch_forger(str(name), revision), str(name), device)

    def save_pretrained(self, folder: str | Path, training: str = "", licence: str = "apache-2.0") -> None:
        """Write ``config.json``, ``model.safetensors`` and a model card, for `from_pretrained` and ``--forger``.

        Args:
            folder: made if need be; files of these names are replaced.
            training: what the card says of the training data, in Markdown.
            licence: its identifier, as the hub lists them.
        """
        from seal2real.forger.pretrained import save_forger

        save_forger(self, Path(folder), training, licence)

    def push_to_hub(self, name: str, training: str = "", private: bool = False) -> str:
        """Upload the same to the hub as OWNER/NAME, where the user is logged in; returns the page's address.

        Raises:
            Seal2RealError: no connection or no rights.
        """
        from seal2real.forger.pretrained import push_forger

        return push_forger(self, name, training, private)

    def original(self) -> LayeredForger | ResidualForger:
        """The network with its weights as they were given, in fp32 and not arranged for this machine."""
        config = dict(self.network.config)
        network = _KINDS[str(config.pop("kind"))](**{**config, "widths": tuple(config["widths"])})  # type: ignore
        network.load_state_dict(self.weights)
        return network

    @property
    def takes_layers(self) -> bool:
        """Whether `forge` starts from a sample's page and seals, and not from its composition."""
        return isinstance(self.network, LayeredForger)

    @torch.no_grad()
    def forge(self, sample: Sample, rng: Generator, style: Style | None = None) -> Sample:
        """Make the seals of a sample look real.

        Args:
            sample: with its layers; what was composed on it before does not matter.
            rng: source of every choice; the result depends on (sample, rng, style) alone.
            style: "wear" and "capture" in 0..1: how worn the impression and how poor the scan is; 0.5 (or a missing
                key) is as learned from the real images, 0 pristine, 1 twice as strong. "device": "scan", "phone" or
                "photocopy"; "any" (or no such key) is as learned from all real images together.

        Returns:
            The sample with new ``stamped``, ``clean``, ``ink`` and visible masks. A page that was scanned before keeps
            its own scan, whatever the device: only the ink is forged onto it; but it can be photocopied. Seals on a
            photocopy have the authenticity "photocopy", and keep the colour of their ink. ``provenance["device"]``
            says what captured the sheet, where a device was chosen.

        Raises:
            UsageError: unknown style key or device, a value out of range, or a device for an image-to-image forger.
        """
        style = _checked(style)
        if not self.takes_layers:
            if style.get("device", ANY) != ANY:
                raise UsageError(f"forger {self.name!r} works from image to image and knows of no capture devices")
            return self._forge_flat(sample, rng)
        return self._forge_layers(sample, rng, style)

    @torch.no_grad()
    def forge_image(self, image: Image, rng: Generator, dpi: float = 200.0, style: Style | None = None) -> Image:
        """Forge a flat image ``uint8 [H, W, 3]`` with pasted seals, of which no layers are known.

        The residual forger takes it as it is. For the layered one the paste is undone first: the ink is measured, its
        coverage taken out of the page (exact for a flat colour and a multiply blend), and pressed anew. ``style`` is
        that of `forge`.
        """
        if isinstance(self.network, ResidualForger):
            empty = np.zeros(image.shape[:2], np.float32)
            return self.forge(Sample(Page(image, dpi, (), (), "image"), image, image, empty, ()), rng, style).stamped
        sample = unpaste(image, dpi)
        return sample.stamped if not sample.seals else self.forge(sample, rng, style).stamped

    # -- layered -----------------------------------------------------------------------------------------------

    def _settings(self, code: torch.Tensor, colour: int, style: Style) -> Settings:
        network: LayeredForger = self.network  # type: ignore[assignment]
        chosen = style.get("device", ANY)
        device = None if chosen == ANY else torch.tensor([1 + DEVICES.index(str(chosen))], device=self.device)
        dials = network.dials(code.to(self.device), torch.tensor([colour], device=self.device), device).cpu()
        for key, names in (("wear", _WEAR), ("capture", _CAPTURE)):
            strength = 2.0 * _strength(style, key)
            for name in names:
                off = KNOBS[INDEX[name]].off
                dials[:, INDEX[name]] = (off + (dials[:, INDEX[name]] - off) * strength).clamp(0, 1)
        # a fresh impression is neither thin nor pale
        fresh, inks, film = (
            max(0.0, 1.0 - 2.0 * _strength(style, "wear")),
            [INDEX[name] for name in _INKS],
            INDEX["thickness"],
        )
        dials[:, film] += fresh * (_FRESH_FILM - dials[:, film]).clamp_min(0)
        dials[:, inks] += fresh * (0.5 - dials[:, inks].mean(1, keepdim=True)).clamp_min(0)
        settings = decode(dials.clamp(0, 1))
        roughest = _ROUGHEST * (settings["fibre_size"] / _FINE).clamp_min(1.0) ** -_SMOOTHER
        return {**settings, "fibre": roughest * (settings["fibre"] / roughest).tanh()}

    def _forge_layers(self, sample: Sample, rng: Generator, style: Style) -> Sample:
        height, width = sample.size
        scale = sample.page.dpi / 25.4
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        scan_part = torch.tensor([knob.group == "scan" for knob in KNOBS])
        first = _COLOUR_INDEX[sample.seals[0].colour] if sample.seals else 0
        scan_code = torch.randn(1, CODE_SIZE, generator=generator)
        settings = self._settings(scan_code, first, style)
        page = sample.page.image
        if not sample.page.scanned:
            toner = Toner.random(rng, min(1.0, 2.0 * _strength(style, "capture")))
            page = print_unevenly(page, sample.page.dpi, toner, rng)

        layers = []
        for seal in sample.seals:
            code = torch.where(scan_part, scan_code, torch.randn(1, CODE_SIZE, generator=generator))
            wear = float(seal.effects.get("wear", _strength(style, "wear")))  # a die may have wear of its own
            own = self._settings(code, _COLOUR_INDEX[seal.colour], {**style, "wear": wear})
            residual = min(1.0, 2.0 * wear)  # it paints flaws: pristine impressions have none
            layer = self._ink_of(seal, page, own, residual, scale, generator)
            layers.append(replace(layer, body=_body(seal, rng)))

        blur = gaussian_taps(float(settings["blur"]) * scale, 0.45 * scale)
        told: dict[str, Any] = {"forger": self.name, "style": dict(style)}
        authenticity = "impression"
        own_scan = sample.page.scanned and style.get("device") != PHOTOCOPY
        scan = None if own_scan else PageScan(settings, scale, height, width, generator)
        if scan is not None and style.get("device") == PHOTOCOPY:
            copier = Copier.random(rng)
            clean, stamped, ink = photocopied(page, layers, scan, copier, sample.page.dpi, rng)
            layers = [copied_ink(layer, copier) for layer in layers]
            authenticity, told = PHOTOCOPY, {**told, "device": PHOTOCOPY, "copier": copier.told()}
        else:
            clean, stamped, ink = composed(page, layers, scan, blur)
            if style.get("device", ANY) != ANY:
                told["device"] = "page" if own_scan else style["device"]  # what captured the page stays its own
        seals = tuple(
            replace(seal, visible=visible_ink(seal, layer, scan, blur), authenticity=authenticity)
            for seal, layer in zip(sample.seals, layers, strict=True)
        )
        return replace(sample, stamped=stamped, clean=clean, ink=ink, seals=seals).with_provenance(**told)

    def _ink_of(
        self,
        seal: PlacedSeal,
        page: Image,
        settings: Settings,
        residual: float,
        scale: float,
        generator: torch.Generator,
    ) -> InkLayer:
        """The ink of one seal, also where it lies off the page."""
        network: LayeredForger = self.network  # type: ignore[assignment]
        margin = int(_MARGIN_MM * scale) + 1
        coverage = np.pad(seal.inked, margin)
        height, width = coverage.shape
        rows = slice(seal.offset[1] - margin, seal.offset[1] - margin + height)
        columns = slice(seal.offset[0] - margin, seal.offset[0] - margin + width)
        under = np.ones((height, width, 3), np.float32)
        here = meeting((rows, columns), (slice(0, page.shape[0]), slice(0, page.shape[1])))
        if here is not None:
            under[inside(here, (rows, columns))] = page[here] / np.float32(255)
        noise = InkNoise.draw(1, height, width, generator)
        ink, _ = network.ink(
            torch.from_numpy(under).permute(2, 0, 1)[None].to(self.device),
            torch.from_numpy(coverage)[None, None].to(self.device),
            torch.tensor([_COLOUR_INDEX[seal.colour]], device=self.device),
            {name: value.to(self.device) for name, value in settings.items()},
            torch.tensor([scale], device=self.device),
            InkNoise(noise.lattice.to(self.device), noise.white.to(self.device), noise.turn.to(self.device)),
            residual,
        )
        return InkLayer(rows, columns, np.ascontiguousarray(ink[0].permute(1, 2, 0).cpu().numpy()))

    # -- residual ----------------------------------------------------------------------------------------------

    def _residual(self, image: Image, rng: Generator) -> Image:
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        height, width = image.shape[:2]
        noise = torch.randn(1, 3, height, width, generator=generator)
        halo = 128  # rows; more than a U-Net of three or four levels sees around a pixel
        forged = np.empty_like(image)
        for start in range(0, height, _BAND):  # in bands, for the activations of a whole page take gigabytes
            stop = min(start + _BAND, height)
            seen = slice(max(0, start - halo), min(stop + halo, height))
            band = self.network(_to_tensor(image[seen], self.device), noise[:, :, seen].to(self.device))
            forged[start:stop] = _to_image(band)[start - seen.start : stop - seen.start]
        return forged

    def _forge_flat(self, sample: Sample, rng: Generator) -> Sample:
        """Stamped and clean each through the residual network under the same noise."""
        seed = int(rng.integers(2**62))
        stamped = self._residual(sample.stamped, np.random.default_rng(seed))
        clean = self._residual(sample.clean, np.random.default_rng(seed))
        seals = tuple(replace(seal, authenticity="impression") for seal in sample.seals)
        return replace(sample, stamped=stamped, clean=clean, seals=seals).with_provenance(forger=self.name)


def load_forger(name: str, device: str | torch.device = "cpu") -> Forger | None:
    """A forger by name: "none" (None), "default" (shipped with the package), "untrained" (the press-and-scan model with
    its built-in ranges), a folder, or OWNER/NAME on the Hugging Face hub.

    Raises:
        Seal2RealError: the folder holds no forger, its weights are damaged, foreign or pickled, or the hub cannot be
            reached.
    """
    if name == "none":
        return None
    if name == "untrained":
        return Forger(LayeredForger(residual=False), "untrained", device)
    if name == "default":
        return Forger.load(shipped("forger"), "default", device)
    folder = Path(name)
    if not folder.is_dir():
        from seal2real.forger.pretrained import is_hub_id

        if is_hub_id(name):
            return Forger.from_pretrained(name, device=device)
        raise Seal2RealError(
            f"{name}: no such folder; give 'default', 'none', 'untrained', the folder of a training run or a hub id"
        )
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
    near = blur_plane(measured.mask.astype(np.float32), gaussian_taps(1.5, 1.5))
    coverage = (coverage * np.clip(near * 4, 0, 1)).astype(np.float32)
    restored = image / 255.0 * np.exp(coverage[..., None] * full)
    clean = (np.clip(restored, 0, 1) * 255 + 0.5).astype(np.uint8)
    rows, columns = np.flatnonzero(measured.mask.any(1)), np.flatnonzero(measured.mask.any(0))
    outline = np.array(
        [
            [columns[0], rows[0]],
            [columns[-1] + 1, rows[0]],
            [columns[-1] + 1, rows[-1] + 1],
            [columns[0], rows[-1] + 1],
        ],
        np.float32,
    )
    seal = PlacedSeal(
        "unknown", measured.colour, (0, 0), coverage, full.astype(np.float32), 0.0, outline, (), coverage >= 0.5,
        {"channel": channel},
    )  # fmt: skip
    page = Page(clean, dpi, (), (), "image")
    return Sample(page, image, clean, coverage * float(-np.expm1(-full.max())), (seal,))


def _body(seal: PlacedSeal, rng: Generator) -> float:
    """How well the ink covers print: from dyes, which do not, to thick paste; black over black shows none."""
    drawn = _THICK * float(rng.beta(1.2, 4.0))
    return 0.0 if seal.colour == "black" else drawn


def _checked(style: Style | None) -> Style:
    for key, value in (style or {}).items():
        if key not in STYLE_KEYS:
            raise UsageError(f"unknown style {key!r}; known: {', '.join(STYLE_KEYS)}")
        if key == "device":
            check_device(str(value))
        elif isinstance(value, str) or not 0 <= value <= 1:
            raise UsageError(f"style {key} is {value}; choose 0 (none) to 1 (heavy), 0.5 is as learned")
    return style or {}


def _strength(style: Style, key: str) -> float:
    """ "wear" or "capture" of a style, 0..1."""
    return float(style.get(key, 0.5))


def _bf16_is_fast(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 by itself; elsewhere it would be emulated."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return False
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and bool(torch.cpu._is_avx512_bf16_supported())


def _to_tensor(image: Image, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(image)).to(device).permute(2, 0, 1)[None].float().div_(255)


def _to_image(tensor: torch.Tensor) -> Image:
    pixels = tensor[0].mul(255).add_(0.5).clamp_(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return np.ascontiguousarray(pixels)
