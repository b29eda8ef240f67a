"""From drawn to real: the forger networks, their losses, their training, and forging whole samples."""

from seal2real.forger.forge import Forger, load_forger

__all__ = ["Forger", "load_forger"]
