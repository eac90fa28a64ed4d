"""Progressive growth as a Lightning callback: after each stage the model becomes its own teacher, and its code grows.

The callback decides *when*, the module knows *how* (``grow``). It works with any :class:`jacsup.stages.StagedModule`
that has ``network`` and ``grow(count)``. Sizes count what the module opens: units on digits, channels of z on faces.
"""

from __future__ import annotations

import io
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer


class ProgressiveGrowth(Callback):
    """Ends a stage after some epochs, or when validation stalls, until the code has its final size.

    A schedule is the size of every stage. Either ``max_units`` and ``units_per_growth`` give it, or ``sizes`` lists it.
    In a list a stage may be as large as the one before; the module then goes on to its next stage and opens nothing.

    At the end of every stage the network is written to ``stages/code<size>.ckpt`` below the trainer's directory. Then
    the module grows, a new optimiser starts, and the logs show the new size (``code_size``). The last stage ends the
    run. A module that begins with a finished stage (``ended``) grows before the first epoch. Other callbacks may have
    ``on_stage_end(module)``, called before the network is written, and ``on_stage_start(module)``.

    Args:
        max_units: the final size of a code of units, k + d, at which growth stops.
        epochs: of a stage, at most; one number for all stages, or one for each of ``sizes``.
        units_per_growth: how many units each growth opens.
        sizes: of all stages in turn, in units or in channels of z. The final size is then the last of them,
            ``max_units`` has no part, and ``units_per_growth`` must not be set.
        patience: validations without a better ``monitor`` that end a stage early; None waits for ``epochs``.
        monitor: the logged value that must fall.

    Raises:
        ValueError: a setting below 1, sizes that shrink, or another number of epochs than of sizes.
    """

    def __init__(
        self,
        max_units: int = 16,
        epochs: int | Sequence[int] = 100,
        units_per_growth: int = 1,
        patience: int | None = None,
        monitor: str = "val/mse",
        sizes: Sequence[int] | None = None,
    ) -> None:
        self.sizes = None if sizes is None else list(sizes)
        self.epochs = epochs if isinstance(epochs, int) else list(epochs)
        _positive(epochs=self.epochs, sizes=self.sizes, max_units=max_units)
        _positive(units_per_growth=units_per_growth, patience=patience)
        if self.sizes and units_per_growth != 1:
            raise ValueError(
                f"callbacks.growth.units_per_growth={units_per_growth}: sizes={self.sizes} say what every growth opens"
            )
        if self.sizes and any(after < before for before, after in itertools.pairwise(self.sizes)):
            raise ValueError(
                f"callbacks.growth.sizes={self.sizes}: a code only grows, no size may be below the one before"
            )
        if isinstance(self.epochs, list) and len(self.epochs) != len(self.sizes or ()):
            stages = len(self.sizes or ())
            raise ValueError(
                f"callbacks.growth.epochs={self.epochs}: one number, or one for each of the {stages} sizes"
            )
        self.final_size, self.units_per_growth = self.sizes[-1] if self.sizes else max_units, units_per_growth
        self.patience, self.monitor = patience, monitor
        self.start = 0  # the first stage that is trained
        self.passed = 0  # epochs of this stage
        self.best, self.waited = float("inf"), 0

    def stages(self, first: int) -> list[tuple[int, int]]:
        """(code size, epochs) of every stage of a module whose code has the size ``first`` at first."""
        sizes = self.sizes or list(range(first, self.final_size + 1, self.units_per_growth))
        return list(
            zip(sizes, [self.epochs] * len(sizes) if isinstance(self.epochs, int) else self.epochs, strict=True)
        )

    def check(self, module: Any) -> None:
        """Check that the module can follow the schedule.

        Raises:
            ValueError: a final size that isn't allocated, or isn't reached; a size that comes twice, where a stage of
                the module must open something; an initial stage that isn't part of the schedule.
        """
        allocated, opens, first = module.network.allocated, module.opens, module.first_code_size
        if self.final_size > allocated:
            key = f"sizes={self.sizes} ends at" if self.sizes else f"max_units={self.final_size} is"
            raise ValueError(
                f"callbacks.growth.{key} more than the {allocated} {opens.replace('_', ' ')} that "
                f"model.network.max_{opens} allocates"
            )
        if self.sizes is not None and self.sizes[0] != first:
            raise ValueError(
                f"callbacks.growth.sizes={self.sizes} begins with another size than model.network.{opens}={first}"
            )
        if self.sizes is None and ((self.final_size - first) % self.units_per_growth or self.final_size < first):
            raise ValueError(
                f"callbacks.growth.max_units={self.final_size} is not reached from {first} units "
                f"in steps of {self.units_per_growth}"
            )
        sizes = [size for size, _ in self.stages(first)]
        if len(set(sizes)) < len(sizes) and not module.may_stay:
            raise ValueError(
                f"callbacks.growth.sizes={sizes}: every stage of this model opens units, no size may come twice"
            )
        module.check_stages(sizes)
        if module.ended and module.code_size not in sizes[:-1]:
            raise ValueError(
                f"model.initial is a stage of {module.code_size} units, from which callbacks.growth does not continue: "
                f"its stages have {', '.join(map(str, sizes))}; callbacks.growth.sizes may say others"
            )

    def milestones(self, module: Any) -> Iterator[None]:
        """Take an untrained module to its next stage and then to its last: the stages that compute something new."""
        sizes = [size for size, _ in self.stages(module.first_code_size)]
        rest = sizes[(sizes.index(module.code_size) if module.ended else module.stage) + 1 :]
        for size in dict.fromkeys(rest[:1] + rest[-1:]):
            module.grow(size - module.code_size)
            yield

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Set the run's length from the schedule.

        Raises:
            ValueError: a schedule that the module can't follow, or another length in the trainer's settings.
        """
        self.check(pl_module)
        if stage != "fit":
            return
        module: Any = pl_module
        stages = self.stages(module.first_code_size)
        if module.ended:
            module.stage = [size for size, _ in stages].index(module.code_size)
            self._keep(trainer, module)  # the initial stage is evaluated together with those that follow
            self._grow(module)
            self.start = module.stage
        whole = sum(epochs for _, epochs in stages[self.start :])
        if trainer.max_epochs not in (-1, whole):
            raise ValueError(
                f"trainer.max_epochs={trainer.max_epochs} would cut the schedule of {whole} epochs: leave it at -1, "
                "and say callbacks.growth.epochs"
            )
        trainer.fit_loop.max_epochs = whole

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Compare ``monitor`` with its best value."""
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
        stages = self.stages(module.first_code_size)
        if self.passed < stages[module.stage][1] and not stalled:
            return
        _tell(trainer, "on_stage_end")
        _as_on_the_first_rank(trainer, module.network)  # batch-norm statistics are each rank's own until its next step
        self._keep(trainer, module)
        if module.stage == len(stages) - 1:
            trainer.should_stop = True
            return
        self._grow(module)
        _as_on_the_first_rank(trainer, module.network)  # new units are drawn by each rank's own generator
        trainer.strategy.setup_optimizers(trainer)  # every stage has a new optimiser
        _tell(trainer, "on_stage_start")
        module.cache_teacher_outputs()
        self.passed, self.best, self.waited = 0, float("inf"), 0

    def _grow(self, module: Any) -> None:
        """Let the module grow to the next stage's size."""
        module.grow(self.stages(module.first_code_size)[module.stage + 1][0] - module.code_size)

    def _keep(self, trainer: Trainer, module: Any) -> None:
        """Write the network of a finished stage, completely or not at all."""
        if not trainer.is_global_zero:
            return
        path = Path(trainer.default_root_dir) / "stages" / f"code{module.code_size:02d}.ckpt"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"network": module.network.state_dict(), "code_size": module.code_size, "stage": module.stage}
        held, new = io.BytesIO(), path.with_suffix(".new")
        torch.save(content, held)  # into memory first: torch's own errors of a full disk are unclear
        try:
            with new.open("wb") as file:
                file.write(held.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise

    def state_dict(self) -> dict[str, Any]:
        return {"passed": self.passed, "best": self.best, "waited": self.waited}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.passed, self.best, self.waited = (state_dict[name] for name in ("passed", "best", "waited"))


def _tell(trainer: Trainer, hook: str) -> None:
    """Call a hook with the module on all callbacks that have it; an average of weights, for example, starts anew."""
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if hasattr(callback, hook):
            getattr(callback, hook)(trainer.lightning_module)


def _as_on_the_first_rank(trainer: Trainer, network: torch.nn.Module) -> None:
    if trainer.world_size > 1:
        network.load_state_dict(trainer.strategy.broadcast(network.state_dict()))


def _positive(**settings: int | list[int] | None) -> None:
    for name, value in settings.items():
        if value is not None and not (min(value, default=0) if isinstance(value, list) else value) >= 1:
            raise ValueError(f"callbacks.growth.{name}={value}: it must be at least 1")
