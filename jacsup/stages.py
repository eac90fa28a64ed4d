"""What a finished stage leaves behind (:class:`jacsup.growth.ProgressiveGrowth`), read again."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import nn


def load_stage(network: nn.Module, path: Path) -> None:
    """Load a finished stage into a network.

    Raises:
        ValueError: no such file, or a network of another shape.
    """
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(saved["network"])
    except (OSError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise ValueError(f"{path} is not a stage of a run: {' '.join(str(error).split())}") from error
    except RuntimeError as error:  # torch's words fill a screen
        reason = next((line.strip() for line in str(error).splitlines() if "size mismatch" in line), str(error))
        raise ValueError(f"{path} holds a network of another shape: {' '.join(reason.split())}") from error
