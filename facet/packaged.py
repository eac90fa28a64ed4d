"""The models that come with Facet, ready to edit with before anything is trained.

``facet/models`` has a folder for each model, as ``facet-export to=package`` writes it, and one for each data set, with
what its models share: the judge and example pictures. ``scripts/package-models.sh`` makes all of it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from facet.command_line import quoted
from facet.errors import UserError

MODELS = Path(__file__).with_name("models")
WEIGHTS = "weights.safetensors"
KEY = "model="


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


def is_own(source: object) -> bool:
    """Whether a model, as commands are told of it, is the folder of one that comes with Facet."""
    return source is not None and Path(str(source)).parent == MODELS


def argument(source: str) -> str:
    """How commands are told of a model: ``model=avatars-ten`` for the folder of Facet's own, or ``run=…``."""
    return f"{KEY}{Path(source).name}" if is_own(source) else f"run={source}"


def as_runs(arguments: Sequence[str]) -> list[str]:
    """Arguments of a command, with ``model=NAME`` as the ``run=`` that it stands for: to Hydra, a model is a method.

    Raises:
        UserError: no such model comes with Facet, or run= is said, too.
    """
    said = [word for word in arguments if word.startswith(KEY)]
    if said and any(word.startswith("run=") for word in arguments):
        raise UserError("say run= or model=, not both")
    return [_as_run(word) if word in said else word for word in arguments]


def _as_run(word: str) -> str:
    value = word.removeprefix(KEY)
    inner = value.removeprefix("[").removesuffix("]")
    paths = [str(folder(name.strip(" '\""))) for name in inner.split(",")]
    return f"run=[{','.join(paths)}]" if inner != value else f"run={','.join(map(quoted, paths))}"
