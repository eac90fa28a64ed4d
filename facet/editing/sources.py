"""Loads a model to edit with: one of Facet's own, a run's, an exported folder's or file's, or a model hub's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from omegaconf import OmegaConf
from safetensors import SafetensorError, safe_open

from facet import packaged
from facet.build import judge_of
from facet.commands import say
from facet.configuration import check_part
from facet.editing.editor import PictureEditor
from facet.editing.examples import SHEET
from facet.editing.judges import JUDGE, read_judge
from facet.errors import UserError
from facet.hub import ID, fetch
from facet.loading import data_of, model_of, settings_of
from facet.loading import load as load_weights
from facet.making import make
from facet.runs import Run
from facet.weights import FORMAT, NAME, beside, follows_of

NOT_MOVED: Mapping[str, Any] = MappingProxyType({})


def load(source: str | Path, device: str = "cpu") -> PictureEditor:
    """Load a model to edit with.

    Args:
        source: the name of a model that comes with Facet (:mod:`facet.packaged`), a run's directory, a
            ``weights.safetensors`` or a folder that holds one, or the id of a model on the Hugging Face hub, such as
            ``someone/smiles``. What is on the disk comes first.
        device: where the model is put.

    Raises:
        UserError: there is no such model, or it can't be read.
    """
    path = find(source)
    editor = _of_run(Run(path)) if path.is_dir() else _of_file(path)
    editor.model.eval().requires_grad_(False).to(device)
    if editor.judge is not None:
        editor.judge.to(device)
    return editor


def find(source: str | Path) -> Path:
    """Where a model is: a run's directory, or a file of weights. A model of a hub is fetched.

    Args:
        source: as :func:`load` takes it.

    Raises:
        UserError: there is no such model.
    """
    path = Path(source).expanduser()
    if (path / "config.yaml").is_file():
        return path
    if (path / NAME).is_file():
        return path / NAME
    if path.is_file():
        return path
    if not path.exists() and str(source) in packaged.names():
        return packaged.folder(str(source)) / NAME
    if not path.exists() and ID.fullmatch(str(source)):
        return _of_hub(str(source))
    own = ", ".join(packaged.names())
    raise UserError(f"{source} is no model: give a run's directory, a {NAME}, or one of Facet's own: {own}")


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
    """Load ``weights.safetensors``, and the judge if its file lies beside it or in its data set's folder."""
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
        leave_out(model, known.get("left_out", ()))
        state = {**tensors, **known["state"]}
        model.on_load_checkpoint({**known["checkpoint"], "state_dict": state})
        model.load_state_dict(state)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except Exception as error:  # another version's state may raise anything
        why = " ".join(str(error).split())[:200]
        raise UserError(f"{path} is of another version of Facet ({known['revision']}): {why}") from error
    judge_at = beside(path, known.get("data", ""), JUDGE)
    judge = read_judge(judge_at) if judge_at else None
    place: dict[str, Any] = {key: known[key] for key in ("crop", "follows", "data") if key in known}
    name = path.parent.name if path.parent.parent == packaged.MODELS else known["name"]
    return PictureEditor(model, known["resolution"], known["channels"], judge=judge, name=name, **place)


def leave_out(model: Any, parts: Sequence[str]) -> None:
    """Remove the parts of a module that its file doesn't have.

    Raises:
        ValueError: the module needs one of them to edit.
    """
    for part in parts:
        if part not in getattr(model, "training_parts", ()):
            raise ValueError(f"{part!r} is left out, and {type(model).__name__} needs it")
        setattr(model, part, None)


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
    return fetch(name, ["*.safetensors", SHEET]) / NAME
