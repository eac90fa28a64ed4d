"""Where a split lies while it is used (:mod:`datamodules.loader`). Nothing here imports torch."""

from typing import Literal

Residency = Literal["auto", "device", "mmap", "workers"]
