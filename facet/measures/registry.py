"""Every measure by its name: where it stands in ``results.json``, its unit, which way is better, and what it means.

Measures in ``table.csv``, heads of tables, summaries in W&B and the table in ``docs/measures.md`` are made from this
one list. ``<A>`` in a path is the attribute that is edited, ``<B>`` another one. An edit succeeds where the judge reads
the value that was asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, NamedTuple

from facet.measures import opinions
from facet.measures.families import Measure, fidelity, leak, mean_of, once, rate, truth

HIGH = 0.80
"""An edit rate is high where its whole interval is above this; AIF's own lowest success is 81.3%."""


class Number(NamedTuple):
    """A measured value; a rate has its 95% Wilson interval, and whatever was counted its n.

    ``of`` names whose value it is, where it is one of several: the attribute of the lowest rate.
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    of: str = ""


@dataclass(frozen=True)
class Place:
    """Where measures are read: the results of a run, or of one of its stages, and the attributes that are meant.

    Attributes:
        content: as ``results.json`` holds it.
        attribute: ``<A>``.
        other: ``<B>``.
    """

    content: Mapping[str, Any]
    attribute: str = ""
    other: str = ""

    def at(self, path: str) -> Any:
        """What stands at a path, or None."""
        found: Any = self.content
        for key in path.split("."):
            key = {"<A>": self.attribute, "<B>": self.other}.get(key, key)
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def number(self, path: str) -> Number | None:
        """The number at a path: a plain one, or one with its interval and n; None where there is none."""
        found = self.at(path)
        held = found if isinstance(found, dict) else {"value": found}
        value = held.get("value")
        if not isinstance(value, int | float) or isinstance(value, bool) or math.isnan(value):
            return None
        return Number(float(value), held.get("low"), held.get("high"), held.get("n"))

    def value(self, name: str) -> float | None:
        """The value of a measure."""
        found = MEASURES[name].read(self)
        return found.value if found else None

    def each(self) -> list[Place]:
        """The same place for each attribute of the model, or that a probe reads from a code without names."""
        names = self.content.get("attribute_names") or self.at("measures.classifier") or ()
        return [replace(self, attribute=name) for name in names]

    def values(self, *names: str) -> list[float]:
        """The values of measures; empty where one of them is missing."""
        found = [value for name in names if (value := self.value(name)) is not None]
        return found if len(found) == len(names) else []

    def mean(self, *names: str) -> Number | None:
        """The mean of measures over all attributes that have all of them."""
        values = [value for place in self.each() for value in place.values(*names)]
        return Number(fmean(values)) if values else None


def _edit_sum(place: Place) -> Number | None:
    """A sum's interval adds the ends of its two: both edits start from the same faces, so that the rates depend on each
    other in an unknown way, and the sum of the ends holds for any dependence."""
    on, off = (MEASURES[name].read(place) for name in ("edit_on", "edit_off"))
    if on is None or off is None:
        return None
    ends = ((on.low, off.low), (on.high, off.high))
    low, high = (None if one is None or other is None else one + other for one, other in ends)
    return Number(on.value + off.value, low, high, off.n)


def _control(place: Place) -> Number | None:
    rates = place.values("edit_off_full", "edit_on_full")
    return Number(fmean(rates)) if rates else None


def _true_change(place: Place) -> Number | None:
    errors = place.values("counterfactual_mse_inside", "counterfactual_mse_unedited")
    return Number(1 - errors[0] / errors[1]) if errors and errors[1] else None


TURNED = ("off_from_on", "on_from_off")
"""The rates of edits that have something to change."""


def _lowest(place: Place) -> Number | None:
    known = [each for each in place.each() if each.values(*TURNED)]
    read = ((each.attribute, MEASURES[name].read(each)) for each in known for name in TURNED)
    rates = [rate._replace(of=name) for name, rate in read if rate]
    return min(rates, key=lambda rate: (rate.value, rate.of)) if rates else None


def _largest_drift(place: Place) -> Number | None:
    """The interval adds the ends of both directions, whose readings depend on each other in an unknown way."""
    sides, found = [MEASURES[f"drift_{side}"] for side in ("off", "on")], []
    for other in sides[0].others(place):
        both = [side.read(replace(place, other=other)) for side in sides]
        known = [each for each in both if each is not None]
        if len(known) == len(sides):
            value, low, high = (
                fmean(part or 0.0 for part in parts) for parts in zip(*(each[:3] for each in known), strict=True)
            )
            found.append(Number(value, low, high, known[0].n, other))
    return max(found, key=lambda drift: (drift.value, drift.of)) if found else None


def _is_controlled(place: Place) -> Number | None:
    rates = [rate for name in TURNED if (rate := MEASURES[name].read(place))]
    return Number(float(all((rate.low or 0) >= HIGH for rate in rates))) if len(rates) == len(TURNED) else None


def _controlled(place: Place) -> Number | None:
    """None of a model whose images are no numbers."""
    names = place.content.get("attribute_names") or ()
    counted = place.each() if place.value("mse") is not None else []
    return Number(sum(each.value("is_controlled") or 0.0 for each in counted)) if names else None


def _parameters(place: Place) -> Number | None:
    sizes = place.at("training.parameters") or {}
    return Number(float(sum(sizes.values()))) if sizes else None


def _speed(place: Place) -> Number | None:
    images, seconds = place.value("images_seen"), place.value("seconds")
    return Number(images / seconds) if images and seconds else None


def _attributes(place: Place) -> Number | None:
    return Number(float(len(place.content.get("attribute_names") or ())))


CODES = (("sample", "ẑ"), ("mean", "μ"))
_LIST = (
    once("mse", "measures.mse", "error", "down", "MSE", "mean of (x − x̂)² over pixels of reconstructions"),
    rate("reconstruction_on", "reconstruction.<A>.on", "present kept",
          "unedited reconstructions of images with A that the judge reads as having A"),
    rate("reconstruction_off", "reconstruction.<A>.off", "absent kept",
          "unedited reconstructions of images without A that the judge reads as not having A"),
    rate("edit_off", "edits.<A>.paper.off", "Ĉ absent", "edits to A = 0 that succeed, of images with A"),
    rate("edit_on", "edits.<A>.paper.on", "Ĉ present", "edits to A = 1 that succeed, of images with A"),
    Measure("edit_sum", "", "share", "", "Sum",
            "edit_off + edit_on: 1 where the picture ignores y, 2 where every edit succeeds", _edit_sum),
    rate("edit_off_full", "edits.<A>.full.off", "to absent", "edits to A = 0 that succeed, of all images"),
    rate("edit_on_full", "edits.<A>.full.on", "to present", "edits to A = 1 that succeed, of all images"),
    rate("on_from_on", "edits.<A>.full.on_from_on", "present", "edit_on: these images have nothing to change"),
    rate("off_from_on", "edits.<A>.full.off_from_on", "taken away", "edit_off: these images have something to change"),
    rate("on_from_off", "edits.<A>.full.on_from_off", "given",
          "edits to A = 1 that succeed, of images without A, which have something to change"),
    rate("off_from_off", "edits.<A>.full.off_from_off", "absent",
          "edits to A = 0 that succeed, of images without A, which have nothing to change"),
    rate("edit_off_balanced", "edits.<A>.balanced.off", "to absent, balanced",
         "mean of off_from_on and off_from_off: images with A and without A count alike"),
    rate("edit_on_balanced", "edits.<A>.balanced.on", "to present, balanced",
         "mean of on_from_on and on_from_off: images with A and without A count alike"),
    rate("edit_turned", "edits.<A>.balanced.turned", "turned, balanced",
         "mean of off_from_on and on_from_off: both ways to change something count alike"),
    Measure("control", "", "share", "up", "edits that succeed", "mean of edit_off_full and edit_on_full", _control),
    rate("accuracy", "classifier.<A>.accuracy", "Accuracy", "accuracy of ŷ, or of a probe on a code without labels"),
    rate("balanced_accuracy", "classifier.<A>.balanced_accuracy", "Balanced accuracy",
          "mean of the accuracies on images with A and without A: half for a constant answer"),
    rate("accuracy_on", "classifier.<A>.on", "Accuracy, present", "accuracy of ŷ, or of the probe, on images with A"),
    rate("accuracy_off", "classifier.<A>.off", "Accuracy, absent",
         "accuracy of ŷ, or of the probe, on images without A"),
    Measure("f1", "measures.classifier.<A>.f1", "score", "up", "F1", "F1 score of ŷ, or of the probe"),
    Measure("entropy_bits", "measures.leakage.<A>.mean.entropy_bits", "bit", "", "H(y)",
            "entropy of A in the split: the most that a code can tell"),
    *(Measure(f"leakage_bits_{code}", f"measures.leakage.<A>.{code}.bits", "bit", "down", f"{what}, bit",
              f"information on A that a newly trained probe reads from {what}: the better of two probes")
      for code, what in CODES),
    *(leak(*code, probe, score) for code in CODES for score in ("bits", "auc", "balanced_accuracy")
      for probe in ("linear", "MLP")),
    Measure("drift", "measures.drift.<A>.mean", "share", "down", "Drift",
            "readings of other attributes that change with an edit of A, mean of both directions"),
    *(Measure(f"drift_{side}", f"measures.drift.<A>.{side}.<B>", "share", "down", f"Drift, edits to {what}",
              f"images whose reading of B changes with an edit to A = {value}")
      for side, what, value in (("off", "absent", 0), ("on", "present", 1))),
    Measure("drift_largest", "", "share", "down", "largest drift",
            "drift, mean of both directions, of the attribute that changes most; `other` names it", _largest_drift),
    rate("factors", "identity.<A>.factors", "factors kept",
          "other attributes that the judge reads in the edit as the input's labels have them"),
    Measure("cosine", "measures.identity.<A>.cosine", "score", "up", "cosine",
            "cosine of the judge's features of the edit and of the input"),
    truth("mse", "error", "down", "MSE", "MSE of the edit against the same portrait drawn again with A changed"),
    truth("mse_inside", "error", "down", "MSE inside", "this MSE inside the region that the true change touches"),
    truth("mse_outside", "error", "down", "MSE outside", "this MSE outside the region that the true change touches"),
    truth("mse_unedited", "error", "", "MSE unedited", "MSE of the unedited input inside the same region"),
    truth("ssim", "score", "up", "SSIM", "structural similarity of the edit and the portrait drawn again"),
    Measure("true_change", "", "share", "up", "true change made",
            "1 − counterfactual_mse_inside / counterfactual_mse_unedited", _true_change),
    Measure("distance", "measures.distance.<A>", "number", "down", "edits",
            "Fréchet distance of edits to the test split in the judge's features"),
    once("distance_of_reconstruction", "measures.distance_of_reconstruction", "number", "down", "rec.",
          "Fréchet distance of reconstructions to the test split in the judge's features"),
    *(replace(Measure(*row), of_attribute="<A>" in row[1]) for row in opinions.MEASURES),
    rate("continuity", "continuity.<A>", "graded", "of eight steps of A's value, those that raise the judge's logit"),
    Measure("is_controlled", "", "count", "up", "controlled",
            f"1 if the intervals of off_from_on and on_from_off lie above {HIGH:.0%}, else 0", _is_controlled),
    Measure("judge_accuracy", "judge.accuracy.<A>", "share", "up", "Judge", "its accuracy on real test images"),
    rate("judge_on", "judge.<A>.on", "Judge, present", "real images with A that the judge reads as having A"),
    rate("judge_off", "judge.<A>.off", "Judge, absent", "real images without A that the judge reads as not having A"),
    rate("judge_balanced_accuracy", "judge.<A>.balanced", "Judge, balanced", "mean of judge_on and judge_off"),
    # What a model has once, whatever its attributes
    once("attributes", "", "count", "", "attributes", "number of attributes that the model edits", _attributes),
    mean_of(TURNED, "success", "up", "edits that succeed"),
    once("lowest", "", "share", "up", "lowest", "the lowest of these rates; `other` names its attribute", _lowest),
    mean_of(["drift"], "drift_of_all", "down", "drift"),
    mean_of(["true_change"], "true_change_of_all", "up", "true change made"),
    once("controlled", "", "count", "up", "controlled", "number of attributes with is_controlled = 1", _controlled),
    mean_of(["continuity"], "graded", "up", "graded"),
    once("nuisance", "measures.nuisance", "count", "", "numbers in z", "size of the code beside y"),
    once("resolution", "measures.resolution", "count", "", "resolution", "side of the images, in pixels"),
    once("code_size", "measures.code_size", "count", "", "code size", "units of the code, on digits"),
    once("swaps_ok", "measures.swaps", "score", "up", "swaps ok", "swaps of two units that hand over the class"),
    once("swaps_ceiling", "measures.ceiling", "score", "up", "ceiling",
          "swaps in which these units tell the class: an estimate from below"),
    *(fidelity(against, kind) for against in ("previous", "original") for kind in ("data", "canonical")),
    once("judge_accuracy_of_class", "judge.accuracy.class", "share", "up", "Judge", "its accuracy on real digits"),
    once("steps", "training.steps", "count", "", "Steps", "training steps"),
    once("images_seen", "training.images_seen", "count", "", "Images seen", "images seen in training"),
    once("seconds", "training.seconds", "seconds", "down", "minutes", "duration of training"),
    once("images_per_second", "", "images/s", "up", "images/s", "images_seen / seconds", _speed),
    once("parameters", "", "count", "down", "parameters",
          "of all trained networks, adversaries included; of a stage, those of its open units", _parameters),
)  # fmt: skip
MEASURES: Mapping[str, Measure] = {measure.name: measure for measure in _LIST}
"""By name, in the order of ``table.csv``."""
