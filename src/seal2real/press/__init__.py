"""Seal meets page: inks, placement, strikes, the traditional composition, and crops, with every label exact."""

from seal2real.press.compose import compose
from seal2real.press.crop import crop_page, crop_sample
from seal2real.press.inks import COLOURS, INKS, absorbance_of, random_ink
from seal2real.press.placement import place, random_angle, random_centre
from seal2real.press.settings import PressSettings
from seal2real.press.sheets import stamp_sheet, stamp_sheets
from seal2real.press.stamping import stamp_page
from seal2real.press.strikes import Riding

__all__ = [
    "COLOURS",
    "INKS",
    "PressSettings",
    "Riding",
    "absorbance_of",
    "compose",
    "crop_page",
    "crop_sample",
    "place",
    "random_angle",
    "random_centre",
    "random_ink",
    "stamp_page",
    "stamp_sheet",
    "stamp_sheets",
]
