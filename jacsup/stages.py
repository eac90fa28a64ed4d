"""What modules that are trained in stages share: metrics, the stage in checkpoints, and loading finished stages."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import LightningModule
from torch import nn
from torchmetrics import MeanMetric


class StagedModule(LightningModule):
    """A module with manual optimisation, trained stage after stage (:class:`jacsup.growth.ProgressiveGrowth`).

    Args:
        code_size: what is open at first, in ``opens``.
        metrics: names of the means that ``validation_step`` may update.

    Attributes:
        opens: what grows, as the network's settings call it: ``units`` of a vector (digits), or ``latent_channels`` of
            a map (faces).
        may_stay: whether a stage may open nothing.
        training_parts: what only training needs.
        ended: whether the network comes from a finished stage, so that it grows before the first epoch.
    """

    opens = "units"
    may_stay = False
    training_parts = ("teacher",)

    def __init__(self, code_size: int, *metrics: str) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.first_code_size, self.stage, self.ended = code_size, 0, False
        self.validation: Any = nn.ModuleDict({name: MeanMetric() for name in metrics})

    def check_stages(self, sizes: Sequence[int]) -> None:
        """Raise ``ValueError`` for a schedule that doesn't suit the method; here every schedule does.

        Args:
            sizes: the code size of each stage.
        """

    def cache_teacher_outputs(self) -> None:
        """Compute in advance what a new stage needs of its teacher; here nothing."""

    @property
    @abstractmethod
    def code_size(self) -> int:
        """What is open now: units on digits, k + d of them; channels of z on faces, where d is four times as many."""

    def on_validation_epoch_end(self) -> None:
        """Log the metrics that were updated, and the code size."""
        for name, metric in self.validation.items():
            if metric.update_called:
                self.log(f"val/{name}", metric.compute())
            metric.reset()
        # Reports of both data sets read this name. It counts units on digits and channels of z on faces.
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
    except Exception as error:  # damaged files raise many kinds of errors, and so do files that would run code
        raise ValueError(f"{path} is not a stage of a run: {' '.join(str(error).split())[:200]}") from error
    try:
        network.load_state_dict(held)
    except Exception as error:  # torch's message fills a screen
        reason = next((line.strip() for line in str(error).splitlines() if "size mismatch" in line), str(error))
        raise ValueError(f"{path} holds a network of another shape: {' '.join(reason.split())}") from error
