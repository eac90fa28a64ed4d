"""docs/architecture.md: its picture is what the imports say, and every path that it names is there."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*)`")
MADE = ("checkpoints/",)  # by a run, not in the repository


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """``docs/architecture.py``, which is in no package."""
    spec = importlib.util.spec_from_file_location("architecture", PAGE.with_suffix(".py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "architecture", module)  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_of_these_imports(script: ModuleType) -> None:
    drawn = script.drawn()
    assert drawn == script.drawn()
    assert drawn == script.PICTURE.read_text("utf-8"), "draw it again: python docs/architecture.py"


def test_every_room_is_in_the_picture(script: ModuleType) -> None:
    rooms = script.placed()
    assert {room for edge in script.edges() for room in edge} <= set(rooms)
    assert {"commands", "core", "measures", "report", "aif", "jacsup", "datamodules"} <= set(rooms)
    boxes = list(rooms.values())
    for i, one in enumerate(boxes):
        for other in boxes[:i]:
            apart = one.right <= other.x or other.right <= one.x or one.bottom <= other.y or other.bottom <= one.y
            assert apart, f"{one.name} lies on {other.name}"


def test_imports_are_seen_at_any_depth(script: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("import torch\n\ndef f():\n    from facet.report import command\n    import aif.losses\n")
    assert {script.room(name) for name in script.imports(file)} == {"report", "aif"}
    assert script.room("facet.train") == "commands"
    assert script.room("facet.protocols") == "core"


def test_every_path_is_there() -> None:
    named = [name for name in PATH.findall(PAGE.read_text("utf-8")) if name not in MADE]
    assert len(named) > 20
    assert not [name for name in named if not (ROOT / name).exists()]
