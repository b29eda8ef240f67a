"""Seal2Real: labelled images of documents with realistic seals."""

__version__ = "0.1.0"
