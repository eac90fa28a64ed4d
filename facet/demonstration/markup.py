"""The demo's HTML: pictures as data URLs, so that none is written to a file, and the judge's readings as a table."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

from PIL import Image

from facet.editing.readings import Reading

UNASKED = "changed, not asked for"
KINDS = {
    "": ("", ""),
    "done": ("done", "done"),
    "not done": ("failed", "not done"),
    UNASKED: ("unasked", "not asked for"),
}
"""For each verdict of a reading, the class of its row and what is said."""
CAPTIONS = ("picture", "unedited", "edited")
"""Of the picture, the model's drawing of it without an edit, and the edit."""
EMPTY = '<p class="empty">Choose a picture.</p>'


def data_url(picture: Image.Image) -> str:
    """A picture as a PNG in a URL."""
    content = io.BytesIO()
    picture.save(content, "PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"


def tiles(title: str, about: str, pictures: Sequence[Image.Image]) -> str:
    """A model's pictures side by side.

    Args:
        title: of the model.
        about: a few words on it.
        pictures: in the order of :data:`CAPTIONS`; none before one is chosen.
    """
    heading = f"<h2>{escape(title)} <small>{escape(about)}</small></h2>"
    if not pictures:
        return heading + EMPTY
    figures = "".join(
        f'<figure><img src="{data_url(picture)}" alt="{caption}" decoding="sync">'  # sync: it doesn't flicker
        f"<figcaption>{caption}</figcaption></figure>"
        for caption, picture in zip(CAPTIONS, pictures, strict=True)
    )
    return f'{heading}<div class="strip">{figures}</div>'


def table(readings: Sequence[Reading], title: str, asks: bool = True) -> str:
    """The judge's readings; what changed is marked in words and in colour.

    Args:
        readings: in the order of the rows.
        title: of the model.
        asks: whether an edit asks for attributes. A walk through a code asks for none, and its changes are no faults.
    """
    if not readings:
        return '<p class="empty">No judge reads these pictures.</p>'
    head = "".join(f'<th scope="col">{name}</th>' for name in ("", *CAPTIONS))
    rows = "".join(_row(reading, asks) for reading in readings)
    label = escape(f"What the judge reads, {title}")
    scrolled = f'<div class="readings" tabindex="0" role="region" aria-label="{label}">'
    body = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f"{_summary(readings, asks)}{scrolled}{body}</div>"


def _summary(readings: Sequence[Reading], asks: bool) -> str:
    changed = [_words(reading.name) for reading in readings if reading.verdict == UNASKED]
    asked = [reading for reading in readings if reading.asked is not None]
    others = f"{'Not asked for' if asks else 'Changed'}: {', '.join(changed)}." if changed else "Nothing else changed."
    if asked:
        done = sum(reading.verdict == "done" for reading in asked)
        others = f"{done} of {len(asked)} as asked. {others}"
    elif not changed:
        others = "Nothing has changed."
    return f'<p class="summary">{escape(others)}</p>'


def _row(reading: Reading, asks: bool) -> str:
    shares = (reading.before, reading.unedited, reading.after)
    cells = "".join(f'<td style="--share:{share:.2f}">{100 * share:.0f}%</td>' for share in shares)
    kind, said = KINDS[reading.verdict] if asks or not reading.verdict else ("walked", "changed")
    name = escape(_words(reading.name))
    value = "" if reading.asked is None else f' <span class="set">→ {reading.asked:g}</span>'
    verdict = f' <span class="verdict">{said}</span>' if said else ""
    return f'<tr class="{kind}"><th scope="row">{name}{value}{verdict}</th>{cells}</tr>'


def _words(name: str) -> str:
    return name.replace("_", " ")


def downloads(pictures: Sequence[tuple[str, Image.Image]]) -> str:
    """Links that save pictures from the page; their names are those of the files."""
    links = (
        f'<a href="{data_url(picture)}" download="{escape(name)}">{escape(name)}</a>' for name, picture in pictures
    )
    return f'<p class="downloads">Save: {" · ".join(links)}</p>' if pictures else ""
