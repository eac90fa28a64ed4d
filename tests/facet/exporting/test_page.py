"""The page with the model inside, in a real Chromium, from a file, with the network off."""

from __future__ import annotations

import base64
import io
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image
from untrained import EDITORS, NARROW, untrained

from facet.errors import UserError
from facet.exporting.page import page_of
from facet.exporting.subject import Subject
from facet.exporting.web import Runtime, runtime

pytest.importorskip("onnxruntime", reason="it comes with the extra export")
onnx_files = pytest.importorskip("facet.exporting.onnx_files").onnx_files

pytestmark = pytest.mark.whole
SIDE = 16


@pytest.fixture(scope="module")
def web() -> Runtime:
    """onnxruntime-web, fetched once for all of pytest's workers; npm has a cache of its own."""
    shared = Path(os.environ["FACET_TESTS"]) / "onnxruntime-web"
    with pytest.MonkeyPatch.context() as patch, FileLock(f"{shared}.lock"):
        patch.setenv("FACET_CACHE", str(shared))
        try:
            return runtime(os.environ.get("ONNXRUNTIME_WEB"))
        except UserError as error:
            if not str(error).startswith(("to=page needs npm", "npm can't fetch")):
                raise  # no npm, or no network for it, is this machine's; all else is ours
            pytest.skip(str(error))


def subject_at(directory: Path, overrides: tuple[str, ...] = NARROW) -> Subject:
    """A model that makes faces of noise, with three example faces."""
    subject = untrained(overrides, directory)
    for parameter in subject.model.decoder.parameters():
        parameter *= 2  # so that an edit is more than a shade
    faces = np.random.default_rng(0).integers(0, 256, (3, 3, SIDE, SIDE), np.uint8)
    np.savez(directory / "examples.npz", faces=faces)
    return replace(subject, editor=replace(subject.editor, follows={"Smiling": ({}, {"Eyeglasses": False})}))


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return subject_at(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def file(subject: Subject, web: Runtime) -> Path:
    path = subject.run.path / "index.html"
    path.write_bytes(page_of(subject, onnx_files(subject), web))
    return path


class Opened:
    """A page in a browser; what went wrong in it, and what it asked the network for."""

    def __init__(self, browser: Any, file: Path, **context: Any) -> None:
        self.wrong: list[str] = []
        self.requests: list[str] = []
        self.context = browser.new_context(offline=True, **context)
        self.page = self.context.new_page()
        self.page.on("console", lambda said: self.wrong.append(said.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())
        self.page.wait_for_selector("body[data-ready]", timeout=60_000)

    def pixels(self, canvas: str) -> np.ndarray:
        """What a canvas shows, ``[C, r, r]`` in 0 to 255."""
        uri = self.page.evaluate("id => document.getElementById(id).toDataURL()", canvas)
        shown = Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))).convert("RGB")
        return np.asarray(shown, np.int64).transpose(2, 0, 1)

    def slide(self, index: int, value: float) -> None:
        """Set a slider, and wait until the edit is drawn."""
        self.page.fill(f"#slider{index}", str(value))
        self.page.wait_for_timeout(150)


@pytest.fixture
def opened(browser: Any, file: Path) -> Iterator[Opened]:
    found = Opened(browser, file)
    yield found
    found.context.close()
    assert not found.wrong, found.wrong
    assert not [url for url in found.requests if not url.startswith(("file:", "blob:", "data:"))]


def to_pixels(images: torch.Tensor) -> np.ndarray:
    found: np.ndarray = (images[0] * 255).round().long().numpy()
    return found


def test_it_shows_what_pytorch_computes(opened: Opened, subject: Subject) -> None:
    with np.load(subject.run.path / "examples.npz") as arrays:
        face = torch.from_numpy(arrays["faces"][:1]).float() / 255
    np.testing.assert_array_equal(opened.pixels("original"), to_pixels(face))
    attributes, nuisance = subject.model.encode(face)
    reconstruction = to_pixels(subject.model.decode(attributes, nuisance))
    assert np.abs(opened.pixels("reconstruction") - reconstruction).max() <= 1
    assert np.abs(opened.pixels("edit") - reconstruction).max() <= 1
    opened.slide(1, 1.5)
    attributes[0, 1] = 1.5
    edit = to_pixels(subject.model.decode(attributes, nuisance))
    assert np.abs(opened.pixels("edit") - edit).max() <= 1
    assert np.abs(edit - reconstruction).max() > 3, "the slider does something"
    np.testing.assert_array_equal(opened.pixels("original"), to_pixels(face))
    assert subject.judge
    read = subject.judge(subject.model.decode(attributes, nuisance)).sigmoid()[0]
    cells = opened.page.locator("#judged tr").all()
    for row, value in zip(cells, read.tolist(), strict=True):
        assert abs(int(row.locator("td").nth(2).inner_text()[:-1]) - 100 * value) <= 1


def test_an_attribute_takes_along_what_it_implies(opened: Opened) -> None:
    opened.slide(1, 0.9)
    opened.slide(0, 1)
    assert opened.page.input_value("#slider1") == "0"
    assert opened.page.inner_text("#value1") == "0.00"
    opened.page.click("#reset")
    opened.page.wait_for_timeout(150)
    np.testing.assert_array_equal(opened.pixels("edit"), opened.pixels("reconstruction"))


def test_the_strip_walks_along_an_attribute_and_sets_it(opened: Opened) -> None:
    opened.page.wait_for_timeout(300)
    steps = opened.page.locator("#strip button")
    assert steps.count() == 9
    uris = [step.evaluate("step => step.firstChild.toDataURL()") for step in steps.all()]
    assert len(set(uris)) > 5
    opened.page.select_option("#walked", "1")
    steps.last.click()
    assert opened.page.input_value("#slider1") == "1.5"
    assert steps.last.get_attribute("aria-label") == "Eyeglasses 1.5"


def picture(width: int, height: int) -> bytes:
    """Grey, with its central square red."""
    values = np.full((height, width, 3), 128, np.uint8)
    side = min(width, height)
    top, left = (height - side) // 2, (width - side) // 2
    values[top : top + side, left : left + side] = (200, 30, 40)
    content = io.BytesIO()
    Image.fromarray(values).save(content, "PNG")
    return content.getvalue()


DROP = """bytes => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([Uint8Array.from(bytes)], "mine.png", { type: "image/png" }));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


@pytest.mark.parametrize("way", ["dropped", "chosen"])
def test_a_picture_of_ones_own_is_edited(way: str, opened: Opened) -> None:
    content = picture(400, 250)
    if way == "dropped":
        opened.page.evaluate(DROP, list(content))
    else:
        opened.page.set_input_files("#file", {"name": "mine.png", "mimeType": "image/png", "buffer": content})
    opened.page.wait_for_selector("#told:not(:empty)")
    told = opened.page.inner_text("#told")
    assert told == "mine.png: 400 × 250 pixels, of which the central 250 × 250 are used."
    opened.page.wait_for_timeout(200)
    inner = opened.pixels("original")[:, 1:-1, 1:-1].reshape(3, -1).T
    assert np.abs(inner - (200, 30, 40)).max() <= 2
    before = opened.pixels("edit")
    opened.slide(0, 1.4)
    assert np.abs(opened.pixels("edit") - before).max() > 3


def test_a_closer_square_is_cut_and_the_edit_stays(opened: Opened) -> None:
    opened.page.set_input_files("#file", {"name": "a.png", "mimeType": "image/png", "buffer": picture(400, 200)})
    opened.page.wait_for_selector("#told:not(:empty)")
    opened.slide(0, 1.4)
    opened.page.fill("#across", "0")
    opened.page.fill("#zoom", "2")
    opened.page.wait_for_timeout(200)
    assert "of which the 100 × 100 are used" in opened.page.inner_text("#told")
    assert np.abs(opened.pixels("original").reshape(3, -1).T - 128).max() <= 2, "the grey left side"
    assert opened.page.input_value("#slider0") == "1.4"
    opened.page.locator(".example").first.click()
    assert not opened.page.is_visible("#cut")


def test_a_file_that_is_no_picture_is_said_and_changes_nothing(opened: Opened) -> None:
    before = opened.pixels("original")
    opened.page.set_input_files("#file", {"name": "mine.txt", "mimeType": "text/plain", "buffer": b"no picture"})
    opened.page.wait_for_selector("#told:not(:empty)")
    assert opened.page.inner_text("#told") == "mine.txt can't be read as a picture: use a JPEG, PNG or WebP."
    np.testing.assert_array_equal(opened.pixels("original"), before)


def test_the_keyboard_is_enough(opened: Opened) -> None:
    """From the first example by Tab alone: the others, the file, then the sliders."""
    before = opened.pixels("edit")
    opened.page.focus(".example")
    focused = []
    for _ in range(4):
        opened.page.keyboard.press("Tab")
        focused.append(opened.page.evaluate("document.activeElement.id"))
    assert focused == ["", "", "file", "slider0"]
    for _ in range(40):
        opened.page.keyboard.press("ArrowRight")
    opened.page.wait_for_timeout(200)
    assert np.abs(opened.pixels("edit") - before).max() > 0
    named = "input, select, button, a"
    for element in opened.page.locator(named).all():
        name = element.evaluate(
            "e => e.getAttribute('aria-label') || e.textContent || [...e.labels || []].map(l => l.textContent).join('')"
            " || e.querySelector('img')?.alt"
        )
        assert name.strip(), element


def test_it_fits_a_telephone_and_a_dark_room(browser: Any, file: Path) -> None:
    found = Opened(browser, file, viewport={"width": 390, "height": 844}, color_scheme="dark")
    assert found.page.evaluate("document.documentElement.scrollWidth") <= 390
    color = found.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(map(int, re.findall(r"\d+", color))) < 60
    assert not found.wrong
    found.context.close()


def test_it_says_how_large_it_is_and_what_must_not_be_done(opened: Opened, file: Path) -> None:
    text = opened.page.inner_text("main")
    assert f"This file has {file.stat().st_size / 1e6:.1f} MB" in text
    assert "Don't identify or recognise anybody with it." in text
    assert "://" not in file.read_text("utf-8"), "no address of anything"


def test_a_method_that_is_given_labels_takes_the_judges(browser: Any, web: Runtime, tmp_path: Path) -> None:
    subject = subject_at(tmp_path, EDITORS["fader"])
    (tmp_path / "index.html").write_bytes(page_of(subject, onnx_files(subject), web))
    found = Opened(browser, tmp_path / "index.html")
    with np.load(tmp_path / "examples.npz") as arrays:
        face = torch.from_numpy(arrays["faces"][:1]).float() / 255
    assert subject.judge
    labels = subject.judge(face)[:, :2].sigmoid().round()
    expected = to_pixels(subject.model.decode(*subject.model.encode(face, labels)))
    assert np.abs(found.pixels("reconstruction") - expected).max() <= 1
    assert not found.wrong
    found.context.close()
