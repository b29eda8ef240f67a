"""The exceptions that a user can meet. Each message is one line: what is wrong, where, and what to do."""

from __future__ import annotations


class Seal2RealError(Exception):
    """A failure that is explained in one line. The command line prints it and exits with status 1."""


class UsageError(Seal2RealError):
    """The request itself is wrong (unknown name, value out of range). The command line exits with status 2."""


class MissingGlyphError(Seal2RealError):
    """A font has no glyph for a character of the text."""

    def __init__(self, character: str, font: str):
        self.character = character
        self.font = font
        super().__init__(
            f"font {font!r} has no glyph for {character!r} (U+{ord(character):04X}); choose another font or other text"
        )
