"""Seal2Real: labelled images of documents with realistic seals.

The names below are the short way in; the rooms (`seal2real.seal`, `page`, `press`, `physics`, `prior`, `forger`,
`dataset`, `report`) hold everything else. Nothing heavy is imported before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from seal2real.dataset.convert import convert
    from seal2real.dataset.edit_images import edit_folder, sample_folder
    from seal2real.dataset.generate import GenerateConfig, Generated, generate
    from seal2real.dataset.validate import ValidationReport, validate
    from seal2real.errors import MissingGlyphError, Seal2RealError, UsageError
    from seal2real.forger import Forger, load_forger
    from seal2real.forger.train import train
    from seal2real.forger.train_config import TrainConfig
    from seal2real.images import save_image
    from seal2real.page import FolderPages, TemplatePages
    from seal2real.press import PressSettings, compose, crop_sample, place, stamp_page, stamp_sheets
    from seal2real.prior.sampling import SamplingSettings
    from seal2real.sample import Page, PlacedSeal, Sample, SealArt
    from seal2real.seal import SealDesign, complete_design, draw, load_design, random_design, save_design, save_seal

_HOMES = {
    "dataset.convert": ("convert",),
    "dataset.edit_images": ("edit_folder", "sample_folder"),
    "dataset.generate": ("GenerateConfig", "Generated", "generate"),
    "dataset.validate": ("ValidationReport", "validate"),
    "errors": ("MissingGlyphError", "Seal2RealError", "UsageError"),
    "forger": ("Forger", "load_forger"),
    "forger.train": ("train",),
    "forger.train_config": ("TrainConfig",),
    "images": ("save_image",),
    "page": ("FolderPages", "TemplatePages"),
    "press": ("PressSettings", "compose", "crop_sample", "place", "stamp_page", "stamp_sheets"),
    "prior.sampling": ("SamplingSettings",),
    "sample": ("Page", "PlacedSeal", "Sample", "SealArt"),
    "seal": ("SealDesign", "complete_design", "draw", "load_design", "random_design", "save_design", "save_seal"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "FolderPages",
    "Forger",
    "GenerateConfig",
    "Generated",
    "MissingGlyphError",
    "Page",
    "PlacedSeal",
    "PressSettings",
    "Sample",
    "SamplingSettings",
    "Seal2RealError",
    "SealArt",
    "SealDesign",
    "TemplatePages",
    "TrainConfig",
    "UsageError",
    "ValidationReport",
    "complete_design",
    "compose",
    "convert",
    "crop_sample",
    "draw",
    "edit_folder",
    "generate",
    "load_design",
    "load_forger",
    "place",
    "random_design",
    "sample_folder",
    "save_design",
    "save_image",
    "save_seal",
    "stamp_page",
    "stamp_sheets",
    "train",
    "validate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'seal2real' has no attribute {name!r}")
    return getattr(import_module(f"seal2real.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
