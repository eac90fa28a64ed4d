"""The notebooks of docs/ are executed again, every command in them too, so that they can't rot.

``FACET_NOTEBOOKS=docs/notebooks python -m pytest -m whole tests/test_notebooks.py`` writes their outputs again.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs" / "notebooks").glob("*.ipynb"))
RENEWED = os.environ.get("FACET_NOTEBOOKS")  # a directory
LARGE = 150_000  # bytes of a notebook with its outputs
pytestmark = pytest.mark.whole


def shown(notebook: Any) -> list[list[set[str]]]:
    """For every cell of code, the kinds of what it shows."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [[set(output.get("data", {output.output_type: ""})) for output in cell.outputs] for cell in cells]


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_shows_what_it_says(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACET_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FACET_DATA", raising=False)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    kept = nbformat.read(file, as_version=4)
    notebook = nbformat.read(file, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}, record_timing=False
    )
    client.execute()  # a cell's exception, and a command's exit code that isn't 0, are raised
    text = nbformat.writes(notebook)
    assert str(tmp_path) not in text, "the machine's paths are in the outputs"
    assert len(text) < LARGE
    if RENEWED:
        (Path(RENEWED) / file.name).write_text(text.rstrip() + "\n", "utf-8")
    else:
        assert shown(notebook) == shown(kept), "renew the outputs: see the head of this file"


def test_there_are_notebooks() -> None:
    assert [file.stem for file in NOTEBOOKS] == ["compare-runs", "edit-a-face"]
