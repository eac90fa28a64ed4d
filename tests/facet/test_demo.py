"""``facet-demo`` without a browser: what its functions return, what it refuses, and what the page says."""

from __future__ import annotations

import base64
import html
import io
import re
import socket
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from demonstrated import code, column, digits
from known_editors import Dots
from PIL import Image

from facet import demo
from facet.configuration import compose_config
from facet.demonstration import columns
from facet.demonstration.columns import Control, controls_of
from facet.demonstration.markup import data_url, downloads, table, tiles
from facet.editing.readings import Reading

GREY = Image.new("RGB", (16, 16), (90, 90, 90))


def page(*columns: Any) -> Any:
    pytest.importorskip("gradio")
    from facet.demonstration.page import Page

    return Page(columns or [column()])


def test_a_column_edits_what_its_sliders_say() -> None:
    shown = column()
    taken = shown.take(GREY)
    assert taken.values == pytest.approx({"A": 90 / 255, "B": 90 / 255})
    assert taken.unedited == GREY
    edited = shown.draw(taken.code, {"A": 1, "elsewhere": 3})
    assert (edited.getpixel((0, 0)), edited.getpixel((1, 0))) == ((255,) * 3, (90,) * 3)
    readings = shown.readings(taken, edited, {"A": 1.0})
    assert [(each.name, each.asked, each.verdict) for each in readings] == [("A", 1, "done"), ("B", None, "")]


def test_what_an_edit_rules_out_counts_as_asked_for() -> None:
    shown = column(follows={"A": ({}, {"B": False})})
    assert shown.implied({"A": 1.0}) == {"B": 0.0}
    assert shown.implied({"A": 0.0}) == {}
    assert shown.implied({"A": 1.0, "B": 1.0}) == {}, "who asks for both gets both"
    white = Image.new("RGB", (16, 16), "white")
    taken = shown.take(white)
    readings = shown.readings(taken, shown.draw(taken.code, {"A": 1.0}), {"A": 1.0})
    assert [each.verdict for each in readings] == ["done", "done"]


def test_the_command_does_the_same() -> None:
    shown = column(source="runs/a b")
    values = {"A": 1.5, "elsewhere": 1.0}
    assert shown.command(values, "me.jpg", False) == "facet-edit 'run=runs/a b' image=me.jpg set.A=1.5"
    assert shown.command({}, "me.jpg", False) == ""
    assert code().command({"unit 1": 1.0}, "me.jpg", False) == "", "facet-edit edits attributes only"
    photographs = column(data="celeba")
    assert "align" not in photographs.command(values, "me.jpg", False)
    assert "align=none" in photographs.command(values, "me.jpg", True), "an example is cut already"


def test_the_face_of_a_photograph_is_found_first(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = column(data="celeba")
    corner = GREY.resize((32, 32))
    corner.paste("white", (0, 0, 16, 16))
    monkeypatch.setattr(columns, "placements", lambda *_: ["the corner"])
    monkeypatch.setattr(columns, "cut", lambda picture, where, *_: picture.crop((0, 0, 16, 16)))
    assert shown.take(corner).before == Image.new("RGB", (16, 16), "white")
    assert shown.take(corner, ready=True).before != shown.take(corner).before


def test_a_code_without_attributes_is_walked_through() -> None:
    walked = code()
    assert [control.name for control in walked.controls] == ["unit 1", "unit 2"]
    taken = walked.take(GREY)
    assert taken.values == pytest.approx({"unit 1": 90 / 255, "unit 2": 90 / 255})
    moved = walked.draw(taken.code, {"unit 2": 1.0})
    assert (moved.getpixel((0, 0)), moved.getpixel((1, 0))) == (90, 255)


def test_units_range_over_the_codes_of_the_data() -> None:
    units = digits(torch.tensor([[-1.7, 0.0], [2.2, 0.5]]))
    assert units == (Control("unit 1", -2, 3), Control("unit 2", 0, 1))
    assert digits(None) == (Control("unit 1", -3, 3), Control("unit 2", -3, 3))


def test_columns_share_sliders_by_name() -> None:
    shared = controls_of([column(), code()])
    assert [control.name for control in shared] == ["A", "B", "unit 1", "unit 2"]
    assert Control("A").start(3.0) == 1.5
    assert Control("A").start(0.123) == 0.12


def test_the_table_marks_what_was_not_asked_for() -> None:
    readings = [Reading("A_B", 1.0, 0.1, 0.1, 0.9), Reading("<b>", None, 0.1, 0.1, 0.9), Reading("C", 0.0, 0, 0, 0.7)]
    marked = table(readings, "model")
    assert re.findall(r'<tr class="(\w+)">', marked) == ["done", "unasked", "failed"]
    assert "1 of 2 as asked. Not asked for: &lt;b&gt;." in marked
    assert 'A B <span class="set">→ 1</span>' in marked
    assert re.findall(r'<tr class="(\w*)">', table(readings[1:2], "model", asks=False)) == ["walked"]
    assert "No judge" in table([], "model")


def test_names_are_no_markup() -> None:
    assert "<script" not in tiles("<script>", "<script>", [GREY] * 3) + downloads([("<script>", GREY)])
    with Image.open(io.BytesIO(base64.b64decode(data_url(GREY).partition(",")[2]))) as read:
        assert read.tobytes() == GREY.tobytes()


def test_sliders_start_at_what_the_model_reads() -> None:
    shown, first, second, *drawn = page().choose(GREY, "me.png", False)
    assert (first["value"], second["value"]) == (0.35, 0.35)
    assert shown.start == {"A": 0.35, "B": 0.35}
    assert len(drawn) == 5
    assert drawn[-2] == "", "nothing is edited yet"


def test_a_move_changes_the_picture_and_a_reset_brings_it_back() -> None:
    pages = page()
    shown = pages.choose(GREY, "me.png", False)[0]
    seen, compared, read, command, saved = pages.move(shown, 1.0, 0.35)
    assert data_url(compared[1]) in seen
    assert compared[0] == GREY
    assert compared[1].getpixel((0, 0)) == (255,) * 3
    assert compared[1].getpixel((1, 0)) == (90,) * 3, "a slider that wasn't moved changes nothing"
    assert "1 of 1 as asked" in read
    assert command == "facet-edit run=runs/a image=me.png set.A=1"
    assert "edited.png" in saved
    first, second, _, compared, *_ = pages.reset(shown)
    assert (first, second) == (0.35, 0.35)
    assert compared[1] == GREY


def test_sliders_of_what_follows_move_along() -> None:
    """Once something is given, what it rules out is taken away, and both sliders say so."""
    pages = page(column(follows={"A": ({}, {"B": False, "elsewhere": True})}), code())
    shown, *_ = pages.choose(GREY, "me.png", False)
    rest = list(shown.start.values())[1:]
    still, along, *others = pages.slide("A", shown, 1.0, *rest)[:4]
    assert along == 0.0
    assert all(isinstance(each, dict) for each in (still, *others)), (
        "the others stay, and what is moved isn't disturbed"
    )
    edited = pages.slide("A", shown, 1.0, *rest)[4:]
    assert [edited[2][1].getpixel((x, 0)) for x in (0, 1)] == [(255,) * 3, (0,) * 3]
    assert edited == pages.move(shown, 1.0, 0.0, *rest[1:])
    assert pages.slide("A", shown, 0.2, *rest)[4:] == pages.move(shown, 0.2, *rest), (
        "nothing follows from taking it away"
    )
    assert len(pages.slide("A", None, 1.0, *rest)) == 4 + 3 * 2 + 2


def test_two_models_share_a_slider_and_one_without_it_ignores_it() -> None:
    pages = page(column(), code(), column(source="runs/b"))
    shown, *_ = pages.choose(GREY, "me.png", False)
    drawn = pages.move(shown, 1.0, *list(shown.start.values())[1:])
    compared = drawn[3:6]
    assert [after.getpixel((0, 0)) for _, after in compared] == [(255,) * 3, 90, (255,) * 3]
    assert drawn[-2].splitlines() == [f"facet-edit run=runs/{name} image=me.png set.A=1" for name in "ab"]


def test_before_a_picture_is_chosen_nothing_happens() -> None:
    pages = page()
    outputs = 3 + 2
    assert len(pages.move(None, 0.0, 0.0)) == outputs
    assert len(pages.reset(None)) == outputs + 2
    assert len(pages.first()) == outputs + 3
    assert len(pages.upload(None)) == outputs + 4


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"hello, I'm no picture", "text"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "bad <name>.png"),
        (b"\x00\x00\x00\x18ftypheic", "HEIC"),
    ],
)
def test_an_upload_that_is_no_picture(content: bytes, said: str, tmp_path: Path) -> None:
    pages = page()
    file = tmp_path / "hash" / "bad.png"
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.warns(UserWarning, match=re.escape(html.escape(said))) as warned:
        outputs = pages.upload(SimpleNamespace(path=str(file), orig_name="bad <name>.png"))
    assert str(tmp_path) not in str(warned[0].message)
    assert outputs[0] is None
    assert not file.exists(), "nothing is kept"


def test_an_upload_is_shown_and_its_file_removed(tmp_path: Path) -> None:
    pages = page()
    file = tmp_path / "x.png"
    GREY.resize((40, 30)).save(file)
    cleared, shown, *_ = pages.upload(SimpleNamespace(path=str(file), orig_name="me and you.png"))
    assert cleared is None
    assert (shown.name, shown.ready) == ("me and you.png", False)
    assert shown.taken[0].before.size == (16, 16)
    assert not file.exists()


def test_a_model_that_can_not_take_a_picture_is_one_message() -> None:
    class NeedsLabels(type(column().editor.model)):  # type: ignore[misc]
        labels_given = True

    model = NeedsLabels()
    model.parameters = code().editor.model.parameters
    pages = page(column(examples=[GREY], model=model, judge=None))
    with pytest.warns(UserWarning, match="predicts no attributes"):
        assert len(pages.first()) == 3 + 5


def test_the_page_is_built_with_what_there_is() -> None:
    some = tuple(Image.fromarray(each.permute(1, 2, 0).numpy()) for each in Dots().tensors("test")[0][:3])
    blocks = page(column(examples=some), code()).build()
    kinds = [block["type"] for block in blocks.get_config_file()["components"]]
    assert kinds.count("slider") == 4
    assert kinds.count("imageslider") == 2
    assert kinds.count("gallery") == 1
    assert [block["type"] for block in page().build().get_config_file()["components"]].count("gallery") == 0


def call(*arguments: str, patch: pytest.MonkeyPatch) -> int:
    patch.setattr(sys, "argv", ["facet-demo", *arguments])
    with pytest.raises(SystemExit) as stopped:
        demo.main()
    return int(stopped.value.code or 0)


def test_mistakes_are_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*arguments: str) -> str:
        assert call(*arguments, patch=monkeypatch) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        return said

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port={port} is taken: try port={port + 1}" in refused("run=nowhere", f"port={port}")
    assert "say run= or model=, not both" in refused("run=runs/a", "model=avatars-ten")
    assert "model=avatars: no such model comes with Facet, which has avatars-" in refused("model=avatars")
    assert "port" in refused("run=nowhere", "port=70000")
    assert "host=nowhere.invalid" in refused("run=nowhere", "host=nowhere.invalid")
    pytest.importorskip("gradio")
    assert "nowhere is no model" in refused("run=nowhere", f"port={port}")


def test_without_a_model_it_shows_those_that_come_with_facet_of_one_data_set() -> None:
    of = [demo.sources_of(compose_config("demo", settings)) for settings in ([], ["run=runs/a"], ["run=[a,b]"])]
    assert of[1:] == [["runs/a"], ["a", "b"]]
    shown = columns.columns_of(of[0])
    assert [column.title for column in shown] == ["avatars-ten", "avatars-jacsup", "avatars-best"]
    first, *others = [[picture.tobytes() for picture in column.examples] for column in shown]
    assert first
    assert all(other == first for other in others)


def test_a_browser_is_opened_where_there_is_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(demo.webbrowser, "open", opened.append)
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    demo.show("http://127.0.0.1:1/")
    assert not opened
    monkeypatch.setenv("DISPLAY", ":0")
    demo.show("http://127.0.0.1:1/")
    assert opened == ["http://127.0.0.1:1/"]


def test_without_gradio_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.delitem(sys.modules, "facet.demonstration.page", raising=False)
    assert call("run=nowhere", patch=monkeypatch) == 2
    assert "pip install 'facet-lab[demo]'" in capsys.readouterr().err
