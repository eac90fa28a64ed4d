"""What a student needs of its teacher, computed once per stage: codes, decodings, and differences between them (eq. 9).

Within a stage the teacher is fixed, and a pair is two images of one batch. If the swap hands over all units of the
teacher's code, the teacher decodes a swapped code to the other image's decoding, which is at hand already. So the
teacher never runs in the training loop. Two settings need the teacher's decoder there: a swap of a part of its code
(``swapped_units=first`` beyond the first student), and batch statistics (the authors' first teacher, in training mode).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, nn

from jacsup import losses
from jacsup.digit_networks import GrowingAutoencoder

Statistics = Literal["running", "batch"]
CHUNK = 2048


class Teacher(nn.Module):
    """A frozen autoencoder with its cached outputs for the training images.

    Args:
        network: the autoencoder; the teacher keeps a copy.
        statistics: the statistics of the batch norm at the end of its encoder, if it has one: the ``running`` ones, or
            those of each ``batch``, as in the authors' code.
        swapped_units: how many of the code's first units a swap hands over; all of the teacher's if None.
    """

    def __init__(
        self, network: GrowingAutoencoder, statistics: Statistics = "running", swapped_units: int | None = None
    ) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        own = self.network.open
        self.swapped_units = own if swapped_units is None else min(swapped_units, own)
        self.in_batches = statistics == "batch" and self.network.normalised
        # The outputs for the training split. They are not part of the state: a resumed run computes them again.
        self.codes = self.decodings = torch.empty(0)

    def train(self, mode: bool = True) -> Teacher:
        """Stay in evaluation mode, in whatever mode the student is."""
        return super().train(False)

    @property
    def swaps_whole_code(self) -> bool:
        """Whether a swap hands over all units of this teacher's code."""
        return self.swapped_units == self.network.open

    @torch.no_grad()
    def cache_outputs(self, images: Iterable[Tensor]) -> None:
        """Compute the codes of all training images, and their decodings where :meth:`targets` can use them.

        Args:
            images: batches ``[B, C, H, W]`` in [0, 1], in the order of the split, on the training device.
        """
        codes, decodings = [], []
        for some in images:
            found = self.network.raw_codes(some)
            codes.append(found if self.in_batches else self.network.normalise(found))
            if self.swaps_whole_code and not self.in_batches:
                decodings.append(self.network.decode(codes[-1]))
        self.codes = torch.cat(codes)
        self.decodings = torch.cat(decodings) if decodings else torch.empty(0)

    @torch.no_grad()
    def targets(self, index: Tensor, pairs: Tensor) -> tuple[Tensor, Tensor]:
        """y_T and D_T(y_T^j) - D_T(y_T) of some training images.

        Args:
            index: positions in the training split, ``[B]``.
            pairs: a permutation of the batch, ``[B]``: image i is paired with image pairs[i].

        Returns:
            ``[B, k]`` and ``[B, C, H, W]``.
        """
        codes = self._codes_of(index)
        if len(self.decodings):
            decodings = self.decodings[index]
            return codes, decodings[pairs] - decodings
        swapped, plain = self.network.decode(torch.cat([swap(codes, pairs, self.swapped_units), codes])).chunk(2)
        return codes[:, : self.swapped_units], swapped - plain

    @torch.no_grad()
    def derivative(self, index: Tensor, pairs: Tensor) -> tuple[Tensor, Tensor]:
        """y_T and J_T(y_T)(y_T^j - y_T), the right side of eq. 7, exactly; for the rest see :meth:`targets`."""
        codes = self._codes_of(index)
        directions = swap(codes, pairs, self.swapped_units) - codes
        return codes[:, : self.swapped_units], losses.directional(self.network.decode, codes, directions)

    def _codes_of(self, index: Tensor) -> Tensor:
        """The codes of some training images as the teacher's decoder reads them, ``[B, n]``."""
        codes = self.codes[index]
        if not self.in_batches:
            return codes
        return (codes - codes.mean(0)) / (codes.var(0, unbiased=False) + self.network.normalisation.eps).sqrt()

    def read(self, images: Tensor) -> Tensor:
        """Images to the teacher's whole codes, with running statistics."""
        return self.network.encode(images)


def swap(codes: Tensor, pairs: Tensor, units: int) -> Tensor:
    """(y^j, z): each code with its first units replaced by those of its pair, ``[B, n]``."""
    return torch.cat([codes[pairs, :units], codes[:, units:]], dim=1)
