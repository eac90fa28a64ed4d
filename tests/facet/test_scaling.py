"""What is counted of a step, on one process and on two, and what is said to follow from it (docs/scaling.md)."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from ranks import found_by_ranks
from tiny import tiny

from facet.benchmarks.counting import Counting
from facet.benchmarks.scaling import ROUND, asked_for, image, processes_of
from facet.benchmarks.several_gpus import MEMORY, RATE, Link, Step
from facet.benchmarks.steps_on_noise import Within, fit, memory, model_of
from facet.errors import UserError


def test_what_is_held_and_touched() -> None:
    with Counting() as counting:
        a = torch.ones(1000)
        b = a.view(10, 100) + 1
        assert (counting.held, counting.most) == (8000, 8000)
        del a
        c = b[0] * 2
        assert (counting.held, counting.most) == (4400, 8000)
    assert c.shape == (100,)
    assert counting.operators == 3, "a view is none"
    assert counting.touched == 4000 + 8000 + 800


def test_what_was_there_before_is_not_held() -> None:
    """Neither by a view of it, nor by what changes it in place, nor as what an operator reads."""
    weight = torch.ones(10, 100)
    with Counting() as counting:
        weight.detach()
        weight[:5].mul_(2)
        assert counting.held == 0
        product = torch.ones(1, 100) @ weight.T
        assert counting.most == 400 + 40
    assert product.shape == (1, 10)


def test_a_step_without_memory_takes_as_much_as_a_real_one(tmp_path: Path) -> None:
    """Of which nothing but gradients and optimisers' states stays."""
    config = tiny(tmp_path, "on_nonfinite=skip")
    found, counting, model = memory(config, 0, images=16, several=True), Counting(), model_of(config, 0)
    config.on_nonfinite = "stop"
    fit(config, model, Within(counting, 0, 1), 1, 16, 2)
    learning = sum(p.numel() * 4 for p in model.parameters())
    assert found.gradients == found.buckets == learning
    assert found.weights == learning + sum(b.numel() * b.element_size() for b in model.buffers())
    assert found.averages == pytest.approx(found.weights, rel=0.01)
    assert found.undo == found.weights + found.optimizers + found.averages
    assert found.passing + found.gradients + found.optimizers == pytest.approx(counting.most, rel=0.02)
    assert found.flops > 0
    assert memory(config, 0, images=8, several=False).passing < found.passing


@pytest.mark.reliability
def test_what_two_processes_tell_one_another() -> None:
    """Gradients, a flag for each of them, and every ten steps whether all numbers are finite and a checkpoint is due.

    Nothing else: Lightning would broadcast in every step whether the first was asked to stop, and wait for it.
    """
    for found in found_by_ranks("traffic"):
        in_all = ROUND * 4 * (found["numbers"] + found["parameters"])
        assert found["sent"] == {"allreduce": in_all + 8 + 16, "barrier": found["collectives"]["barrier"]}
        assert found["collectives"]["barrier"] == 2
        assert found["operators"] > 1000


def test_the_model() -> None:
    link = Link(rate=1e9, latency=0.25)
    step = Step(flops=RATE, touched=MEMORY, operators=10, sent=1e9, collectives=2)
    assert step.computing == pytest.approx(2)
    assert step.telling(1, link) == 0
    assert step.telling(2, link) == pytest.approx(1 + 0.5)
    assert step.telling(8, link) == pytest.approx(1.75 + 0.5)
    assert step.seconds(8, link) == pytest.approx((2 + 2.25 - 2 * 2 / 3, 2 + 2.25))
    assert step.seconds(2, Link(rate=1e12, latency=0)) == pytest.approx((2, 2.001))
    assert Step(0, 0, operators=1e6, sent=0, collectives=0).computing == pytest.approx(6)


def test_processes_are_of_all_machines() -> None:
    config = asked_for(["facet-train", "trainer=ddp", "trainer.devices=2", "trainer.num_nodes=4"])
    assert processes_of(config) == 8


def test_what_an_image_takes() -> None:
    config = asked_for(["facet-train", "data.resolution=16", "trainer=ddp", "trainer.devices=2"])
    assert image(config) == 3 * 16 * 16 + 4


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (["facet-evaluate"], "say a training"),
        (["facet-train"], "say trainer=ddp"),
        (["facet-train", "trainer=ddp"], "such as trainer.devices=8"),
        (["facet-train", "trainer=ddp", "trainer.devices=7"], "can't be shared by 7 processes"),
        (["facet-train", "trainer=ddp", "trainer.devices=8", "trainer.num_nodes=8"], "by 64 processes"),
        (["facet-train", "trainer=ddp", "trainer.devices=-1"], "such as trainer.devices=8"),
        (["facet-train", "trainer=ddp", "trainer.devices=0"], "such as trainer.devices=8"),
        (["facet-train", "trainer=ddp", "trainer.devices=2", "model.weights.kl=a"], "weights.kl"),
    ],
    ids=lambda said: said[-1] if isinstance(said, list) else None,
)
def test_what_is_refused(said: list[str], why: str) -> None:
    with pytest.raises(UserError, match=why):
        asked_for(said)
