"""The runs below a directory, each with its status, settings and results, whatever state it is in."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from pathlib import Path

from facet.errors import UserError
from facet.identity import run_directories
from facet.pages import PageRow
from facet.records import read_config
from facet.report.cells import cell
from facet.results import Result, read_run
from facet.rows import Row
from facet.showing import duration

STATUS = {"evaluated": "judged", "not evaluated": "finished"}
"""Words for states; the others are words already."""
ODD = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What results that don't belong together may raise when they are read."""


@dataclass(frozen=True)
class FoundRun:
    """A run.

    Attributes:
        key: names it on the page, and names its files; letters, digits, ``_`` and ``-``.
        experiment: the path of the directory above it, below ``runs``; empty for a run that is directly in ``runs``.
        result: what it left behind.
        seed, preset, data: what it was trained with, in words; a dash where that isn't known.
        ended: when it ended, such as ``2026-11-28 00:26``, which sorts; a dash if it hasn't.
        remark: what else is to be said: an error, or how long ago a running training logged anything.
        broken: whether its files can be read, but hold what no training or judging writes.
    """

    key: str
    experiment: str
    result: Result
    seed: str = "–"
    preset: str = "–"
    data: str = "–"
    ended: str = "–"
    remark: str = ""
    broken: bool = False

    @property
    def name(self) -> str:
        """The directory's own name."""
        return self.result.directory.name

    @property
    def title(self) -> str:
        """Its path below ``runs``."""
        return f"{self.experiment}/{self.name}" if self.experiment else self.name

    @property
    def status(self) -> str:
        """``judged``, ``finished`` (and not judged yet), ``running``, ``interrupted``, ``failed``, ``never run`` or
        ``unreadable``.
        """
        return STATUS.get(self.result.state, self.result.state)

    @property
    def row(self) -> Row:
        """It alone as the row of a page."""
        return Row(self.key, PageRow(self.title, run=""), (self.result,), self.title)


def find(runs: Path) -> list[FoundRun]:
    """The runs below a directory, by path; empty if it doesn't exist."""
    found: list[FoundRun] = []
    keys: set[str] = set()
    places = sorted(run_directories(runs), key=lambda place: (place.parent.parts, _by_number(place.name)))
    for place in places:
        path = place.relative_to(runs)
        key = plain = re.sub(r"[^\w-]+", "-", str(path), flags=re.ASCII).strip("-") or "run"
        while key in keys:
            key = f"{plain}-{len(keys)}"
        keys.add(key)
        found.append(_read(key, "" if path.parent == Path() else str(path.parent), place))
    return found


def _by_number(name: str) -> list[tuple[int, str]]:
    """Sorts ``seed2`` before ``seed10``."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _read(key: str, experiment: str, place: Path) -> FoundRun:
    seed, preset, data = None, None, None
    result = found = read_run(key, 0, place)
    try:
        seed, preset, data = _settings(result, place)
        result.lines  # noqa: B018 - a property, which may fail for results that don't belong together
    except UserError as error:
        if result.state in ("never run", "not evaluated"):  # all others have more important things to tell
            result = replace(result, state="unreadable", error=str(error).removeprefix(f"{place}/"))
    except ODD as error:
        reason = f"results.json holds what belongs to no run ({type(error).__name__}: {error})"
        result = Result(key, 0, place, "unreadable", reason)
    return FoundRun(
        key,
        experiment,
        replace(result, seed=seed or 0),
        "–" if seed is None else str(seed),
        preset or "–",
        data or "–",
        "–" if result.state in ("running", "never run") else _at(place / "status.json"),
        _remark(result),
        broken=result.state != found.state,
    )


def _settings(result: Result, place: Path) -> tuple[int | None, str | None, str | None]:
    """Seed, preset and data set: from the results, which are read faster, or from the config.

    Raises:
        UserError: the config can't be used.
    """
    if content := result.content:
        return content.get("seed"), content.get("preset"), content.get("data")
    if not (place / "config.yaml").is_file():
        return None, None, None
    config = read_config(place / "config.yaml")
    return config.seed, config.preset, f".{config.data._target_}".split(".")[-2]


def _at(file: Path) -> str:
    """When a file was written; a dash if there is none."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(file.stat().st_mtime))
    except OSError:
        return "–"


def _remark(result: Result) -> str:
    if result.state == "never run":
        return "it has no status.json: no training has begun here"
    if result.state != "running":
        return "" if result.state == "interrupted" else result.error  # its error says only that it was stopped
    files = (result.directory / name for name in ("metrics.csv", "status.json"))
    logged = max((file.stat().st_mtime for file in files if file.is_file()), default=None)
    return "" if logged is None else f"last logged {duration(max(0.0, time.time() - logged))} ago"


def headline(run: FoundRun) -> tuple[str, str]:
    """The MSE, and how many edits succeed, in words; empty where the run isn't judged.

    The second is the rates of edits to absent and to present of a model of one attribute, the mean rate of a model of
    several, and the swaps of a model of digits.
    """
    result, row = run.result, run.row

    def shown(name: str) -> str:
        return cell(row.spread(name), interval=False).value

    if result.state != "evaluated":
        return "", ""
    if result.diverged:
        return "–", "training diverged"
    if result.value("swaps_ok") is not None:
        return shown("mse"), f"swaps ok {shown('swaps_ok')}"
    if len(result.attribute_names) > 1 and result.value("success") is not None:
        return shown("mse"), f"mean of {len(result.attribute_names)}: {shown('success')}"
    rates = [shown(name) for name in ("off_from_on", "on_from_off")]
    return shown("mse"), "" if rates == ["–", "–"] else " / ".join(rates)
