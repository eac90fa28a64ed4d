"""Probes: small classifiers that are trained on frozen codes to measure the information in them."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

PROBES = ("linear", "mlp")

HIDDEN = {"linear": (), "mlp": (256, 256)}
LEARNING_RATE = {"linear": 0.05, "mlp": 0.002}
WEIGHT_DECAY = {"linear": 0.01, "mlp": 1.0}
DROPOUT = 0.5  # of hidden units; without it, overfitting of 60 uninformative coordinates loses twice the information
BATCH_SIZE = 256
# An interaction (XOR, a variance) does not lower the loss in the first epochs, so training may not stop there.
MIN_EPOCHS, MAX_EPOCHS, PATIENCE = 20, 60, 10
WORTHWHILE = 2e-4  # nats: a smaller decrease of the validation loss does not reset the patience


def fit_probe(
    kind: str,
    codes: Tensor,
    labels: Tensor,
    validation: Tensor,
    generator: torch.Generator,
) -> Callable[[Tensor], Tensor]:
    """Train a probe by AdamW and return its state at the epoch of the lowest validation loss.

    The last layer's weights start at zero and its bias at the labels' base rate. So the first candidate is the best
    constant prediction, which early stopping returns for a code without information. Codes are standardised by the
    statistics of the training samples; coordinates that are constant in these are dropped.

    Args:
        kind: ``linear`` (logistic regression) or ``mlp`` (two hidden layers of 256, ReLU, dropout).
        codes: ``[N, d]``, float32.
        labels: ``[N]`` in {0, 1}, float32.
        validation: the samples that decide when to stop, ``[N]``, boolean; the others are trained on.
        generator: on the CPU; of initial weights, batches and dropout.

    Returns:
        The probe: a function from codes ``[M, d]`` to logits ``[M]``.
    """
    standardise = _standardiser(codes[~validation])
    inputs, targets = standardise(codes[~validation]), labels[~validation]
    validation_inputs, validation_targets = standardise(codes[validation]), labels[validation]
    parameters = _initialised((codes.shape[1], *HIDDEN[kind], 1), targets, generator)
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE[kind], weight_decay=WEIGHT_DECAY[kind], foreach=True)
    dropout = torch.Generator(codes.device).manual_seed(int(torch.randint(2**62, (), generator=generator)))
    best, best_loss, worthwhile_loss, waited = parameters, math.inf, math.inf, 0
    for epoch in range(MAX_EPOCHS + 1):
        if epoch > 0:
            order = torch.randperm(len(targets), generator=generator).to(codes.device)
            for batch in torch.split(order, BATCH_SIZE):
                loss = F.binary_cross_entropy_with_logits(_forward(parameters, inputs[batch], dropout), targets[batch])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
        with torch.no_grad():
            logits = _forward(parameters, validation_inputs)
            validation_loss = float(F.binary_cross_entropy_with_logits(logits, validation_targets))
        if validation_loss < best_loss:
            best, best_loss = [parameter.detach().clone() for parameter in parameters], validation_loss
        waited += 1
        if validation_loss < worthwhile_loss - WORTHWHILE:
            worthwhile_loss, waited = validation_loss, 0
        if epoch >= MIN_EPOCHS and waited >= PATIENCE:
            break
    return lambda new: _forward(best, standardise(new))


def _standardiser(codes: Tensor) -> Callable[[Tensor], Tensor]:
    """The map of these codes to zero mean and unit variance; coordinates that vary by rounding only become 0."""
    mean, deviation = codes.double().mean(dim=0), codes.double().std(dim=0)
    varies = deviation > 1e-6 * codes.abs().amax(dim=0)
    scale = torch.where(varies, 1.0 / deviation, 0.0)
    return lambda new: ((new.double() - mean) * scale).float()


def _initialised(widths: tuple[int, ...], targets: Tensor, generator: torch.Generator) -> list[Tensor]:
    """Weights and biases of each layer: He et al. (2015) for the hidden layers, the base rate for the last."""
    parameters = []
    for fan_in, fan_out in pairwise(widths[:-1]):
        parameters.append(torch.randn(fan_in, fan_out, generator=generator) * math.sqrt(2.0 / fan_in))
        parameters.append(torch.zeros(fan_out))
    # Half a sample of each label is added, so that the logit is finite if a label is missing.
    rate = (float(targets.sum()) + 0.5) / (len(targets) + 1.0)
    parameters += [torch.zeros(widths[-2], 1), torch.full((1,), math.log(rate / (1.0 - rate)))]
    return [parameter.to(targets.device).requires_grad_() for parameter in parameters]


def _forward(parameters: list[Tensor], inputs: Tensor, dropout: torch.Generator | None = None) -> Tensor:
    """The probe's logits, ``[M]``; the generator ``dropout`` draws the masks in training."""
    for weight, bias in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
        inputs = F.relu(torch.addmm(bias, inputs, weight))
        if dropout is not None:
            kept = torch.empty_like(inputs).bernoulli_(1.0 - DROPOUT, generator=dropout)
            inputs = inputs * kept / (1.0 - DROPOUT)
    return torch.addmm(parameters[-1], inputs, parameters[-2]).squeeze(1)
