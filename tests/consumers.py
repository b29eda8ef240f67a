"""Running what others read our exports with, where it is installed: most of it pins other versions than we do."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def python_with(*modules: str, variable: str = "CONSUMERS_PYTHON") -> str:
    """The interpreter that has these modules: this one, or the one that an environment variable names."""
    python = os.environ.get(variable, sys.executable)
    code = "\n".join(f"import {module}" for module in modules)
    if subprocess.run([python, "-c", code], capture_output=True, env=_environment(), check=False).returncode:
        pytest.skip(f"{modules[-1]} is not installed; name an interpreter that has it in {variable}")
    return python


def run_in(python: str, code: str, *arguments: str) -> str:
    """Run a script, which must end well; its output."""
    done = subprocess.run(
        [python, "-c", code, *arguments], capture_output=True, text=True, timeout=300, env=_environment(), check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def _environment() -> dict[str, str]:
    offline = {"PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK": "True", "YOLO_OFFLINE": "1", "QT_QPA_PLATFORM": "offscreen"}
    return {**os.environ, **offline}
