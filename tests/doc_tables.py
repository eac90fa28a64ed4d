"""Tables of Markdown pages, for tests that compare them with the code."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image


def rows_of(text: str, header: str) -> list[list[str]]:
    """The cells of the table whose first line starts so."""
    lines = iter(text[text.index(f"\n| {header}") + 1 :].splitlines())
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows[2:]


def quoted(cell: str) -> set[str]:
    """The words between back ticks."""
    return set(re.findall(r"`(\w+)`", cell))


def snippets(text: str) -> list[str]:
    """The Python code of a page."""
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def run_snippets(page: Path, count: int, picture: str) -> None:
    """Run a page's Python code in the current directory, where it makes a picture of the kept one's size."""
    found = snippets(page.read_text("utf-8"))
    assert len(found) == count
    for snippet in found:
        exec(compile(snippet, str(page), "exec"), {})
    with Image.open(Path("docs/images") / picture) as made, Image.open(page.parent / "images" / picture) as kept:
        assert made.size == kept.size
