"""``facet-train``: one run from a config, resumed where it was interrupted, skipped where it is finished."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Lt, MinLen
from omegaconf import DictConfig, OmegaConf

from facet.checkpoints import batches_of, last_whole, read, settle
from facet.commands import run_command, say
from facet.configuration import check
from facet.errors import RemovedError, UserError, nearest
from facet.files import atomic_write
from facet.identity import directory_to_train, noted_files, resolved, same_run
from facet.length import check_length
from facet.making import make
from facet.processes import follow, together
from facet.records import read_config
from facet.runs import Run, revision
from facet.sweeps import on_several_devices, swept, take_gpu, train_apart

if TYPE_CHECKING:
    from pytorch_lightning import LightningModule, Trainer

    from facet.build import Parts

# Torch and Lightning are imported where they are needed: finding out that a run is finished must be quick.


@dataclass(frozen=True)
class Settings:
    """The types of what ``conf/train.yaml`` has values for."""

    name: str
    attributes: Annotated[list[str], MinLen(1)] | None
    seed: Annotated[int, Ge(0), Lt(2**32)]
    runs: str
    run_dir: str | None
    objective: Annotated[list[str], MinLen(1)] | None
    save_minutes: Annotated[float, Ge(0)] | None
    on_nonfinite: Literal["stop", "skip"]
    force: bool
    allow: list[str]


def main() -> None:
    """The console command."""
    run_command("train", lambda config: objective(config, train(config)))


def train(config: DictConfig) -> Path:
    """Train a run, unless it is finished.

    Args:
        config: as composed from ``conf/train.yaml``.

    Returns:
        The run directory.

    Raises:
        UserError: a mistake in the config.
        ValueError: a value that a constructor refuses.
        ToldError: a run of a sweep that has a command of its own failed.
    """
    try:
        run = Run(directory_to_train(config))
    except Exception:  # such a config has no place
        check(config)  # says what is wrong
        raise
    if finished(config, run):
        return run.path
    if swept() and on_several_devices(config):
        train_apart()
        return run.path
    take_gpu(config)
    check(config)
    make(config.data)  # what it refuses is told before torch is imported
    from lightning_fabric.utilities.rank_zero import rank_zero_only

    _refuse(config, run)
    first = rank_zero_only.rank == 0  # type: ignore[attr-defined]
    if not first:
        follow()
    with run.owned() if first else nullcontext():
        if not finished(config, run):  # by another process, between the first look and the lock
            _train(config, run)
    return run.path


def objective(config: DictConfig, directory: Path) -> tuple[float, ...] | float | None:
    """What a search (``conf/hparams_search``) compares runs by: the last values that ``objective`` names.

    Raises:
        UserError: a name that the run didn't log.
    """
    if config.objective is None:
        return None
    curves = Run(directory).metrics()
    for name in config.objective:
        if name not in curves:
            raise UserError(
                f"objective={name}: {directory} logged nothing of that name; nearest: {nearest(name, curves)}"
            )
    values = tuple(curves[name][-1][1] for name in config.objective)
    return values[0] if len(values) == 1 else values


def _train(config: DictConfig, run: Run) -> None:
    """Build the run's parts and fit, from the last checkpoint where there is one."""
    from facet.build import build, constant_attributes, quiet, seeded, seeded_by_rank

    quiet()
    parts = build(config, run)
    if constant := constant_attributes(parts.data):
        why = "in the training split every known label is the same, or none is known"
        say(f"{why}: {', '.join(constant)} can't be learned", "yellow")
    seeded(config.seed)
    model = parts.model()
    resume = None if config.force else _resumable(run)
    trainer = parts.trainer(batches_of(read(resume)) if resume else 0)
    seeded_by_rank(config.seed, trainer.global_rank)
    data: Any = parts.data
    known: dict[str, Any] = {"revision": revision(), "data_fingerprint": data.fingerprint}
    if "store" in config.data:
        known["data_files"] = noted_files(config.data, str(data.root))
    if resume and run.noted().get("data_fingerprint") not in (None, known["data_fingerprint"]):
        raise UserError(f"the data have changed since {run.path} began: force=true trains it again")
    _fit(config, run, parts, model, trainer, str(resume) if resume else None, known)


def _resumable(run: Run) -> Path | None:
    """The checkpoint to go on from: the last, or the one before where the last is damaged; None if there is none."""
    settle(run.checkpoint)
    whole = last_whole(run.checkpoint)
    if whole == run.checkpoint or not run.checkpoint.parent.is_dir():
        return whole
    instead = "training from the start" if whole is None else f"going on from {whole.name}"
    if whole or run.checkpoint.exists():
        say(f"the checkpoint {run.checkpoint} is missing or damaged; {instead}", "yellow")
    return whole


def _fit(
    config: DictConfig,
    run: Run,
    parts: Parts,
    model: LightningModule,
    trainer: Trainer,
    resume: str | None,
    known: dict[str, Any],
) -> None:
    """Train in a run directory that is this process's, and leave word of how it ended, with what is ``known``."""
    if trainer.is_global_zero:
        if not resume:
            run.clear()
        plain = OmegaConf.to_yaml(OmegaConf.create(resolved(config))).encode()
        atomic_write(run.path / "config.yaml", lambda file: file.write(plain))
        run.mark("running", **known)
        say(f"training {run.path}")
    try:
        with together(trainer):
            trainer.fit(
                model, datamodule=parts.data.for_lightning(), ckpt_path=resume, weights_only=True if resume else None
            )
    except RemovedError:
        _end_at_wandb(trainer, exit_code=1)
        raise
    except BaseException as error:  # Lightning ends the process itself on Ctrl-C
        with suppress(OSError):  # on a full disk there is no room for it either, and the error itself is told
            if trainer.is_global_zero and isinstance(error, Exception):
                run.mark("failed", error=f"{type(error).__name__}: {error}", **known)
            elif trainer.is_global_zero:
                run.mark("interrupted", error="stopped; run the same command to continue", **known)
        with suppress(OSError):
            _close(trainer, exit_code=1)
        raise
    _close(trainer, exit_code=0)
    if trainer.is_global_zero:
        from facet.weights import NAME, write_weights

        write_weights(run.checkpoint.with_name(NAME), model, run.saved(), config, parts.data, known)
        summary = parts.summary(trainer, model)
        run.mark("finished", **known, training=summary)
        if skipped := summary.get("skipped"):
            say(f"batches skipped because a loss or a weight was no finite number: {skipped}", "yellow")
        say(f"finished {run.path}")


def _refuse(config: DictConfig, run: Run) -> None:
    """Say what can't work before anything is made.

    Raises:
        UserError: a directory that can't be written or belongs to another config, or a run without a length.
    """
    check_length(config)
    run.claim()
    file = run.path / "config.yaml"
    if file.is_file() and not config.force and not same_run(read_config(file), config):
        raise UserError(f"{run.path} belongs to a run with another config: choose another run_dir, or force=true")


def finished(config: DictConfig, run: Run) -> bool:
    """Whether a run has nothing left to train, which is said then."""
    if config.force or run.status != "finished" or not same_run(read_config(run.path / "config.yaml"), config):
        return False
    if last_whole(run.checkpoint) == run.checkpoint:
        say(f"finished already: {run.path}")
        return True
    if (run.path / "results.json").is_file() and not run.checkpoint.exists():  # taken away, and the numbers are there
        say(f"finished and judged already: {run.path}; its checkpoint is gone, force=true trains it again")
        return True
    return False


def _close(trainer: Trainer, exit_code: int) -> None:
    for logger in trainer.loggers:
        logger.finalize("failed" if exit_code else "success")
    _end_at_wandb(trainer, exit_code)


def _end_at_wandb(trainer: Trainer, exit_code: int) -> None:
    """So that the next job of a sweep in this process gets a run of its own."""
    loggers: list[Any] = trainer.loggers
    for logger in loggers:
        if type(logger).__name__ == "WandbLogger":
            logger.experiment.finish(exit_code=exit_code)


if __name__ == "__main__":
    main()
