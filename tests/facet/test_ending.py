"""A run that ended, and was killed before it could say so, ends there when it goes on: no batch more, none less."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from made_once import avatars
from safetensors.torch import load_file
from tiny import STAGED, TINY, assert_same

from facet import checkpoints
from facet.callbacks.saving import Saving
from facet.configuration import compose_config
from facet.files import read_json
from facet.runs import Run
from facet.train import train
from facet.weights import NAME

EARLY = "_target_:pytorch_lightning.callbacks.EarlyStopping,min_delta:9"  # nothing is so much better: after two
OURS = TINY
WITHIN = "trainer.val_check_interval=0.5"
ENDS = {  # settings, and how many batches they come to
    "max_epochs": (OURS, 18),
    "max_steps": ((*OURS, "trainer.max_epochs=null", "trainer.max_steps=8"), 8),
    "rule": ((*OURS, f"+callbacks.early={{{EARLY},monitor:val/mse,patience:1}}"), 12),
    "rule_within_an_epoch": ((*OURS, WITHIN, f"+callbacks.early={{{EARLY},monitor:val/mse,patience:2}}"), 9),
    "growth": (("model=jacsup_faces", *STAGED, "callbacks.growth.epochs=3", "callbacks.growth.patience=1",
                "callbacks.growth.sizes=[2,2]", "callbacks.growth.monitor=val/accuracy", "model.optimizer.lr=1e-9"),
               24),
}  # fmt: skip
QUICK = "rule_within_an_epoch"


class KilledError(BaseException):
    """As if the process had ended."""


@pytest.mark.parametrize(
    "end", [pytest.param(end, marks=() if end == QUICK else pytest.mark.reliability) for end in ENDS]
)
def test_a_run_killed_after_its_end_ends_there(end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And before it, where a batch is saved and what follows from it has still to come: a validation, an end."""
    more, batches = ENDS[end]
    settings = [*more, f"data.root={avatars()}", "trainer.log_every_n_steps=1", "save_minutes=0"]
    whole = Run(train(compose_config("train", [*settings, f"run_dir={tmp_path / 'whole'}"])))
    run = Run(tmp_path / "cut")
    config = compose_config("train", [*settings, f"run_dir={run.path}"])
    take, mark, taken = Saving._take, Run.mark, [0]

    def after_taking(self: Saving, trainer: Any) -> None:
        take(self, trainer)
        taken[0] += 1
        if taken[0] in (3, 6):
            raise KilledError

    def before_saying(self: Run, status: str, **details: Any) -> None:
        if status != "running":
            raise KilledError
        mark(self, status, **details)

    monkeypatch.setattr(Saving, "_take", after_taking)
    with monkeypatch.context() as patched:
        patched.setattr(Run, "mark", before_saying)
        for _ in range(4):
            with pytest.raises(KilledError):
                train(config)
            assert run.status == "running"
    train(config)
    assert checkpoints.batches_of(run.saved()) == batches
    assert_same(whole, run)
    expected, found = (load_file(each.checkpoint.with_name(NAME)) for each in (whole, run))
    assert expected.keys() == found.keys()
    assert all(torch.equal(value, found[name]) for name, value in expected.items())
    one, other = (read_json(each.path / "status.json")["training"] for each in (whole, run))
    assert one | {"seconds": 0} == other | {"seconds": 0}
