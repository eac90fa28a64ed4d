"""Every measure by its name: where it stands in ``results.json``, its unit, which way is better, and what it means.

Columns of ``table.csv``, heads of tables, summaries in W&B and the table in ``docs/measures.md`` are made from this one
list. ``<A>`` in a path is the attribute that is edited, ``<B>`` another one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, Literal, NamedTuple

Unit = Literal["share", "error", "bit", "score", "number", "count", "seconds", "images/s"]
Better = Literal["up", "down", ""]
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

    def mean(self, *names: str) -> Number | None:
        """The mean of measures over all attributes that have all of them."""
        each = [[place.value(name) for name in names] for place in self.each()]
        values = [value for found in each if None not in found for value in found if value is not None]
        return Number(fmean(values)) if values else None


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


def _edit_sum(place: Place) -> Number | None:
    """A sum's interval adds the ends of its two: both edits start from the same faces, so that the rates depend on each
    other in an unknown way, and the sum of the ends holds for any dependence."""
    on, off = (MEASURES[name].read(place) for name in ("edit_on", "edit_off"))
    if on is None or off is None:
        return None
    low, high = (
        None if one is None or other is None else one + other for one, other in ((on.low, off.low), (on.high, off.high))
    )
    return Number(on.value + off.value, low, high, off.n)


def _control(place: Place) -> Number | None:
    rates = [place.value(name) for name in ("edit_off_full", "edit_on_full")]
    return None if rates[0] is None or rates[1] is None else Number((rates[0] + rates[1]) / 2)


def _true_change(place: Place) -> Number | None:
    inside, unedited = place.value("counterfactual_mse_inside"), place.value("counterfactual_mse_unedited")
    return None if inside is None or not unedited else Number(1 - inside / unedited)


TURNED = ("off_from_on", "on_from_off")


def _turned(place: Place) -> list[tuple[Number, Number]]:
    """By attribute the two rates of edits that have something to change, where there are both."""
    both = [[MEASURES[name].read(each) for name in TURNED] for each in place.each()]
    return [(off, on) for off, on in both if off is not None and on is not None]


def _lowest(place: Place) -> Number | None:
    rates = [
        rate._replace(of=each.attribute)
        for each in place.each()
        if all(MEASURES[name].read(each) for name in TURNED)
        for name in TURNED
        if (rate := MEASURES[name].read(each))
    ]
    return min(rates, key=lambda rate: (rate.value, rate.of)) if rates else None


def _success(place: Place) -> Number | None:
    rates = [rate.value for both in _turned(place) for rate in both]
    return Number(fmean(rates)) if rates else None


def _is_controlled(place: Place) -> Number | None:
    rates = [MEASURES[name].read(place) for name in TURNED]
    if rates[0] is None or rates[1] is None:
        return None
    return Number(float(all(rate is not None and (rate.low or 0) >= HIGH for rate in rates)))


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


def _rate_of_edits(name: str, path: str, title: str, meaning: str) -> Measure:
    return Measure(name, f"measures.edits.<A>.{path}", "share", "up", title, meaning)


def _leak(code: str, what: str, probe: str, score: str) -> Measure:
    unit: Unit = "bit" if score == "bits" else "number"
    title = f"{'MLP' if probe == 'mlp' else probe}, {'bit' if score == 'bits' else 'AUC'}"
    path, meaning = f"measures.leakage.<A>.{code}.{probe}_{score}", f"by the {probe} probe, of {what}"
    return Measure(f"leakage_{code}_{probe}_{score}", path, unit, "down", title, meaning)


def _fidelity(against: str, kind: str) -> Measure:
    meaning = f"error of eq. 1 against the {against} stage, in {kind} directions"
    path = f"measures.{against}.{kind}"
    return Measure(f"jacobian_{against}_{kind}", path, "score", "down", f"{against}, {kind}", meaning, None, False)


_LIST = (
    Measure("mse", "measures.mse", "error", "down", "MSE", "of reconstructions", None, False),
    Measure("reconstruction_on", "measures.reconstruction.<A>.on", "share", "up", "present kept",
            "unedited reconstructions of images with A that the judge reads so"),
    Measure("reconstruction_off", "measures.reconstruction.<A>.off", "share", "up", "absent kept",
            "the same of images without A"),
    _rate_of_edits("edit_off", "paper.off", "Ĉ absent", "edits to A = 0 of images with A that the judge reads so"),
    _rate_of_edits("edit_on", "paper.on", "Ĉ present", "edits to A = 1 of the same images"),
    Measure("edit_sum", "", "share", "", "Sum", "edit_on + edit_off: 1 if the picture ignores y, 2 if all succeed",
            _edit_sum),
    _rate_of_edits("edit_off_full", "full.off", "to absent", "edits to A = 0 of all images"),
    _rate_of_edits("edit_on_full", "full.on", "to present", "edits to A = 1 of all images"),
    _rate_of_edits("on_from_on", "full.on_from_on", "present", "edits to A = 1 of images with A"),
    _rate_of_edits("off_from_on", "full.off_from_on", "taken away", "the same as edit_off, over all images with A"),
    _rate_of_edits("on_from_off", "full.on_from_off", "given", "edits to A = 1 of images without A"),
    _rate_of_edits("off_from_off", "full.off_from_off", "absent", "edits to A = 0 of images without A"),
    Measure("control", "", "share", "up", "edits that succeed", "mean of edit_off_full and edit_on_full", _control),
    Measure("accuracy", "measures.classifier.<A>.accuracy", "share", "up", "Accuracy",
            "of ŷ, or of a probe on a code without labels"),
    Measure("balanced_accuracy", "measures.classifier.<A>.balanced_accuracy", "share", "up", "Balanced accuracy",
            "the same with both classes counting as much: half for a constant answer"),
    Measure("f1", "measures.classifier.<A>.f1", "score", "up", "F1", "the same as F1"),
    Measure("entropy_bits", "measures.leakage.<A>.mean.entropy_bits", "bit", "", "H(y)", "of A in the split"),
    Measure("leakage_bits_sample", "measures.leakage.<A>.sample.bits", "bit", "down", "ẑ, bit",
            "bits of y that a newly trained probe reads from ẑ: the better of two probes"),
    Measure("leakage_bits_mean", "measures.leakage.<A>.mean.bits", "bit", "down", "μ, bit", "the same from μ"),
    *(_leak(code, what, probe, score) for code, what in (("sample", "ẑ"), ("mean", "μ")) for score in ("bits", "auc")
      for probe in ("linear", "mlp")),
    Measure("drift", "measures.drift.<A>.mean", "share", "down", "Drift",
            "readings of other attributes that turn over with an edit, mean of both directions"),
    Measure("drift_off", "measures.drift.<A>.off.<B>", "share", "down", "Drift, to absent", "of one other attribute"),
    Measure("drift_on", "measures.drift.<A>.on.<B>", "share", "down", "Drift, to present", "of one other attribute"),
    Measure("factors", "measures.identity.<A>.factors", "share", "up", "factors kept",
            "other attributes that the judge reads in the edit as the input's labels have them"),
    Measure("cosine", "measures.identity.<A>.cosine", "score", "up", "cosine", "of the features of edit and input"),
    Measure("counterfactual_mse", "measures.counterfactual.<A>.mse", "error", "down", "MSE",
            "of the edit against the same portrait drawn again with A changed"),
    Measure("counterfactual_mse_inside", "measures.counterfactual.<A>.mse_inside", "error", "down", "MSE inside",
            "the same inside the region that the true change touches"),
    Measure("counterfactual_mse_outside", "measures.counterfactual.<A>.mse_outside", "error", "down", "MSE outside",
            "the same outside it"),
    Measure("counterfactual_mse_unedited", "measures.counterfactual.<A>.mse_unedited", "error", "", "MSE unedited",
            "of the input there: what no edit has"),
    Measure("counterfactual_ssim", "measures.counterfactual.<A>.ssim", "score", "up", "SSIM", "structural similarity"),
    Measure("true_change", "", "share", "up", "true change made", "1 − MSE inside / MSE unedited", _true_change),
    Measure("distance", "measures.distance.<A>", "number", "down", "edits",
            "Fréchet distance of edits to the split in the judge's features"),
    Measure("distance_of_reconstruction", "measures.distance_of_reconstruction", "number", "down", "rec.",
            "the same of reconstructions", None, False),
    Measure("continuity", "measures.continuity.<A>", "share", "up", "graded",
            "of eight steps of A's value, those that raise the judge's logit"),
    Measure("is_controlled", "", "count", "up", "controlled",
            f"1 where both kinds of edits with something to change succeed in over {HIGH:.0%}, with whole intervals",
            _is_controlled),
    Measure("judge_accuracy", "judge.accuracy.<A>", "share", "up", "Judge", "on real test images"),
    # What a model has once, whatever its attributes
    Measure("attributes", "", "count", "", "attributes", "that the model edits", _attributes, False),
    Measure("success", "", "share", "up", "edits that succeed",
            "mean over attributes of taken away and given", _success, False),
    Measure("lowest", "", "share", "up", "lowest", "of them, and whose it is", _lowest, False),
    Measure("drift_of_all", "", "share", "down", "drift", "mean over attributes",
            lambda place: place.mean("drift"), False),
    Measure("true_change_of_all", "", "share", "up", "true change made", "mean over attributes",
            lambda place: place.mean("true_change"), False),
    Measure("controlled", "", "count", "up", "controlled", "how many attributes are controlled", _controlled, False),
    Measure("graded", "", "share", "up", "graded", "mean of continuity over attributes",
            lambda place: place.mean("continuity"), False),
    Measure("nuisance", "measures.nuisance", "count", "", "numbers in z", "of the code beside y", None, False),
    Measure("resolution", "measures.resolution", "count", "", "resolution", "side of an image, in pixels", None, False),
    Measure("code_size", "measures.code_size", "count", "", "code size", "units of the code, on digits", None, False),
    Measure("swaps_ok", "measures.swaps", "score", "up", "swaps ok",
            "swaps of the first units that hand over the class", None, False),
    Measure("swaps_ceiling", "measures.ceiling", "score", "up", "ceiling",
            "swaps in which these units tell the class: an estimate from below", None, False),
    *(_fidelity(against, kind) for against in ("previous", "original") for kind in ("data", "canonical")),
    Measure("judge_accuracy_of_class", "judge.accuracy.class", "share", "up", "Judge", "on digits", None, False),
    Measure("steps", "training.steps", "count", "", "Steps", "of training", None, False),
    Measure("images_seen", "training.images_seen", "count", "", "Images seen", "in training", None, False),
    Measure("seconds", "training.seconds", "seconds", "down", "minutes", "of training", None, False),
    Measure("images_per_second", "", "images/s", "up", "images/s", "of training", _speed, False),
    Measure("parameters", "", "count", "down", "parameters",
            "of all networks that are trained, adversaries too; of a stage, those that are open", _parameters, False),
)  # fmt: skip
MEASURES: Mapping[str, Measure] = {measure.name: measure for measure in _LIST}
"""By name, in the order of ``table.csv``."""
