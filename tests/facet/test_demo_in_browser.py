"""``facet-demo`` in Chromium, where Gradio, Playwright and Chromium are installed (``make test-whole`` runs them).

The models are exact (``demonstrated.py``): attribute A is pixel (0, 0), B is pixel (0, 1).
"""

from __future__ import annotations

import base64
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from demonstrated import code, column
from in_a_tab import EDITED, pixels, png, press, send, shoot, until
from known_editors import Dots
from PIL import Image

from facet import demo

pytest.importorskip("gradio")
pytestmark = pytest.mark.whole
GREY = Image.new("RGB", (64, 48), (90, 90, 90))


@pytest.fixture(scope="module")
def examples() -> list[Image.Image]:
    return [Image.fromarray(each.permute(1, 2, 0).numpy()) for each in Dots().tensors("test")[0][:4]]


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """A function that serves columns and returns the address."""
    from facet.demonstration.page import Page

    files = tmp_path_factory.mktemp("gradio")
    demo.prepare(files)
    opened = []

    def served(*columns: Any) -> str:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        opened.append(Page(columns).build())
        return demo.serve(opened[-1], "127.0.0.1", port)

    yield served
    for blocks in opened:
        blocks.close(verbose=False)


@pytest.fixture(scope="module")
def address(serve: Callable[..., str], examples: list[Image.Image]) -> str:
    return serve(column(examples=examples))


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """A function that opens an address in a session of its own; nothing but this machine can be reached."""
    opened = []

    def visited(address: str, elsewhere: list[str] | None = None, **settings: Any) -> Any:
        session = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **settings})
        opened.append(session)
        tab = session.new_page()

        def route(request: Any) -> None:
            if request.request.url.startswith((address, "data:", "blob:")):
                request.continue_()
                return
            if elsewhere is not None:
                elsewhere.append(request.request.url)
            request.abort()

        tab.route("**/*", route)
        tab.goto(address)
        tab.wait_for_selector("#sliders input[type=range]")
        return tab

    yield visited
    for session in opened:
        session.close()


def test_it_opens_with_the_network_off_and_shows_an_example(address: str, visit: Callable[..., Any]) -> None:
    elsewhere: list[str] = []
    errors: list[str] = []
    tab = visit(address, elsewhere)
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.wait_for_selector(EDITED)
    tab.wait_for_timeout(1000)
    assert elsewhere == []
    assert errors == []
    assert pixels(tab).size == (16, 16)
    assert tab.title() == "Facet"
    box = tab.locator(EDITED).bounding_box()
    assert box["width"] > 150, "small pictures are enlarged"
    style = "image => getComputedStyle(image).imageRendering"
    assert {tab.locator(each).first.evaluate(style) for each in (EDITED, ".compare img", "#examples img")} == {
        "pixelated"
    }
    shoot(tab, "light")


def test_a_slider_by_keyboard(address: str, visit: Callable[..., Any]) -> None:
    tab = visit(address)
    tab.wait_for_selector(EDITED)
    press(tab, "End")
    until(lambda: pixels(tab).getpixel((0, 0)) == (255, 255, 255))
    until(lambda: "set.A=1.5" in tab.locator("#command textarea").input_value())
    press(tab, "Home")
    until(lambda: pixels(tab).getpixel((0, 0)) == (0, 0, 0))


def test_what_follows_moves_along(serve: Callable[..., str], visit: Callable[..., Any], examples: Any) -> None:
    tab = visit(serve(column(examples=examples, follows={"A": ({}, {"B": False}), "B": ({}, {"A": False})})))
    tab.wait_for_selector(EDITED)
    first, second = (tab.locator("#sliders input[type=range]").nth(i) for i in range(2))
    press(tab, "End")
    until(lambda: second.input_value() == "0")
    until(lambda: [pixels(tab).getpixel((x, 0)) for x in (0, 1)] == [(255,) * 3, (0,) * 3])
    assert first.input_value() == "1.5"
    press(tab, "End", slider=1)
    until(lambda: first.input_value() == "0")
    until(lambda: [pixels(tab).getpixel((x, 0)) for x in (0, 1)] == [(0,) * 3, (255,) * 3])
    shoot(tab, "follows")


def test_a_slider_by_mouse_answers_while_it_is_dragged(address: str, visit: Callable[..., Any]) -> None:
    tab = visit(address)
    tab.wait_for_selector(EDITED)
    tab.locator("#examples button").nth(1).click()
    tab.wait_for_timeout(300)
    press(tab, "Home")
    until(lambda: pixels(tab).getpixel((0, 0)) == (0, 0, 0))
    box = tab.locator("#sliders input[type=range]").first.bounding_box()
    y = box["y"] + box["height"] / 2
    tab.mouse.move(box["x"] + 4, y)
    tab.mouse.down()
    seen = set()
    for share in (0.35, 0.45, 0.55, 0.65):  # of the range -0.5 to 1.5
        tab.mouse.move(box["x"] + share * box["width"], y, steps=4)
        tab.wait_for_timeout(300)
        seen.add(pixels(tab).getpixel((0, 0))[0])
    assert len(seen) == 4, "the button is still down"
    tab.mouse.up()


def test_reset_brings_the_start_back(address: str, visit: Callable[..., Any]) -> None:
    tab = visit(address)
    tab.wait_for_selector(EDITED)
    start = tab.locator("#sliders input[type=range]").first.input_value()
    before = pixels(tab)
    press(tab, "PageUp" if float(start) < 0.5 else "PageDown", 3)
    until(lambda: pixels(tab) != before)
    tab.locator("#reset").click()
    until(lambda: pixels(tab) == before)
    until(lambda: tab.locator("#sliders input[type=range]").first.input_value() == start)


def test_an_upload_is_edited_and_nothing_is_kept(address: str, visit: Callable[..., Any]) -> None:
    tab = visit(address)
    tab.wait_for_selector(EDITED)
    send(tab, "me and you.png", png(GREY))
    until(lambda: pixels(tab).getpixel((8, 8)) == (90, 90, 90))
    until(lambda: tab.locator("#sliders input[type=range]").first.input_value() == "0.35")
    press(tab, "End")
    until(lambda: "'image=me and you.png' set.A=1.5" in tab.locator("#command textarea").input_value())
    files = Path(os.environ["GRADIO_TEMP_DIR"])
    assert not [file for file in files.rglob("*") if "me and you" in file.name]
    send(tab, "me and you.png", png(Image.new("RGB", (20, 20), (50, 50, 50))))
    until(lambda: pixels(tab).getpixel((8, 8)) == (50, 50, 50))


def test_a_picture_is_dropped(address: str, visit: Callable[..., Any]) -> None:
    tab = visit(address)
    tab.wait_for_selector(EDITED)
    drop = """content => {
        const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([bytes], "given.png", {type: "image/png"}));
        const dropped = new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer});
        document.querySelector("#upload button").dispatchEvent(dropped);
    }"""
    tab.evaluate(drop, base64.b64encode(png(GREY)).decode())
    until(lambda: pixels(tab).getpixel((8, 8)) == (90,) * 3)


def test_a_picture_is_pasted(address: str, visit: Callable[..., Any]) -> None:
    tab = visit(address, permissions=["clipboard-read", "clipboard-write"])
    tab.wait_for_selector(EDITED)
    copy = """async content => {
        const picture = await (await fetch("data:image/png;base64," + content)).blob();
        await navigator.clipboard.write([new ClipboardItem({"image/png": picture})]);
    }"""
    tab.evaluate(copy, base64.b64encode(png(GREY)).decode())
    tab.locator("#upload [aria-label*='lipboard']").first.click()
    until(lambda: pixels(tab).getpixel((8, 8)) == (90,) * 3)


def test_what_is_no_picture_is_one_message(address: str, visit: Callable[..., Any]) -> None:
    tab = visit(address)
    tab.wait_for_selector(EDITED)
    before = pixels(tab)
    for content, said in ((b"hello, I'm text", "text"), (png(GREY)[:60], "bad.png")):
        send(tab, "bad.png", content)
        message = tab.locator(".toast-body").last
        message.wait_for()
        assert said in message.inner_text()
        assert "Traceback" not in message.inner_text()
        tab.wait_for_timeout(500)  # it fades in
        shoot(tab, "bad-file", whole=False)
        tab.locator(".toast-close").last.click()
        tab.wait_for_timeout(500)
    assert pixels(tab) == before
    send(tab, "large.png", b"\x89PNG" + b"0" * (10 * 2**20))
    message = tab.locator(".toast-body").last
    message.wait_for()
    assert "10" in message.inner_text()


def test_two_sessions_are_independent(address: str, visit: Callable[..., Any]) -> None:
    one, other = visit(address), visit(address)
    for tab in (one, other):
        tab.wait_for_selector(EDITED)
    send(one, "grey.png", png(GREY))
    until(lambda: pixels(one).getpixel((8, 8)) == (90, 90, 90))
    send(other, "black.png", png(Image.new("RGB", (16, 16), (20, 20, 20))))
    until(lambda: pixels(other).getpixel((8, 8)) == (20, 20, 20))
    press(one, "End")
    press(other, "End", slider=1)
    until(lambda: pixels(one).getpixel((0, 0)) == (255,) * 3 and pixels(one).getpixel((8, 8)) == (90,) * 3)
    until(lambda: pixels(other).getpixel((1, 0)) == (255,) * 3 and pixels(other).getpixel((8, 8)) == (20,) * 3)


def test_the_keyboard_alone_is_enough(address: str, visit: Callable[..., Any]) -> None:
    tab = visit(address)
    tab.wait_for_selector(EDITED)
    reached = []
    for _ in range(40):
        tab.keyboard.press("Tab")
        reached.append(
            tab.evaluate(
                "() => [document.activeElement.tagName, document.activeElement.type, document.activeElement.id]"
            )
        )
    assert any(kind == "range" for _, kind, _ in reached)
    assert any(name == "reset" for *_, name in reached)
    assert sum(tag == "BUTTON" for tag, *_ in reached) >= 5, "the examples and the upload, too"
    tab.locator("#examples button").nth(2).focus()
    before = pixels(tab)
    tab.keyboard.press("Enter")
    until(lambda: pixels(tab) != before)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_page_fits(address: str, visit: Callable[..., Any], scheme: str) -> None:
    tab = visit(address, viewport={"width": 390, "height": 844}, color_scheme=scheme)
    tab.wait_for_selector(EDITED)
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= 390
    tab.locator("#sliders input[type=range]").first.scroll_into_view_if_needed()
    tab.wait_for_timeout(300)
    box = tab.locator(EDITED).bounding_box()
    assert 0 <= box["y"] < 400, "the edit is in view while a slider is moved"
    shoot(tab, f"narrow-{scheme}")


def test_two_models_side_by_side(serve: Callable[..., str], visit: Callable[..., Any], examples: Any) -> None:
    tab = visit(serve(column(examples=examples), code()))
    tab.wait_for_selector(EDITED)
    second = "#pictures .block:nth-child(2) figure:nth-child(3) img"
    press(tab, "End")
    until(lambda: pixels(tab).getpixel((0, 0)) == (255,) * 3)
    assert tab.locator("#sliders input[type=range]").count() == 4
    before = pixels(tab, second)
    press(tab, "End" if before.getpixel((0, 0))[0] < 128 else "Home", slider=2)
    until(lambda: pixels(tab, second) != before)
    shoot(tab, "two-models")


def test_without_examples_a_picture_is_awaited(serve: Callable[..., str], visit: Callable[..., Any]) -> None:
    tab = visit(serve(column()))
    assert tab.locator("#sliders input[type=range]").first.is_disabled()
    assert "Choose" in tab.locator("#pictures").inner_text()
    send(tab, "grey.png", png(GREY))
    tab.wait_for_selector(EDITED)
    until(lambda: tab.locator("#sliders input[type=range]").first.is_enabled())
