"""Edits the faces of a photograph in place: found, cut out, edited, pasted back at full size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from facet.commands import say
from facet.editing import faces
from facet.editing.alignment import Placement, Way, central, cut, paste, placement, whole
from facet.editing.editor import PictureEditor
from facet.errors import UserError

Which = Literal["largest", "all"] | int
PHOTOGRAPHS = ("celeba",)
"""Data sets whose pictures are photographs of faces, aligned by their eyes and mouths."""


@dataclass(frozen=True)
class EditedFace:
    """A face and its edit; all pictures have the model's resolution.

    Attributes:
        placement: where it is in the photograph.
        before: as it was cut out.
        unedited: as the model draws it without an edit.
        after: as the model draws it with the edit.
    """

    placement: Placement
    before: Image.Image
    unedited: Image.Image
    after: Image.Image


def edit_photo(
    editor: PictureEditor,
    photo: Image.Image,
    values: Mapping[str, float],
    align: str | Sequence[float] = "auto",
    face: Which = "largest",
    way: Way = "picture",
) -> tuple[Image.Image, list[EditedFace]]:
    """Edit one face or all faces of a photograph.

    Args:
        editor: the model.
        photo: of any size.
        values: of attributes, as :meth:`facet.editing.editor.PictureEditor.edit` takes them.
        align: ``auto`` finds the faces and aligns them as the model's data were; ``none`` takes the central square; ten
            numbers are x and y of both eyes, the nose and both corners of the mouth, in pixels.
        face: the largest one, the n-th largest one from 1, or all.
        way: how a face is pasted (:func:`facet.editing.alignment.paste`).

    Returns:
        The photograph with the edits, of the same size, and the faces.

    Raises:
        UserError: there is no such face or attribute.
    """
    edited = []
    result = photo
    for where in placements(editor, photo, align, face):
        before = cut(photo, where, editor.resolution, editor.crop)
        code = editor.encode(before)
        unedited, after = editor.decode(*code), editor.decode(*code, values)
        result = paste(result, after, where, way=way, reconstruction=unedited)
        edited.append(EditedFace(where, before, unedited, after))
    return result, edited


def placements(editor: PictureEditor, photo: Image.Image, align: str | Sequence[float], face: Which) -> list[Placement]:
    """Where the faces are that :func:`edit_photo` edits. Arguments and errors as there."""
    if not isinstance(align, str):
        if len(align) != 10:
            raise UserError(f"align: {len(align)} numbers: give ten, x and y of eyes, nose and corners of the mouth")
        return [placement([align[i : i + 2] for i in range(0, 10, 2)], editor.crop)]
    if align == "auto" and editor.data in PHOTOGRAPHS:
        if faces.available():
            return [placement(found.points, editor.crop) for found in _chosen(faces.find_faces(photo), face)]
        say("the central square is edited: finding faces needs the extra photo (pip install 'facet-lab[photo]')")
    return [whole(photo.size) if editor.crop == "none" else central(photo.size)]


def _chosen(found: Sequence[faces.Face], face: Which) -> Sequence[faces.Face]:
    if not found:
        raise UserError("no face is found; align=none edits the central square")
    if face == "all":
        return found
    number = 1 if face == "largest" else int(face)
    if number > len(found):
        raise UserError(f"face={number}: only {len(found)} found, counted from the largest")
    if face == "largest" and len(found) > 1:
        say(f"{len(found)} faces are found: the largest is edited; face=2 or face=all edits others")
    return found[number - 1 : number]
