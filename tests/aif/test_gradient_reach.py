"""Each term's gradient reaches exactly the networks that the paper, or the authors' code, lets it reach."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_models import NETWORKS, batch, model

from aif.module import IFcVAEGAN


def reached(net: IFcVAEGAN, term: str) -> set[str]:
    """Networks, and within the encoder its parts, that get a gradient from one term (edges included)."""
    images, labels = batch()
    net.zero_grad()
    terms = net.losses(images, labels)
    terms[term].backward()
    parts = {
        "trunk": net.encoder.trunk,
        "mean": net.encoder.mean,
        "log_variance": net.encoder.log_variance,
        "label": net.encoder.label,
        **{name: getattr(net, name) for name in NETWORKS if name != "encoder"},
    }
    return {
        name
        for name, part in parts.items()
        if any(p.grad is not None and p.grad.abs().sum() > 0 for p in part.parameters())
    }


EVERYTHING = {"trunk", "mean", "log_variance", "label", "decoder", "discriminator"}


@pytest.mark.parametrize(
    ("term", "settings", "expected"),
    [
        ("reconstruction", {}, {"trunk", "mean", "log_variance", "label", "decoder"}),
        ("reconstruction", {"reconstruct_from": "label"}, {"trunk", "mean", "log_variance", "decoder"}),
        ("kl", {}, {"trunk", "mean", "log_variance"}),
        ("class", {}, {"trunk", "label"}),
        ("class", {"detach_label_head": True}, {"label"}),
        ("auxiliary", {}, {"trunk", "mean", "log_variance", "auxiliary"}),
        ("auxiliary", {"auxiliary_weight": 0.0}, {"auxiliary"}),
        ("gan", {}, EVERYTHING),
        ("gan", {"gan_form": "nonsaturating"}, EVERYTHING),
        (
            "class_on_reconstruction",
            {"class_on_reconstruction_weight": 1.0},
            {"trunk", "mean", "log_variance", "label", "decoder"},
        ),
        (
            "class_on_reconstruction",
            {"class_on_reconstruction_weight": 1.0, "class_on_reconstruction": "head", "detach_label_head": True},
            {"label"},
        ),
    ],
    ids=str,
)
def test_reach(term: str, settings: dict[str, Any], expected: set[str]) -> None:
    assert reached(model(**settings), term) == expected


def test_the_fixed_classifier_is_fixed() -> None:
    """Row (3) as the paper means it: the gradient enters E through the code, never through E as the classifier."""
    net = model(class_on_reconstruction_weight=1.0)
    _images, labels = batch()
    decoded = torch.rand(8, 3, 16, 16, dtype=torch.float64, requires_grad=True)
    net.classify_reconstruction(decoded, labels).backward()
    assert decoded.grad is not None
    assert decoded.grad.abs().sum() > 0
    assert all(p.grad is None for p in net.encoder.parameters())
    assert all(p.requires_grad for p in net.encoder.parameters())


def test_terms_that_are_off_are_absent() -> None:
    images, labels = batch()
    assert set(model(gan_weight=0.0).losses(images, labels)) == {"reconstruction", "kl", "class", "auxiliary"}


@pytest.mark.parametrize("statistics", ["reconstructions", "both"])
def test_running_statistics_come_from_where_they_should(statistics: str) -> None:
    net = model(statistics=statistics)
    images, labels = batch()
    norm = net.decoder.project[2]
    net.losses(images, labels)
    assert norm.num_batches_tracked.item() == (1 if statistics == "reconstructions" else 2)
    assert norm.track_running_stats


def test_unknown_labels_change_nothing() -> None:
    """A label that isn't known must not enter any loss: its stand-in could be anything."""
    net = model()
    images, labels = batch()
    torch.manual_seed(5)
    terms = net.losses(images, labels)
    assert all(torch.isfinite(term) for term in terms.values())
