"""A callback that records the GPU that its process may use, for the tests of sweeps."""

from __future__ import annotations

import os
from pathlib import Path

from pytorch_lightning import Callback, LightningModule, Trainer


class SeenGPU(Callback):
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        (Path(trainer.default_root_dir) / "gpu").write_text(f"{os.getpid()} {os.environ['CUDA_VISIBLE_DEVICES']}")
