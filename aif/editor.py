"""What the methods of this package share: one code (y, z), and where a run stands."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer

MakeOptimizer = Callable[[Iterable[nn.Parameter]], Optimizer]


class Positioned(LightningModule):
    """Optimised by hand, and knows where the run stands: a function of the place, so that resuming changes nothing."""

    validation: Any

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def position(self, batch_idx: int) -> int:
        """How many batches the run has behind it."""
        return self.current_epoch * int(self.trainer.num_training_batches) + batch_idx

    @property
    def length(self) -> int:
        """Of the run, in batches: ``max_epochs`` or ``max_steps``, which counts batches, whichever ends it.

        Raises:
            ValueError: neither does.
        """
        epochs, steps = self.trainer.max_epochs or 0, self.trainer.max_steps
        ends = [epochs * int(self.trainer.num_training_batches)] if epochs >= 0 else []
        ends += [steps] if steps >= 0 else []
        if not ends:
            raise ValueError("schedules are of a run's length: set trainer.max_epochs or trainer.max_steps")
        return min(ends)

    def progress(self, batch_idx: int) -> float:
        """Share of the run that is done, in [0, 1)."""
        return self.position(batch_idx) / self.length

    def of_all_processes(self, values: Tensor) -> Tensor:
        """``[B, ...]`` of every process's share of a batch, with a gradient into this one's.

        What is no mean over samples (a covariance, a distance between means, the codes to remember) is taken over
        these, so that it doesn't depend on how many processes there are.
        """
        if self._trainer is None or self.trainer.world_size == 1:
            return values
        gathered: Tensor = self.all_gather(values, sync_grads=True)  # type: ignore[assignment]
        return gathered.flatten(0, 1)

    def on_validation_epoch_end(self) -> None:
        """Log what ``validation``, a ``ModuleDict`` of metrics, has counted."""
        for name, metric in self.validation.items():
            self.log(f"val/{name}", metric.compute())
            metric.reset()


class AttributeEditor(Positioned):
    """An ``Editor`` and a ``Coder`` by two methods, ``encode`` and ``decode``.

    Attributes are on the scale 0 (absent) to 1 (present), images in [0, 1].

    Args:
        attribute_names: the k attributes, in the order of the batch's columns.
    """

    def __init__(self, attribute_names: Sequence[str]) -> None:
        super().__init__()
        self.attribute_names = tuple(attribute_names)

    def over_all_processes(self, terms: dict[str, Tensor], sums: Collection[str]) -> dict[str, Tensor]:
        """Losses of this process's share of a batch, such that their mean over the processes is the whole batch's.

        Args:
            terms: of which DDP takes the gradients' mean.
            sums: those that are summed over the batch: their mean over the processes is too small.
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
