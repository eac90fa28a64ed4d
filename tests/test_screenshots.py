"""The screenshots of docs/: the demo, and the page that facet-export writes, in Chromium.

``FACET_SCREENSHOTS=docs/images python -m pytest -m whole tests/test_screenshots.py`` renews them. They show the model
that comes with Facet, or another: ``FACET_SHOWN=runs/my-faces/seed0-1a2b3c4d``.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from in_a_tab import EDITED, press, shoot

pytest.importorskip("gradio")
pytestmark = pytest.mark.whole
MODEL = Path(os.environ.get("FACET_SHOWN") or Path(__file__).parents[1] / "facet" / "models" / "avatars-ten")
WIDE = {"viewport": {"width": 1280, "height": 830}}
BUSY = 120  # seconds that a command may take to start on a busy machine


@pytest.fixture(scope="module")
def shown() -> Path:
    if not MODEL.exists():
        pytest.skip(f"there is no model to show in {MODEL}: FACET_SHOWN names another")
    return MODEL


@pytest.fixture
def address(shown: Path, tmp_path: Path) -> Iterator[str]:
    """The demo, served by the command."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "facet.demo", f"run={shown}", f"port={port}"]
    with (tmp_path / "log").open("w") as log:
        served = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            end = time.monotonic() + BUSY
            while f":{port}" not in (tmp_path / "log").read_text():
                assert served.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < end, "the demo doesn't start"
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            served.terminate()
            served.wait()


def test_the_demo(address: str, browser: Any) -> None:
    tab = browser.new_context(**WIDE).new_page()
    tab.goto(address)
    tab.wait_for_selector(EDITED)
    before = tab.locator(EDITED).first.get_attribute("src")
    tab.locator("#examples button").nth(6).click()
    tab.wait_for_timeout(1000)
    press(tab, "Home")
    tab.wait_for_timeout(1000)
    assert tab.locator(EDITED).first.get_attribute("src") != before
    shoot(tab, "demo", whole=False)
    tab.context.close()


def test_the_page(shown: Path, browser: Any, tmp_path: Path) -> None:
    if not (shown / "results.json").is_file():
        pytest.skip("its examples come from a judged run: FACET_SHOWN=runs/…")
    command = [sys.executable, "-m", "facet.export", f"run={shown}", "to=page", f"out={tmp_path}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    tab = browser.new_context(**WIDE).new_page()
    tab.goto((tmp_path / "index.html").as_uri())
    tab.wait_for_selector("body[data-ready]", timeout=1000 * BUSY)
    tab.locator(".example").nth(3).click()
    tab.wait_for_timeout(500)
    read = tab.locator("#judged").inner_text()
    slider = tab.locator("#slider0")
    slider.focus()
    slider.press("Home")  # as far away as the page allows
    tab.wait_for_timeout(1000)
    assert tab.locator("#judged").inner_text() != read
    shoot(tab, "exported-page", whole=False)
    tab.context.close()
