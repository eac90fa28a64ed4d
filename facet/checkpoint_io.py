"""A checkpoint plug-in for Lightning that writes a checkpoint completely or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lightning_fabric.plugins import TorchCheckpointIO

from facet import checkpoints
from facet.files import atomic_write


class WholeCheckpoints(TorchCheckpointIO):
    """Writes checkpoints atomically.

    Lightning's own plug-in writes into ``$TMPDIR`` and copies the file over the previous checkpoint.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint to a temporary file in the same directory, then rename it."""
        atomic_write(Path(path), lambda file: checkpoints.write(file, checkpoint))

    def load_checkpoint(self, path: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Read a checkpoint (:func:`facet.checkpoints.read`)."""
        return checkpoints.read(Path(path))
