"""The models that come with Facet, ready to edit with before anything is trained.

``facet/models`` has a folder for each model, as ``facet-export to=package`` writes it, and one for each data set, with
what its models share: the judge and example pictures. ``scripts/package-models.sh`` makes all of it again.
"""

from __future__ import annotations

from pathlib import Path

from facet.errors import UserError

MODELS = Path(__file__).with_name("models")
WEIGHTS = "weights.safetensors"


def names() -> tuple[str, ...]:
    """The models' names, sorted."""
    return tuple(sorted(path.parent.name for path in MODELS.glob(f"*/{WEIGHTS}")))


def folder(name: str) -> Path:
    """The folder of a model.

    Raises:
        UserError: no such model comes with Facet.
    """
    if name not in names():
        raise UserError(f"model={name}: no such model comes with Facet, which has {', '.join(names())}")
    return MODELS / name


def argument(source: str) -> str:
    """How commands are told of a model: ``model=avatars-ten`` for the folder of Facet's own, or ``run=…``."""
    path = Path(source)
    return f"model={path.name}" if path.parent == MODELS else f"run={source}"
