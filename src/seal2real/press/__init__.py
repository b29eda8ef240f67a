"""Seal meets page: inks, placement, the traditional composition, and crops, with every label exact."""

from seal2real.press.compose import compose
from seal2real.press.crop import crop_sample
from seal2real.press.inks import COLOURS, INKS, absorbance_of, random_ink
from seal2real.press.placement import place, random_angle, random_centre, stamp_page

__all__ = [
    "COLOURS",
    "INKS",
    "absorbance_of",
    "compose",
    "crop_sample",
    "place",
    "random_angle",
    "random_centre",
    "random_ink",
    "stamp_page",
]
