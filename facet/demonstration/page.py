"""The demo's page in Gradio. Importing this module imports Gradio; ``facet.demo`` says what to install without it."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import gradio as gr
from gradio.components.imageslider import SliderData
from gradio.data_classes import ImageData
from PIL import Image

from facet.demonstration.columns import STEP, Column, Taken, controls_of
from facet.demonstration.markup import data_url, downloads, table, tiles
from facet.editing.editor import open_picture
from facet.errors import UserError, in_one_line

CSS = Path(__file__).with_name("demo.css")
LARGEST_FILE = 10 * 2**20  # bytes of an upload
KEPT = (60, 600)  # seconds: how often files are looked for that nobody removed, and how old they are
EXAMPLE, EDITED = "picture.png", "edited.png"
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


@dataclass(frozen=True)
class Shown:
    """The picture of a session.

    Attributes:
        name: of its file.
        ready: whether it is of a data set, and not uploaded.
        taken: what each column makes of it.
        start: the sliders' values without an edit.
    """

    name: str
    ready: bool
    taken: tuple[Taken, ...]
    start: Mapping[str, float]

    def moved(self, values: Mapping[str, float]) -> dict[str, float]:
        """The values of the sliders that aren't where they started."""
        return {name: value for name, value in values.items() if abs(value - self.start[name]) > STEP / 2}


class Page:
    """The page's functions: what the browser calls. They return the outputs in the order of :meth:`build`.

    Args:
        columns: the models.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self.controls = controls_of(columns)
        self.examples = next((column.examples for column in columns if column.examples), ())

    def choose(self, picture: Image.Image, name: str, ready: bool) -> list[Any]:
        """Show a picture: the session's state, the sliders, and what :meth:`move` returns.

        Raises:
            UserError: a model can't take it.
        """
        taken = tuple(column.take(picture, ready) for column in self.columns)
        values: dict[str, float] = {}
        for each in reversed(taken):  # the first model that has an attribute says where its slider starts
            values |= each.values
        start = {control.name: control.start(values[control.name]) for control in self.controls}
        shown = Shown(name, ready, taken, start)
        sliders = [gr.update(value=value, interactive=True) for value in start.values()]
        return [shown, *sliders, *self.move(shown, *start.values())]

    def example(self, event: gr.SelectData) -> list[Any]:
        """Show an example that was clicked."""
        return self._chosen(lambda: self.choose(self.examples[event.index], EXAMPLE, ready=True))

    def first(self) -> list[Any]:
        """Show the first example, if there is one."""
        if not self.examples:
            return self._nothing()
        return self._chosen(lambda: self.choose(self.examples[0], EXAMPLE, ready=True))

    def upload(self, file: ImageData | None) -> list[Any]:
        """Show an uploaded picture and remove its file; a warning if it is none. The first output clears the upload."""
        if file is None or file.path is None:
            return [None, *self._nothing()]
        path, name = Path(file.path), Path(file.orig_name or file.path).name
        try:
            return [None, *self._chosen(lambda: self.choose(open_picture(path), name, ready=False), {str(path): name})]
        finally:
            path.unlink(missing_ok=True)

    def _chosen(self, choose: Callable[[], list[Any]], names: Mapping[str, str] = MappingProxyType({})) -> list[Any]:
        """What ``choose`` returns, or nothing after a warning; paths in it are replaced by the user's own names."""
        try:
            return choose()
        except UserError as error:
            told = str(error)
            for path, name in names.items():
                told = told.replace(path, name)
            gr.Warning(html.escape(in_one_line(told)), title="This picture can't be used")
            return self._nothing()

    def move(self, shown: Shown | None, *values: float) -> list[Any]:
        """Draw the edit that the sliders ask for: tiles, comparisons and tables of the columns, and the command."""
        if shown is None:
            return [gr.skip()] * (3 * len(self.columns) + 2)
        moved = shown.moved({control.name: value for control, value in zip(self.controls, values, strict=True)})
        seen: tuple[list[Any], ...] = ([], [], [])
        pictures = [(EXAMPLE, shown.taken[0].before)] if shown.ready else []
        for i, (column, taken) in enumerate(zip(self.columns, shown.taken, strict=True)):
            after = column.draw(taken.code, moved)
            found = column.readings(taken, after, moved)
            seen[0].append(tiles(column.title, about(column), (taken.before, taken.unedited, after)))
            seen[1].append((taken.unedited, after))
            seen[2].append(table(found, column.title, bool(column.editor.attributes)))
            pictures.append((EDITED if i == 0 else f"edited-{i + 1}.png", after))
        commands = (column.command(moved, shown.name, shown.ready) for column in self.columns)
        return [*seen[0], *seen[1], *seen[2], "\n".join(filter(None, commands)), downloads(pictures)]

    def slide(self, name: str, shown: Shown | None, *values: float) -> list[Any]:
        """Draw after a slider was moved: all sliders, of which some move along, and what :meth:`move` returns."""
        names = [control.name for control in self.controls]
        now = dict(zip(names, values, strict=True))
        along: dict[str, float] = {}
        for column in self.columns if shown else ():  # blond hair isn't black
            along |= {other: value for other, value in column.implied({name: now[name]}).items() if other in now}
        return [*(along.get(each, gr.skip()) for each in names), *self.move(shown, *{**now, **along}.values())]

    def reset(self, shown: Shown | None) -> list[Any]:
        """Put the sliders back to where they started: the sliders, and what :meth:`move` returns."""
        if shown is None:
            return self._nothing()[1:]
        return [*shown.start.values(), *self.move(shown, *shown.start.values())]

    def _nothing(self) -> list[Any]:
        """The outputs of :meth:`choose`, all unchanged."""
        return [gr.skip()] * (1 + len(self.controls) + 3 * len(self.columns) + 2)

    def build(self) -> gr.Blocks:
        """The page."""
        with gr.Blocks(title="Facet", analytics_enabled=False, delete_cache=KEPT) as blocks:
            shown = gr.State(None)
            gr.HTML(f"<style>:root {{ --models: {len(self.columns)} }}</style>", visible="hidden", js_on_load=None)
            with gr.Row(elem_id="facet"):
                with gr.Column(elem_id="left"):
                    with gr.Column(elem_id="choose"):
                        upload = uploader()
                        gallery = self._gallery()
                    with gr.Column(elem_id="sliders"):
                        sliders = [self._slider(control) for control in self.controls]
                        reset = gr.Button("Reset", size="sm", elem_id="reset")
                with gr.Column(elem_id="right"):
                    with gr.Column(elem_id="pictures"):
                        seen = [gr.HTML(tiles(each.title, about(each), ()), js_on_load=None) for each in self.columns]
                    with gr.Column(elem_id="details"):
                        with gr.Row(elem_id="columns"):
                            read, compared = self._details()
                        command = self._command()
                        saved = gr.HTML(js_on_load=None)
            drawn = [*seen, *compared, *read, command, saved]
            chosen = [shown, *sliders, *drawn]
            upload.upload(self.upload, upload, [upload, *chosen], **QUIET)
            if gallery is not None:
                gallery.select(self.example, None, chosen, **QUIET)
            blocks.load(self.first, None, chosen, **QUIET)
            reset.click(self.reset, shown, [*sliders, *drawn], **QUIET)
            for control, slider in zip(self.controls, sliders, strict=True):
                slide = partial(self.slide, control.name)
                slider.input(slide, [shown, *sliders], [*sliders, *drawn], trigger_mode="always_last", **QUIET)
        return blocks

    def _details(self) -> tuple[list[Any], list[Any]]:
        """For each model, the place of the readings, and the slider between two pictures."""
        read, compared = [], []
        for _ in self.columns:
            with gr.Column(elem_classes="model"):
                read.append(gr.HTML(js_on_load=None))
                compared.append(comparison())
        return read, compared

    def _command(self) -> Any:
        return gr.Textbox(
            label="The command for this edit",
            placeholder="Move a slider.",
            interactive=False,
            buttons=["copy"],
            lines=1,
            max_lines=6,
            elem_id="command",
            visible=any(column.editor.attributes for column in self.columns),
        )

    def _slider(self, control: Any) -> Any:
        return gr.Slider(
            control.low,
            control.high,
            value=min(max(0.0, control.low), control.high),
            step=STEP,
            label=control.name.replace("_", " "),
            interactive=bool(self.examples),
            buttons=[],
        )

    def _gallery(self) -> Any:
        if not self.examples:
            return None
        return gr.Gallery(
            list(self.examples),
            label="Examples",
            show_label=False,
            container=False,
            columns=6,
            format="png",
            allow_preview=False,
            buttons=[],
            interactive=False,
            object_fit="contain",
            elem_id="examples",
        )


def about(column: Column) -> str:
    """A few words on a model: its data and resolution."""
    side = column.editor.resolution
    return f"{column.editor.data} {side}×{side}".strip()


def uploader() -> Any:
    """A place to drop or paste a picture. Its value is the uploaded file, which :meth:`Page.upload` opens itself."""
    upload = gr.Image(
        sources=["upload", "clipboard"],
        label="Your picture",
        show_label=False,
        buttons=[],
        height=130,
        placeholder="Drop or choose a picture",
        elem_id="upload",
    )
    upload.preprocess = lambda payload: payload
    return upload


def comparison() -> Any:
    """A slider between two pictures, which it shows as data URLs: no file is written."""
    slider = gr.ImageSlider(
        label="unedited | edited", show_label=False, interactive=False, buttons=[], elem_classes="compare"
    )

    def postprocess(value: tuple[Image.Image, Image.Image] | None) -> SliderData | None:
        return value and SliderData(root=tuple(ImageData(url=data_url(picture)) for picture in value))

    slider.postprocess = postprocess
    return slider


def theme() -> Any:
    """A quiet theme in the system's own fonts: Gradio's default ones may be fetched from elsewhere."""
    fonts = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}
    return gr.themes.Base(primary_hue="teal", neutral_hue="stone", **fonts)
