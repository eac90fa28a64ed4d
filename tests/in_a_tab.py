"""What tests do in a tab of the browser that shows the demo."""

from __future__ import annotations

import base64
import io
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

SHOTS = os.environ.get("FACET_SCREENSHOTS")  # a directory
EDITED = ".strip figure:nth-child(3) img"


def pixels(tab: Any, which: str = EDITED) -> Image.Image:
    """A picture on the page."""
    url = tab.locator(which).first.get_attribute("src")
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB")


def until(right: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not right():
        assert time.monotonic() < end, "it didn't happen"
        time.sleep(0.02)


def press(tab: Any, key: str, times: int = 1, slider: int = 0) -> None:
    handle = tab.locator("#sliders input[type=range]").nth(slider)
    handle.focus()
    for _ in range(times):
        handle.press(key)


def send(tab: Any, name: str, content: bytes) -> None:
    tab.locator("#upload input[type=file]").set_input_files({"name": name, "mimeType": "image/png", "buffer": content})


def png(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def shoot(tab: Any, name: str, whole: bool = True) -> None:
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        tab.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=whole)
