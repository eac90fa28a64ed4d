"""How Lightning writes and reads checkpoints here: whole, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lightning_fabric.plugins import TorchCheckpointIO

from facet import checkpoints
from facet.files import atomic_write


class WholeCheckpoints(TorchCheckpointIO):
    """Lightning's own writes into ``$TMPDIR`` and copies from there, over what was there before."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint beside its place, then rename it into it."""
        atomic_write(Path(path), lambda file: checkpoints.write(file, checkpoint))

    def load_checkpoint(self, path: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Read one (:func:`facet.checkpoints.read`)."""
        return checkpoints.read(Path(path))
