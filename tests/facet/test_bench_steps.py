"""``facet-bench steps``: every method can be stepped, and what is made of what was measured is arithmetic."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import _get_current_dispatch_mode

from facet import bench
from facet.bench_steps import ALONE
from facet.benchmarks import floor
from facet.benchmarks.methods import METHODS
from facet.benchmarks.peak import with_peak
from facet.benchmarks.steps import Row
from facet.benchmarks.timing import Stopwatch
from facet.benchmarks.training import Training
from facet.configuration import compose_config
from facet.files import read_json

CPU = torch.device("cpu")
SMALL = ["data.batch_size=4", "trainer.precision=32-true"]
OF_IMAGES = ["data.resolution=32", "networks.width=4"]
PENALTIES = ("penalty_every=2", "penalty_every=1")
SIZES = [("aif", 32, 2), ("aif", 32, 4), ("beta_vae", 32, 2), ("beta_vae", 32, 4)]


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("timing.WARM_UP", "timing.SHORTEST", "floor.SECONDS", "training.BYTES"):
        monkeypatch.setattr(f"facet.benchmarks.{name}", 0)
    monkeypatch.setattr("facet.benchmarks.floor.SIDES", {"cpu": 64})


def settings(name: str, *said: str) -> Any:
    sizes = OF_IMAGES if METHODS[name].resolution else ["data.steps_per_batch=2"]
    return compose_config("train", [*METHODS[name].overrides.split(), *ALONE, *SMALL, *sizes, *said])


def command(monkeypatch: pytest.MonkeyPatch, *said: str) -> int:
    """The command's exit code."""
    monkeypatch.setattr(sys, "argv", ["facet-bench", "steps", *said])
    with pytest.raises(SystemExit) as stopped:
        bench.main()
    assert isinstance(stopped.value.code, int)
    return stopped.value.code


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("name", METHODS)
def test_every_method_can_be_stepped(name: str, tmp_path: Path) -> None:
    """As it is trained: its operations are counted, of whole steps, the authors' too."""
    row = Row(name, settings(name), tmp_path)
    flops = row.training.flops()
    assert flops > 4 * 2 * 1000, "four images through a network"
    if row.method.authors is not None:
        theirs = floor.flops_of(row.method.authors(row.settings, *row.training.batch()))
        assert theirs > flops, "their schedule does more than ours"


def test_all_methods_are_timed_unless_some_are_named() -> None:
    assert list(compose_config("bench_steps", []).methods) == list(METHODS)


@pytest.mark.usefixtures("_quick")
def test_a_penalty_counts_once_in_its_period(tmp_path: Path) -> None:
    def flops(*said: str) -> tuple[float, int]:
        training = Training(settings("icgan_gan", *said), METHODS["icgan_gan"].stage, tmp_path)
        return training.flops(), training.period

    without, rarely, always = (flops("model." + each) for each in ("gradient_penalty=0", *PENALTIES))
    assert (without[1], rarely[1], always[1]) == (1, 2, 1)
    assert rarely[0] - without[0] == pytest.approx((always[0] - without[0]) / 2)
    assert flops("model.penalty_every=3")[0] - without[0] == pytest.approx(
        (always[0] - without[0]) / 3
    )  # of epochs of 2


@pytest.mark.usefixtures("_quick")
def test_epochs_end_nothing(tmp_path: Path) -> None:
    """Of two batches each, and the preset has eleven of them."""
    training = Training(settings("beta_vae"), METHODS["beta_vae"].stage, tmp_path)
    assert len(training.milliseconds(30)) == 30


@pytest.mark.usefixtures("_quick")
def test_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    place, listed = tmp_path / "new" / "steps.json", ",".join(json.dumps(each) for each in [*SMALL, *OF_IMAGES])
    said = ["methods=[aif,beta_vae]", "batch_sizes=[2,4]", "rounds=2", "samples=2", f"overrides=[{listed}]"]
    code = command(monkeypatch, *said, f"json={place}")
    told = capsys.readouterr()
    assert code == 0, told.err
    for words in ("aif", "beta_vae", "of the floor", "times as fast"):
        assert words in told.out
    found = read_json(place)
    assert (found["schema"], found["rounds"], found["samples"]) == (1, 2, 2)
    assert found["command"].startswith("facet-bench steps 'methods=[aif,beta_vae]'")
    assert (found["preset"], found["threads"], found["versions"]["torch"]) == ("embedded", 1, version("torch"))
    assert found["machine"]["processor"]
    assert place.with_suffix(".png").is_file(), "where sizes differ, how it grows is drawn"
    assert [(step["method"], step["resolution"], step["batch_size"]) for step in found["steps"]] == SIZES
    aif, _, vae, _ = found["steps"]
    for step in (aif, vae):
        ours, median = step["ours"], step["ours"]["median_ms"]
        assert len(ours["samples_ms"]) == 4
        assert ours["least_ms"] <= median <= ours["most_ms"]
        assert step["images_per_second"] == pytest.approx(2000 / median)
        assert step["floor_ms"] == pytest.approx(1000 * ours["flops"] / step["product_flops_per_second"])
        assert step["share_of_floor"] == pytest.approx(step["floor_ms"] / median)
        assert (step["precision"], step["device"]) == ("32-true", "cpu")
    assert aif["times_as_fast"] == pytest.approx(aif["authors"]["median_ms"] / aif["ours"]["median_ms"])
    assert vae["authors"] is vae["times_as_fast"] is None


@pytest.mark.usefixtures("_quick")
def test_what_a_gpu_has_no_room_for_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(row: Row, samples: int) -> None:
        if row.name == "fader" and row.ours.milliseconds:
            raise torch.OutOfMemoryError("CUDA out of memory")
        row.ours.add([2.0] * samples, None)
        row.rates.append(1e9)

    monkeypatch.setattr(Row, "measure", measure)
    place, many = tmp_path / "steps.json", ["rounds=2", "samples=1"]
    assert command(monkeypatch, "methods=[beta_vae,fader]", f"json={place}", *many) == 0
    assert "fader, 32×32, batch 64: left out" in capsys.readouterr().err
    (step,) = read_json(place)["steps"]
    assert (step["method"], step["images_per_second"], step["ours"]["memory_bytes"]) == ("beta_vae", 32_000, None)
    assert command(monkeypatch, "methods=[fader]", f"json={place}", *many) == 2
    assert "smaller batch_sizes" in capsys.readouterr().err


@pytest.mark.usefixtures("_quick")
def test_a_batch_too_small_to_be_halved_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["preset=paper", "resolutions=[32]", "batch_sizes=[2]", 'overrides=["networks.width=4"]']
    assert command(monkeypatch, "methods=[fader]", *small, f"json={tmp_path / 'steps.json'}") == 2
    said = capsys.readouterr().err
    assert "fader, 32×32, batch 2: Expected more than 1 value" in said
    assert "Traceback" not in said
    assert _get_current_dispatch_mode() is None, "what follows isn't counted"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("methods=[aif,aiff]", "methods=aiff: no such step; nearest: aif"),
        ("preset=embeded", "nearest: embedded"),
        ("resolutions=[20]", "choose a multiple of 16"),
        ('overrides=["model.weights.kll=1"]', "no such argument; nearest: kl"),
        ("methods=[aif] json=/proc/nowhere/steps.json", "json=/proc/nowhere/steps.json can't be written"),
    ],
)
def test_a_mistake_is_one_line(
    said: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, *said.split()) == 2
    line = capsys.readouterr().err
    assert told in line
    assert len(line.strip().splitlines()) == 1


def test_operations_are_those_counted_by_hand() -> None:
    """Forwards twice a multiplication each; backwards as much for the weights, and again for what the layer reads."""
    network = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 8 * 8, 7))
    convolution, linear = 2 * 4 * 8 * 8 * 5 * 3 * 3 * 3, 2 * 4 * 5 * 8 * 8 * 7
    images = torch.rand(4, 3, 8, 8)
    assert floor.flops_of(lambda: network(images)) == convolution + linear
    assert floor.flops_of(lambda: network(images).sum().backward()) == 2 * convolution + 3 * linear


def test_the_floor_is_arithmetic() -> None:
    assert floor.milliseconds(3e9, 60e9) == 50
    rate = floor.product_rate(CPU, "32-true")
    assert 1e8 < rate < 1e15


def test_a_stopwatch_takes_whole_periods(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that moves by 10 ms a batch, 90 in every fourth: samples are all alike, of four batches of two steps."""
    passed = [0.0]
    monkeypatch.setattr("facet.benchmarks.timing.time", SimpleNamespace(perf_counter=lambda: 1 + passed[0]))
    monkeypatch.setattr("facet.benchmarks.timing.WARM_UP", 0.3)
    watch, batches = Stopwatch(3, period=4), 0
    while not watch.tick(2 * batches):
        batches += 1
        passed[0] += 0.09 if batches % 4 == 0 else 0.01
    assert watch.found == pytest.approx([1000 * 0.12 / 8] * 3)
    assert batches == 12 + 3 * 4, "0.3 s are over after twelve batches"


def test_the_peak_is_of_the_call() -> None:
    """The second as well as the first, which leaves what it took to be taken again."""

    def pieces() -> int:
        return len([torch.ones(1 << 18) for _ in range(48)])

    for _ in range(3):
        made, peak = with_peak(pieces, CPU)
        assert made == 48
        assert peak is None or 40 << 20 < peak < 80 << 20
