"""Clean pages with their text boxes and the places where people put seals."""

from seal2real.page.folder import FolderPages
from seal2real.page.kinds import TEMPLATES
from seal2real.page.library import MixedPages, PageSource, TemplatePages, mixed

__all__ = ["TEMPLATES", "FolderPages", "MixedPages", "PageSource", "TemplatePages", "mixed"]
