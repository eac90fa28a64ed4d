"""``facet-edit``: edits pictures by named attributes and says what the judge reads in them before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from annotated_types import Ge
from omegaconf import DictConfig, OmegaConf

from facet import packaged
from facet.commands import report as report_error
from facet.commands import run_command, say
from facet.configuration import check
from facet.errors import ToldError, UserError, check_known
from facet.jobs import code_of

if TYPE_CHECKING:
    from facet.editing.editor import PictureEditor

EXAMPLE = Path("example")
"""Stands for a picture that comes with the model."""
ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".ppm", ".pgm", ".jp2"}


@dataclass(frozen=True)
class Settings:
    """facet-edit: edits a picture, or all pictures of a folder, by named attributes. For example: facet-edit
    run=runs/ifcvae_gan/seed0-1a2b3c4d image=me.jpg set.Smiling=1 set.Eyeglasses=0. Instead of run=, model= names one
    that comes with Facet; without image= it edits an example: facet-edit model=avatars-ten set.Smiling=1.
    """

    run: str | None = None  # a run's directory, a weights.safetensors or its folder, or the id of a model on a hub
    image: str | None = None  # a picture, or a folder of pictures
    set: Mapping[str, float] = field(default_factory=dict)  # values: 0 absent, 1 present, beyond them exaggerated
    align: Literal["auto", "none"] | tuple[float, ...] = "auto"  # none: central square; ten numbers: eyes, nose, mouth
    face: Literal["largest", "all"] | Annotated[int, Ge(1)] = "largest"  # of several; 2: the second largest
    paste: Literal["change", "picture"] = "change"  # change: only the difference, so that detail stays; picture: all
    out: str = "edited"  # the folder of the results
    groups: ClassVar[dict[str, str | None]] = {}


def main() -> None:
    """The console command."""
    run_command("edit", edit, read=packaged.as_runs)


def edit(config: DictConfig) -> None:
    """Edit the pictures that the config names.

    Raises:
        UserError: nothing to edit, an unknown attribute, or the only picture can't be edited.
        ToldError: some pictures of a folder can't be edited; each was reported, and all others are there.
    """
    check(config, "edit")
    if config.run is None or (config.image is None and not packaged.is_own(config.run)):
        raise UserError(
            "say what to edit, and with which model: facet-edit run=DIRECTORY image=me.jpg set.Smiling=1, "
            f"or model= of one that comes with Facet ({', '.join(packaged.names())})"
        )
    files = pictures(Path(config.image)) if config.image else [EXAMPLE]
    from facet.editing.sources import load

    editor = load(config.run)
    values = {str(name): float(value) for name, value in config.set.items()}
    known = editor.attributes
    if not known:
        raise UserError(f"{packaged.argument(config.run)}: this model has no named attributes to edit")
    if not values:
        raise UserError(f"say what to change, as in set.{known[0]}=1; this model edits {', '.join(known)}")
    for name in values:
        check_known(name, known, f"set.{name}: this model doesn't edit it")
    failed = []
    for file in files:
        try:
            _edit_file(editor, file, values, config)
        except UserError as error:
            if len(files) == 1:
                raise
            line = str(error) if str(file) in str(error) else f"{file}: {error}"
            failed.append(report_error("edit", UserError(line)))
    if failed:
        raise ToldError(f"{len(failed)} of {len(files)} pictures could not be edited", code_of(failed))


def pictures(image: Path) -> list[Path]:
    """The picture, or those of a folder, sorted by name.

    Raises:
        UserError: there is none.
    """
    image = image.expanduser()
    if not image.exists():
        raise UserError(f"image={image}: there is no such file or folder")
    if not image.is_dir():
        return [image]
    found = sorted(file for file in image.iterdir() if file.suffix.lower() in ENDINGS)
    if not found:
        raise UserError(f"image={image}: the folder has no picture ({', '.join(sorted(ENDINGS))})")
    return found


def _edit_file(editor: PictureEditor, file: Path, values: Mapping[str, float], config: DictConfig) -> None:
    from facet.editing.editor import open_picture
    from facet.editing.examples import example_of
    from facet.editing.photos import edit_photo
    from facet.editing.readings import readings, table
    from facet.editing.results import write

    photo = example_of(editor) if file is EXAMPLE else open_picture(file)
    align = OmegaConf.to_container(config.align) if OmegaConf.is_list(config.align) else config.align
    result, faces = edit_photo(editor, photo, values, align, config.face, config.paste)  # type: ignore[arg-type]
    out = Path(config.out) / file.stem
    written = write(out, editor, photo, result, faces, values)
    for number, face in enumerate(faces, 1):
        which = f", face {number} of {len(faces)}" if len(faces) > 1 else ""
        size = round(face.placement.side)
        enlarged = f"; the model draws {editor.resolution}×{editor.resolution} pixels, enlarged to {size}×{size}"
        print(f"{file}{which}{enlarged if size > editor.resolution else ''}")
        if found := readings(editor, face, values):
            print(table(found))
    say(f"the edit: {written}")


if __name__ == "__main__":
    main()
