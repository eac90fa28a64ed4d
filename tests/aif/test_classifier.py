"""The plain classifier of Figure 2: what it reads, learns from and counts."""

from __future__ import annotations

import copy
import functools

import pytest
import torch
import torch.nn.functional as F
from small_models import batch, descended, step
from torch.optim import SGD

from aif.baselines.classifier import AttributeClassifier
from aif.schedule import Schedule

SGD_ = functools.partial(SGD, lr=0.1)
NAMES = ["Smiling", "Eyeglasses"]


def test_the_classifier_reads_all_attributes_at_once() -> None:
    net = AttributeClassifier(NAMES, SGD_, resolution=32).eval()
    seen = net.predict(torch.rand(2, 3, 32, 32))
    assert seen.shape == (2, 2)
    features = net.network.layer1(net.network.maxpool(net.network.conv1(torch.rand(1, 3, 32, 32))))
    assert features.shape[-1] == 32, "nothing is thrown away before the first block"


def test_a_step_of_the_classifier_is_on_known_labels_at_the_schedules_rate() -> None:
    images, labels = (values[2:5] for values in batch())
    assert labels.isnan().any()
    net = AttributeClassifier(NAMES, SGD_, resolution=16, schedule=Schedule(warmup=0.5)).double()
    plain, known = copy.deepcopy(net), ~labels.isnan()
    loss = F.binary_cross_entropy_with_logits(plain.network(images)[known], labels[known])
    expected = descended(plain, loss, rate=0.1 * 0.5)
    step(net, images, labels, progress=0.25)
    torch.testing.assert_close(dict(net.named_parameters()), expected)


@torch.no_grad()
def test_validation_of_the_classifier_counts_known_labels_alone() -> None:
    images, labels = batch()
    labels[:3, 0] = torch.nan
    net = AttributeClassifier(NAMES, SGD_, resolution=16).double().eval()
    net.validation_step({"image": images, "attributes": labels}, 0)
    known = ~labels.isnan()
    right = ((net.network(images) > 0) == labels.bool())[known]
    assert net.validation.compute().item() == pytest.approx(right.double().mean().item())
