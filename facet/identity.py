"""What run it is: by the settings that decide what comes out and by what its data hold, never by a place or a name."""

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
from facet.errors import UserError
from facet.records import known as known_of
from facet.records import read_status

# What doesn't change a run's outcome: its names, where it lies and is read from, how it is shown. Which data a run is
# of, their content says and not their place.
INCIDENTAL = (
    *("name", "method", "ablation", "runs", "run_dir", "logger", "force", "save_minutes", "on_nonfinite", "objective"),
    *("data.root", "data.labels", "data.store", "data.workers", "data.residency", "data.download"),
    *("trainer.log_every_n_steps", "trainer.enable_progress_bar", "trainer.enable_model_summary"),
    *("callbacks.progress", "callbacks.edits.faces"),
)


@dataclass(frozen=True)
class Places:
    """Where data have moved to, which commands read themselves; None where they have not."""

    root: str | None = None
    labels: str | None = None
    store: str | None = None


def identity(config: DictConfig) -> str:
    """Eight hex digits that change with any setting that decides a run's outcome.

    It is the same whether a default is spelled out or not: of our classes all settings count, as they are or by their
    default, of libraries' those that aren't the default.
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
    initial = settings["model"].get("initial")  # a file decides by what is in it
    if initial and Path(initial).is_file():
        with Path(initial).open("rb") as file:
            settings["model"]["initial"] = hashlib.file_digest(file, "sha256").hexdigest()
    return digest(canonical(settings))


def resolved(config: DictConfig) -> dict[str, Any]:
    """A config without interpolations, but for what each machine resolves for itself, and without what the command line
    alone may say."""
    plain, raw = (OmegaConf.to_container(config, resolve=resolve) for resolve in (True, False))
    assert isinstance(plain, dict)
    assert isinstance(raw, dict)
    if (raw["trainer"] or {}).get("precision") == OF_THE_MACHINE:
        plain["trainer"]["precision"] = OF_THE_MACHINE
    return {str(key): value for key, value in plain.items() if key != "allow"}


def same_run(one: Any, other: Any) -> bool:
    """Whether two configs are the same run on the same data."""
    return identity(one) == identity(other)


def run_directory(config: DictConfig) -> Path:
    """Where a run is, or would be: ``runs/<experiment>/seed<seed>-<identity>``, unless ``run_dir`` says otherwise.

    A run is found anywhere below ``runs``, under whatever experiment it was trained, by the identity at the end of its
    directory's name. Where there are several, on different data, it is the one on these.
    """
    found = existing(config)
    if len(found) > 1:
        return next((path for path in found if of_these_data(path, config)), found[0])
    return found[0] if found else _first(config)


def directory_to_train(config: DictConfig) -> Path:
    """The same for training: a run with these settings on other data is another run, in a directory beside it."""
    found = [] if config.get("run_dir") else existing(config)
    first = _first(config)
    for path in found:
        if of_these_data(path, config):
            return path
    if first not in found:
        return first
    say(f"{first} is a run on other data than these: they get a run of their own", "yellow")
    return first.with_name(f"{first.name}-{_fingerprint(config.data)}")


def _first(config: DictConfig) -> Path:
    if config.get("run_dir"):
        return Path(config.run_dir)
    name = str(config.name)
    if name.startswith("/") or not name.isprintable() or {"", ".", ".."} & set(name.split("/")):
        raise UserError(f"name={name!r}: it is part of a directory's name below runs=, such as mine/first")
    return Path(config.runs) / name / f"seed{config.seed}-{identity(config)}"


def existing(config: DictConfig) -> list[Path]:
    """The directories of runs with these settings, on whatever data; the one under the run's own name comes first."""
    if config.get("run_dir"):
        return [Path(config.run_dir)]
    own, named = _first(config), f"-{identity(config)}"
    found = [path for path in _run_directories(Path(config.runs)) if named in path.name]
    return sorted(found, key=lambda path: (path != own, path.parent != own.parent, path))


def _run_directories(runs: Path) -> Iterator[Path]:
    for place, directories, files in os.walk(runs):
        if "config.yaml" in files or "status.json" in files:
            directories.clear()  # what lies in a run is no run
            yield Path(place)


def of_these_data(path: Path, config: DictConfig) -> bool:
    """Whether a run was trained on the data that a config asks for.

    Data that are drawn follow from the settings. Of files, place, names, sizes and times are compared with those that
    the run noted, which needs no torch; what they hold is looked at only where any of these is other. A run whose data
    can't be looked at any more is not another run.
    """
    status = known_of(read_status, path / "status.json")
    known = status.get("data_fingerprint")
    noted = status.get("data_files")
    if known is None or "store" not in config.data or (noted and noted == noted_files(config.data, noted["root"])):
        return True
    try:
        found = _fingerprint(config.data)
    except (ValueError, HydraException) as error:
        say(f"the data of {path} can't be looked at: {error}", "yellow")
        return True
    if found == known and noted and noted["place"] != _place(config.data):
        say(f"the data of {path} have moved: they were read from {noted['root']}", "yellow")
    return bool(found == known)


def noted_files(data: Mapping[str, Any], root: str) -> dict[str, Any]:
    """What tells a run's files from others without reading them: the place asked for, and names, sizes and times."""
    labels = data.get("labels")
    files = sorted(_files(root), key=str)
    if labels and not (Path(root) / labels).is_file():
        files.append(Path(labels).expanduser())
    states = [(str(file), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns) for file in files if (stat := _stat(file))]
    return {"place": _place(data), "root": root, "state": digest({"files": states})}


def _place(data: Mapping[str, Any]) -> list[str]:
    """Where data are asked for, made absolute; without a root the environment says where."""
    root, labels = data.get("root"), data.get("labels")
    asked = [f"{name}={os.environ.get(name, '')}" for name in ("FACET_DATA", "FACET_CACHE")]
    place = [os.path.realpath(os.path.expanduser(root))] if root else asked
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
    except OSError:  # a link that leads nowhere
        return None


def _fingerprint(data: DictConfig) -> str:
    from facet.making import make

    return str(make(data).fingerprint)


def at(settings: DictConfig, places: Mapping[str, Any]) -> DictConfig:
    """A run's config with its data in another place.

    Args:
        settings: the run's.
        places: ``root``, ``labels`` and ``store``; None leaves one as it is.

    Raises:
        UserError: a place that the data set doesn't have.
    """
    moved = {key: place for key, place in places.items() if place is not None}
    for key in moved:
        if key not in settings.data:
            raise UserError(f"data.{key}: {settings.data._target_.rsplit('.', 1)[-1]} has no such setting")
    merged = OmegaConf.merge(settings, {"data": moved})
    assert isinstance(merged, DictConfig)
    return merged
