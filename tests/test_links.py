"""Every relative link of README, CONTRIBUTING and CHANGELOG resolves; those of docs/ are checked by ``make docs``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_every_relative_link_resolves(name: str) -> None:
    links = LINK.findall((ROOT / name).read_text("utf-8"))
    assert links
    for file, anchor in links:
        page = ROOT / (file or name)
        assert page.is_file(), file
        assert not anchor or anchor in anchors(page), file + anchor
