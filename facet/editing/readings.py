"""What the judge reads of a picture before and after an edit, and what changed that wasn't asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from facet.editing.editor import PictureEditor
from facet.editing.photos import EditedFace


@dataclass(frozen=True)
class Reading:
    """The judge's probabilities of one attribute.

    Attributes:
        name: of the attribute.
        asked: the value that it was set to, or that follows from one (blond hair isn't black); else None.
        before, unedited, after: in the picture, in the model's drawing of it without an edit, and in the edit.
    """

    name: str
    asked: float | None
    before: float
    unedited: float
    after: float

    @property
    def verdict(self) -> str:
        """Whether the edit did what was asked, in a word or two; empty where nothing was asked and nothing changed."""
        if self.asked is not None:
            return "done" if (self.after > 0.5) == (self.asked > 0.5) else "not done"
        return "changed, not asked for" if (self.after > 0.5) != (self.unedited > 0.5) else ""


def readings(editor: PictureEditor, face: EditedFace, values: Mapping[str, float]) -> list[Reading]:
    """The judge's readings of a face, all of its attributes, those that were set first. Empty without a judge."""
    if editor.judge is None:
        return []
    before, unedited, after = (editor.read(picture) for picture in (face.before, face.unedited, face.after))
    follows = (editor.follows.get(name, ({}, {}))[value > 0.5] for name, value in values.items())
    asked = {**{name: float(value) for implied in follows for name, value in implied.items()}, **values}
    names = [name for name in (*values, *(name for name in before if name not in values)) if name in before]
    return [Reading(name, asked.get(name), before[name], unedited[name], after[name]) for name in names]


def table(found: Sequence[Reading]) -> str:
    """The readings as aligned lines."""
    rows = [["", "set to", "picture", "unedited", "edited", ""]]
    for each in found:
        asked = "" if each.asked is None else f"{each.asked:g}"
        shares = [f"{100 * share:.0f}%" for share in (each.before, each.unedited, each.after)]
        rows.append([each.name.replace("_", " "), asked, *shares, each.verdict])
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in range(1, 5)), row[5]]).rstrip()
        for row in rows
    )
