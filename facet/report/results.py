"""What runs left behind, read for a report: numbers where there are any, and the reason where there are none."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from facet.errors import UserError
from facet.measures.intervals import Rate
from facet.records import read_results, read_status
from facet.runs import Run

INTERPRETABLE = 0.9
"""The reconstruction rate below which a row's edits can't be interpreted, for either label."""

State = Literal["evaluated", "not evaluated", "running", "interrupted", "failed", "never run", "unreadable"]

ATTRIBUTE = "<attribute>"
PATHS: dict[str, tuple[str, ...]] = {
    "mse": ("measures", "mse"),
    **{f"reconstruction_{side}": ("measures", "reconstruction", ATTRIBUTE, side) for side in ("on", "off")},
    **{f"edit_{side}": ("measures", "edits", ATTRIBUTE, "paper", side) for side in ("on", "off")},
    **{
        f"full_{cell}": ("measures", "edits", ATTRIBUTE, "full", cell)
        for cell in ("on_from_on", "on_from_off", "off_from_on", "off_from_off", "on", "off")
    },
    "accuracy": ("measures", "classifier", ATTRIBUTE, "accuracy"),
    "balanced_accuracy": ("measures", "classifier", ATTRIBUTE, "balanced_accuracy"),
    "f1": ("measures", "classifier", ATTRIBUTE, "f1"),
    "leakage_bits_sample": ("measures", "leakage", ATTRIBUTE, "sample", "bits"),
    "leakage_bits_mean": ("measures", "leakage", ATTRIBUTE, "mean", "bits"),
    "entropy_bits": ("measures", "leakage", ATTRIBUTE, "mean", "entropy_bits"),
    "drift": ("measures", "drift", ATTRIBUTE, "mean"),
    "judge_accuracy": ("judge", "accuracy", ATTRIBUTE),
}
"""Where a report's quantities stand in ``results.json``."""


@dataclass(frozen=True)
class RowRuns:
    """A row of a table and the runs that make it up.

    Attributes:
        key: such as ``ours``; the column ``row`` of ``table.csv``.
        title: such as ``(1) IFcVAE-GAN (ours)``.
        runs: (seed, run directory); a directory that does not exist is a run that never was.
    """

    key: str
    title: str
    runs: Sequence[tuple[int, Path]]


@dataclass(frozen=True)
class Spread:
    """A quantity over the seeds of a row.

    Attributes:
        values: one per evaluated seed.
        low, high: the lowest and the highest end of the seeds' 95% intervals; None for quantities without one.
        n: what the seeds' rates rest on, one number per seed.
    """

    values: tuple[float, ...]
    low: float | None
    high: float | None
    n: tuple[int, ...]

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return statistics.fmean(self.values)

    @property
    def sd(self) -> float | None:
        """The sample standard deviation over the seeds, None for one seed."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None


@dataclass(frozen=True)
class Result:
    """One run as the report sees it. ``content`` is empty unless ``state`` is ``evaluated``.

    ``chosen`` is the attribute whose numbers are meant, of several; the first where it is empty.
    """

    row: str
    seed: int
    directory: Path
    state: State
    error: str = ""
    content: dict[str, Any] = field(default_factory=dict)
    chosen: str = ""

    @property
    def attribute(self) -> str:
        """The edited attribute: the first, where there are several and none is chosen."""
        return self.chosen or str((self.content.get("attribute_names") or ["attribute"])[0])

    def by_attribute(self) -> tuple[Result, ...]:
        """The run once for each of its attributes; itself where it has none."""
        return tuple(replace(self, chosen=name) for name in self.content.get("attribute_names") or [""])

    def at(self, *path: str) -> Any:
        """What stands at a path in ``results.json``, or None."""
        found: Any = self.content
        for key in path:
            found = found.get(self.attribute if key == ATTRIBUTE else key) if isinstance(found, dict) else None
        return None if isinstance(found, float) and math.isnan(found) else found

    def rate(self, *path: str) -> Rate | None:
        """The rate at a path, or None."""
        found = self.at(*path)
        if not isinstance(found, dict) or self.number(*path) is None or "low" not in found:
            return None
        return Rate(found["value"], found["low"], found["high"], found["n"])

    def number(self, *path: str) -> float | None:
        """The number at a path, or the value of the rate there, or None."""
        found = self.at(*path, "value") if isinstance(self.at(*path), dict) else self.at(*path)
        return float(found) if isinstance(found, int | float) else None

    def value(self, quantity: str) -> float | None:
        """A quantity of ``PATHS``."""
        return self.number(*PATHS[quantity])

    def at_stages(self) -> tuple[Result, ...]:
        """The run as it was at the end of every stage, itself last; itself alone where it has no stages.

        What its training cost stands with the last stage only, since it is all of it.
        """
        found = []
        for stage in (self.at("measures", "stages") or [])[:-1]:
            training = {"parameters": {"network": stage["parameters"]}}
            found.append(replace(self, content={**self.content, "measures": stage, "training": training}))
        return (*found, self)

    def metrics(self) -> dict[str, list[tuple[int, float]]]:
        """The curves of ``metrics.csv``: (step, value) by name, in the order of steps."""
        return Run(self.directory).metrics()


@dataclass(frozen=True)
class Row:
    """A row of the table with all its runs."""

    key: str
    title: str
    results: tuple[Result, ...]

    @property
    def evaluated(self) -> tuple[Result, ...]:
        """The runs that have numbers."""
        return tuple(result for result in self.results if result.state == "evaluated")

    @property
    def missing(self) -> tuple[Result, ...]:
        """The runs that have none."""
        return tuple(result for result in self.results if result.state != "evaluated")

    @property
    def interpretable(self) -> bool:
        """Whether every evaluated seed reconstructs both labels at a rate of at least ``INTERPRETABLE``."""
        return bool(self.evaluated) and not self.undertrained

    @property
    def undertrained(self) -> tuple[Result, ...]:
        """The evaluated runs whose unedited reconstructions the judge reads as the input's label too rarely."""

        def low(value: float | None) -> bool:
            return value is None or value < INTERPRETABLE

        rates = ("reconstruction_on", "reconstruction_off")
        return tuple(result for result in self.evaluated if any(low(result.value(rate)) for rate in rates))

    @property
    def diverged(self) -> tuple[Result, ...]:
        """The evaluated runs whose images are not numbers."""
        return tuple(r for r in self.evaluated if "mse" in r.content.get("measures", {}) and r.value("mse") is None)

    @property
    def labels_given(self) -> bool:
        """Whether the method predicts no attributes and was given them."""
        return any(result.content.get("labels_given") for result in self.evaluated)

    def spread(self, quantity: str) -> Spread | None:
        """A quantity of ``PATHS`` over the evaluated seeds, or None where no seed has it."""
        return self.spread_at(*PATHS[quantity])

    def spread_at(self, *path: str) -> Spread | None:
        """The same by its path in ``results.json``."""
        values = [value for result in self.evaluated if (value := result.number(*path)) is not None]
        rates = [rate for result in self.evaluated if (rate := result.rate(*path)) is not None]
        if not values:
            return None
        low, high = (min(rate.low for rate in rates), max(rate.high for rate in rates)) if rates else (None, None)
        return Spread(tuple(values), low, high, tuple(rate.n for rate in rates))

    @property
    def each(self) -> tuple[Row, ...]:
        """One row per run."""
        return tuple(Row(self.key, self.title, (result,)) for result in self.results)

    @property
    def reason(self) -> str:
        """Why there are no numbers, where there are none."""
        if self.evaluated:
            return ""
        return ", ".join(sorted({result.state for result in self.results})) or "never run"


def read_rows(runs: Sequence[RowRuns], order: Sequence[tuple[str, str]]) -> tuple[Row, ...]:
    """Every row of the table in its order, rows without a run included, then the runs' other rows."""
    given = {row.key: row for row in runs}
    titles = dict(order) | {row.key: row.title for row in runs}
    keys = [key for key, _ in order] + [key for key in given if key not in dict(order)]
    return tuple(
        Row(key, titles[key], tuple(read_run(key, *run) for run in given[key].runs) if key in given else ())
        for key in keys
    )


def read_run(row: str, seed: int, directory: Path) -> Result:
    """One run, whatever state it is in."""
    if not directory.is_dir():
        return Result(row, seed, directory, "never run")
    try:
        status = read_status(directory / "status.json")
        if status.get("status") in ("failed", "running", "interrupted"):
            lines = str(status.get("error") or "").strip().splitlines()
            return Result(row, seed, directory, status["status"], lines[0] if lines else "")
        content = read_results(directory / "results.json")
    except UserError as error:
        return Result(row, seed, directory, "unreadable", str(error).removeprefix(f"{directory}/"))
    if not content:
        return Result(row, seed, directory, "not evaluated" if status else "never run")
    if (split := content.get("split", "test")) != "test":
        reason = f"results.json is of the {split} split, a table shows the test split: evaluate with split=test"
        return Result(row, seed, directory, "unreadable", reason)
    return Result(row, seed, directory, "evaluated", content=content)
