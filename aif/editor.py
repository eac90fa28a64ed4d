"""What the methods of this package share: the code (y, z), and the place in the run."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import Any

import torch
from pytorch_lightning import LightningModule
from torch import Tensor


class Positioned(LightningModule):
    """A module with manual optimisation whose schedules are functions of the place in the run.

    The place is computed and not counted, so that a resumed run continues as if it had not stopped.
    """

    validation: Any

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def position(self, batch_idx: int) -> int:
        """How many batches of the run have been trained."""
        return self.current_epoch * int(self.trainer.num_training_batches) + batch_idx

    @property
    def length(self) -> int:
        """Length of the run in batches: ``max_epochs`` or ``max_steps`` (which counts batches), whichever is shorter.

        Raises:
            ValueError: neither is set.
        """
        epochs, steps = self.trainer.max_epochs or 0, self.trainer.max_steps
        ends = [epochs * int(self.trainer.num_training_batches)] if epochs >= 0 else []
        ends += [steps] if steps >= 0 else []
        if not ends:
            raise ValueError("schedules need to know how long the run is: set trainer.max_epochs or trainer.max_steps")
        return min(ends)

    def progress(self, batch_idx: int) -> float:
        """Share of the run that has been trained, in [0, 1)."""
        return self.position(batch_idx) / self.length

    def on_validation_epoch_end(self) -> None:
        """Log the metrics of ``validation``, a ``ModuleDict``."""
        for name, metric in self.validation.items():
            self.log(f"val/{name}", metric.compute())
            metric.reset()


class AttributeEditor(Positioned):
    """An ``Editor`` and a ``Coder``; a subclass gives ``encode`` and ``decode``.

    Attributes are on the scale 0 (absent) to 1 (present), images in [0, 1].

    Args:
        attribute_names: the k attributes, in the order of the batch's columns.
    """

    def __init__(self, attribute_names: Sequence[str]) -> None:
        super().__init__()
        self.attribute_names = tuple(attribute_names)

    def over_all_processes(self, terms: dict[str, Tensor], sums: Collection[str]) -> dict[str, Tensor]:
        """Rescale the losses of this process's share of a batch: their mean over processes is then the whole batch's.

        Args:
            terms: losses, whose gradients DDP averages over processes.
            sums: names of the losses that sum over the batch; their mean over processes would be too small.
        """
        processes = self.trainer.world_size if self._trainer else 1
        return {name: processes * term if name in sums else term for name, term in terms.items()}

    @abstractmethod
    def encode(self, images: Tensor, attributes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Images ``[B, C, H, W]`` to (y in [0, 1] ``[B, k]``, predicted unless given; z ``[B, n_z]``)."""

    @abstractmethod
    def decode(self, attributes: Tensor, nuisance: Tensor) -> Tensor:
        """(y ``[B, k]``, z ``[B, n_z]``) to images in [0, 1]."""

    def codes(self, images: Tensor) -> Tensor:
        """Images to (y, z) side by side, ``[B, k + n_z]``."""
        return torch.cat(self.encode(images), dim=1)

    def decode_codes(self, codes: Tensor) -> Tensor:
        """(y, z) side by side ``[B, k + n_z]`` to images in [0, 1]."""
        k = len(self.attribute_names)
        return self.decode(codes[:, :k], codes[:, k:])


def sample(mean: Tensor, log_variance: Tensor) -> Tensor:
    """ẑ = μ + σ ⊙ ε, AIF §2.1."""
    return mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
