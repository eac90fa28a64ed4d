"""Measures of methods without named attributes: a linear probe reads their codes (AIF, appendix and Figure 7)."""

from __future__ import annotations

from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from facet.measures.classifier import AttributeAccuracy
from facet.measures.leakage import stratified
from facet.measures.pixels import PixelError
from facet.measures.probes import fit_probe
from facet.measures.run import plain
from facet.protocols import Coder, Data, Predictor

BATCH = 250


def measure_coder(coder: Coder, data: Data, split: str, seed: int) -> dict[str, Any]:
    """Measure the MSE, and for each attribute the scores of a linear probe that is fitted to codes of the train split.

    Args:
        coder: in evaluation mode.
        data: with the attributes that the probes read.
        split: usually ``test``.
        seed: of the probes.

    Returns:
        ``{"mse": ..., "classifier": {attribute: scores}}``.
    """
    images, labels = data.tensors(split)
    train_images, train_labels = data.tensors("train")
    train_codes, codes = _codes(coder, train_images), _codes(coder, images)
    accuracy = AttributeAccuracy(labels.shape[1])
    shown = track(range(labels.shape[1]), "probing the codes", console=Console(stderr=True), transient=True)
    accuracy.update(torch.stack([_probed(train_codes, train_labels[:, j], codes, seed) for j in shown], 1), labels)
    error = PixelError()
    with torch.inference_mode():
        for batch, code in zip(torch.split(images, BATCH), torch.split(codes, BATCH), strict=True):
            error.update(coder.decode_codes(code), batch.float() / 255)
    scores = dict(zip(data.attribute_names, accuracy.compute(), strict=True))
    measures: dict[str, Any] = plain({"mse": error.compute(), "classifier": scores})
    return measures


@torch.inference_mode()
def measure_predictor(predictor: Predictor, data: Data, split: str) -> dict[str, Any]:
    """Measure a method that only predicts attributes.

    Returns:
        ``{"classifier": {attribute: scores}}``.
    """
    images, labels = data.tensors(split)
    accuracy = AttributeAccuracy(labels.shape[1])
    for batch, batch_labels in zip(torch.split(images, BATCH), torch.split(labels, BATCH), strict=True):
        accuracy.update(predictor.predict(batch.float() / 255), batch_labels)
    measures: dict[str, Any] = plain({"classifier": dict(zip(data.attribute_names, accuracy.compute(), strict=True))})
    return measures


@torch.inference_mode()
def _codes(coder: Coder, images: Tensor) -> Tensor:
    return torch.cat([coder.codes(batch.float() / 255) for batch in torch.split(images, BATCH)]).clone()


def _probed(codes: Tensor, labels: Tensor, new: Tensor, seed: int) -> Tensor:
    """Probabilities that a linear probe predicts for new codes; a fifth of its training data decides when to stop."""
    known = ~labels.isnan()
    generator = torch.Generator().manual_seed(seed)
    validation = stratified(labels[known], 5, generator) == 0
    probe = fit_probe("linear", codes[known].float(), labels[known].float(), validation, generator)
    with torch.no_grad():
        return probe(new.float()).sigmoid()
