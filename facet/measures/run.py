"""All measures of one trained editor on one split: one pass over the images, then the probes."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from facet.judge import Judge
from facet.measures.classifier import AttributeAccuracy
from facet.measures.counterfactual import CounterfactualError
from facet.measures.drift import Drift
from facet.measures.edits import EditRates, edited
from facet.measures.leakage import FEWEST, entropy, leakage
from facet.measures.pixels import PixelError
from facet.protocols import Counterfactuals, Data, Editor, Stochastic

BATCH = 250


@torch.inference_mode()
def measure(
    editor: Editor, data: Data, judge: Judge, split: str, faces: int, seed: int
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Measure an editor.

    Args:
        editor: in evaluation mode.
        data: with the editor's attributes.
        judge: of the same data.
        split: usually ``test``.
        faces: how many examples to keep.
        seed: of the probes' folds.

    Returns:
        The ``measures`` of ``results.json``, and examples as uint8 ``[faces, C, r, r]``: ``original``,
        ``reconstruction``, ``off``, ``on`` of the first attribute, for the first faces that have it.
    """
    images, labels = data.tensors(split)
    pass_ = _Pass(editor, data, judge, split)
    for start in track(range(0, len(images), BATCH), f"judging {split}", console=Console(stderr=True), transient=True):
        pass_.add(images[start : start + BATCH].float() / 255, labels[start : start + BATCH], start)
    measures = pass_.compute()
    measures["leakage"] = {name: {} for name in editor.attribute_names}
    codes = {"sample": pass_.samples, "mean": pass_.means}
    probes = list(itertools.product(enumerate(editor.attribute_names), codes))
    with torch.inference_mode(False), torch.enable_grad():
        for (j, name), kind in track(probes, "probing the codes", console=Console(stderr=True), transient=True):
            measures["leakage"][name][kind] = _leakage(torch.cat(codes[kind]).clone(), labels[:, j], seed)
    with_attribute = (labels[:, 0] == 1).nonzero().squeeze(1)[:faces]
    return measures, _examples(editor, images[with_attribute].float() / 255)


class _Pass:
    """Accumulates over batches what needs only one look at each image."""

    def __init__(self, editor: Editor, data: Data, judge: Judge, split: str) -> None:
        self.editor, self.judge = editor, judge
        names = editor.attribute_names
        self.columns = [judge.attribute_names.index(name) for name in names]
        self.pixels, self.edits = PixelError(), EditRates(len(names))
        self.accuracy = AttributeAccuracy(len(names))
        self.drift = Drift(names, judge.attribute_names, data.exclusive)
        self.truth = (
            {name: data.counterfactuals(name, split) for name in names} if isinstance(data, Counterfactuals) else {}
        )
        self.counterfactual = {name: CounterfactualError() for name in self.truth}
        self.means: list[Tensor] = []
        self.samples: list[Tensor] = []

    def add(self, images: Tensor, labels: Tensor, start: int) -> None:
        """One batch: ``[B, C, H, W]`` in [0, 1], ``[B, k]``, and its position in the split."""
        editor, judge, names = self.editor, self.judge, self.editor.attribute_names
        predicted, nuisance = editor.encode(images)
        self.means.append(nuisance.flatten(1))
        sampled = editor.sample_nuisance(images) if isinstance(editor, Stochastic) else nuisance
        self.samples.append(sampled.flatten(1))
        reconstruction = editor.decode(predicted, nuisance)
        off = [edited(editor, predicted, nuisance, j, 0.0) for j in range(len(names))]
        on = [edited(editor, predicted, nuisance, j, 1.0) for j in range(len(names))]
        seen = judge.read(reconstruction)
        seen_off = torch.stack([judge.read(edit) for edit in off], dim=1)  # [B, k, K]
        seen_on = torch.stack([judge.read(edit) for edit in on], dim=1)
        own = torch.arange(len(names)), torch.tensor(self.columns)
        self.pixels.update(reconstruction, images)
        self.edits.update(labels, seen[:, self.columns], seen_off[:, *own], seen_on[:, *own])
        self.drift.update(seen, seen_off, seen_on)
        self.accuracy.update(predicted, labels)
        for j, (name, truth) in enumerate(self.truth.items()):
            known = ~labels[:, j].isnan()
            flipped = torch.where((labels[:, j] == 1).view(-1, 1, 1, 1), off[j], on[j])
            true_flip = truth[start : start + len(images)].float() / 255
            self.counterfactual[name].update(flipped[known], true_flip[known], images[known])

    def compute(self) -> dict[str, Any]:
        """The measures as plain numbers."""
        names = self.editor.attribute_names
        edits = dict(zip(names, self.edits.compute(), strict=True))
        measures = {
            "mse": self.pixels.compute(),
            "reconstruction": {name: rates["reconstruction"] for name, rates in edits.items()},
            "edits": {name: {"paper": rates["paper"], "full": rates["full"]} for name, rates in edits.items()},
            "classifier": dict(zip(names, self.accuracy.compute(), strict=True)),
            "drift": self.drift.compute(),
        }
        if self.truth:
            measures["counterfactual"] = {name: error.compute() for name, error in self.counterfactual.items()}
        found: dict[str, Any] = plain(measures)
        return found


def plain(value: Any) -> Any:
    """Measures as JSON holds them: named tuples as objects, NaN as null."""
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
    """Leakage as one flat object: ``bits``, and per probe ``<probe>_bits`` and ``<probe>_auc``.

    Codes of a diverged model can't be probed, nor can an attribute of which too few labels are known: ``bits`` is null
    then.
    """
    known = labels[~labels.isnan()]
    if not codes.isfinite().all() or len(known) < FEWEST:
        return {"bits": None, "entropy_bits": entropy(known), "n": 0}
    found = leakage(codes, labels, seed=seed)
    flat = {"bits": found.bits, "entropy_bits": found.entropy_bits, "n": found.n}
    flat |= {f"{probe}_bits": bits for probe, bits in found.probe_bits.items()}
    flat |= {f"{probe}_auc": auc for probe, auc in found.auc.items()}
    result: dict[str, Any] = plain(flat)
    return result


def _examples(editor: Editor, images: Tensor) -> dict[str, np.ndarray]:
    predicted, nuisance = editor.encode(images)
    rows = {
        "original": images,
        "reconstruction": editor.decode(predicted, nuisance),
        "off": edited(editor, predicted, nuisance, 0, 0.0),
        "on": edited(editor, predicted, nuisance, 0, 1.0),
    }
    return {name: (row.clamp(0, 1) * 255).round().byte().numpy() for name, row in rows.items()}
