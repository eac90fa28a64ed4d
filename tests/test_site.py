"""The documentation in Chromium: it needs no network, fits a telephone, and draws its formulas.

``FACET_SCREENSHOTS=DIRECTORY python -m pytest -m whole tests/test_site.py`` keeps a picture of every page, at both
widths, light and dark.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from in_a_tab import shoot

pytest.importorskip("sphinx")
pytest.importorskip("myst_nb")
pytestmark = pytest.mark.whole
DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(
    str(page.relative_to(DOCS).with_suffix(".html"))
    for kind in ("md", "rst", "ipynb")
    for page in DOCS.rglob(f"*.{kind}")
    if ".ipynb_checkpoints" not in page.parts
)
# Elements that reach beyond the window, and don't lie in something that scrolls by itself.
BEYOND = """() => [...document.querySelectorAll("article *")].filter(element => {
    for (let parent = element.parentElement; parent; parent = parent.parentElement)
        if (getComputedStyle(parent).overflowX !== "visible") return false;
    return element.getBoundingClientRect().right > innerWidth + 1;
}).map(element => element.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", DOCS, built]
    done = subprocess.run(list(map(str, command)), cwd=DOCS.parent, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return built


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_fits_and_fetches_nothing(site: Path, browser: Any, width: int, scheme: str) -> None:
    session = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab = session.new_page()
    asked: list[str] = []
    errors: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: errors.append(str(error)))
    for page in PAGES:
        tab.goto((site / page).as_uri())
        assert tab.evaluate(BEYOND) == [], page
        background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(255, 255, 255)") == (scheme == "light"), page
        shoot(tab, f"site-{page.removesuffix('.html').replace('/', '-')}-{width}-{scheme}")
    session.close()
    assert errors == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_formulas_are_drawn(site: Path, browser: Any) -> None:
    tab = browser.new_page()
    tab.goto((site / "measures.html").as_uri())
    formulas = tab.locator("math")
    assert formulas.count() > 10
    assert all(formula.bounding_box()["height"] > 5 for formula in formulas.all() if formula.is_visible())
    assert "$" not in tab.locator("article").inner_text()
