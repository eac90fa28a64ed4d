"""What modules that are trained in stages share: what they log, what their checkpoints hold, finished stages read."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torchmetrics import MeanMetric


class StagedModule(LightningModule):
    """Optimised by hand, stage after stage (:class:`jacsup.growth.ProgressiveGrowth`).

    Args:
        code_size: open at first.
        metrics: what ``validation_step`` may count, means over a validation.

    Attributes:
        may_stay: whether a stage may open nothing.
        ended: whether the network is that of a finished stage, so that growth comes before the first epoch.
    """

    may_stay = False

    def __init__(self, code_size: int, *metrics: str) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.first_code_size, self.stage, self.ended = code_size, 0, False
        self.validation: Any = nn.ModuleDict({name: MeanMetric() for name in metrics})

    def check_stages(self, sizes: Sequence[int]) -> None:
        """Refuse a schedule of these sizes, one a stage, with a ``ValueError``; any will do here."""

    @property
    @abstractmethod
    def code_size(self) -> int:
        """Units, or channels, that are open now."""

    def of_all_ranks(self, values: Tensor) -> Tensor:
        """``[B, n]`` of every rank, with a gradient into this one's: for what is no mean over samples."""
        if self._trainer is None or self.trainer.world_size == 1:
            return values
        gathered: Tensor = self.all_gather(values, sync_grads=True)  # type: ignore[assignment]
        return gathered.flatten(0, 1)

    def on_validation_epoch_end(self) -> None:
        """Log what was counted, and the code's size beside it."""
        for name, metric in self.validation.items():
            if metric.update_called:
                self.log(f"val/{name}", metric.compute())
            metric.reset()
        self.log("code_size", float(self.code_size))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["jacsup"] = {"stage": self.stage, "first_code_size": self.first_code_size}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.stage, self.first_code_size = (checkpoint["jacsup"][name] for name in ("stage", "first_code_size"))


def load_stage(network: nn.Module, path: Path) -> None:
    """Load a finished stage into a network.

    Raises:
        ValueError: no such file, or a network of another shape.
    """
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)["network"]
    except Exception as error:  # whatever reading a damaged file, or one that would run something, comes to
        raise ValueError(f"{path} is not a stage of a run: {' '.join(str(error).split())[:200]}") from error
    try:
        network.load_state_dict(held)
    except Exception as error:  # torch's words fill a screen
        reason = next((line.strip() for line in str(error).splitlines() if "size mismatch" in line), str(error))
        raise ValueError(f"{path} holds a network of another shape: {' '.join(reason.split())}") from error
