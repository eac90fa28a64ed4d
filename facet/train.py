"""``facet-train``: trains a run from a config; resumes an interrupted run, skips a finished one."""

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
from facet.debugging import settle as settle_debug
from facet.errors import RemovedError, UserError, nearest
from facet.files import atomic_write
from facet.identity import directory_to_train, noted_files, resolved, same_run
from facet.imbalance import rare_classes
from facet.length import check_length
from facet.making import make
from facet.processes import follow, together
from facet.records import read_config
from facet.runs import Run, revision
from facet.sweeps import on_several_devices, swept, take_gpu, train_apart

if TYPE_CHECKING:
    from pytorch_lightning import LightningModule, Trainer

    from facet.build import Parts

# Torch and Lightning are imported only when needed, so that a finished run is recognised quickly.


@dataclass(frozen=True)
class Settings:
    """The types of the keys in ``conf/train.yaml``."""

    name: str
    attributes: Annotated[list[str], MinLen(1)] | None
    seed: Annotated[int, Ge(0), Lt(2**32)]
    runs: str
    run_dir: str | None
    debug: str | None
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
        ValueError: a constructor refuses a value.
        ToldError: a run of a sweep that trains in a separate command failed.
    """
    try:
        settle_debug(config)
        run = Run(directory_to_train(config))
    except Exception:  # the directory of an invalid config can't be computed
        check(config)  # reports what is wrong
        raise
    if finished(config, run):
        return run.path
    if swept() and on_several_devices(config):
        train_apart()
        return run.path
    take_gpu(config)
    check(config)
    make(config.data)  # reports bad data settings before torch is imported
    from lightning_fabric.utilities.rank_zero import rank_zero_only

    _refuse(config, run)
    first = rank_zero_only.rank == 0  # type: ignore[attr-defined]
    if not first:
        follow()
    with run.owned() if first else nullcontext():
        if not finished(config, run):  # another process may have finished it before the lock was taken
            _train(config, run)
    return run.path


def objective(config: DictConfig, directory: Path) -> tuple[float, ...] | float | None:
    """The values by which a search (``conf/hparams_search``) compares runs: the last values of ``config.objective``.

    Raises:
        UserError: the run didn't log a metric of this name.
    """
    if config.objective is None:
        return None
    curves = Run(directory).metrics()
    for name in config.objective:
        if name not in curves:
            raise UserError(f"objective={name}: {directory} logged no such metric; nearest: {nearest(name, curves)}")
    values = tuple(curves[name][-1][1] for name in config.objective)
    return values[0] if len(values) == 1 else values


def _train(config: DictConfig, run: Run) -> None:
    """Build the run's parts and fit, from the last checkpoint if there is one."""
    from facet.build import build, constant_attributes, quiet, seeded, seeded_by_rank

    quiet()
    parts = build(config, run)
    if constant := constant_attributes(parts.data):
        why = "in the training split every known label is the same, or none is known"
        say(f"{why}: {', '.join(constant)} can't be learned", "yellow")
    seeded(config.seed)
    model = parts.model()
    if few := rare_classes(config, parts.data, getattr(model, "attribute_names", ())):
        say(few, "yellow")
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
    """The checkpoint to resume from: the last, or the previous one if the last is damaged; None if there is none."""
    settle(run.checkpoint)
    whole = last_whole(run.checkpoint)
    if whole == run.checkpoint or not run.checkpoint.parent.is_dir():
        return whole
    instead = "training from the start" if whole is None else f"resuming from {whole.name}"
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
    """Train, and write to ``status.json`` how it ended, with the details in ``known``.

    The caller has locked the run directory.
    """
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
    except BaseException as error:  # Lightning exits the process on Ctrl-C
        with suppress(OSError):  # a full disk has no room for the status either; the error itself is reported
            if trainer.is_global_zero and isinstance(error, Exception):
                run.mark("failed", error=f"{type(error).__name__}: {error}", **known)
            elif trainer.is_global_zero:
                run.mark("interrupted", error="stopped; run the same command to continue", **known)
        with suppress(OSError):
            _close(trainer, exit_code=1)
        raise
    _close(trainer, exit_code=0)
    if trainer.is_global_zero:
        from facet.editing.judges import keep_judge
        from facet.weights import NAME, write_weights

        write_weights(run.checkpoint.with_name(NAME), model, run.saved(), config, parts.data, known)
        if parts.judge:
            keep_judge(run, parts.judge, parts.data)
        summary = parts.summary(trainer, model)
        run.mark("finished", **known, training=summary)
        if skipped := summary.get("skipped"):
            say(f"batches skipped because a loss or a weight was no finite number: {skipped}", "yellow")
        say(f"finished {run.path}")


def _refuse(config: DictConfig, run: Run) -> None:
    """Refuse a run that can't work, before anything is built.

    Raises:
        UserError: the directory can't be written or belongs to another config, or the run has no valid length.
    """
    check_length(config)
    run.claim()
    file = run.path / "config.yaml"
    if file.is_file() and not config.force and not same_run(read_config(file), config):
        raise UserError(f"{run.path} belongs to a run with another config: choose another run_dir, or force=true")


def finished(config: DictConfig, run: Run) -> bool:
    """Whether a run has nothing left to train; if so, print a line."""
    if config.force or run.status != "finished" or not same_run(read_config(run.path / "config.yaml"), config):
        return False
    if last_whole(run.checkpoint) == run.checkpoint:
        say(f"finished already: {run.path}")
        return True
    if (run.path / "results.json").is_file() and not run.checkpoint.exists():  # removed by the user after judging
        say(f"finished and judged already: {run.path}; its checkpoint is gone, force=true trains it again")
        return True
    return False


def _close(trainer: Trainer, exit_code: int) -> None:
    for logger in trainer.loggers:
        logger.finalize("failed" if exit_code else "success")
    _end_at_wandb(trainer, exit_code)


def _end_at_wandb(trainer: Trainer, exit_code: int) -> None:
    """Finish the W&B run, so that the next job of a sweep in this process gets its own."""
    loggers: list[Any] = trainer.loggers
    for logger in loggers:
        if type(logger).__name__ == "WandbLogger":
            logger.experiment.finish(exit_code=exit_code)


if __name__ == "__main__":
    main()
