"""What a config may make: no more than is known to do what its name says, whoever wrote the config.

A ``_target_`` is any dotted name, and some start programs or run files (``torch.hub.load``). So there is a list: the
classes of our own packages, each where it is defined, and what stands here of libraries by its full name. Nothing is
imported to find out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from omegaconf import DictConfig, ListConfig

from facet.errors import UserError, nearest
from facet.renamed import CLASSES
from facet.source import Source, UnclearError

OWN = ("aif", "jacsup", "nets", "datamodules", "facet")
FUNCTIONS = ("facet.loggers.make_loggers", "datamodules.comparison.torchvision_celeba")  # no other function of ours


def _of(module: str, names: str) -> set[str]:
    return {f"{module}.{name}" for name in names.split()}


LIBRARIES = (
    _of("pytorch_lightning", "Trainer")
    | _of(
        "pytorch_lightning.callbacks",
        "DeviceStatsMonitor EarlyStopping LearningRateMonitor ModelCheckpoint ModelSummary RichModelSummary "
        "RichProgressBar StochasticWeightAveraging TQDMProgressBar ThroughputMonitor Timer",
    )
    | _of("pytorch_lightning.strategies", "DDPStrategy SingleDeviceStrategy")
    | _of("torch.optim", "ASGD Adadelta Adagrad Adam AdamW Adamax NAdam RAdam RMSprop Rprop SGD")
    | _of(
        "torch.optim.lr_scheduler",
        "ConstantLR CosineAnnealingLR CosineAnnealingWarmRestarts ExponentialLR LinearLR MultiStepLR OneCycleLR "
        "PolynomialLR ReduceLROnPlateau StepLR",
    )
    | _of("torchmetrics", "AUROC Accuracy F1Score MeanMetric MeanSquaredError Precision Recall")
)
"""None that opens a file to run what is in it, or calls what it is given."""

_others: tuple[str, ...] = ()  # of this process's command


def allow(names: Sequence[str], said: Iterable[str]) -> None:
    """Let this process's configs make what is in other packages, too: plug-ins.

    Args:
        names: packages or modules, whose classes and functions may be made where they are defined; or anything by its
            full name.
        said: the arguments of the command line, where alone this may be said: else a config could allow itself.

    Raises:
        UserError: names that the command line doesn't hold.
    """
    global _others
    if names and not any(re.match(r"\+{0,2}allow=", argument) for argument in said):
        raise UserError("allow= stands in a config file: it counts on the command line alone")
    _others = tuple(names)


def is_allowed(target: str) -> bool:
    """Whether configs may make what has this dotted name."""
    return target in LIBRARIES or target in FUNCTIONS or target in _others or _is_defined(target)


def refusal(target: str) -> str:
    """Why not, and what to do, for a message."""
    if new := CLASSES.get(target):
        return f"{target} is now {new}"
    if _within(target, OWN):
        return f"{target} can't be imported: there is no such class"
    alike = [name for name in LIBRARIES if name.split(".")[0] == target.split(".")[0]]
    meant = f" (nearest: {nearest(target, alike)})" if alike else ""
    return (
        f"{target} is refused: configs make classes of {', '.join(OWN)}, and what facet/targets.py lists of libraries"
        f"{meant}. If you know what it does, say allow=[{target}] on the command line, or its package"
    )


def refuse_foreign(node: Any, path: str = "") -> None:
    """Refuse a resolved node that would make something else, at any depth.

    Raises:
        UserError: with the key, and what stands there.
    """
    for key, target in _targets(node, path):
        if not is_allowed(target):
            raise UserError(f"config key {key}: {refusal(target)}")


def _targets(node: Any, path: str) -> Iterator[tuple[str, str]]:
    """(key, value) of every ``_target_``, as it stands there."""
    if isinstance(node, DictConfig | ListConfig) and not (node._is_none() or node._is_missing()):
        keys: Iterable[Any] = node if isinstance(node, DictConfig) else range(len(node))
        for key in keys:
            found: Any = node._get_node(key)
            here = f"{path}.{key}" if path else str(key)
            if key == "_target_":
                yield here, str(found._value())
            else:
                yield from _targets(found, here)


def _is_defined(target: str) -> bool:
    """Whether it is a class of one of our packages, or a class or function of one that was allowed.

    What a module has imported from elsewhere is not its own: ``facet.build.torch.load`` is no name of ours.
    """
    module, _, name = target.rpartition(".")
    is_name = all(map(str.isidentifier, target.split("."))) and not name.startswith("_")
    if not is_name or not _within(module, (*OWN, *_others)):
        return False
    try:
        place, found = Source.of(module).definition(name)
    except (UnclearError, LookupError, SyntaxError, ValueError, OSError):
        return False
    if _within(place.name, OWN):
        return isinstance(found, ast.ClassDef)
    return _within(place.name, _others) and isinstance(found, ast.ClassDef | ast.FunctionDef)


def _within(module: str, packages: Sequence[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)
