"""``facet-export``: a trained model for others: safetensors, ONNX, or one HTML page with the model inside."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from omegaconf import DictConfig

from facet.commands import run_command, say
from facet.configuration import check
from facet.errors import UserError
from facet.files import atomic_write
from facet.hub import refuse_upload, upload
from facet.identity import Places

if TYPE_CHECKING:
    from facet.exporting.subject import Subject

# Torch is imported only after the settings are checked, so that a mistake is refused quickly.


@dataclass(frozen=True)
class Settings:
    """facet-export: writes a trained model for others, with its card: facet-export run=DIRECTORY to=page out=exported/.
    safetensors is the model's weights; onnx is encoder, decoder and judge for any ONNX runtime; page is one HTML file
    that edits pictures without a server; package is weights of which only what edits is kept, in half precision; hub is
    safetensors, uploaded to the Hugging Face hub.
    """

    run: str | None = None  # the directory of a judged run
    to: Literal["safetensors", "package", "onnx", "page", "hub"] = "safetensors"  # Facet; small; ONNX; a browser; a hub
    out: str = "exported"  # the directory to write into
    wasm: str | None = None  # for to=page: a folder with the npm package onnxruntime-web; null: it is fetched with npm
    hub: str | None = None  # for to=hub: the model's owner and name there, such as me/smiles
    public: bool = False  # for to=hub: whether everybody may see the model; false: its owner alone
    allow: tuple[str, ...] = ()  # packages of plug-ins that configs may use; only on the command line
    data: Places = field(default_factory=Places)  # where the data are now, if they were moved after the training
    groups: ClassVar[dict[str, str | None]] = {}


def main() -> None:
    """The console command."""
    run_command("export", export)


def export(config: DictConfig) -> Path:
    """Export one run.

    Returns:
        The directory that was written.

    Raises:
        UserError: no such run, no checkpoint, a package is missing, the model can't be exported in this way, or the
            directory can't be written.
    """
    check(config, "export")
    if config.run is None:
        raise UserError("choose what to export: run=DIRECTORY")
    out = Path(config.out)
    _refuse_unwritable(out)
    if config.to == "hub":
        refuse_upload(config.hub)
    if config.to in ("onnx", "page"):
        from facet.exporting.onnx_files import refuse_missing

        refuse_missing(config.to)
    from facet.exporting.card import card_of, files_in
    from facet.exporting.subject import subject_of
    from facet.exporting.words import size

    subject = subject_of(Path(config.run), config.data)
    files = WRITERS[config.to](subject, config)
    there = [name for name in files_in(out) if name in OF_OTHERS]  # exported earlier: the card speaks of them, too
    files = {**files, **card_of(subject, [*files, *there])}
    for name, content in files.items():
        path = _at(out, name)
        _write(path, content)
        say(f"{path}: {size(len(content))}")
    if config.to == "hub":  # everything is here now: nothing is lost if this fails
        say(f"on the hub: {upload(out, [*files, *there], config.hub, config.public)}")
    return out


def _safetensors(subject: Subject, config: DictConfig) -> Mapping[str, bytes]:
    from facet.exporting.tensors import tensor_files

    return tensor_files(subject)


def _package(subject: Subject, config: DictConfig) -> Mapping[str, bytes]:
    from facet.exporting.tensors import alike, package_files

    files = package_files(subject)
    for name in [name for name in files if name.startswith("..")]:
        path = _at(Path(config.out), name)
        there = path.read_bytes() if path.is_file() else files[name]
        if not alike(there, files[name]):
            raise UserError(f"{path} is of other data, and models here share it: choose another out=, or remove it")
        files[name] = there
    return files


def _onnx(subject: Subject, config: DictConfig) -> Mapping[str, bytes]:
    from facet.exporting.onnx_files import onnx_files

    return onnx_files(subject)


def _page(subject: Subject, config: DictConfig) -> Mapping[str, bytes]:
    from facet.exporting.onnx_files import onnx_files
    from facet.exporting.page import page_of, refuse_unnamed
    from facet.exporting.web import runtime

    refuse_unnamed(subject)
    return {"index.html": page_of(subject, onnx_files(subject), runtime(config.wasm))}


WRITERS: dict[str, Callable[[Subject, DictConfig], Mapping[str, bytes]]] = {
    "safetensors": _safetensors,
    "package": _package,
    "onnx": _onnx,
    "page": _page,
    "hub": _safetensors,
}
OF_OTHERS = (
    "weights.safetensors",
    "judge.safetensors",
    "examples.png",
    "encoder.onnx",
    "decoder.onnx",
    "judge.onnx",
    "index.html",
)
"""What an export may have left in the same directory."""


def _refuse_unwritable(out: Path) -> None:
    """Check, before any work, that a directory can be made and written to.

    Raises:
        UserError: it can't.
    """
    import tempfile

    from facet.files import make_directory, unmake

    try:
        made = make_directory(out)
        with tempfile.TemporaryFile(dir=out):
            pass
        unmake(made)
    except OSError as error:
        raise UserError(f"out={out} can't be written ({error.strerror}): choose another directory") from error


def _at(out: Path, name: str) -> Path:
    """Where a file goes. Its name may lead out of the directory, which need not be there."""
    return Path(os.path.normpath(out / name))


def _write(path: Path, content: bytes) -> None:
    try:
        atomic_write(path, lambda file: file.write(content))
    except OSError as error:
        raise UserError(f"{path} can't be written ({error.strerror}): set out= to another directory") from error


if __name__ == "__main__":
    main()
