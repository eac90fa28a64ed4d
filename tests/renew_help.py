"""Writes the help of every command into ``tests/help/``: ``python -m tests.renew_help``."""

from __future__ import annotations

import importlib
import io
import sys
import tomllib
from contextlib import redirect_stdout, suppress
from pathlib import Path
from unittest.mock import patch

ROOT = Path(__file__).parents[1]
PLACE = ROOT / "tests" / "help"


def commands() -> dict[str, str]:
    """The console commands: by name, ``module:function``."""
    scripts: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    return scripts


def help_text(command: str) -> str:
    """What ``command --help`` prints."""
    module, _, function = commands()[command].partition(":")
    printed = io.StringIO()
    with patch.object(sys, "argv", [command, "--help"]), redirect_stdout(printed), suppress(SystemExit):
        getattr(importlib.import_module(module), function)()
    return printed.getvalue()


if __name__ == "__main__":
    for old in PLACE.glob("*.txt"):
        old.unlink()
    for name in commands():
        (PLACE / f"{name}.txt").write_text(help_text(name), "utf-8")
