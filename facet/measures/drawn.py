"""The pictures that ``facet-evaluate`` left in ``examples.npz``, those of its own kinds: it may be anybody's."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST = 2**31  # bytes, unpacked
DIMENSIONS = {  # of what is drawn, behind a stage's prefix
    r"original|reconstruction|off|on|faces|faces_reconstruction|grid\d+": 4,
    r"turned|between|unit\d+": 5,
    r"varied|together": 6,
    r"classes\d+": 1,
}


def read_examples(directory: Path, wanted: Callable[[str], bool] = lambda name: True) -> dict[str, NDArray[Any]]:
    """What was drawn of a run, by name, as uint8; ``turned_on`` as bool. Empty where there is nothing, or no pictures.

    Args:
        directory: of the run.
        wanted: which names.
    """
    file = directory / "examples.npz"
    if not file.is_file():  # a pipe would be waited for
        return {}
    try:
        with zipfile.ZipFile(file) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > LARGEST:
                return {}
        with np.load(file, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files if wanted(name)}
    except Exception:  # whatever reading a damaged archive comes to
        return {}
    return {name: array for name, array in found.items() if _is_drawn(name, array)}


def _is_drawn(name: str, array: NDArray[Any]) -> bool:
    name = name.rpartition("-")[2]
    if name == "turned_on":
        return array.dtype == np.bool_ and array.ndim == 2
    dimensions = next((n for pattern, n in DIMENSIONS.items() if re.fullmatch(pattern, name)), None)
    if array.dtype != np.uint8 or array.ndim != dimensions:
        return False
    return dimensions == 1 or (array.shape[-3] in (1, 3) and array.shape[-1] == array.shape[-2] > 0)
