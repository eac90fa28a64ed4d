"""Names and paths that no terminal or encoding holds are shown in one line."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from facet import train
from facet.commands import report as report_error
from facet.errors import UserError


def test_a_name_from_elsewhere_is_one_line_on_any_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert report_error("train", UserError("a\nb\x1b[31mc\u202ed\ud800 é [red]x[/]")) == 2
    assert capsys.readouterr().err == "facet-train: a\\nb\\x1b[31mc\\u202ed\\ud800 é [red]x[/]\n"
    assert report_error("train", UserError("first " + "x" * 100_000 + " last")) == 2
    message = capsys.readouterr().err
    assert len(message) < 2_100
    assert message.startswith("facet-train: first") and message.endswith("last\n")  # noqa: PT018


def test_a_path_that_no_encoding_holds_is_one_line_in_a_sweep_that_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, "utf-8", "strict", write_through=True))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["facet-train", "-m", "hydra/hydra_logging=default", "seed=0", "runs=x\udcff"])
    with pytest.raises(SystemExit) as stopped:
        train.main()
    said = capsys.readouterr().err
    assert stopped.value.code == 2
    assert "Logging error" not in said
    assert said.startswith("facet-train: config key runs")
    assert rb"#0 : seed=0 runs='x\udcff'" in printed.getvalue()
