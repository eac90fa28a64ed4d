"""A clock that is set back by a year in the middle of a run changes nothing."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from made_once import avatars
from pytorch_lightning import Callback
from tiny import TINY, assert_same

from facet import build
from facet.configuration import compose_config
from facet.evaluate import evaluate, judged
from facet.files import read_json
from facet.runs import Run
from facet.train import train

YEAR = 365 * 24 * 3600.0


class KilledError(Exception):
    """As if the process had ended."""


class SetBack(Callback):
    """Sets the clock back after a batch, and with it the times of all files that are written from then on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, killed: bool) -> None:
        self.monkeypatch, self.killed = monkeypatch, killed

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        if trainer.global_step == 4:
            set_back(self.monkeypatch)
        if trainer.global_step == 9 and self.killed:
            self.killed = False
            raise KilledError


def set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    now, nanoseconds, replace = time.time, time.time_ns, os.replace

    def replaced(source: Any, target: Any, **more: Any) -> None:
        replace(source, target, **more)
        if not os.path.isdir(target):
            os.utime(target, (now() - YEAR, now() - YEAR))

    monkeypatch.setattr(time, "time", lambda: now() - YEAR)
    monkeypatch.setattr(time, "time_ns", lambda: nanoseconds() - int(YEAR * 10**9))
    monkeypatch.setattr(os, "replace", replaced)


@pytest.mark.reliability
def test_a_clock_that_is_set_back_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor a kill after it, what is judged under it, and what is known of that once the clock is right again."""
    settings = [*TINY, f"data.root={avatars()}", "trainer.max_epochs=2"]
    settings += ["trainer.log_every_n_steps=1", "callbacks.edits=null"]
    whole = Run(train(compose_config("train", [*settings, f"run_dir={tmp_path / 'whole'}"])))
    run = Run(tmp_path / "odd")
    config = compose_config("train", [*settings, f"run_dir={run.path}", "save_minutes=0"])
    made, odd = build.Parts.trainer, pytest.MonkeyPatch()
    callback = SetBack(odd, killed=True)

    def trainer(self: build.Parts, batches: int) -> Any:
        self.callbacks = [callback, *self.callbacks]
        return made(self, batches)

    asked = ["measures=[]", "faces=4"]
    try:
        with monkeypatch.context() as patched:
            patched.setattr(build.Parts, "trainer", trainer)
            with pytest.raises(KilledError):
                train(config)
            train(config)
        evaluate(compose_config("evaluate", [f"run={run.path}", *asked]))
    finally:
        odd.undo()
    assert_same(whole, run)
    assert 0 <= read_json(run.path / "status.json")["training"]["seconds"] < 600
    assert judged(run, compose_config("evaluate", asked))
    (run.path / "checkpoints/last.ckpt").touch()  # now: after what was judged, by the clock
    assert judged(run, compose_config("evaluate", asked))
