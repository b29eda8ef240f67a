"""Clean pages with their text boxes and the places where people put seals."""

from seal2real.page.library import TEMPLATES, PageSource, TemplatePages

__all__ = ["TEMPLATES", "PageSource", "TemplatePages"]
