"""Builds the objects of a run from a checked config."""

from __future__ import annotations

import logging
import os
import warnings
from dataclasses import dataclass
from typing import Any

import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import Callback, LightningModule, Trainer, seed_everything
from pytorch_lightning.callbacks import Timer

from facet.callbacks.as_saved import AsSaved
from facet.callbacks.counting import Counter, OwnStep
from facet.callbacks.edits import EditMonitor
from facet.callbacks.finite import Finite
from facet.callbacks.overfitting import Overfitting
from facet.callbacks.progress import ProgressNote
from facet.callbacks.random_state import RandomState
from facet.callbacks.saving import Saving
from facet.checkpoint_io import WholeCheckpoints
from facet.errors import UserError
from facet.judge import Judge, blank_judge, get_judge
from facet.making import make
from facet.protocols import Data
from facet.rehearsal import refuse_of_the_trainer, refuse_unlogged, refuse_unread, rehearse
from facet.runs import Run


def prepare(data: Any) -> None:
    """Make the files that a data module needs and that don't exist yet.

    Raises:
        UserError: the data module refuses its input.
    """
    try:
        data.batch_share()  # reports a batch size that the processes can't share before any image is drawn
        data.prepare_data()
        data.order("train")  # reports a split smaller than a batch here, not in the middle of a run
    except ValueError as error:
        raise UserError(str(error)) from error


def quiet() -> None:
    """Silence the messages that libraries print at every start and that users can do nothing about."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    useless = ["Experiment logs directory", ".*LeafSpec", ".*smaller than the logging interval"]
    useless += [".*your dataloader is not resumable"]  # ours resume: they ask the trainer for the position
    for message in (*useless, r"Found \d+ module\(s\) in eval mode", r"`torch.jit.script` is deprecated"):
        warnings.filterwarnings("ignore", message=message)


def seeded(seed: int) -> None:
    """Seed Python, NumPy and torch, and switch off what slows training on a CPU."""
    torch.set_flush_denormal(True)  # denormals make a step several times slower
    # Adam asks in every step whether there is a GPU. Lightning sets this variable to 1: each answer then takes a search
    # for a driver.
    if not torch.cuda.is_available():
        os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "0"
    seed_everything(seed, workers=True, verbose=False)


def seeded_by_rank(seed: int, rank: int) -> None:
    """Give every rank but the first other noise; call it after the model, equal on all ranks, is initialised."""
    if rank:
        seed_everything(seed + 10_007 * rank, workers=True, verbose=False)


def judge_of(config: DictConfig) -> tuple[Judge, dict[str, Any], Data]:
    """The judge of a config's data set, the judge's card, and the data set with all its attributes.

    Raises:
        UserError: the data are refused, or the judge can't be written to the cache.
    """
    everything = everything_of(config)
    prepare(everything)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        judge, card = get_judge(everything, device)
    except OSError as error:
        raise UserError(
            f"the judge can't be written beside the data ({error}): set data.store or FACET_CACHE to a writable place"
        ) from error
    return judge, card, everything


def everything_of(config: DictConfig) -> Any:
    """The data set of a config with all of its attributes."""
    return make(config.data, **({"attributes": None} if "attributes" in config.data else {}))


@dataclass
class Parts:
    """The objects of a run.

    Attributes:
        config: the whole config.
        run: its directory.
        data: the data module.
        callbacks: the callbacks, in order.
    """

    config: DictConfig
    run: Run
    data: Any
    callbacks: list[Callback]

    def model(self) -> LightningModule:
        """The LightningModule, initialised from the current random state."""
        module: LightningModule = make(self.config.model)
        return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def trainer(self, batches: int) -> Trainer:
        """The Trainer.

        Args:
            batches: how many training batches the run has already logged; the loggers continue after them.
        """
        plain: Any = OmegaConf.to_container(self.config, resolve=True)
        loggers = make(self.config.logger)(
            run=self.run.path,
            experiment=self.config.name,
            tags=[f"ablation={self.config.ablation}", f"preset={self.config.preset}"],
            config=plain,
            batches=batches,
        )
        trainer: Trainer = make(
            self.config.trainer,
            logger=loggers,
            callbacks=self.callbacks,
            default_root_dir=str(self.run.path),
            plugins=[WholeCheckpoints()],
        )
        leave_signals(trainer)
        return trainer

    @property
    def judge(self) -> Judge | None:
        """The judge that reads the edits of validations; None if none does, or only an untrained one."""
        read_by = (c.judge for c in self.callbacks if isinstance(c, EditMonitor))
        return None if self.config.debug else next(read_by, None)

    def summary(self, trainer: Trainer, model: LightningModule) -> dict[str, Any]:
        """Steps, images, time, parameters and precision of the training, for ``status.json`` and the pages."""
        timer = next(c for c in self.callbacks if isinstance(c, Timer))
        images = next(c for c in self.callbacks if isinstance(c, Counter)).images
        finite = next(c for c in self.callbacks if isinstance(c, Finite))
        data: Any = self.data
        return {
            "steps": images // data.batch_size,
            "images_seen": images,
            **({"skipped": int(finite.skipped)} if finite.skip else {}),
            "seconds": round(timer.time_elapsed("train"), 1),
            "parameters": {
                name: _size(child)
                for name, child in model.named_children()
                if any(p.requires_grad for p in child.parameters())
            },
            "precision": str(trainer.precision),
            "processes": trainer.world_size,
        }


def leave_signals(trainer: Trainer) -> None:
    """Switch off Lightning's signal handling; ours is in :mod:`facet.callbacks.saving`."""
    # Lightning's handlers end a process with exit code 0, or wait for other processes in the middle of a step.
    trainer._signal_connector.register_signal_handlers = lambda: None  # type: ignore[method-assign]
    # In every step the first process would broadcast whether it got a signal, and all others would wait for it.
    trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = lambda: None  # type: ignore[method-assign]


def constant_attributes(data: Any, split: str = "train") -> list[str]:
    """The attributes whose known labels in a split are all the same, or that have no known label."""
    names = getattr(data, "attribute_names", ())
    labels = data.labels_of(split, names) if names else torch.empty(0, 0)
    return [name for name, values in zip(names, labels.T, strict=True) if len(values[~values.isnan()].unique()) < 2]


def _size(network: Any) -> int:
    """The number of parameters; of a growing network, only those that are open."""
    if hasattr(network, "open_parameters"):
        return int(network.open_parameters())
    return sum(p.numel() for p in network.parameters())


def build(config: DictConfig, run: Run) -> Parts:
    """Build the data and callbacks of a run. On return the data exist and the judge is trained.

    Raises:
        UserError: a value that a constructor or the data refuses.
    """
    data = make(config.data)
    named = {str(name): make(node) for name, node in config.callbacks.items() if node is not None}
    callbacks = list(named.values())
    try:  # reports mistakes in the model and callbacks before any image is drawn
        model = make(config.model)
        model.configure_optimizers()
        for callback in callbacks:
            if hasattr(callback, "check"):  # against the model
                callback.check(model)
    except ValueError as error:
        raise UserError(str(error)) from error
    data.trainer = make(config.trainer, logger=False)  # tells the data how many processes share a batch
    refuse_of_the_trainer(config.trainer, model, data)
    refuse_unread(model, HydraConfig.get().overrides.task if HydraConfig.initialized() else [])
    refuse_unlogged(config, named, data, rehearse(model, data, callbacks))
    prepare(data)
    for callback in callbacks:
        if isinstance(callback, EditMonitor):
            # a debug run doesn't wait for a judge's training
            callback.judge = blank_judge(everything_of(config)) if config.get("debug") else judge_of(config)[0]
            callback.directory = run.path / "grids"
    own = [Overfitting(), AsSaved(), RandomState(), Timer(), *in_every_step(config), ProgressNote()]
    return Parts(config, run, data, [*callbacks, *own, Saving(run.checkpoint, config.save_minutes)])


def in_every_step(config: DictConfig) -> list[Callback]:
    """Our callbacks that act in every step of a run."""
    return [OwnStep(), Counter(), Finite(skip=config.on_nonfinite == "skip")]
