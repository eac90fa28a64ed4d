"""How long a step takes on several GPUs: a model of a few numbers, for ``scaling.py``. None of it was measured on GPUs.

    computing  = max(FLOPs / RATE + bytes touched / MEMORY, operators · LAUNCH)     of a process's share of the batch
    telling    = 2 (N - 1) / N · bytes all-reduced / link + collectives · latency
    at best    = computing + max(0, telling - BACKWARDS · computing)        all that can be hidden is
    at worst   = computing + telling                                        nothing is

A ring of N processes sends each byte 2 (N - 1) / N times over every link. DDP sends gradients while the rest of the
pass backwards is computed, which is two of three parts of a step's arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

RATE = 0.4 * 989e12  # FLOP/s: of an H100 in bf16, by its maker, the part that matrix products are assumed to reach
MEMORY = 0.7 * 3.35e12  # bytes/s: of its memory, by its maker, the part that all other operators are assumed to reach
LAUNCH = 6e-6  # seconds between two kernels that are started one by one, assumed
BACKWARDS = 2 / 3


@dataclass(frozen=True)
class Link:
    """What GPUs are joined by.

    Attributes:
        rate: bytes/s in one direction that a ring is assumed to reach.
        latency: seconds of a collective of no size, assumed.
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
    """What a step of a process takes, counted.

    Attributes:
        flops: of its share of the batch.
        touched: bytes that its operators read and write.
        operators: that start a kernel.
        sent: bytes that it gives to collectives.
        collectives: how many.
    """

    flops: float
    touched: float
    operators: float
    sent: float
    collectives: float

    @property
    def computing(self) -> float:
        """Seconds."""
        return max(self.flops / RATE + self.touched / MEMORY, self.operators * LAUNCH)

    def telling(self, processes: int, link: Link) -> float:
        """Seconds until all know of one another's gradients."""
        if processes == 1:
            return 0.0
        return 2 * (processes - 1) / processes * self.sent / link.rate + self.collectives * link.latency

    def seconds(self, processes: int, link: Link) -> tuple[float, float]:
        """Of a step: at best, at worst."""
        telling = self.telling(processes, link)
        return self.computing + max(0.0, telling - BACKWARDS * self.computing), self.computing + telling
