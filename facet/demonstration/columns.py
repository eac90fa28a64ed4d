"""What the demo shows of a model, without a page: its sliders, what it makes of a picture, and of their values."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from facet import packaged
from facet.editing import examples
from facet.editing.alignment import cut
from facet.editing.editor import PictureEditor, picture_of
from facet.editing.examples import spread
from facet.editing.photos import PHOTOGRAPHS, placements
from facet.editing.readings import Reading
from facet.editing.sources import find, load
from facet.errors import UserError
from facet.runs import Run

LOW, HIGH = -0.5, 1.5
STEP = 0.01
UNITS = 8  # of a code without named attributes
SEEN = 512  # pictures whose codes give the ranges of the units


@dataclass(frozen=True)
class Control:
    """A slider: an attribute's, or ``unit 3`` of a code without named attributes.

    Attributes:
        name: columns with a control of the same name share its slider.
        low, high: the slider's range.
    """

    name: str
    low: float = LOW
    high: float = HIGH

    def start(self, value: float) -> float:
        """Where the slider starts for a model's value."""
        return round(min(max(value, self.low), self.high), 2)


@dataclass(frozen=True)
class Taken:
    """What a model makes of a picture, computed once.

    Attributes:
        before: what the model is given, at its resolution.
        code: the arguments of its decoder.
        unedited: its drawing without an edit.
        values: its value of each control.
        read, read_unedited: the judge's probabilities; empty without a judge.
    """

    before: Image.Image
    code: tuple[Tensor, ...]
    unedited: Image.Image
    values: Mapping[str, float]
    read: Mapping[str, float]
    read_unedited: Mapping[str, float]


@dataclass(frozen=True)
class Column:
    """A model on the page.

    Attributes:
        editor: the model.
        source: as ``facet-edit run=`` takes it, or the folder of a model that comes with Facet.
        title: what the column is called.
        controls: its sliders.
        examples: pictures of the test split of its data; empty if there are no data.
    """

    editor: PictureEditor
    source: str
    title: str
    controls: tuple[Control, ...]
    examples: tuple[Image.Image, ...] = ()

    def take(self, picture: Image.Image, ready: bool = False) -> Taken:
        """Encode a picture.

        Args:
            picture: of any size.
            ready: whether it is of a data set, and so cut already. Of others, the face is found first.

        Raises:
            UserError: no face is found, or the model needs labels that nothing reads.
        """
        before = self.editor.cut(picture) if ready else self._found(picture)
        if self.editor.attributes:
            code: tuple[Tensor, ...] = self.editor.encode(before)
        else:
            with torch.inference_mode():
                code = (self.editor.model.codes(self.editor.tensor(before)),)
        values = dict(zip((control.name for control in self.controls), code[0][0].tolist(), strict=False))
        unedited = self.draw(code, {})
        return Taken(before, code, unedited, values, self.read(before), self.read(unedited))

    def draw(self, code: tuple[Tensor, ...], values: Mapping[str, float]) -> Image.Image:
        """The picture of a code with some controls set; names of other columns are ignored."""
        own = {control.name: values[control.name] for control in self.controls if control.name in values}
        if self.editor.attributes:
            return self.editor.decode(code[0], code[1], own)
        changed = code[0].clone()
        for unit, control in enumerate(self.controls):
            changed[0, unit] = own.get(control.name, changed[0, unit])
        with torch.inference_mode():
            return picture_of(self.editor.model.decode_codes(changed)[0])

    def read(self, picture: Image.Image) -> dict[str, float]:
        """The judge's probabilities; empty without a judge."""
        return {} if self.editor.judge is None else self.editor.read(picture)

    def readings(self, taken: Taken, after: Image.Image, values: Mapping[str, float]) -> list[Reading]:
        """The judge's readings, the model's own attributes first; the order is the same for every edit."""
        read = self.read(after)
        own = [name for name in self.editor.attributes if name in read]
        asked = {**self.implied(values), **{name: values[name] for name in own if name in values}}
        names = [*own, *(name for name in read if name not in own)]
        return [
            Reading(name, asked.get(name), taken.read[name], taken.read_unedited[name], read[name]) for name in names
        ]

    def implied(self, values: Mapping[str, float]) -> dict[str, float]:
        """What other attributes become with some values: blond hair isn't black."""
        follows = self.editor.follows
        known = [(name, value) for name, value in values.items() if name in self.editor.attributes and name in follows]
        pairs = [pair for name, value in known for pair in follows[name][value > 0.5].items()]
        return {name: float(value) for name, value in pairs if name not in values}

    def command(self, values: Mapping[str, float], image: str, ready: bool) -> str:
        """The command line of an edit; empty if ``facet-edit`` can't edit with this model, or nothing is edited."""
        settings = [f"set.{name}={values[name]:g}" for name in self.editor.attributes if name in values]
        if not settings:
            return ""
        whole = ["align=none"] if ready and self.editor.data in PHOTOGRAPHS else []
        return shlex.join(["facet-edit", packaged.argument(self.source), f"image={image}", *whole, *settings])

    def _found(self, picture: Image.Image) -> Image.Image:
        if self.editor.data not in PHOTOGRAPHS:
            return self.editor.cut(picture)
        where = placements(self.editor, picture, "auto", "largest")[0]
        return cut(picture, where, self.editor.resolution, self.editor.crop)


def columns_of(sources: Sequence[str]) -> tuple[Column, ...]:
    """Load models.

    Raises:
        UserError: one can't be loaded, or has neither attributes nor a code.
    """
    columns = [_column(source) for source in sources]
    titles = [column.title for column in columns]
    again = [column for column in columns if titles.count(column.title) > 1]
    return tuple(
        replace(column, title=f"{column.title} · {Path(column.source).name}") if column in again else column
        for column in columns
    )


def controls_of(columns: Sequence[Column]) -> tuple[Control, ...]:
    """The sliders of a page: each name once, in the order of the columns, with a range that suits all of them."""
    ranges: dict[str, tuple[float, float]] = {}
    for control in (control for column in columns for control in column.controls):
        low, high = ranges.get(control.name, (control.low, control.high))
        ranges[control.name] = min(low, control.low), max(high, control.high)
    return tuple(Control(name, *limits) for name, limits in ranges.items())


def _column(source: str) -> Column:
    editor = load(source)
    title = editor.name or Path(source).name
    images = _pictures(source, editor)
    shown = () if images is None else tuple(picture_of(image.float() / 255) for image in spread(images))
    if editor.attributes:
        controls = tuple(Control(name) for name in editor.attributes)
    elif hasattr(editor.model, "decode_codes"):
        controls = units(editor, None if images is None else spread(images, SEEN))
    else:
        raise UserError(f"run={source}: this model draws no pictures: it has neither attributes nor a code")
    return Column(editor, source, title, controls, shown)


def _pictures(source: str, editor: PictureEditor) -> Tensor | None:
    """Pictures of a model's data ``[N, C, r, r]`` uint8; None if there are none.

    Those of a run's test split; for a file of weights, those that were exported with it, or Facet's own of such data.
    """
    where = find(source)
    if where.is_dir():
        return examples.of_run(Run(where))
    return examples.of_file(where, editor.data, editor.resolution, editor.channels)


def units(editor: PictureEditor, images: Tensor | None) -> tuple[Control, ...]:
    """A slider for each of the first units of a code, over the values that pictures have, or -3 to 3."""
    with torch.inference_mode():
        if images is None:
            blank = Image.new("RGB" if editor.channels == 3 else "L", (editor.resolution,) * 2)
            count = editor.model.codes(editor.tensor(blank)).shape[1]
            low, high = torch.full((count,), -3.0), torch.full((count,), 3.0)
        else:
            codes = editor.model.codes(images.float() / 255)
            low, high = codes.min(0).values, codes.max(0).values + STEP
    limits = list(zip(low.tolist(), high.tolist(), strict=True))[:UNITS]
    return tuple(Control(f"unit {unit}", math.floor(a), math.ceil(b)) for unit, (a, b) in enumerate(limits, 1))
