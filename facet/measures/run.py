"""All measures of one trained editor on one split: one pass over the images, then the probes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from facet.judge import Judge
from facet.measures import OPTIONAL
from facet.measures.classifier import AttributeAccuracy
from facet.measures.continuity import FACES, continuity
from facet.measures.counterfactual import CounterfactualError
from facet.measures.distance import FeatureDistance
from facet.measures.drift import Drift
from facet.measures.edits import EditRates, edited, encoded
from facet.measures.examples import examples_of
from facet.measures.identity import Identity
from facet.measures.leakage import FEWEST, entropy, leakage
from facet.measures.opinions.run import computed, opinions_of
from facet.measures.pixels import PixelError
from facet.protocols import Counterfactuals, Data, Editor, LabelsGiven, Stochastic

BATCH = 250
KINDS = ("paper", "full", "balanced")
"""The edit rates of ``results.json`` (:class:`facet.measures.edits.EditRates`)."""


@torch.inference_mode()
def measure(
    editor: Editor, data: Data, judge: Judge, split: str, faces: int, seed: int, wanted: Collection[str] = OPTIONAL
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Measure an editor.

    Args:
        editor: in evaluation mode.
        data: with the editor's attributes.
        judge: of the same data, on the editor's device; everything is measured there.
        split: usually ``test``.
        faces: number of example faces.
        seed: of the probes.
        wanted: the optional measures to take, of ``OPTIONAL``, and the second opinions to ask, of ``OPINIONS``.

    Returns:
        The ``measures`` of ``results.json``, with ``nuisance`` (size of the code without y) and ``resolution``; and
        the pictures of :func:`facet.measures.examples.examples_of`.
    """
    images, labels = data.tensors(split)
    known = labels.to(judge.device)
    pass_ = _Pass(editor, data, judge, split, wanted)
    for start in track(range(0, len(images), BATCH), f"judging {split}", console=Console(stderr=True), transient=True):
        pass_.add(judge.take(images[start : start + BATCH]), known[start : start + BATCH], start)
    measures = pass_.compute()
    measures |= {"nuisance": pass_.means[0].shape[1], "resolution": images.shape[-1]}
    if "continuity" in wanted:
        measures["continuity"] = plain(continuity(editor, data, judge, judge.take(images[:FACES]), known[:FACES]))
    if "leakage" in wanted:
        measures["leakage"] = pass_.leakage(known, seed)
    return measures, examples_of(editor, data, judge.take, images, labels, faces)


class _Pass:
    """Accumulates the measures that need one pass over the images."""

    def __init__(self, editor: Editor, data: Data, judge: Judge, split: str, wanted: Collection[str]) -> None:
        self.editor, self.data, self.judge, self.wanted = editor, data, judge, wanted
        names = editor.attribute_names
        self.columns = torch.tensor([judge.attribute_names.index(name) for name in names]).to(judge.device)
        self.pixels, self.edits = PixelError().to(judge.device), EditRates(len(names)).to(judge.device)
        self.accuracy, self.judged = (AttributeAccuracy(len(names)).to(judge.device) for _ in range(2))
        self.drift = Drift(names, judge.attribute_names, data.exclusive).to(judge.device)
        self.identity = Identity(names, judge.attribute_names, data.exclusive).to(judge.device)
        self.distance: FeatureDistance | None = None  # made with the first batch, which has the number of features
        self.factors = data.labels_of(split, judge.attribute_names)
        self.truth: dict[str, Tensor] = {}
        if "counterfactual" in wanted and isinstance(data, Counterfactuals):
            self.truth = {name: data.counterfactuals(name, split) for name in names}
        self.counterfactual = {name: CounterfactualError().to(judge.device) for name in self.truth}
        self.opinions = opinions_of(wanted, editor, judge.device)
        self.means: list[Tensor] = []
        self.samples: list[Tensor] = []

    def add(self, images: Tensor, labels: Tensor, start: int) -> None:
        """Add a batch: images ``[B, C, H, W]`` in [0, 1], labels ``[B, k]``, and its position in the split."""
        editor, data, judge, names = self.editor, self.data, self.judge, self.editor.attribute_names
        predicted, nuisance = encoded(editor, images, labels)
        self.means.append(nuisance.flatten(1))
        if isinstance(editor, Stochastic):
            self.samples.append(editor.sample_nuisance(images).flatten(1))
        reconstruction = editor.decode(predicted, nuisance)
        seen, features = judge.look(reconstruction)
        for opinion in self.opinions.values():
            opinion.add(images, labels, reconstruction, start)
        judged = []
        for j, name in enumerate(names):  # one attribute at a time: edits of all attributes would fill the memory
            off, on = (edited(editor, data, predicted, nuisance, j, value) for value in (False, True))
            judged.append((*judge.look(off), *judge.look(on)))
            for opinion in self.opinions.values():
                opinion.add_edits(j, off, on)
            if name in self.truth:
                remove = (labels[:, j] == 1).view(-1, 1, 1, 1)
                self.compare_with_truth(name, torch.where(remove, off, on), images, labels[:, j], start)
        seen_off, features_off, seen_on, features_on = (torch.stack(of_all, 1) for of_all in zip(*judged, strict=True))
        own = torch.arange(len(names), device=judge.device), self.columns
        self.pixels.update(reconstruction, images)
        self.edits.update(labels, seen[:, self.columns], seen_off[:, *own], seen_on[:, *own])
        self.drift.update(seen, seen_off, seen_on)
        self.accuracy.update(predicted, labels)
        remove = (labels == 1)[..., None]  # the edits that invert the attribute
        turned = torch.where(remove, seen_off, seen_on), torch.where(remove, features_off, features_on)
        self.compare(images, labels, start, (seen, features), turned)

    def compare_with_truth(self, name: str, flipped: Tensor, images: Tensor, labels: Tensor, start: int) -> None:
        """Compare edits that invert an attribute, ``[B, C, H, W]``, with the same faces drawn that way."""
        known = ~labels.isnan()
        truth = self.judge.take(self.truth[name][start : start + len(images)])
        self.counterfactual[name].update(flipped[known], truth[known], images[known])

    def compare(
        self, images: Tensor, labels: Tensor, start: int, made: tuple[Tensor, Tensor], turned: tuple[Tensor, Tensor]
    ) -> None:
        """Compare the judge's view of reconstructions, and of edits that invert an attribute, with that of the input.

        Args:
            images: ``[B, C, H, W]`` in [0, 1].
            labels: ``[B, k]``.
            start: the batch's position in the split.
            made: readings ``[B, K]`` and features ``[B, F]`` of reconstructions.
            turned: readings ``[B, k, K]`` and features ``[B, k, F]`` of edits.
        """
        read, before = self.judge.look(images)
        self.judged.update(read[:, self.columns].float(), labels)
        seen, features = (torch.cat([edits, one[:, None]], 1) for one, edits in zip(made, turned, strict=True))
        known = torch.cat([~labels.isnan(), torch.ones_like(labels[:, :1], dtype=torch.bool)], 1)
        if "identity" in self.wanted:
            factors = self.factors[start : start + len(images)].to(images.device)
            self.identity.update(factors, before, features, seen, known)
        if "distance" in self.wanted:
            if self.distance is None:
                kinds = len(self.editor.attribute_names) + 1
                self.distance = FeatureDistance(kinds, before.shape[1]).to(images.device)
            self.distance.update(before, features)

    def leakage(self, labels: Tensor, seed: int) -> dict[str, dict[str, Any]]:
        """The leakage of every attribute from every code, over the whole split."""
        codes = {"mean": torch.cat(self.means).clone()}
        if isinstance(self.editor, Stochastic):
            codes = {"sample": torch.cat(self.samples).clone(), **codes}
        probes = list(itertools.product(enumerate(self.editor.attribute_names), codes))
        leaks: dict[str, dict[str, Any]] = {name: {} for name in self.editor.attribute_names}
        with torch.inference_mode(False), torch.enable_grad():
            for (j, name), kind in track(probes, "probing the codes", console=Console(stderr=True), transient=True):
                leaks[name][kind] = _leakage(codes[kind].clone(), labels[:, j], seed)
        if "sample" not in codes:  # the adversary in training reads the same code as the edits
            return {name: {"sample": dict(by_code["mean"]), **by_code} for name, by_code in leaks.items()}
        return leaks

    def compute(self) -> dict[str, Any]:
        """The measures as plain numbers."""
        names = self.editor.attribute_names
        edits = dict(zip(names, self.edits.compute(), strict=True))
        measures: dict[str, Any] = {  # a measure's keys are attributes only, because the user chooses their names
            "mse": self.pixels.compute(),
            "reconstruction": {name: rates["reconstruction"] for name, rates in edits.items()},
            "edits": {name: {kind: rates[kind] for kind in KINDS} for name, rates in edits.items()},
            "judge": {name: scores.of_classes() for name, scores in zip(names, self.judged.compute(), strict=True)},
        }
        if "drift" in self.wanted:
            measures["drift"] = self.drift.compute()
        if "identity" in self.wanted:
            *of_edits, measures["identity_of_reconstruction"] = self.identity.compute()
            measures["identity"] = dict(zip(names, of_edits, strict=True))
        if self.distance is not None:
            *distances, measures["distance_of_reconstruction"] = self.distance.compute()
            measures["distance"] = dict(zip(names, distances, strict=True))
        if not isinstance(self.editor, LabelsGiven):
            measures["classifier"] = dict(zip(names, self.accuracy.compute(), strict=True))
        if self.truth:
            measures["counterfactual"] = {name: error.compute() for name, error in self.counterfactual.items()}
        if self.opinions:
            measures["opinions"] = computed(self.opinions)
        plainly: dict[str, Any] = plain(measures)
        return plainly


def plain(value: Any) -> Any:
    """Measures as values that JSON can hold: named tuples become objects, NaN becomes null."""
    if hasattr(value, "as_dict"):
        value = value.as_dict()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return None if math.isnan(value) else value
    return value


def _leakage(codes: Tensor, labels: Tensor, seed: int) -> dict[str, Any]:
    """Leakage as one flat object: ``bits``, and ``<probe>_bits``, ``<probe>_auc`` and ``<probe>_balanced_accuracy``.

    ``bits`` is null if the model has diverged or too few labels of the attribute are known.
    """
    known = labels[~labels.isnan()]
    if not codes.isfinite().all() or len(known) < FEWEST:
        return {"bits": None, "entropy_bits": entropy(known), "n": 0}
    leak = leakage(codes, labels, seed=seed)
    flat = {"bits": leak.bits, "entropy_bits": leak.entropy_bits, "n": leak.n, "n_on": leak.n_on}
    flat |= {f"{probe}_bits": bits for probe, bits in leak.probe_bits.items()}
    flat |= {f"{probe}_auc": auc for probe, auc in leak.auc.items()}
    flat |= {f"{probe}_balanced_accuracy": accuracy for probe, accuracy in leak.balanced_accuracy.items()}
    result: dict[str, Any] = plain(flat)
    return result
