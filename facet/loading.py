"""Loads a run's data and model from its directory. It may be somebody else's: mismatches are refused in one line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.errors import InstantiationException
from omegaconf import DictConfig

from facet import checkpoints
from facet.configuration import check_part
from facet.errors import UserError
from facet.identity import at
from facet.making import make
from facet.runs import Run

if TYPE_CHECKING:
    from pytorch_lightning import LightningModule

# Torch is imported only by the classes that a config instantiates, so that a bad config is refused quickly.


def settings_of(run: Run, places: Mapping[str, Any]) -> DictConfig:
    """The config of a run, with its data where they are now.

    Args:
        run: a run with a checkpoint.
        places: where the data are, as :func:`facet.identity.at` takes them.

    Raises:
        UserError: the data or the model of the config is invalid.
    """
    settings = at(run.config(), places)
    for part in ("data", "model"):
        try:
            check_part(settings, part)
        except UserError as error:
            raise UserError(f"{run.path / 'config.yaml'}: {error}") from error
    return settings


def data_of(run: Run, settings: DictConfig) -> Any:
    """The data module of a run.

    Raises:
        UserError: it can't be built.
    """
    return _built(run, settings, "data", "prepare_data")


def model_of(run: Run, settings: DictConfig) -> LightningModule:
    """The model of a run, with initial weights.

    Raises:
        UserError: it can't be built.
    """
    # the file of weights that the training began with may be gone, and isn't needed
    extra = {"initial": None} if "initial" in settings.model else {}
    model: LightningModule = _built(run, settings, "model", "configure_optimizers", **extra)
    return model


def _built(run: Run, settings: DictConfig, part: str, method: str, **extra: Any) -> Any:
    """Instantiate ``data`` or ``model`` of a config; ``method`` is one that such an object must have."""
    where = run.path / "config.yaml"
    try:
        built = make(settings[part], **extra)
    except InstantiationException as error:  # errors that no check foresees: sizes that don't fit, no memory
        raise UserError(f"{where}: its {part} can't be built ({_first_line(error.__cause__ or error)})") from error
    if not hasattr(type(built), method):
        raise UserError(f"{where}: {settings[part]._target_} is no {part}")
    return built


def load(model: LightningModule, run: Run) -> None:
    """Load a run's last checkpoint into a model.

    Raises:
        UserError: the checkpoint can't be read, or belongs to another model.
    """
    saved = run.saved()
    try:
        model.on_load_checkpoint(saved)  # restores what the model adds to its checkpoints
        model.load_state_dict(saved["state_dict"])
    except Exception as error:  # another model's state may raise anything
        raise UserError(f"{run.checkpoint} belongs to another model than config.yaml: {_first_line(error)}") from error


def stages_of(model: Any, run: Run) -> list[Path]:
    """The files of a run's stages, the narrowest first; each is read as a check.

    Raises:
        UserError: there are none, or one belongs to another model.
    """
    stages = run.stages()
    for path in stages:
        checkpoints.read(path)
        try:
            model.at_stage(path)
        except ValueError as error:
            raise UserError(str(error)) from error
    return stages


def _first_line(error: BaseException) -> str:
    """The most useful line of an error: torch's messages fill a screen."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    useful = next((line for line in lines if "size mismatch" in line or "key(s)" in line), lines[0] if lines else "")
    return f"{type(error).__name__}: {useful[:200]}"
