"""What every metric owes: no look at the host in a step, and the same result from any split over batches and ranks."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torchmetrics import Metric

from facet.measures.classifier import AttributeAccuracy
from facet.measures.counterfactual import CounterfactualError
from facet.measures.drift import Drift
from facet.measures.edits import EditRates
from facet.measures.identity import Identity
from facet.measures.pixels import PixelError

BATCH = 12
GENERATOR = torch.Generator().manual_seed(0)


def uniform(*shape: int) -> Tensor:
    return torch.rand(BATCH, *shape, generator=GENERATOR)


def readings(*shape: int) -> Tensor:
    return uniform(*shape) < 0.5


def labels() -> Tensor:
    return torch.where(uniform(3) < 0.1, torch.nan, readings(3).float())


Case = tuple[Callable[[], Metric], tuple[Tensor, ...]]
CASES: dict[str, Case] = {
    "edits": (lambda: EditRates(3), (labels(), readings(3), readings(3), readings(3))),
    "drift": (lambda: Drift("abc", "abcde"), (readings(5), readings(3, 5), readings(3, 5))),
    "classifier": (lambda: AttributeAccuracy(3), (uniform(3), labels())),
    "identity": (
        lambda: Identity("abc", "abcde", {"a": {"b"}}),
        (
            torch.where(uniform(5) < 0.1, torch.nan, readings(5).float()),
            uniform(7),
            uniform(4, 7),
            readings(4, 5),
            readings(4),
        ),
    ),
    "pixels": (PixelError, (uniform(3, 12, 12), uniform(3, 12, 12))),
    "counterfactual": (CounterfactualError, tuple(uniform(3, 12, 12).round(decimals=1) for _ in range(3))),
}


def flat(result: object) -> list[float]:
    """All numbers of a nested result, in order."""
    if isinstance(result, dict):
        return [number for value in result.values() for number in flat(value)]
    if isinstance(result, list | tuple):
        return [number for value in result for number in flat(value)]
    assert isinstance(result, int | float)
    return [result]


@pytest.mark.parametrize("name", CASES)
def test_batches_and_ranks_add_up(name: str) -> None:
    build, arguments = CASES[name]
    whole, first, second = build(), build(), build()
    whole.update(*arguments)
    for rank, parts in [(first, [slice(0, 5), slice(5, 6)]), (second, [slice(6, BATCH)])]:
        for part in parts:
            rank.update(*(argument[part] for argument in arguments))
    alone = flat(first.compute())
    first.merge_state(second)
    first._computed = None
    assert flat(first.compute()) == pytest.approx(flat(whole.compute()), rel=1e-6, nan_ok=True)
    assert alone != pytest.approx(flat(whole.compute()), rel=1e-6, nan_ok=True)


@pytest.mark.parametrize("name", CASES)
def test_update_never_reads_a_tensor(name: str) -> None:
    # Tensors on the meta device have no values: .item(), a branch on one or a boolean index would raise.
    build, arguments = CASES[name]
    build().to("meta").update(*(argument.to("meta") for argument in arguments))


@pytest.mark.parametrize("name", CASES)
def test_works_under_inference_mode_and_after_a_reset(name: str) -> None:
    build, arguments = CASES[name]
    metric = build()
    metric.update(*arguments)
    expected = flat(metric.compute())
    metric.reset()
    with torch.inference_mode():
        metric.update(*arguments)
        assert flat(metric.compute()) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("name", CASES)
def test_an_empty_batch_changes_nothing(name: str) -> None:
    build, arguments = CASES[name]
    metric, expected = build(), build()
    for each in (metric, expected):
        each.update(*arguments)
    metric.update(*(argument[:0] for argument in arguments))
    assert flat(metric.compute()) == pytest.approx(flat(expected.compute()), nan_ok=True)
