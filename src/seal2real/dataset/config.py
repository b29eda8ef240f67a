"""What a dataset is made of: the settings of `generate`, checked."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seal2real.errors import UsageError
from seal2real.physics.strength import USUAL_CAPTURE, USUAL_WEAR, Strength, check_strength, drawn

if TYPE_CHECKING:
    from numpy.random import Generator

    from seal2real.press import PressSettings

PHOTOCOPY = "photocopy"
MOST_SHEETS = 20  # that one seal is split over; thicker documents get several


@dataclass(frozen=True)
class GenerateConfig:
    """What to make. Sample ``i`` depends on these values and ``i`` alone, whatever the count and the workers.

    Raises:
        UsageError: a value is out of its range, or two contradict each other.
    """

    count: int = 100  # samples
    seed: int = 0
    forger: str = "default"  # "default", "untrained", "none" (flat pasted seals) or a RUN folder of `seal2real train`
    wear: Strength = USUAL_WEAR  # of the impressions: 0 pristine, 0.5 as learned, 1 twice as much
    capture: Strength = USUAL_CAPTURE  # flaws of the scan, on the same scale
    capture_device: str | None = (
        None  # "scan", "phone", "photocopy", or shares, "scan=0.7,phone=0.3"; None = as learned
    )
    pages: str | None = None  # folder of PDFs and images; None typesets pages from templates
    templates: tuple[str, ...] | None = None  # names of page templates; None = all
    language: str | None = None  # of the templates: "zh", "en" or "mixed"; None = all
    pen: float | None = None  # share of pages signed and dated by hand; None = 0.6, of own pages none
    red: float | None = None  # share of pages with red things that are no seals; None = 0.15, of own pages none
    coloured_paper: float | None = None  # share of pages on coloured paper; None = 0.08, of own pages none
    dpi: int = 200  # resolution of pages
    crops: int | None = None  # side in pixels of a square crop around one seal; None keeps whole pages
    kinds: tuple[str, ...] | None = None  # seal kinds to draw from; None = all
    designs: str | None = None  # YAML file of a design, or a folder of them, that seals are drawn from
    design_share: float = 1.0  # share of the seals that are of these designs; the others are invented
    colour: str | None = None  # ink: "red", "blue", "violet" or "black"; None = the usual mix
    seals: int | None = None  # seals per page; None = as people do, mostly one
    riding_sheets: int | None = None  # samples that are the sheets of one document, under one cross-page seal
    negatives: float = 0.0  # share of samples without any seal
    press: str | None = None  # rates of strikes, "double-strike=0.1,riding=0"; see `seal2real.press.PressSettings`
    authenticity: str | None = None  # shares of cases for verification; see `seal2real.dataset.authenticity`
    jpeg_quality: int = 92  # 1..100
    validation: float = 0.1  # share of samples in the validation split
    test: float = 0.1  # share of samples in the test split

    def __post_init__(self) -> None:
        _require(self.count >= 1, "count", self.count, "at least 1")
        _require(self.seed >= 0, "seed", self.seed, "0 or more")
        for name in ("wear", "capture"):
            check_strength(name, getattr(self, name))
        if self.capture_device is not None:
            devices = DeviceMix.parse(self.capture_device)
            if self.forger == "none":
                raise UsageError("capture-device is of forged images, and forger is none; leave one of them out")
            if self.authenticity is not None and devices.share(PHOTOCOPY) > 0:
                raise UsageError("a photocopy has no impressions to verify; take photocopy out of capture-device")
        for name in ("pen", "red", "coloured_paper"):
            share = getattr(self, name)
            _require(share is None or 0 <= share <= 1, name.replace("_", "-"), share, "a share of the pages, 0 to 1")
        _require(36 <= self.dpi <= 1200, "dpi", self.dpi, "36 to 1200")
        _require(self.crops is None or 32 <= self.crops <= 8192, "crops", self.crops, "32 to 8192 pixels")
        _require(self.seals is None or 1 <= self.seals <= 20, "seals", self.seals, "1 to 20")
        _require(0 <= self.negatives <= 1, "negatives", self.negatives, "a share, 0 to 1")
        _require(0 < self.design_share <= 1, "design-share", self.design_share, "above 0, to 1")
        sheets = self.riding_sheets
        _require(sheets is None or 2 <= sheets <= MOST_SHEETS, "riding-sheets", sheets, f"2 to {MOST_SHEETS}")
        self.press_settings()
        if self.authenticity is not None:
            from seal2real.dataset.authenticity import AuthenticityMix

            AuthenticityMix.parse(self.authenticity)
            if self.forger == "none":
                raise UsageError(
                    "authenticity wants impressions that look real, and forger is none; give default or a RUN folder"
                )
        _require(1 <= self.jpeg_quality <= 100, "jpeg-quality", self.jpeg_quality, "1 to 100")
        _require(0 <= self.validation <= 1, "validation", self.validation, "a share, 0 to 1")
        _require(0 <= self.test <= 1 - self.validation, "test", self.test, "a share, with validation at most 1")
        self._check_choices()

    def _check_choices(self) -> None:
        """Settings that make no sense together."""
        if self.pages is not None and (self.templates is not None or self.language is not None):
            raise UsageError(f"pages come from {self.pages}, not from templates; leave out template and language")
        if self.designs is None and self.design_share < 1:
            raise UsageError("design-share is of the seals from designs, and there are none; give designs too")
        if self.designs is not None and self.kinds is not None and self.design_share == 1:
            raise UsageError(
                "all seals are of the designs, so kind chooses nothing; leave it out, or give a design-share below 1"
            )
        if self.riding_sheets is None:
            return
        for name, given in (
            ("negatives", self.negatives > 0),
            ("seals", self.seals is not None),
            ("authenticity", self.authenticity is not None),
        ):
            if given:
                raise UsageError(f"riding-sheets puts one seal across every document; leave out {name}")

    def device(self, rng: Generator) -> str | None:
        """What captures a sample; None is as learned, whatever the real images were captured with."""
        return None if self.capture_device is None else DeviceMix.parse(self.capture_device).draw(rng)

    def style(self, rng: Generator) -> dict[str, float | str]:
        """Wear and capture of a sample, for `seal2real.forger.Forger.forge`."""
        return {"wear": drawn(self.wear, rng), "capture": drawn(self.capture, rng)}

    def press_settings(self) -> PressSettings:
        """How pages are stamped.

        Raises:
            UsageError: unknown rate, or out of range.
        """
        from seal2real.press import PressSettings

        return dataclasses.replace(PressSettings.parse(self.press), negatives=self.negatives)


@dataclass(frozen=True)
class DeviceMix:
    """Capture devices and their shares, summing to 1."""

    devices: tuple[str, ...]
    shares: tuple[float, ...]

    @classmethod
    def parse(cls, text: str) -> DeviceMix:
        """From a device's name, or from shares such as ``"scan=0.7,phone=0.3"``, which count relative to each other;
        "any" is as learned.

        Raises:
            UsageError: an unknown device, a number out of range, or all are zero.
        """
        from seal2real.physics.devices import ANY, DEVICES, check_device
        from seal2real.press.settings import parse_shares

        if "=" not in text:
            return cls((check_device(text.strip()),), (1.0,))
        given = parse_shares(text, (*DEVICES, ANY), "capture-device")
        total = sum(given.values())
        if total <= 0:
            raise UsageError(f"capture-device {text!r} has no share above 0; such as scan=0.7,phone=0.3")
        return cls(tuple(given), tuple(share / total for share in given.values()))

    def share(self, device: str) -> float:
        """Of one device, 0..1."""
        return dict(zip(self.devices, self.shares, strict=True)).get(device, 0.0)

    def draw(self, rng: Generator) -> str:
        """A device at random."""
        return self.devices[int(rng.choice(len(self.devices), p=self.shares))]


def _require(holds: bool, name: str, value: object, wanted: str) -> None:
    if not holds:
        raise UsageError(f"{name} is {value}; it must be {wanted}")
