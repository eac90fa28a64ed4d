"""What a student needs of its teacher, computed once per stage: codes, decodings, and differences between them (eq. 9).

Within a stage the teacher is fixed, and a pair is two images of a batch. Where all of the teacher's code is swapped,
what it makes of a swapped pair is what it makes of the other image: a row of the decodings at hand. So it never runs in
the loop. Two settings need its decoder there, and only its decoder: swapping a part of its code (``supervised=first``
beyond the first student) and batch statistics (the authors' first teacher, in training mode).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, nn

from jacsup import losses
from jacsup.networks import GrowingAutoencoder

Statistics = Literal["running", "batch"]
CHUNK = 2048


class Teacher(nn.Module):
    """A frozen autoencoder and what it makes of the images it was shown.

    Args:
        network: is copied.
        statistics: of its batch norm, if it ends in one: the ``running`` ones, or those of each ``batch``, as in the
            authors' code.
        supervised: how many units of the student's code it supervises, the first; all of its own if None.
    """

    def __init__(
        self, network: GrowingAutoencoder, statistics: Statistics = "running", supervised: int | None = None
    ) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self.supervised = self.network.open if supervised is None else min(supervised, self.network.open)
        self.in_batches = statistics == "batch" and self.network.normalised
        self.codes = self.decodings = torch.empty(0)  # of a split; no part of the state: they are computed again

    def train(self, mode: bool = True) -> Teacher:
        """Stays in evaluation mode, whatever its student does."""
        return super().train(False)

    @property
    def whole(self) -> bool:
        """Whether the student's y is the whole of this teacher's code."""
        return self.supervised == self.network.open

    @torch.no_grad()
    def look_at(self, images: Iterable[Tensor]) -> None:
        """Compute the codes, and where they are enough the decodings, of all training images.

        Args:
            images: batches ``[B, C, H, W]`` in [0, 1], in the order of the split, on the device where training is.
        """
        codes, decodings = [], []
        for some in images:
            found = self.network.raw_codes(some)
            codes.append(found if self.in_batches else self.network.normalise(found))
            if self.whole and not self.in_batches:
                decodings.append(self.network.decode(codes[-1]))
        self.codes = torch.cat(codes)
        self.decodings = torch.cat(decodings) if decodings else torch.empty(0)

    @torch.no_grad()
    def targets(self, index: Tensor, pairs: Tensor) -> tuple[Tensor, Tensor]:
        """y_T and D_T(y_T^j) - D_T(y_T) of some training images.

        Args:
            index: which, ``[B]``.
            pairs: a permutation of the batch, ``[B]``: image i is paired with image pairs[i].

        Returns:
            ``[B, k]`` and ``[B, C, H, W]``.
        """
        codes = self._codes_of(index)
        if len(self.decodings):
            decodings = self.decodings[index]
            return codes, decodings[pairs] - decodings
        swapped, plain = self.network.decode(torch.cat([swap(codes, pairs, self.supervised), codes])).chunk(2)
        return codes[:, : self.supervised], swapped - plain

    @torch.no_grad()
    def derivative(self, index: Tensor, pairs: Tensor) -> tuple[Tensor, Tensor]:
        """y_T and J_T(y_T)(y_T^j - y_T), the right side of eq. 7, exactly; as :meth:`targets`."""
        codes = self._codes_of(index)
        directions = swap(codes, pairs, self.supervised) - codes
        return codes[:, : self.supervised], losses.directional(self.network.decode, codes, directions)

    def _codes_of(self, index: Tensor) -> Tensor:
        """As the teacher gives them to its decoder, ``[B, n]``."""
        codes = self.codes[index]
        if not self.in_batches:
            return codes
        return (codes - codes.mean(0)) / (codes.var(0, unbiased=False) + self.network.normalisation.eps).sqrt()

    def read(self, images: Tensor) -> Tensor:
        """The whole code of any images, by the running statistics."""
        return self.network.encode(images)


def swap(codes: Tensor, pairs: Tensor, units: int) -> Tensor:
    """(y^j, z): every code with its first units replaced by those of its pair, ``[B, n]``."""
    return torch.cat([codes[pairs, :units], codes[:, units:]], dim=1)
