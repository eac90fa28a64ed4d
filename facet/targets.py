"""The list of what a config may instantiate. It protects against configs written by somebody else.

A ``_target_`` can be any dotted name, and some start programs or run files (``torch.hub.load``). Allowed are the
classes of our own packages, by the name of the module that defines them, and the library names listed here. Nothing is
imported to decide.
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

OWN = ("aif", "jacsup", "nets", "photos", "datamodules", "facet")
FUNCTIONS = ("facet.loggers.make_loggers", "datamodules.comparison.torchvision_celeba")  # our only allowed functions


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
"""None of these runs the content of a file or calls its arguments."""

_others: tuple[str, ...] = ()  # what the command line allows besides


def allow(names: Sequence[str], arguments: Iterable[str]) -> None:
    """Allow this process's configs to use other packages: plug-ins.

    Args:
        names: packages or modules, whose classes and functions are allowed by the name of the module that defines
            them; or full names of anything else.
        arguments: the arguments of the command line.

    Raises:
        UserError: ``allow`` is set, but not on the command line.
    """
    global _others
    # only the command line may set it: otherwise a config could allow itself
    if names and not any(re.match(r"\+{0,2}allow=", argument) for argument in arguments):
        raise UserError("allow= is set in a config file: set it on the command line instead")
    _others = tuple(names)


def is_allowed(target: str) -> bool:
    """Whether configs may instantiate a dotted name."""
    return target in LIBRARIES or target in FUNCTIONS or target in _others or _is_defined(target)


def refusal(target: str) -> str:
    """Why a target is refused and what to do, for an error message."""
    if new := CLASSES.get(target):
        return f"{target} is now {new}"
    if _within(target, OWN):
        return f"{target} can't be imported: there is no such class"
    listed = [name for name in LIBRARIES if name.split(".")[0] == target.split(".")[0]]
    near = f" (nearest: {nearest(target, listed)})" if listed else ""
    return (
        f"{target} is refused: configs may use classes of {', '.join(OWN)}, and the library classes that "
        f"facet/targets.py lists{near}. If you trust it, add allow=[{target}], or its package, on the command line"
    )


def refuse_foreign(node: Any, path: str = "") -> None:
    """Refuse a resolved node that has a target that isn't allowed, at any depth.

    Raises:
        UserError: the message names the key and the target.
    """
    for key, target in _targets(node, path):
        if not is_allowed(target):
            raise UserError(f"config key {key}: {refusal(target)}")


def _targets(node: Any, path: str) -> Iterator[tuple[str, str]]:
    """(key, value) of every ``_target_``, interpolations unresolved."""
    if isinstance(node, DictConfig | ListConfig) and not (node._is_none() or node._is_missing()):
        keys: Iterable[Any] = node if isinstance(node, DictConfig) else range(len(node))
        for key in keys:
            child: Any = node._get_node(key)
            here = f"{path}.{key}" if path else str(key)
            if key == "_target_":
                yield here, str(child._value())
            else:
                yield from _targets(child, here)


def _is_defined(target: str) -> bool:
    """Whether a target is a class of one of our packages, or a class or function of a package that was allowed.

    Names that a module imports from elsewhere don't count: ``facet.build.torch.load`` is refused.
    """
    module, _, name = target.rpartition(".")
    is_name = all(map(str.isidentifier, target.split("."))) and not name.startswith("_")
    if not is_name or not _within(module, (*OWN, *_others)):
        return False
    try:
        source, node = Source.of(module).definition(name)
    except (UnclearError, LookupError, SyntaxError, ValueError, OSError):
        return False
    if _within(source.name, OWN):
        return isinstance(node, ast.ClassDef)
    return _within(source.name, _others) and isinstance(node, ast.ClassDef | ast.FunctionDef)


def _within(module: str, packages: Sequence[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)
