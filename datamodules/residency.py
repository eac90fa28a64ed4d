"""Where a split is held while it is used (:mod:`datamodules.loader`). This module must not import torch."""

from typing import Literal

Residency = Literal["auto", "device", "mmap", "workers"]
