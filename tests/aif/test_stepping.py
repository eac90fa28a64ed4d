"""A step of several optimisers in every precision, and what the Trainer counts."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.plugins import MixedPrecision
from small_models import NETWORKS, batch, model
from torch import Tensor
from torch.optim import SGD
from torch.utils.data import DataLoader

from aif.baselines.fader import FaderNetworks
from aif.baselines.fader_networks import FaderDecoder, FaderEncoder, LatentDiscriminator
from aif.baselines.vae import DisentangledVAE
from aif.memory import Memory
from aif.networks import Decoder, Posterior
from aif.schedule import AdversarialSchedule

BATCHES = 4


def further_steps() -> dict[str, Any]:
    """A takes further steps, on codes of its own memory."""
    return {"auxiliary_training": {"steps": 3, "memory": Memory(16, 5, 2)}}


def fit(net: LightningModule, *callbacks: Callback, precision: Any = None, **settings: Any) -> Trainer:
    """Train on the same batch four times an epoch."""
    images, labels = batch()
    samples = [{"image": images.float(), "attributes": labels.float()}] * BATCHES
    trainer = Trainer(
        accelerator="cpu",
        callbacks=list(callbacks),
        plugins=[] if precision is None else [precision],
        **{"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, **settings},
        enable_model_summary=False,
    )
    torch.manual_seed(5)
    trainer.fit(net.float(), DataLoader(samples, batch_size=None))
    return trainer


def moved(net: LightningModule, **settings: Any) -> dict[str, Tensor]:
    """By how much training moved each network's weights, one vector each."""
    before = {name: flat(child) for name, child in net.float().named_children()}
    fit(net, **settings)
    return {name: flat(child) - before[name] for name, child in net.named_children()}


def flat(network: torch.nn.Module) -> Tensor:
    return torch.cat([torch.zeros(0), *(parameter.detach().flatten().clone() for parameter in network.parameters())])


# ---------------------------------------------------------------------- half precision


class Scaled(MixedPrecision):
    """A loss scaler, computing as without one."""

    def __init__(self, scale: float = 2.0**16) -> None:
        super().__init__("16-mixed", "cpu", torch.amp.GradScaler("cpu", init_scale=scale))
        self.updates, update = 0, self.scaler.update

        def counted(*args: Any) -> None:
            self.updates += 1
            update(*args)

        self.scaler.update = counted

    def autocast_context_manager(self) -> torch.autocast:
        return torch.autocast("cpu", enabled=False)


@pytest.mark.parametrize(
    "settings",
    [dict, lambda: {"gan": {"form": "nonsaturating"}}, further_steps],
    ids=["", "nonsaturating", "steps"],
)
def test_a_scaled_loss_moves_every_network_as_the_loss_itself(settings: Any) -> None:
    """The scale is a power of two, so only what is clipped or stepped before unscaling can differ."""
    common, scaled = {"gradient_clip": 0.05, "reduction": "mean"}, Scaled()
    expected = moved(model(**common, **settings()), max_epochs=1)
    found = moved(model(**common, **settings()), precision=scaled, max_epochs=1)
    for name in NETWORKS:
        assert expected[name].norm() > 1e-4, name
        torch.testing.assert_close(found[name], expected[name], rtol=1e-3, atol=1e-6)
    assert scaled.updates == BATCHES * settings().get("auxiliary_training", {}).get("steps", 1)


@pytest.mark.parametrize("network", NETWORKS)
def test_where_one_gradient_overflows_no_network_steps(network: str) -> None:
    net, scaled = model(reduction="mean"), Scaled()
    next(iter(getattr(net, network).parameters())).register_hook(lambda gradient: gradient * float("inf"))
    assert all(not change.any() for change in moved(net, precision=scaled, max_epochs=1).values())
    assert scaled.scaler.get_scale() == 2.0 ** (16 - BATCHES)


def test_it_trains_in_float16() -> None:
    """What is drawn in half precision, a scaler's steps included."""
    precision = MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu"))
    found, expected = (moved(model(reduction="mean"), max_epochs=2, precision=p) for p in (precision, None))
    for name in NETWORKS:
        assert found[name].isfinite().all()
        assert torch.cosine_similarity(found[name], expected[name], dim=0) > 0.98, name


# ---------------------------------------------------------------------- length


class Watch(Callback):
    """Remembers the progress of every batch."""

    def __init__(self) -> None:
        self.progress: list[float] = []

    def on_train_batch_start(self, trainer: Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self.progress.append(pl_module.progress(batch_idx))


@pytest.mark.parametrize(
    ("limits", "length"),
    [
        ({"max_epochs": 2}, 8),
        ({"max_epochs": -1, "max_steps": 6}, 6),
        ({"max_steps": 3}, 3),
        ({"max_epochs": 2, "max_steps": 6}, 6),
        ({"max_epochs": 1, "max_steps": 60}, 4),
        ({"max_epochs": 2, "limit_train_batches": 3}, 6),
        ({"fast_dev_run": 2}, 2),
    ],
    ids=str,
)
@pytest.mark.parametrize("settings", [dict, further_steps], ids=["three optimisers", "further steps of A"])
def test_a_run_is_as_long_as_it_says_in_batches(limits: dict[str, Any], length: int, settings: Any) -> None:
    watch = Watch()
    trainer = fit(model(schedule=AdversarialSchedule(0.1, 0.3, 0.5), **settings()), watch, **limits)
    assert watch.progress == pytest.approx([i / length for i in range(length)])
    assert trainer.global_step == length


def test_a_run_that_nothing_ends_has_no_schedule() -> None:
    with pytest.raises(ValueError, match=r"trainer\.max_epochs or trainer\.max_steps"):
        fit(model(), max_epochs=-1)


# ---------------------------------------------------------------------- settings that reach the step


def fader(**settings: Any) -> FaderNetworks:
    torch.manual_seed(1)
    sgd = functools.partial(SGD, lr=0.1)
    networks = FaderEncoder(16, width=4), FaderDecoder(16, attributes=2, width=4), LatentDiscriminator(16, 2, 4, 8)
    return FaderNetworks(*networks, ["Smiling", "Eyeglasses"], sgd, sgd, **settings)


def test_a_batch_of_fader_networks_counts_once() -> None:
    """Though the adversary has a step of its own."""
    watch = Watch()
    trainer = fit(fader(), watch, max_epochs=1)
    assert len(watch.progress) == trainer.global_step == BATCHES


class Rising(Callback):
    """Raises a weight from batch to batch, as half of a warm-up over the whole run does."""

    def __init__(self, give: Callable[[Any, float], None], weight: float) -> None:
        self.give, self.weight = give, weight

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        self.give(pl_module, self.weight * min(1.0, 2 * batch_idx / BATCHES))


def give_gamma(net: Any, weight: float) -> None:
    net.weights = dataclasses.replace(net.weights, auxiliary=weight)


def give_lambda(net: Any, weight: float) -> None:
    net.adversary_weight = weight


@pytest.mark.parametrize(
    ("make", "weighted", "give"),
    [(model, {"weights": {"auxiliary": 5.0}}, give_gamma), (fader, {"adversary_weight": 5.0}, give_lambda)],
    ids=["γ", "λ_E"],
)
def test_the_adversary_s_weight_warms_up(make: Any, weighted: dict[str, Any], give: Any) -> None:
    """A schedule is what a weight that is set by hand is, and not what a constant one is."""
    ends = {}
    for case in ("schedule", "by hand", "constant"):
        net = make(**weighted, schedule=AdversarialSchedule(adversary_warmup=0.5 if case == "schedule" else 0.0))
        fit(net, *([Rising(give, 5.0)] if case == "by hand" else []), max_epochs=1)
        ends[case] = flat(net.encoder)
    assert torch.equal(ends["schedule"], ends["by hand"])
    assert not torch.allclose(ends["schedule"], ends["constant"])


def test_the_gradient_of_encoder_and_decoder_is_clipped_together_and_nobody_else_s() -> None:
    free, clipped = (moved(model(gradient_clip=clip), max_epochs=1, max_steps=1) for clip in (None, 0.01))
    norms = [torch.cat([change["encoder"], change["decoder"]]).norm().item() for change in (free, clipped)]
    assert norms[0] > 0.01
    assert norms[1] == pytest.approx(0.1 * 0.01, rel=1e-3)  # the learning rate is .1
    for name in ("discriminator", "auxiliary"):
        torch.testing.assert_close(clipped[name], free[name])


def test_the_gradient_of_a_vae_is_clipped() -> None:
    networks = Posterior(16, latent_dim=5, width=4), Decoder(16, attributes=0, latent_dim=5, width=4)
    net = DisentangledVAE(*networks, functools.partial(SGD, lr=0.1), gradient_clip=0.01)
    change = moved(net, max_epochs=1, max_steps=1)
    assert torch.cat(list(change.values())).norm().item() == pytest.approx(0.1 * 0.01, rel=1e-3)
