"""What the registry says of a measure, and families of measures that are alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from facet.measures.registry import Number, Place

Unit = Literal["share", "error", "bit", "score", "number", "count", "seconds", "images/s"]
Better = Literal["up", "down", ""]


@dataclass(frozen=True)
class Measure:
    """A measure.

    Attributes:
        name: in ``table.csv``, in pages and in summaries.
        path: in ``results.json``; empty where it is computed from others.
        unit: decides how a cell shows it.
        better: which way; empty where neither is.
        title: the head of a column.
        meaning: what it is, for docs/measures.md.
        derive: what computes it, if it isn't read.
        of_attribute: whether every attribute of a model has its own.
    """

    name: str
    path: str
    unit: Unit
    better: Better
    title: str
    meaning: str
    derive: Callable[[Place], Number | None] | None = None
    of_attribute: bool = True

    @property
    def of_other(self) -> bool:
        """Whether there is one for every pair of attributes."""
        return "<B>" in self.path

    def read(self, place: Place) -> Number | None:
        """The measure there, or None."""
        return self.derive(place) if self.derive else place.number(self.path)

    def others(self, place: Place) -> list[str]:
        """The other attributes that have this measure there."""
        found = place.at(self.path.removesuffix(".<B>"))
        return list(found) if isinstance(found, dict) else []


def rate(name: str, path: str, title: str, meaning: str) -> Measure:
    return Measure(name, f"measures.{path}", "share", "up", title, meaning)


def leak(code: str, what: str, probe: str, score: str) -> Measure:
    name, path = f"leakage_{code}_{probe.lower()}_{score}", f"measures.leakage.<A>.{code}.{probe.lower()}_{score}"
    if score == "auc":
        return Measure(name, path, "number", "down", f"{probe}, AUC", f"AUC of the {probe} probe on {what}")
    if score == "balanced_accuracy":
        meaning = f"balanced accuracy of the {probe} probe on {what}, half where it tells nothing"
        return Measure(name, path, "share", "down", f"{probe}, balanced accuracy", meaning)
    meaning = f"information on A that the {probe} probe reads from {what}"
    return Measure(name, path, "bit", "down", f"{probe}, bit", meaning)


def truth(name: str, unit: Unit, better: Better, title: str, meaning: str) -> Measure:
    return Measure(f"counterfactual_{name}", f"measures.counterfactual.<A>.{name}", unit, better, title, meaning)


def once(
    name: str, path: str, unit: Unit, better: Better, title: str, meaning: str,
    derive: Callable[[Place], Number | None] | None = None,
) -> Measure:  # fmt: skip
    return Measure(name, path, unit, better, title, meaning, derive, of_attribute=False)


def mean_of(of: Sequence[str], name: str, better: Better, title: str) -> Measure:
    meaning = f"mean of {' and '.join(of)} over all attributes"
    return once(name, "", "share", better, title, meaning, lambda place: place.mean(*of))


def fidelity(against: str, kind: str) -> Measure:
    teacher = "stage before" if against == "previous" else "first stage"
    meaning = f"error of eq. 1 against the {teacher}, {kind} directions"
    name, path = f"jacobian_{against}_{kind}", f"measures.{against}.{kind}"
    return once(name, path, "score", "down", f"{against}, {kind}", meaning)
