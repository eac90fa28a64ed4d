"""A simple model of a step's time on several GPUs, for ``scaling.py``. None of it was measured on GPUs.

    computing  = max(FLOPs / RATE + bytes touched / MEMORY, operators · LAUNCH)     of a process's share of the batch
    telling    = 2 (N - 1) / N · bytes all-reduced / link + collectives · latency   (communication)
    at best    = computing + max(0, telling - BACKWARDS · computing)                with all possible overlap
    at worst   = computing + telling                                                without overlap

A ring of N processes sends each byte 2 (N - 1) / N times over every link. DDP sends gradients during the rest of the
backward pass, which takes two thirds of a step's arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

RATE = 0.4 * 989e12  # FLOP/s: assumed share of an H100's rate in bf16, by its maker, that matrix products reach
MEMORY = 0.7 * 3.35e12  # bytes/s: assumed share of its memory's rate, by its maker, that other operators reach
LAUNCH = 6e-6  # seconds between the starts of two kernels, assumed
BACKWARDS = 2 / 3


@dataclass(frozen=True)
class Link:
    """The connection between GPUs.

    Attributes:
        rate: bytes/s in one direction that a ring reaches, assumed.
        latency: seconds of an empty collective, assumed.
    """

    rate: float
    latency: float


LINKS = {
    "NVLink": Link(300e9, 20e-6),  # 450 GB/s by its maker (fourth generation, one direction)
    "PCIe": Link(12e9, 30e-6),  # 32 GB/s (4.0, 16 lanes), shared by neighbours, through the host
    "25 Gbit Ethernet": Link(2.5e9, 100e-6),  # 3.1 GB/s, one card a machine
}


@dataclass(frozen=True)
class Step:
    """The counts of a process's step.

    Attributes:
        flops: of its share of the batch.
        touched: bytes that its operators read and write.
        operators: number of operators that start a kernel.
        sent: bytes that it gives to collectives.
        collectives: number of collectives.
    """

    flops: float
    touched: float
    operators: float
    sent: float
    collectives: float

    @property
    def computing(self) -> float:
        """Seconds of computation."""
        return max(self.flops / RATE + self.touched / MEMORY, self.operators * LAUNCH)

    def telling(self, processes: int, link: Link) -> float:
        """Seconds of communication."""
        if processes == 1:
            return 0.0
        return 2 * (processes - 1) / processes * self.sent / link.rate + self.collectives * link.latency

    def seconds(self, processes: int, link: Link) -> tuple[float, float]:
        """Seconds of a step at best and at worst."""
        telling = self.telling(processes, link)
        return self.computing + max(0.0, telling - BACKWARDS * self.computing), self.computing + telling
