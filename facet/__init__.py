"""The workbench: commands, judge, measures, tables. It reaches methods and data sets only through configuration.

``facet.load`` is the interface for programs: it loads a trained model to edit pictures with.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facet.editing.editor import PictureEditor


def load(source: str | Path, device: str = "cpu") -> PictureEditor:
    """Load a model to edit pictures with: ``facet.load("runs/…").edit("me.jpg", Smiling=1).save("smile.png")``.

    Args:
        source: a model that comes with Facet, such as ``avatars-ten``; a run's directory; a ``weights.safetensors`` or
            a folder that holds one; or the id of a model on the Hugging Face hub, such as ``someone/smiles``.
        device: where the model is put, such as ``cuda``.

    Raises:
        UserError: there is no such model, or it can't be read.
    """
    from facet.editing.sources import load  # torch is imported only here, so that commands start quickly

    return load(source, device)
