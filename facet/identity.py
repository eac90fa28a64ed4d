"""The identity of a run: the settings that affect its outcome, and the content of its data; no paths and no names."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from facet.commands import say
from facet.completion import canonical, complete
from facet.configuration import OF_THE_MACHINE, digest
from facet.debugging import FOLDER as DEBUG
from facet.errors import UserError
from facet.records import known as known_of
from facet.records import read_status

# Settings that don't change a run's outcome: names, paths, and how progress is shown. The data's place is among them:
# data are compared by content.
INCIDENTAL = (
    *("name", "method", "ablation", "runs", "run_dir", "logger", "force", "save_minutes", "on_nonfinite", "objective"),
    *("data.root", "data.labels", "data.store", "data.workers", "data.residency", "data.download"),
    *("trainer.log_every_n_steps", "trainer.enable_progress_bar", "trainer.enable_model_summary"),
    *("callbacks.progress", "callbacks.edits.faces"),
)


@dataclass(frozen=True)
class Places:
    """Where moved data are now: a node that commands read themselves. None: not moved."""

    root: str | None = None
    labels: str | None = None
    store: str | None = None


def identity(config: DictConfig) -> str:
    """A digest of all settings that affect a run's outcome: eight hex digits.

    Spelling out a default doesn't change it: missing settings of our classes are set to their defaults, and default
    settings of library classes are left out.
    """
    completed = OmegaConf.create(resolved(config))
    complete(completed)
    settings: Any = OmegaConf.to_container(completed)
    for path in INCIDENTAL:
        *groups, name = path.split(".")
        node: Any = settings
        for group in groups:
            node = node.get(group) or {}
        node.pop(name, None)
    _as_before(settings)
    initial = settings["model"].get("initial")  # the content of the file counts, not its path
    if initial and Path(initial).is_file():
        with Path(initial).open("rb") as file:
            settings["model"]["initial"] = hashlib.file_digest(file, "sha256").hexdigest()
    return digest(canonical(settings))


def _as_before(settings: dict[str, Any]) -> None:
    """Leave out settings that change nothing, so that runs from before these settings are found."""
    data = settings["data"]
    if settings.get("debug") is None:
        settings.pop("debug", None)
    if data.get("images_per_epoch") in (None, data.get("train_size")):  # one pass
        data.pop("images_per_epoch", None)
        if data.get("flip", False) is None:  # no image comes twice in an epoch, so none is mirrored
            data["flip"] = False
    for name, default in (("test_correlation", None), ("rates", None), ("label_noise", 0.0)):
        if data.get(name) in (None, default):
            data.pop(name, None)


def resolved(config: DictConfig) -> dict[str, Any]:
    """A config as plain values, without ``allow``, which only the command line may set.

    A precision that each machine resolves for itself stays an interpolation.
    """
    plain, raw = (OmegaConf.to_container(config, resolve=resolve) for resolve in (True, False))
    assert isinstance(plain, dict)
    assert isinstance(raw, dict)
    if (raw["trainer"] or {}).get("precision") == OF_THE_MACHINE:
        plain["trainer"]["precision"] = OF_THE_MACHINE
    return {str(key): value for key, value in plain.items() if key != "allow"}


def same_run(one: Any, other: Any) -> bool:
    """Whether two configs have the same identity."""
    return identity(one) == identity(other)


def run_directory(config: DictConfig) -> Path:
    """The directory of a run, whether it exists or not: ``run_dir``, or ``runs/<experiment>/seed<seed>-<identity>``.

    An existing run is found anywhere below ``runs``, under any experiment, by the identity in its directory's name. If
    several exist that were trained on different data, the one trained on the config's data is returned.
    """
    default, paths = _found(config)
    if len(paths) > 1:
        return next((path for path in paths if of_these_data(path, config)), paths[0])
    return paths[0] if paths else default


def directory_to_train(config: DictConfig) -> Path:
    """The directory in which to train a run.

    It is :func:`run_directory`, unless that belongs to a run with the same settings on other data: then it is a new
    directory beside it.
    """
    default, paths = _found(config)
    if config.get("run_dir"):
        return default
    for path in paths:
        if of_these_data(path, config):
            return path
    if default not in paths:
        return default
    say(f"{default} is a run on other data: a new directory beside it is used", "yellow")
    return default.with_name(f"{default.name}-{_fingerprint(config.data)}")


def existing(config: DictConfig) -> list[Path]:
    """The directories of all runs with these settings, on any data; the one with the run's own name comes first."""
    return _found(config)[1]


def _found(config: DictConfig) -> tuple[Path, list[Path]]:
    """The directory that the run has by its name, and those of :func:`existing`."""
    if config.get("run_dir"):
        return Path(config.run_dir), [Path(config.run_dir)]
    name = str(config.name)
    if name.startswith("/") or not name.isprintable() or {"", ".", ".."} & set(name.split("/")):
        raise UserError(f"name={name!r}: it must be a path below runs=, such as mine/first")
    if name.split("/")[0] == DEBUG:
        raise UserError(f"name={name!r}: {Path(config.runs) / DEBUG} is of debug runs: choose another name")
    mark = identity(config)
    runs = Path(config.runs) / DEBUG if config.get("debug") else Path(config.runs)
    own = runs / name / f"seed{config.seed}-{mark}"
    paths = [path for path in run_directories(runs) if f"-{mark}" in path.name]
    return own, sorted(paths, key=lambda path: (path != own, path.parent != own.parent, path))


def run_directories(runs: Path) -> Iterator[Path]:
    """The directories below ``runs`` that hold a run's ``config.yaml`` or ``status.json``, without debug runs."""
    for place, directories, files in os.walk(runs):
        if Path(place) == runs and DEBUG in directories:
            directories.remove(DEBUG)
        if "config.yaml" in files or "status.json" in files:
            directories.clear()  # no runs inside a run
            yield Path(place)


def of_these_data(path: Path, config: DictConfig) -> bool:
    """Whether a run was trained on the data that a config names.

    Drawn data follow from the settings and are always the same. Files are compared by place, names, sizes and times
    with what the run noted; their content is read only if one of these differs. True if the data can't be read.
    """
    status = known_of(read_status, path / "status.json")
    known = status.get("data_fingerprint")
    noted = status.get("data_files")
    if known is None or "store" not in config.data or (noted and noted == noted_files(config.data, noted["root"])):
        return True
    try:
        fingerprint = _fingerprint(config.data)
    except (ValueError, HydraException) as error:
        say(f"the data of {path} can't be read: {error}", "yellow")
        return True  # missing data don't make another run
    if fingerprint == known and noted and noted["place"] != _place(config.data):
        say(f"the data of {path} have moved: they were read from {noted['root']}", "yellow")
    return bool(fingerprint == known)


def noted_files(data: Mapping[str, Any], root: str) -> dict[str, Any]:
    """What identifies data files without reading them: their place as configured, and their names, sizes and times."""
    labels = data.get("labels")
    files = sorted(_files(root), key=str)
    if labels and not (Path(root) / labels).is_file():
        files.append(Path(labels).expanduser())
    states = [(str(file), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns) for file in files if (stat := _stat(file))]
    return {"place": _place(data), "root": root, "state": digest({"files": states})}


def _place(data: Mapping[str, Any]) -> list[str]:
    """The configured place of data as absolute paths; without a root, the environment variables that decide it."""
    root, labels = data.get("root"), data.get("labels")
    environment = [f"{name}={os.environ.get(name, '')}" for name in ("FACET_DATA", "FACET_CACHE")]
    place = [os.path.realpath(os.path.expanduser(root))] if root else environment
    if labels and root:
        within = Path(root).expanduser() / labels
        place.append(os.path.realpath(within if within.is_file() else os.path.expanduser(labels)))
    return place


def _files(root: str) -> Iterator[Path]:
    for place, _, files in os.walk(root):
        yield from (Path(place) / name for name in files)


def _stat(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except OSError:  # a broken link
        return None


def _fingerprint(data: DictConfig) -> str:
    from facet.making import make

    return str(make(data).fingerprint)


def at(settings: DictConfig, places: Mapping[str, Any]) -> DictConfig:
    """A run's config with its data in another place.

    Args:
        settings: the run's config.
        places: ``root``, ``labels`` and ``store``; None leaves a setting as it is.

    Raises:
        UserError: the data set doesn't have this setting.
    """
    moved = {key: place for key, place in places.items() if place is not None}
    for key in moved:
        if key not in settings.data:
            raise UserError(f"data.{key}: {settings.data._target_.rsplit('.', 1)[-1]} has no such setting")
    merged = OmegaConf.merge(settings, {"data": moved})
    assert isinstance(merged, DictConfig)
    return merged
