"""Each term's gradient reaches exactly the networks that the paper, or the authors' code, lets it reach."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_models import NETWORKS, batch, model
from torch import Tensor, nn

from aif.ifcvae_gan import IFcVAEGAN
from aif.memory import Memory


def reached(net: IFcVAEGAN, term: str) -> set[str]:
    """Networks, and within the encoder its parts, that get a gradient from one term (edges included)."""
    images, labels = batch()
    net.zero_grad()
    terms = net.step_losses(images, labels)
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
        ("auxiliary", {"weights": {"auxiliary": 0.0}}, {"auxiliary"}),
        ("gan", {}, EVERYTHING),
        ("gan", {"gan": {"form": "nonsaturating"}}, EVERYTHING),
        (
            "class_on_reconstruction",
            {"weights": {"class_on_reconstruction": 1.0}},
            {"trunk", "mean", "log_variance", "label", "decoder"},
        ),
        (
            "class_on_reconstruction",
            {
                "weights": {"class_on_reconstruction": 1.0},
                "class_on_reconstruction_trains": "head",
                "detach_label_head": True,
            },
            {"label"},
        ),
    ],
)
def test_reach(term: str, settings: dict[str, Any], expected: set[str]) -> None:
    assert reached(model(**settings), term) == expected


def test_the_fixed_classifier_is_fixed() -> None:
    """Row (3) as the paper means it: the gradient enters E through the code, never through E as the classifier."""
    net = model(weights={"class_on_reconstruction": 1.0})
    _images, labels = batch()
    decoded = torch.rand(8, 3, 16, 16, dtype=torch.float64, requires_grad=True)
    net.classify_reconstruction(decoded, labels).backward()
    assert decoded.grad is not None
    assert decoded.grad.abs().sum() > 0
    assert all(p.grad is None for p in net.encoder.parameters())
    assert all(p.requires_grad for p in net.encoder.parameters())


def test_terms_that_are_off_are_absent() -> None:
    images, labels = batch()
    assert set(model(weights={"gan": 0.0}).step_losses(images, labels)) == {
        "reconstruction",
        "kl",
        "class",
        "auxiliary",
    }


@pytest.mark.parametrize("statistics", ["reconstructions", "both"])
def test_running_statistics_come_from_where_they_should(statistics: str) -> None:
    """``both`` as in the authors' code: x̂ is decoded once, D(z, y) twice, for C's loss and for E's and D's."""
    net, plain = model(gan={"running_statistics": statistics}), model()
    passes: list[tuple[Tensor, ...]] = []
    net.decoder.register_forward_pre_hook(lambda decoder, inputs: passes.append(inputs))
    net.step_losses(*batch())
    reconstructed, synthesised = passes
    for inputs in (reconstructed, *([synthesised] * 2 if statistics == "both" else [])):
        plain.decoder(*inputs)
    found = {name: value for name, value in net.decoder.named_buffers() if "running" in name}
    expected = {name: value for name, value in plain.decoder.named_buffers() if "running" in name}
    assert found
    torch.testing.assert_close(found, expected)
    norms = [part for part in net.decoder.modules() if isinstance(part, nn.BatchNorm2d)]
    assert {(norm.momentum, norm.track_running_stats) for norm in norms} == {(0.1, True)}


@pytest.mark.parametrize("reconstruct_from", ["predicted", "label"])
def test_unknown_labels_change_nothing(reconstruct_from: str) -> None:
    """They have no part in the losses of labels, whatever they may be; a decoder that needs one is given ŷ."""
    net, outputs = model(reconstruct_from=reconstruct_from), {}
    net.encoder.register_forward_hook(lambda _net, _inputs, output: outputs.update(label=output[2]))
    net.auxiliary.register_forward_hook(lambda _net, _inputs, output: outputs.update(auxiliary=output))
    images, labels = batch()
    unknown = labels.isnan()
    assert unknown.sum() == 1

    def losses(labels: Tensor) -> dict[str, Tensor]:
        torch.manual_seed(5)
        return net.step_losses(images, labels)

    terms = losses(labels)
    predicted = outputs["label"].detach().sigmoid()
    for name, logits in (("class", outputs["label"]), ("auxiliary", outputs["auxiliary"])):
        expected = nn.functional.binary_cross_entropy_with_logits(logits[~unknown], labels[~unknown])
        torch.testing.assert_close(terms[name], expected)
    filled = losses(torch.where(unknown, predicted, labels))
    for name in ("reconstruction", "kl", "gan"):
        torch.testing.assert_close(terms[name], filled[name])


def test_an_auxiliary_without_noise_reads_the_mean_alone() -> None:
    net = model(auxiliary_training={"noise": "none"})
    assert reached(net, "auxiliary") == {"trunk", "mean", "auxiliary"}


def test_further_steps_of_the_auxiliary_need_a_memory() -> None:
    for steps in (0, 2):
        with pytest.raises(ValueError, match=f"steps={steps}"):
            model(auxiliary_training={"steps": steps})


def test_the_memory_holds_the_last_codes_and_their_labels() -> None:
    memory = Memory(5, latent_dim=2, attributes=1)
    codes, labels = torch.arange(14.0).view(7, 2), torch.arange(7.0).view(7, 1)
    memory.add(codes[:3], labels[:3])
    assert memory.draw(200)[1].isnan().any(), "places that are not filled yet have no label"
    memory.add(codes[3:], labels[3:])
    drawn, theirs = memory.draw(200)
    assert set(theirs.flatten().tolist()) == {2.0, 3.0, 4.0, 5.0, 6.0}
    torch.testing.assert_close(drawn[:, :1], 2 * theirs)


def test_what_is_added_takes_the_place_of_the_oldest() -> None:
    """Three additions to a memory of five: each begins where the last ended."""
    memory = Memory(5, latent_dim=1, attributes=1)
    for values, held in (
        ([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0, 0.0]),
        ([5.0, 6.0, 7.0], [6.0, 7.0, 3.0, 4.0, 5.0]),
        ([8.0, 9.0], [6.0, 7.0, 8.0, 9.0, 5.0]),
    ):
        added = torch.tensor(values)[:, None]
        memory.add(added, added)
        assert memory.codes.flatten().tolist() == held
        assert memory.labels.nan_to_num(0.0).flatten().tolist() == held


def test_further_steps_move_the_auxiliary_and_nothing_else() -> None:
    net = model(auxiliary_training={"steps": 3, "memory": Memory(16, latent_dim=5, attributes=2)})
    net.step_losses(*batch())
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net.manual_backward = lambda loss: loss.backward()  # type: ignore[method-assign]
    net.train_auxiliary_further(net.configure_optimizers()[1], 8)
    after = net.state_dict()
    moved = {
        n.split(".")[0] for n, value in before.items() if not torch.equal(value.nan_to_num(), after[n].nan_to_num())
    }
    assert moved == {"auxiliary"}
