"""A run's data and model from its directory, which may be somebody else's: what doesn't fit is refused in one line."""

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

# Torch is imported by what is made: a config is refused without it.


def settings_of(run: Run, places: Mapping[str, Any]) -> DictConfig:
    """What a run was trained with, its data where they are now.

    Args:
        run: with a checkpoint.
        places: of the data, as :func:`facet.identity.at` takes them.

    Raises:
        UserError: a config of which no training here would make data and model.
    """
    settings = at(run.config(), places)
    for part in ("data", "model"):
        try:
            check_part(settings, part)
        except UserError as error:
            raise UserError(f"{run.path / 'config.yaml'}: {error}") from error
    return settings


def data_of(run: Run, settings: DictConfig) -> Any:
    """Its data, as the config has them.

    Raises:
        UserError: they can't be made.
    """
    return _made(run, settings, "data", "prepare_data")


def model_of(run: Run, settings: DictConfig) -> LightningModule:
    """Its model, not yet trained; a stage that it began with is a file that may have gone, and isn't read.

    Raises:
        UserError: it can't be made.
    """
    extra = {"initial": None} if "initial" in settings.model else {}
    model: LightningModule = _made(run, settings, "model", "configure_optimizers", **extra)
    return model


def _made(run: Run, settings: DictConfig, part: str, able: str, **extra: Any) -> Any:
    where = run.path / "config.yaml"
    try:
        found = make(settings[part], **extra)
    except InstantiationException as error:  # of arguments that no check knows: sizes that don't fit, no memory
        raise UserError(f"{where}: its {part} can't be made ({_first_line(error.__cause__ or error)})") from error
    if not hasattr(type(found), able):
        raise UserError(f"{where}: {settings[part]._target_} is no {part}")
    return found


def load(model: LightningModule, run: Run) -> None:
    """Give a model what a run's last checkpoint holds.

    Raises:
        UserError: it can't be read, or is of another model.
    """
    saved = run.saved()
    try:
        model.on_load_checkpoint(saved)  # what a run has added to its model
        model.load_state_dict(saved["state_dict"])
    except Exception as error:  # whatever another model's state comes to
        raise UserError(f"{run.checkpoint} is of another model than config.yaml: {_first_line(error)}") from error


def stages_of(model: Any, run: Run) -> list[Path]:
    """The files of a run's stages, from the narrowest, each looked at.

    Raises:
        UserError: there are none, or one is not of this model.
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
    """Torch's words fill a screen."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = next((line for line in lines if "size mismatch" in line or "key(s)" in line), lines[0] if lines else "")
    return f"{type(error).__name__}: {told[:200]}"
