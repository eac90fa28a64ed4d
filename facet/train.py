"""``facet-train``: one run from a config, resumed where it was interrupted, skipped where it is finished."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from facet.commands import run_command, say
from facet.configuration import check
from facet.runs import Run, atomic_write, revision, run_directory

if TYPE_CHECKING:
    from pytorch_lightning import Trainer

# Torch and Lightning are imported where they are needed: finding out that a run is finished must be quick.


def main() -> None:
    """The console command."""
    run_command("train", train)


def train(config: DictConfig) -> Path:
    """Train a run, unless it is finished.

    Args:
        config: as composed from ``conf/train.yaml``.

    Returns:
        The run directory.

    Raises:
        UserError: a mistake in the config.
        ValueError: a value that a constructor refuses.
    """
    if _finished(config):
        return run_directory(config)
    check(config)
    from facet.build import build, quiet, seeded

    quiet()

    run = Run(run_directory(config))
    parts = build(config, run)
    seeded(config.seed)
    model = parts.model()
    resume = str(run.checkpoint) if run.checkpoint.is_file() and not config.force else None
    trainer = parts.trainer(run.finished_epochs() if resume else 0)
    if trainer.is_global_zero:
        atomic_write(
            run.path / "config.yaml", lambda file: file.write(OmegaConf.to_yaml(config, resolve=True).encode())
        )
        run.mark("running", revision=revision())
        say(f"training {run.path}")
    try:
        trainer.fit(model, datamodule=parts.data, ckpt_path=resume, weights_only=True if resume else None)
    except Exception as error:
        if trainer.is_global_zero:
            run.mark("failed", error=f"{type(error).__name__}: {error}", revision=revision())
        raise
    finally:
        _close(trainer)
    if trainer.is_global_zero:
        run.mark("finished", revision=revision(), training=parts.summary(trainer, model))
        say(f"finished {run.path}")
    return run.path


def _finished(config: DictConfig) -> bool:
    try:
        run = Run(run_directory(config))
    except OmegaConfBaseException:
        return False  # the check will say what is wrong
    if config.force or run.status != "finished":
        return False
    say(f"finished already: {run.path}")
    return True


def _close(trainer: Trainer) -> None:
    """End W&B's run, so that the next job of a sweep in this process gets its own."""
    loggers: list[Any] = trainer.loggers
    for logger in loggers:
        logger.finalize("success")
        if type(logger).__name__ == "WandbLogger":
            logger.experiment.finish()


if __name__ == "__main__":
    main()
