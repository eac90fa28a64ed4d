"""What the stages of grown coders left, as tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np

from facet.measures.intervals import Rate
from facet.report.published import PublishedCurve
from facet.report.results import Result, Row
from facet.report.tables import csv_text

COLUMNS = [
    *("row", "seed", "code_size", "mse", "swaps_ok", "swaps_low", "swaps_high", "swaps_ceiling", "n"),
    "judge_accuracy",
]


@dataclass(frozen=True)
class Stage:
    """A stage of a run: code size, MSE of the test split, swaps ok and their ceiling, Jacobian errors by (against whom,
    direction)."""

    code_size: int
    mse: float
    swaps: Rate
    ceiling: float
    jacobian: dict[tuple[str, str], float]


def stages_of(result: Result) -> list[Stage]:
    """The stages of a run, from the narrowest."""
    found = []
    for stage in result.at("measures", "stages") or []:
        jacobian = {
            (against, kind): stage[against][kind]["value"]
            for against in ("previous", "original")
            for kind in ("data", "canonical")
            if against in stage
        }
        rate = stage["swaps"]
        value = float("nan") if rate["value"] is None else rate["value"]
        swaps = Rate(value, rate["low"], rate["high"], rate["n"])
        ceiling = stage["ceiling"]["value"]
        ceiling = float("nan") if ceiling is None else ceiling
        found.append(Stage(stage["code_size"], stage["mse"]["value"], swaps, ceiling, jacobian))
    return found


def judge_accuracy(result: Result) -> float | None:
    """The judge's accuracy on the test split."""
    return result.number("judge", "accuracy", "class")


def to_csv(rows: Sequence[Row]) -> str:
    """A line per run and code size."""
    lines = []
    for row in rows:
        for result in row.evaluated:
            for s in stages_of(result):
                rate = s.swaps
                numbers = [f"{value:.6f}" for value in (s.mse, rate.value, rate.low, rate.high, s.ceiling)]
                lines.append([row.key, result.seed, s.code_size, *numbers, rate.n, judge_accuracy(result)])
    return csv_text(COLUMNS, lines)


def summary(rows: Sequence[Row]) -> str:
    """What the widest code of each line has, in words."""
    said, sizes = [], set()
    for row in rows:
        last = [stages_of(result)[-1] for result in row.evaluated]
        if last:
            sizes |= {stage.code_size for stage in last}
            rates = f"swaps ok {_rate([s.swaps for s in last])}, ceiling {_mean([s.ceiling for s in last], 3)}"
            said.append(f"{row.title}: MSE {_mean([s.mse for s in last], 4)}, {rates}")
    if not said:
        return "No run has numbers yet."
    first = [stages_of(result)[0] for row in rows for result in row.evaluated]
    narrow = f"{first[0].code_size} units have an MSE of {fmean(stage.mse for stage in first):.4f}. "
    return f"{narrow}With {' or '.join(map(str, sorted(sizes)))}: {'; '.join(said)}."


def summary_lines(rows: Sequence[Row], published: PublishedCurve | None = None) -> list[list[str]]:
    """Code size by line: MSE, swaps ok and their ceiling, with the interval of one seed or the spread of several; then
    what is published of our sizes."""
    found = []
    sizes = sorted({stage.code_size for row in rows for result in row.evaluated for stage in stages_of(result)})
    for size in sizes:
        line = [str(size)]
        for row in rows:
            stages = [s for result in row.evaluated for s in stages_of(result) if s.code_size == size]
            line += [_mean([s.mse for s in stages], 4), _rate([s.swaps for s in stages])]
            line.append(_mean([s.ceiling for s in stages], 3))
        if published:
            theirs = [(mse, ok) for known, mse, ok in published.points if known == size]
            line += [_mean([mse for mse, _ in theirs], 4), _mean([ok for _, ok in theirs], 3)]
        found.append(line)
    return found


def _mean(values: Sequence[float], digits: int) -> str:
    values = [value for value in values if not math.isnan(value)]
    if not values:
        return "–"
    spread = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{fmean(values):.{digits}f}{spread}"


def _rate(rates: Sequence[Rate]) -> str:
    if len(rates) != 1:
        return _mean([rate.value for rate in rates], 3)
    return f"{rates[0].value:.3f} ({rates[0].low:.3f}–{rates[0].high:.3f})"


def fidelity_lines(row: Row) -> list[list[str]]:
    """Jacobian errors by code size, means over seeds: against the stage before and the first, in both directions."""
    found = []
    every = [stages_of(result) for result in row.evaluated]
    for stages in zip(*every, strict=False):
        if not stages[0].jacobian:
            continue
        line = [str(stages[0].code_size)]
        for key in (("previous", "data"), ("previous", "canonical"), ("original", "data"), ("original", "canonical")):
            line.append(_mean([stage.jacobian[key] for stage in stages if key in stage.jacobian], 3))
        found.append(line)
    return found


def layout_kept(teacher: np.ndarray, student: np.ndarray) -> float:
    """Share of grid points at which the judge reads the same class in both."""
    return float((teacher == student).mean())
