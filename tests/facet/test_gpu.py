"""``make gpu``: every part under its limit, one that fails takes none along, and all that was found in one archive."""

from __future__ import annotations

import re
import sys
import tarfile
from pathlib import Path

import pytest
import torch

from facet.benchmarks import gpu
from facet.benchmarks.gpu import Part, parts
from facet.configuration import check, compose_config
from facet.page_arguments import for_pages
from facet.page_runs import training
from facet.pages import load


def called(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["gpu", *arguments])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    try:
        gpu.main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_a_part_that_fails_or_takes_too_long_takes_none_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    never, found = tmp_path / "never", tmp_path / "gpu" / "paper" / "table.csv"
    found.parent.mkdir(parents=True)
    large = tmp_path / "gpu" / "large.csv"
    large.write_bytes(b"0" * (gpu.LARGEST + 1))
    pretended = [
        Part("first", 3, ["pretended_job", "says=it broke", "exits=1"]),
        Part("second", -2.7, ["pretended_job", "says=it waits", f"waits={never}"]),
        Part("third", 3, ["pretended_job", f"notes={found}"]),
    ]
    monkeypatch.setattr(gpu, "parts", lambda *settings: pretended)
    assert called(monkeypatch, "size=0.5", f"place={tmp_path / 'gpu'}") == 1
    said = capsys.readouterr().err
    assert re.search(r"failed: first ended with 1; second was stopped after \d s\n", said)
    assert "third: done" in said
    assert f"left out of {tmp_path / 'gpu/gpu.tar.gz'}: {large}" in said
    with tarfile.open(tmp_path / "gpu/gpu.tar.gz") as packed:
        assert sorted(packed.getnames()) == ["first.log", "paper/table.csv", "second.log", "third.log"]


def test_what_there_is_when_it_is_stopped_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretended = [
        Part("first", 3, ["pretended_job", "stops=", f"waits={tmp_path / 'never'}"]),
        Part("second", 3, ["pretended_job"]),
    ]
    monkeypatch.setattr(gpu, "parts", lambda *settings: pretended)
    assert called(monkeypatch, "size=0.5", f"place={tmp_path / 'gpu'}") == 143
    assert "stopped (SIGTERM) in first" in capsys.readouterr().err
    with tarfile.open(tmp_path / "gpu/gpu.tar.gz") as packed:
        assert packed.getnames() == ["first.log"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "there is no GPU"),
        (("seize=1",), "seize=1: say size="),
        (("--help",), "--help: say size="),
        (("size=a",), "size=a: say size="),
        (("size=0",), "size=0: say size="),
    ],
)
def test_what_cannot_be_meant_is_told(
    arguments: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(monkeypatch, *arguments) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("trainer", ["gpu", "cpu"])
def test_every_part_can_be_begun_and_all_end_in_seven_minutes(trainer: str, tmp_path: Path) -> None:
    """As their configs say; they are trained in the rehearsal."""
    every = parts(1, tmp_path, trainer)
    assert sum(part.seconds for part in every) + gpu.SAVING <= 420
    pages = [part for part in every if part.command[0] == "facet.reproduce"]
    assert [part.name for part in pages] == ["check", "paper", "authors"]
    for part in pages:
        asked = compose_config("reproduce", for_pages("reproduce")(part.command[1:]))
        page = load(asked.pages[0])
        config = compose_config("train", training(page.rows["ours"], 0, asked, page))
        check(config, "train", {}, [])
        assert config.trainer.accelerator == trainer
        assert part.name in ("check", config.preset)
        if part.name != "check":
            assert (config.data.train_size, config.data.resolution, config.networks.width) == (100_000, 64, 64)


@pytest.mark.slow
def test_a_rehearsal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousandth of the images: on a CPU a step takes a second."""
    place = tmp_path / "gpu"
    assert called(monkeypatch, "size=0.001", f"place={place}") == 0
    with tarfile.open(place / "gpu.tar.gz") as packed:
        names = packed.getnames()
    assert {"paper/table1/index.html", "authors/table1/index.html", "steps.json", "steps.log"} <= set(names)
    assert sum(name.endswith("results.json") for name in names) == 12
