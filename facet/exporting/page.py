"""One HTML file with the model inside: it edits pictures in a browser, without a server and without the network."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from facet.errors import UserError
from facet.exporting import words
from facet.exporting.subject import Subject
from facet.exporting.web import VERSION, Runtime
from facet.measures.drawn import read_examples
from facet.measures.shown import VALUES
from facet.report.page import data_uri
from facet.report.strips import png, strip

EXAMPLES = 8
"""Example faces of a page, at most."""
POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data: blob:; style-src 'unsafe-inline'; "
    "script-src blob: 'wasm-unsafe-eval' 'sha256-{digest}'"
)
"""What a browser is to do of a page: run its one script and the runtime inside, and ask nobody anything."""
UNSIZED = "???.? MB"
"""Stands for the file's size until it is known; as long as the size of a usual page."""


def refuse_unnamed(subject: Subject) -> None:
    """Check that a page has something to slide.

    Raises:
        UserError: the method has no named attributes.
    """
    if not subject.is_editor:
        method, _ = words.method_of(subject)
        raise UserError(
            f"to=page needs named attributes to slide, and {method} ({subject.run.path}) has none: use to=onnx"
        )


def page_of(subject: Subject, networks: Mapping[str, bytes], runtime: Runtime) -> bytes:
    """The page.

    Args:
        subject: a method with named attributes.
        networks: ``encoder.onnx``, ``decoder.onnx`` and perhaps ``judge.onnx``.
        runtime: onnxruntime-web.
    """
    method, paper = words.method_of(subject)
    script = _script()
    shown = {
        "title": f"{method}: {words.plain(subject.names[0])}" + (" and more" if len(subject.names) > 1 else ""),
        "method": method,
        "paper": paper,
        "data": words.data_of(subject),
        "limits": words.limits_of(subject),
        "uses": words.USES,
        "subject": subject,
        "sliders": [_slider(subject, name) for name in subject.names],
        "low": min(VALUES),
        "high": max(VALUES),
        "examples": [data_uri(png(strip(face[None]))) for face in example_faces(subject)],
        "settings": Markup(json.dumps(_settings(subject)).replace("<", "\\u003c")),
        "binaries": {
            "glue": _text(runtime.glue),
            "wasm": _text(runtime.wasm),
            **{name.removesuffix(".onnx"): _text(content) for name, content in networks.items()},
        },
        "networks": words.size(sum(map(len, networks.values()))),
        "version": VERSION,
        "size": UNSIZED,
        "script": Markup(script),
        "policy": POLICY.format(digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()),
    }
    environment = Environment(
        loader=PackageLoader("facet.exporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plain"] = words.plain
    content = environment.get_template("page.html.j2").render(shown).encode()
    return content.replace(UNSIZED.encode(), words.size(len(content)).encode())


def example_faces(subject: Subject) -> NDArray[np.uint8]:
    """Faces of the test split that ``facet-evaluate`` has kept, ``[m, C, r, r]``; m is 0 if it has not run."""
    drawn = read_examples(subject.run.path, lambda name: name in ("faces", "original"))
    found = drawn.get("faces", drawn.get("original"))
    shape = (subject.channels, subject.resolution, subject.resolution)
    if found is None or found.shape[1:] != shape:
        return np.zeros((0, *shape), np.uint8)
    faces: NDArray[np.uint8] = found[:EXAMPLES]
    return faces


def _slider(subject: Subject, name: str) -> dict[str, Any]:
    """An attribute, and in words how often edits of it succeed."""
    result = subject.result
    given, taken = (result.number(measure, name) for measure in ("on_from_off", "off_from_on"))
    note = ""
    if given and taken:
        note = f"given {100 * given.value:.0f}%, taken away {100 * taken.value:.0f}%"
    return {"name": name, "note": note}


def _settings(subject: Subject) -> dict[str, Any]:
    """What the page's script has to know."""
    card = subject.result.content.get("judge") or {}
    return {
        "attributes": list(subject.names),
        "resolution": subject.resolution,
        "channels": subject.channels,
        "labelsGiven": subject.labels_given,
        "values": list(VALUES),
        "implied": {name: [dict(off), dict(on)] for name, (off, on) in subject.implied.items()},
        "judge": list(subject.judge.attribute_names if subject.judge else ()),
        "accuracy": {name: value for name, value in card.get("accuracy", {}).items() if value is not None},
    }


def _text(content: bytes) -> str:
    """Bytes as base64; packed, which makes the runtime a third of its size."""
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


@cache
def _script() -> str:
    templates = files("facet.exporting").joinpath("templates")
    return "\n".join(templates.joinpath(name).read_text("utf-8") for name in ("pictures.js", "page.js"))
