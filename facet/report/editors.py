"""An editor of several attributes in a few numbers, as it is and as it was at the end of every stage."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from facet.measures.intervals import Rate
from facet.report.claims import HIGH
from facet.report.results import Result
from facet.report.tables import decimal, percent

HEAD = ("numbers in z", "parameters", "MSE", "edits that succeed", "lowest", "drift", "true change made")
CHANGE = (
    "True change made, where the truth can be drawn: 1 − MSE of the edit / MSE of no edit, in the region that the true "
    "change touches; a hat's or a beard's kind can't be known from a face without it, so that nobody reaches 100%."
)
NOTE = (
    "Test split. Edits: of the faces on which there is something to change, given to who has it not and taken from who "
    "has it; the mean over all attributes and both directions; lowest: of one of them. A picture that ignores y has "
    f"0%. Drift: share of readings of other attributes that turn over with an edit. {CHANGE}"
)


TURNED = ("off_from_on", "on_from_off")
"""The cells in which there is something to change: in the others an edit succeeds by doing nothing."""


@dataclass(frozen=True)
class Editing:
    """What an editor can do.

    Attributes:
        nuisance: numbers in z.
        parameters: of all networks that were trained, adversaries included; of a stage, of what was open.
        mse: of reconstructions.
        edits: rates by attribute where there is something to change: taken away, given.
        drift: by attribute; empty where it wasn't measured.
        change: by attribute, how much of the true change is made; empty where there is no truth.
    """

    nuisance: int
    parameters: int
    mse: float
    edits: dict[str, tuple[Rate, Rate]]
    drift: dict[str, float]
    change: dict[str, float]

    @property
    def success(self) -> float:
        """The mean of all edit rates."""
        return fmean(rate.value for both in self.edits.values() for rate in both)

    @property
    def lowest(self) -> tuple[float, str]:
        """The lowest edit rate, and whose it is."""
        return min((rate.value, name) for name, both in self.edits.items() for rate in both)

    @property
    def controlled(self) -> list[str]:
        """The attributes whose both rates are high, with their whole intervals."""
        return [name for name, both in self.edits.items() if min(rate.low for rate in both) >= HIGH]

    def cells(self) -> list[str]:
        """In the order of ``HEAD``."""
        rate, name = self.lowest
        return [
            f"{self.nuisance:,}",
            f"{self.parameters:,}",
            decimal(self.mse),
            f"{percent(self.success)}%",
            f"{percent(rate)}% ({name.replace('_', ' ')})",
            mean_percent(self.drift),
            mean_percent(self.change),
        ]


def mean_percent(values: dict[str, float]) -> str:
    """A mean over attributes in words."""
    return f"{percent(fmean(values.values()))}%" if values else "–"


def editing(result: Result) -> Editing | None:
    """A run in numbers; None for one without edits, or whose images are not numbers."""
    mse, edits = result.value("mse"), {}
    for name in result.at("measures", "edits") or {}:
        off, on = (result.rate("measures", "edits", name, "full", cell) for cell in TURNED)
        if off is not None and on is not None:
            edits[name] = off, on
    if mse is None or not edits:
        return None
    drift = {name: result.number("measures", "drift", name, "mean") for name in edits}
    return Editing(
        result.at("measures", "nuisance"),
        sum((result.at("training", "parameters") or {}).values()),
        mse,
        edits,
        {name: value for name, value in drift.items() if value is not None},
        {name: value for name in edits if (value := true_change(result, name)) is not None},
    )


def true_change(result: Result, name: str) -> float | None:
    """1 - MSE of the edit / MSE of no edit, inside the region that the true change of an attribute touches."""
    inside, unedited = (result.number("measures", "counterfactual", name, of) for of in ("mse_inside", "mse_unedited"))
    return None if inside is None or not unedited else 1 - inside / unedited


def stages_of(result: Result) -> list[Editing]:
    """A run stage by stage, from the narrowest; one for a method that has none; none if it ended in no images."""
    if editing(result) is None:
        return []
    return [found for stage in result.at_stages() if (found := editing(stage)) is not None]
