"""The W&B workspace: every panel shows something that a run or its judging really logs."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny import tiny

from facet import dashboard
from facet.configuration import compose_config
from facet.evaluate import evaluate
from facet.runs import Run
from facet.summary import summary_of
from facet.train import train


def test_every_panel_shows_what_is_logged(tmp_path: Path) -> None:
    config = tiny(tmp_path, "logger=wandb", "logger.mode=offline", "trainer.max_epochs=1")
    run = Run(train(config))
    evaluate(compose_config("evaluate", [f"run={run.path}", "faces=2"]))
    logged = {*run.metrics(), *summary_of(run), "edits"}
    assert len(list((run.path / "wandb").glob("offline-run-*"))) == 2, (
        "training, and the judged numbers in the same run"
    )
    workspace: Any = dashboard.layout("me", "facet", "a sweep", ["ifcvae_gan"])
    text = json.dumps(workspace._to_model().model_dump(), default=str)
    shown = set(re.findall(r"\b(?:val|test)/\w+", text))
    assert len(shown) > 10
    assert shown <= logged, shown - logged
    assert "ifcvae_gan" in text


def test_without_an_account_it_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "")
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    for arguments, said in (([], "set the owner of the project"), (["logger.entity=me"], "W&B refused the workspace")):
        monkeypatch.setattr(sys, "argv", ["facet-dashboard", *arguments])
        with pytest.raises(SystemExit) as stopped:
            dashboard.main()
        assert stopped.value.code == 2
        message = capsys.readouterr().err
        assert said in message
        assert len(message.strip().splitlines()) == 1
