"""Progressive growth as a Lightning callback: when a stage has ended, the model becomes its own teacher and its code
grows.

The callback decides *when*, the module knows *how* (``grow``). It works with any :class:`jacsup.stages.StagedModule`
that has ``network``, ``grow(units)`` and ``look()``.
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
    """Ends a stage after so many epochs, or when validation stalls, until the code has its final size.

    A schedule is every stage's size in turn; either ``code_size`` and ``units`` say it, one growth like the other, or
    ``sizes`` does, in which a stage may be as large as the one before: the module then goes on to its next stage with
    nothing to open. At the end of every stage the network is written to ``stages/code<size>.ckpt`` below the trainer's
    directory; then the module grows, a new optimiser starts, and the moment is marked in the logs (``code_size``). The
    last stage ends the run. A module that begins with a finished stage (``ended``) grows before the first epoch. Other
    callbacks may have ``on_stage_end(module)``, called before the network is written, and ``on_stage_start(module)``.

    Args:
        code_size: at which to stop, k + d.
        epochs: of a stage, at most; one number for all, or one for each of ``sizes``.
        units: that every growth opens.
        sizes: of every stage, from the first; then ``code_size`` is the last of them, and ``units`` has no meaning.
        patience: validations without a better ``monitor`` that end a stage early; None waits for ``epochs``.
        monitor: what stalls, the smaller the better.

    Raises:
        ValueError: a setting below 1, sizes that shrink, or another number of epochs than of sizes.
    """

    def __init__(
        self,
        code_size: int = 16,
        epochs: int | Sequence[int] = 100,
        units: int = 1,
        patience: int | None = None,
        monitor: str = "val/mse",
        sizes: Sequence[int] | None = None,
    ) -> None:
        self.sizes = None if sizes is None else list(sizes)
        self.epochs = epochs if isinstance(epochs, int) else list(epochs)
        _positive(epochs=self.epochs, sizes=self.sizes, code_size=code_size, units=units, patience=patience)
        if self.sizes and units != 1:
            raise ValueError(f"callbacks.growth.units={units}: sizes={self.sizes} say what every growth opens")
        if self.sizes and any(after < before for before, after in itertools.pairwise(self.sizes)):
            raise ValueError(
                f"callbacks.growth.sizes={self.sizes}: a code only grows, no size may be below the one before"
            )
        if isinstance(self.epochs, list) and len(self.epochs) != len(self.sizes or ()):
            stages = len(self.sizes or ())
            raise ValueError(
                f"callbacks.growth.epochs={self.epochs}: one number, or one for each of the {stages} sizes"
            )
        self.code_size, self.units = self.sizes[-1] if self.sizes else code_size, units
        self.patience, self.monitor = patience, monitor
        self.start = 0  # the first stage that is trained
        self.passed = 0  # epochs of this stage
        self.best, self.waited = float("inf"), 0

    def stages(self, first: int) -> list[tuple[int, int]]:
        """(code size, epochs) of every stage of a module that starts at ``first`` units."""
        sizes = self.sizes or list(range(first, self.code_size + 1, self.units))
        return list(
            zip(sizes, [self.epochs] * len(sizes) if isinstance(self.epochs, int) else self.epochs, strict=True)
        )

    def check(self, module: Any) -> None:
        """Refuse a schedule that the module can't follow.

        Raises:
            ValueError: a final size that isn't allocated, or isn't reached; a size that comes twice, where the module
                has nothing to do then; a finished stage that isn't on the way.
        """
        if self.code_size > module.network.max_code_size:
            asked = f"sizes={self.sizes} ends at" if self.sizes else f"code_size={self.code_size} is"
            raise ValueError(
                f"callbacks.growth.{asked} more than the {module.network.max_code_size} units that "
                "model.network.max_code_size allocates"
            )
        first = module.first_code_size
        if self.sizes is not None and self.sizes[0] != first:
            raise ValueError(
                f"callbacks.growth.sizes={self.sizes} begins with another size than model.network.code_size={first}"
            )
        if self.sizes is None and ((self.code_size - first) % self.units or self.code_size < first):
            raise ValueError(
                f"callbacks.growth.code_size={self.code_size} is not reached from {first} units "
                f"in steps of {self.units}"
            )
        sizes = [size for size, _ in self.stages(first)]
        if len(set(sizes)) < len(sizes) and not module.may_stay:
            raise ValueError(
                f"callbacks.growth.sizes={sizes}: every stage of this model opens units, no size may come twice"
            )
        module.check_stages(sizes)
        if module.ended and module.code_size not in sizes[:-1]:
            raise ValueError(
                f"model.initial is a stage of {module.code_size} units, from which callbacks.growth does not go on: "
                f"its stages have {', '.join(map(str, sizes))}; callbacks.growth.sizes may say others"
            )

    def milestones(self, module: Any) -> Iterator[None]:
        """Take a module to its next stage and then to its last, untrained: where what it computes changes."""
        sizes = [size for size, _ in self.stages(module.first_code_size)]
        rest = sizes[(sizes.index(module.code_size) if module.ended else module.stage) + 1 :]
        for size in dict.fromkeys(rest[:1] + rest[-1:]):
            module.grow(size - module.code_size)
            yield

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """The schedule says how long a run is.

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
            self._keep(trainer, module)  # it is judged with those that follow
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
        trainer.strategy.setup_optimizers(trainer)  # a fresh one
        _tell(trainer, "on_stage_start")
        module.look()
        self.passed, self.best, self.waited = 0, float("inf"), 0

    def _grow(self, module: Any) -> None:
        """Go on to the next stage's size."""
        module.grow(self.stages(module.first_code_size)[module.stage + 1][0] - module.code_size)

    def _keep(self, trainer: Trainer, module: Any) -> None:
        """Write the network of a finished stage, whole or not at all."""
        if not trainer.is_global_zero:
            return
        path = Path(trainer.default_root_dir) / "stages" / f"code{module.code_size:02d}.ckpt"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"network": module.network.state_dict(), "code_size": module.code_size, "stage": module.stage}
        held, new = io.BytesIO(), path.with_suffix(".new")
        torch.save(content, held)  # into a file that takes no more it fails with what nobody understands
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
    """Call a hook of those callbacks that know stages, with the module: an average of weights begins anew."""
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
