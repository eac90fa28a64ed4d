"""The paper's stopping rule: the auxiliary network has learned, and then can't any more."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from small_models import model
from tiny import tiny

from facet.callbacks.stopping import CONFUSION, StopWhenConfused
from facet.checkpoints import epochs_of
from facet.runs import Run
from facet.train import train


def stops_after(confusions: list[float], callback: StopWhenConfused | None = None) -> int | None:
    """After which validation of these a run ends; None if it goes on."""
    callback, trainer = callback or StopWhenConfused(), trainer_of()
    for count, confusion in enumerate(confusions, start=1):
        trainer.callback_metrics = {CONFUSION: torch.tensor(confusion)}
        callback.on_validation_end(trainer, trainer.model)
        if trainer.should_stop:
            return count
    return None


def trainer_of() -> Any:
    return SimpleNamespace(should_stop=False, sanity_checking=False, callback_metrics={}, model=None)


@pytest.mark.parametrize(
    ("confusions", "after"),
    [
        ([1.008, 1.08, 1.09, 1.2, 1.1], None),  # of an A that has learned nothing
        ([1.08, 0.7, 1.0, 1.0, 1.0, 1.0], 5),
        ([0.7, 1.0, 1.0, 0.95, 1.0, 1.0, 1.0], 7),  # in a row
        ([0.95, 1.0, 1.0, 1.0], None),  # as good as nothing
        ([0.7, 1.0, math.nan, 1.0, math.inf, 1.0], 6),  # nothing was seen there
        ([math.nan] * 5, None),
    ],
)
def test_a_must_have_learned_and_be_defeated_three_times_in_a_row(confusions: list[float], after: int | None) -> None:
    assert stops_after(confusions) == after


def test_it_goes_on_where_it_was_interrupted() -> None:
    first, second = StopWhenConfused(), StopWhenConfused()
    assert stops_after([0.7, 1.0, 1.0], first) is None
    second.load_state_dict(first.state_dict())
    assert stops_after([1.0], second) == 1


def test_methods_without_an_auxiliary_network_go_on() -> None:
    trainer = trainer_of()
    for _ in range(5):
        StopWhenConfused(patience=1).on_validation_end(trainer, trainer.model)
    assert not trainer.should_stop


@pytest.mark.parametrize("settings", [{"learned": 1.0}, {"learned": 0.0}, {"patience": 0}])
def test_a_rule_without_sense_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"callbacks\.stopping"):
        StopWhenConfused(**settings)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([[1, 0], [0, 0]], 0.5 / (math.log(2) / 2)),  # nobody has the second
        ([[1, math.nan], [0, math.nan]], 0.5 / math.log(2)),
        ([[0, 0], [0, 0]], math.nan),  # nobody has anything: not 500,000
    ],
)
def test_confusion_is_a_number_where_y_has_entropy(
    labels: list[list[float]], expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, found = model(), {}
    for name, metric in net.validation.items():
        metric.update(torch.tensor(0.5 if name == "auxiliary" else 0.0))
    net.confusion.update(torch.zeros(2, 2), torch.tensor(labels).float())
    monkeypatch.setattr(net, "log_dict", found.update)
    net.on_validation_epoch_end()
    assert float(found["val/auxiliary_confusion"]) == pytest.approx(expected, nan_ok=True)


def test_a_run_stops_by_it_and_one_that_has_learned_nothing_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    still = [f"model.{name}_optimizer.lr=1e-9" for name in ("auxiliary", "autoencoder")]
    more = ["callbacks=stop_when_confused", "trainer.max_epochs=6", *still]
    run = Run(train(tiny(tmp_path, *more)))
    assert epochs_of(run.saved()) == 6

    remembered = StopWhenConfused.__init__

    def taught(self: StopWhenConfused, *args: Any, **settings: Any) -> None:
        remembered(self, *args, **settings)
        self.has_learned = True

    monkeypatch.setattr(StopWhenConfused, "__init__", taught)
    run = Run(train(tiny(tmp_path, *more, f"run_dir={tmp_path / 'taught'}")))
    assert run.status == "finished"
    assert epochs_of(run.saved()) == 3
