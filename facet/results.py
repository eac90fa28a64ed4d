"""What a run left behind as lines of a tidy table, and the reason where it has no numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

from facet.errors import UserError
from facet.measures.families import Measure
from facet.measures.registry import MEASURES, Number, Place
from facet.records import read_results, read_status
from facet.runs import Run

State = Literal["evaluated", "not evaluated", "running", "interrupted", "failed", "never run", "unreadable"]
Found = Mapping[str, Sequence[tuple[int, Path]]]
"""By row: (seed, run directory); a directory that does not exist is a run that never was."""


class Line(NamedTuple):
    """A line of the tidy table, ``table.csv``.

    ``stage`` counts from 0 and is None for the run as it ended; ``other`` is the attribute that is read where another
    one is edited, or the one whose value stands here.
    """

    row: str
    seed: int
    stage: int | None
    attribute: str
    other: str
    measure: str
    value: float
    low: float | None
    high: float | None
    n: int | None


@dataclass(frozen=True)
class Result:
    """One run as the report sees it. ``content`` is empty unless ``state`` is ``evaluated``."""

    row: str
    seed: int
    directory: Path
    state: State
    error: str = ""
    content: dict[str, Any] = field(default_factory=dict)

    @property
    def attribute_names(self) -> list[str]:
        """Of the model."""
        return list(self.content.get("attribute_names") or ())

    @property
    def attribute(self) -> str:
        """The edited attribute: the first, where there are several."""
        return next(iter(self.attribute_names), "attribute")

    @cached_property
    def places(self) -> list[tuple[int | None, Place]]:
        """The run as it ended, and each of its stages from the narrowest; the last stage is the run as it ended."""
        measures = self.content.get("measures") or {}
        stages = measures.get("stages") or []
        if stages and "mse" not in measures:  # a coder, which is measured by stages alone
            measures = stages[-1]
        ended = Place({**self.content, "measures": measures})
        found: list[tuple[int | None, Place]] = [(None, ended)] if self.content else []
        for i, stage in enumerate(stages):
            # What training cost stands with the last stage only, since it is all of it.
            sizes = {"parameters": {"network": stage["parameters"]}} if "parameters" in stage else {}
            before = Place({**self.content, "measures": stage, "training": sizes})
            found.append((i, ended if i == len(stages) - 1 else before))
        return found

    @property
    def stages(self) -> int:
        """How many it has."""
        return sum(stage is not None for stage, _ in self.places)

    @cached_property
    def lines(self) -> list[Line]:
        """The run's part of the tidy table."""
        return [
            Line(self.row, self.seed, stage, here.attribute, here.other or number.of, measure.name, *number[:4])
            for stage, place in self.places
            for measure in MEASURES.values()
            for here in _each(measure, place)
            if (number := measure.read(here)) is not None
        ]

    @cached_property
    def _index(self) -> dict[tuple[int | None, str, str, str], Line]:
        return {(line.stage, line.attribute, _other(line), line.measure): line for line in self.lines}

    def number(
        self, measure: str, attribute: str | None = None, stage: int | None = None, other: str = ""
    ) -> Number | None:
        """A measure: of the first attribute unless said, of the run as it ended unless a stage is said.

        ``stage`` counts from 0, or back from -1; a run without stages has no other than as it ended.
        """
        of = (self.attribute if attribute is None else attribute) if MEASURES[measure].of_attribute else ""
        if stage is not None:
            stage = stage + self.stages if stage < 0 else stage
            stage = stage if self.stages else None
        line = self._index.get((stage, of, other, measure))
        whose = line.other if line and not MEASURES[measure].of_other else ""
        return Number(line.value, line.low, line.high, line.n, whose) if line else None

    def value(self, measure: str, attribute: str | None = None, stage: int | None = None) -> float | None:
        """The value of a measure."""
        found = self.number(measure, attribute, stage)
        return found.value if found else None

    @property
    def diverged(self) -> bool:
        """Whether its images are no numbers."""
        return "mse" in (self.content.get("measures") or {}) and self.value("mse") is None

    def metrics(self, over: Literal["step", "epoch"] = "step") -> dict[str, list[tuple[int, float]]]:
        """The curves of ``metrics.csv``: (step or epoch, value) by name, in this order."""
        return Run(self.directory).metrics(over)


def _each(measure: Measure, place: Place) -> Iterator[Place]:
    for one in place.each() if measure.of_attribute else [place]:
        if measure.of_other:
            yield from (replace(one, other=other) for other in measure.others(one))
        else:
            yield one


def _other(line: Line) -> str:
    return line.other if MEASURES[line.measure].of_other else ""


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
