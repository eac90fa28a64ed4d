"""Loads a model to edit with: from a run's directory, an exported folder or file, or a model hub."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from omegaconf import OmegaConf
from safetensors import SafetensorError, safe_open

from facet.build import judge_of
from facet.commands import say
from facet.configuration import check_part
from facet.editing.editor import PictureEditor
from facet.editing.judges import JUDGE, read_judge
from facet.errors import UserError
from facet.hub import ID, fetch
from facet.loading import data_of, model_of, settings_of
from facet.loading import load as load_weights
from facet.making import make
from facet.runs import Run
from facet.weights import FORMAT, NAME, follows_of

NOT_MOVED: Mapping[str, Any] = MappingProxyType({})


def load(source: str | Path, device: str = "cpu") -> PictureEditor:
    """Load a model to edit with.

    Args:
        source: a run's directory, a ``weights.safetensors`` or a folder that holds one, or the id of a model on the
            Hugging Face hub, such as ``someone/smiles``.
        device: where the model is put.

    Raises:
        UserError: there is no such model, or it can't be read.
    """
    path = Path(source).expanduser()
    if (path / "config.yaml").is_file():
        editor = _of_run(Run(path))
    elif (path / NAME).is_file():
        editor = _of_file(path / NAME)
    elif path.is_file():
        editor = _of_file(path)
    elif not path.exists() and ID.fullmatch(str(source)):
        editor = _of_file(_of_hub(str(source)))
    else:
        raise UserError(f"{source} is no model: give a run's directory, or a {NAME}")
    editor.model.eval().requires_grad_(False).to(device)
    if editor.judge is not None:
        editor.judge.to(device)
    return editor


def _of_run(run: Run, places: Mapping[str, Any] = NOT_MOVED) -> PictureEditor:
    """The model of a run, by what a finished training leaves; before its end, or without a judge, by its data."""
    weights = run.checkpoint.with_name(NAME)
    if weights.is_file() and weights.with_name(JUDGE).is_file():
        return _of_file(weights)
    settings = settings_of(run, places)
    model, data = model_of(run, settings), data_of(run, settings)
    load_weights(model, run)
    try:
        judge = judge_of(settings)[0]
    except UserError as error:
        say(f"nothing reads the edits, since the judge needs the data: {error}", "yellow")
        judge = None
    return PictureEditor(
        model,
        data.resolution,
        data.channels,
        crop=getattr(data, "crop", "none"),
        follows=follows_of(data),
        data=settings.data._target_.split(".")[-2],
        judge=judge,
        name=settings.name,
    )


def load_run(run: Run, places: Mapping[str, Any]) -> PictureEditor:
    """The model of a run, to export it: in evaluation mode, frozen, on the CPU.

    Args:
        run: the run.
        places: where its data are, as :func:`facet.identity.at` takes them; they are needed where it has no judge yet.

    Raises:
        UserError: no run, no checkpoint, or it can't be read.
    """
    editor = _of_run(run, places)
    editor.model.eval().requires_grad_(False)
    return editor


def _of_file(path: Path) -> PictureEditor:
    """Load ``weights.safetensors``, and the judge if its file lies beside it."""
    try:
        with safe_open(path, framework="pt") as file:
            header = (file.metadata() or {}).get("facet")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it has no iterator
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} can't be read: {' '.join(str(error).split())}") from error
    known = _header(path, header)
    node = OmegaConf.create({"model": known["model"]})
    try:
        check_part(node, "model")
        model = make(node.model, **({"initial": None} if "initial" in node.model else {}))
        model.on_load_checkpoint(dict(known["checkpoint"]))
        model.load_state_dict({**tensors, **known["state"]})
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except Exception as error:  # another version's state may raise anything
        why = " ".join(str(error).split())[:200]
        raise UserError(f"{path} is of another version of Facet ({known['revision']}): {why}") from error
    judge = read_judge(path.parent / JUDGE) if (path.parent / JUDGE).is_file() else None
    place: dict[str, Any] = {key: known[key] for key in ("crop", "follows", "data") if key in known}
    return PictureEditor(model, known["resolution"], known["channels"], judge=judge, name=known["name"], **place)


def _header(path: Path, header: str | None) -> dict[str, Any]:
    try:
        known: dict[str, Any] = json.loads(header or "")
    except ValueError as error:
        raise UserError(f"{path} is no model of Facet: its header doesn't describe one") from error
    if known.get("format") != FORMAT:
        raise UserError(f"{path} has format {known.get('format')}; this version reads {FORMAT}")
    return known


def _of_hub(name: str) -> Path:
    """Fetch a model's files from the Hugging Face hub; the path of its weights.

    Raises:
        UserError: the library is missing, there is no such model, or the hub can't be reached.
    """
    return fetch(name, ["*.safetensors"]) / NAME
