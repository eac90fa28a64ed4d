"""Progressive growth as a Lightning callback: when a stage has ended, the model becomes its own teacher and its code
grows.

The callback decides *when*, the module knows *how* (``grow``). It works with any module that has ``network``,
``code_size``, ``first_code_size``, ``grow(units)`` and ``look()``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer


class ProgressiveGrowth(Callback):
    """Ends a stage after so many epochs, or when validation stalls, until the code has its final size.

    At the end of every stage the network is written to ``stages/code<size>.ckpt`` below the trainer's directory; then
    the module grows, a new optimiser starts, and the moment is marked in the logs (``code_size``). The last stage ends
    the run.

    Args:
        code_size: at which to stop, k + d.
        epochs: of a stage, at most.
        units: that every growth opens.
        patience: validations without a better ``monitor`` that end a stage early; None waits for ``epochs``.
        monitor: what stalls, the smaller the better.

    Raises:
        ValueError: a setting below 1.
    """

    def __init__(
        self,
        code_size: int = 16,
        epochs: int = 100,
        units: int = 1,
        patience: int | None = None,
        monitor: str = "val/mse",
    ) -> None:
        settings = {"code_size": code_size, "epochs": epochs, "units": units, "patience": patience}
        for name, value in settings.items():
            if value is not None and value < 1:
                raise ValueError(f"callbacks.growth.{name}={value}: it must be at least 1")
        self.code_size, self.epochs, self.units = code_size, epochs, units
        self.patience, self.monitor = patience, monitor
        self.passed = 0  # epochs of this stage
        self.best, self.waited = float("inf"), 0

    def check(self, module: Any) -> None:
        """Refuse a schedule that the module can't follow.

        Raises:
            ValueError: a final size that isn't allocated, or isn't reached.
        """
        if self.code_size > module.network.max_code_size:
            raise ValueError(
                f"callbacks.growth.code_size={self.code_size} is more than the "
                f"{module.network.max_code_size} units that model.network.max_code_size allocates"
            )
        if (self.code_size - module.first_code_size) % self.units or self.code_size < module.first_code_size:
            raise ValueError(
                f"callbacks.growth.code_size={self.code_size} is not reached from {module.first_code_size} units "
                f"in steps of {self.units}"
            )

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """The schedule says how long a run is."""
        self.check(pl_module)
        if stage == "fit" and trainer.max_epochs == -1:
            students = (self.code_size - int(pl_module.first_code_size)) // self.units  # type: ignore[arg-type]
            trainer.fit_loop.max_epochs = (1 + students) * self.epochs

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """See whether it got better."""
        if self.patience is None or trainer.sanity_checking:
            return
        if self.monitor not in trainer.callback_metrics:
            there = ", ".join(sorted(name for name in trainer.callback_metrics if name.startswith("val/")))
            raise ValueError(f"callbacks.growth.monitor={self.monitor} is not logged; there are {there}")
        value = float(trainer.callback_metrics[self.monitor])
        self.waited = 0 if value < self.best else self.waited + 1
        self.best = min(self.best, value)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        module: Any = pl_module
        self.passed += 1
        stalled = self.patience is not None and self.waited >= self.patience
        if self.passed < self.epochs and not stalled:
            return
        self._keep(trainer, module)
        if module.code_size >= self.code_size:
            trainer.should_stop = True
            return
        _as_on_the_first_rank(trainer, module.network)  # batch-norm statistics are each rank's own until its next step
        module.grow(self.units)
        _as_on_the_first_rank(trainer, module.network)  # new units are drawn by each rank's own generator
        trainer.strategy.setup_optimizers(trainer)  # a fresh one
        module.look()
        self.passed, self.best, self.waited = 0, float("inf"), 0

    def _keep(self, trainer: Trainer, module: Any) -> None:
        """Write the network of a finished stage, whole or not at all."""
        if not trainer.is_global_zero:
            return
        path = Path(trainer.default_root_dir) / "stages" / f"code{module.code_size:02d}.ckpt"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"network": module.network.state_dict(), "code_size": module.code_size, "stage": module.stage}
        new = path.with_suffix(".new")
        torch.save(content, new)
        os.replace(new, path)

    def state_dict(self) -> dict[str, Any]:
        return {"passed": self.passed, "best": self.best, "waited": self.waited}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.passed, self.best, self.waited = (state_dict[name] for name in ("passed", "best", "waited"))


def _as_on_the_first_rank(trainer: Trainer, network: torch.nn.Module) -> None:
    if trainer.world_size > 1:
        network.load_state_dict(trainer.strategy.broadcast(network.state_dict()))
