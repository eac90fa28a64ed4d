"""Checks the length of a run: it must end, after a number of batches that learning-rate schedules know in advance."""

from __future__ import annotations

from omegaconf import DictConfig

from facet.errors import UserError


def check_length(config: DictConfig) -> None:
    """Refuse a trainer that trains nothing, never ends, or ends at a time instead of a batch.

    Args:
        config: as composed from ``conf/train.yaml``, checked.

    Raises:
        UserError: a setting of ``trainer`` is refused; the message names what to set instead.
    """
    trainer, grows = config.trainer, config.callbacks.get("growth") is not None
    steps = trainer.get("max_steps", -1)
    if trainer.get("fast_dev_run"):
        raise UserError(
            "trainer.fast_dev_run keeps no checkpoint to judge: for a run of a few seconds set "
            "trainer.max_epochs=1 trainer.limit_train_batches=2 trainer.limit_val_batches=2"
        )
    clocks = [f"callbacks.{name}" for name, node in config.callbacks.items() if _is_clock(node)]
    clocks += ["trainer.max_time"] * (trainer.get("max_time") is not None)
    if clocks:
        raise UserError(
            f"{clocks[0]}: schedules need the run's length in batches, which a time limit doesn't give: "
            "set trainer.max_epochs, or trainer.max_steps (batches)"
        )
    for name in ("max_epochs", "max_steps", "limit_train_batches"):
        if trainer.get(name) == 0:
            raise UserError(f"trainer.{name}=0: nothing would be trained")
    if grows and steps != -1:
        raise UserError(f"trainer.max_steps={steps} would cut the schedule of stages: set callbacks.growth.epochs")
    if not grows and trainer.get("max_epochs") in (None, -1) and steps == -1:
        raise UserError(
            f"trainer.max_epochs={trainer.get('max_epochs')}: nothing would end the run: "
            "set a number, or trainer.max_steps (batches)"
        )


def _is_clock(node: DictConfig | None) -> bool:
    """Whether a callback ends a run after a given time."""
    return node is not None and str(node.get("_target_")).rsplit(".", 1)[-1] == "Timer"
