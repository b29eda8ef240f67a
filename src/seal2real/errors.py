"""The exceptions that a user can meet. Each message is one line: what is wrong, where, and what to do."""

from __future__ import annotations

_NAMED = 12  # characters that one message names


class Seal2RealError(Exception):
    """A failure that is explained in one line. The command line prints it and exits with status 1."""


class UsageError(Seal2RealError):
    """The request itself is wrong (unknown name, value out of range). The command line exits with status 2."""


class MissingGlyphError(Seal2RealError):
    """A font has no glyph for a character of the text, or for several.

    Attributes:
        character: the first of them.
        characters: all that are known to be missing, in the order of the text.
        font: name of the font.
        where: what the text stands in, such as a file's name; may be empty.
    """

    def __init__(self, characters: str, font: str, where: str = ""):
        self.character = characters[0]
        self.characters = characters
        self.font = font
        self.where = where
        named = ", ".join(f"{character!r} (U+{ord(character):04X})" for character in characters[:_NAMED])
        more = f" and {len(characters) - _NAMED} more" if len(characters) > _NAMED else ""
        place = f"{where}: " if where else ""
        super().__init__(f"{place}font {font!r} has no glyph for {named}{more}; choose another font or other text")

    def __reduce__(self) -> tuple[type[MissingGlyphError], tuple[str, str, str]]:
        """The way through a pickle, as from a worker process: by the arguments, not by the message."""
        return MissingGlyphError, (self.characters, self.font, self.where)
