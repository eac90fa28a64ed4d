"""A page from nothing by one command: what is done again, and what is made of what failed."""

from __future__ import annotations

import glob
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from invented_runs import results
from made_once import avatars
from omegaconf import OmegaConf
from tiny import TINY, assert_same

from facet import checkpoints, reproduce
from facet.benchmarks.memory import tree
from facet.checkpoints import tensors_digest
from facet.configuration import compose_config
from facet.errors import ToldError, UserError
from facet.files import read_json, write_json
from facet.identity import resolved, run_directory
from facet.jobs import Job
from facet.measures import OPTIONAL
from facet.runs import Run
from facet.sweeps import environment

ROWS = {"ours": "networks.kind=residual", "no_aux": "networks.kind=residual ablation=no_aux"}  # of aif-figure5


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The jobs that were begun; none does anything."""
    jobs: list[Job] = []

    def run_jobs(given: Sequence[Job], shares: Sequence[object]) -> dict[str, int]:
        jobs.extend(given)
        return {}

    monkeypatch.setattr(reproduce, "run_jobs", run_jobs)
    monkeypatch.setattr(reproduce, "prepare", lambda configs: None)
    monkeypatch.setattr(reproduce, "report_page", lambda page, config: jobs.append(Job("page", [], Path())))
    return jobs


@pytest.fixture
def runs(tmp_path: Path) -> dict[str, Run]:
    """Both rows' runs, trained and judged, with little in them."""
    found = {}
    for row, experiment in ROWS.items():
        config = compose_config("train", [*experiment.split(), f"runs={tmp_path}"])
        run = found[row] = Run(run_directory(config))
        run.checkpoint.parent.mkdir(parents=True)
        (run.path / "config.yaml").write_text(OmegaConf.to_yaml(OmegaConf.create(resolved(config))))
        with run.checkpoint.open("wb") as file:
            checkpoints.write(file, {"row": row})
        write_json(run.path / "status.json", {"status": "finished"})
        judged = {
            "split": "test",
            "faces": 16,
            "measured": list(OPTIONAL),
            "checkpoint": tensors_digest(run.checkpoint),
        }
        write_json(run.path / "results.json", results(row, 0) | judged)
    return found


def again(place: Path, begun: list[Job], *more: str) -> list[list[str]]:
    """Of every job that is begun, its commands; the last is the page."""
    begun.clear()
    reproduce.reproduce(compose_config("reproduce", ["pages=[aif-figure5]", f"runs={place}", *more]))
    assert begun.pop().name == "page"
    return [[command[0] for command in job.commands] for job in begun]


def test_nothing_is_begun_where_all_is_there_and_whole(tmp_path: Path, begun: list[Job], runs: dict[str, Run]) -> None:
    assert again(tmp_path, begun) == []
    held = runs["ours"].checkpoint.read_bytes()
    runs["ours"].checkpoint.write_bytes(held[:100] + bytes([held[100] ^ 1]) + held[101:])
    assert again(tmp_path, begun) == [["facet.train", "facet.evaluate"]], "its checkpoint is damaged"
    assert "networks.kind=residual" in begun[0].commands[0]
    runs["ours"].checkpoint.write_bytes(held)
    write_json(runs["no_aux"].path / "results.json", results("no_aux", 0) | {"split": "val"})
    assert again(tmp_path, begun) == [["facet.evaluate"]], "judged on another split"
    assert f"run={runs['no_aux'].path}" in begun[0].commands[0]
    runs["ours"].checkpoint.rename(tmp_path / "elsewhere")
    assert again(tmp_path, begun) == [["facet.evaluate"]], "its checkpoint was deleted, its numbers are there"
    assert f"run={runs['no_aux'].path}" in begun[0].commands[0]
    (tmp_path / "elsewhere").rename(runs["ours"].checkpoint)
    (runs["no_aux"].path / "results.json").unlink()
    assert again(tmp_path, begun) == [["facet.evaluate"]]
    trained = ["facet.train", "facet.evaluate"]
    assert again(tmp_path, begun, "seeds=[0,7]") == [trained, ["facet.evaluate"], trained]
    assert [job.name for job in begun] == [
        *(
            "aif-figure5: ours seed=7",
            "aif-figure5: no_aux seed=0",
            "aif-figure5: no_aux seed=7",
        ),
    ]


def test_of_other_settings_other_runs_are_trained(tmp_path: Path, begun: list[Job], runs: dict[str, Run]) -> None:
    asked = again(tmp_path, begun, 'overrides=["model.weights.kl=0.5"]', "jobs=1")
    assert asked == [["facet.train", "facet.evaluate"]] * 2
    assert all("model.weights.kl=0.5" in job.commands[0] for job in begun)
    assert len({job.log for job in begun} - {run.path.with_name(f".{run.path.name}.log") for run in runs.values()}) == 2


def test_the_page_is_made_of_what_there_is_and_the_exit_code_tells(
    tmp_path: Path, begun: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    for code in (2, 1, -9):
        failed = {"aif-figure5: ours seed=0": code}
        monkeypatch.setattr(reproduce, "run_jobs", lambda jobs, shares, failed=failed: failed)
        with pytest.raises(ToldError) as told:
            again(tmp_path, begun)
        assert told.value.code == (2 if code == 2 else 1)
        assert [job.name for job in begun] == ["page"]


def test_a_row_that_does_not_take_a_setting_fails_and_the_others_are_made(tmp_path: Path, begun: list[Job]) -> None:
    begun.clear()
    asked = ["pages=[table1]", f"runs={tmp_path}", "overrides=['model.gan_share=0.5']"]
    with pytest.raises(ToldError) as told:
        reproduce.reproduce(compose_config("reproduce", asked))
    assert told.value.code == 2
    assert [job.name for job in begun] == ["table1: icgan seed=0", "page"]


def test_a_setting_that_no_row_takes_begins_nothing(tmp_path: Path, begun: list[Job]) -> None:
    with pytest.raises(UserError, match=r"model\.weights\.kll.*nearest: .*kl"):
        again(tmp_path, begun, "overrides=['model.weights.kll=1']")
    assert not begun
    assert not list(tmp_path.iterdir())


def test_rows_beside_the_table_are_trained_where_they_are_asked_for(tmp_path: Path, begun: list[Job]) -> None:
    reproduce.reproduce(compose_config("reproduce", ["pages=[table1]", f"runs={tmp_path}", "beside=true"]))
    assert [job.name.removeprefix("table1: ").removesuffix(" seed=0") for job in begun] == [
        *("ours", "no_aux", "rec_class", "icgan", "best", "every_layer", "every_layer_no_aux", "page"),
    ]


def command(place: Path, *more: str) -> list[str]:
    """``facet-reproduce`` of two tiny runs; it takes a while until they end."""
    epochs = ["trainer.max_epochs=12", "trainer.log_every_n_steps=1", f"data.root={avatars()}"]
    listed = ",".join(f'"{setting}"' for setting in (*TINY, *epochs))
    said = ["pages=[aif-figure5]", f"overrides=[{listed}]", f"runs={place / 'runs'}", f"reports={place}", "logger=csv"]
    return [sys.executable, "-m", "facet.reproduce", *said, *more]


def stopped(place: Path, signum: int) -> int:
    """The exit code of the command when both runs have saved something and it is asked to stop; no process is left."""
    with (place / "said").open("w") as said:
        asked = subprocess.Popen(command(place, "jobs=2"), stdout=said, stderr=said, env=environment())
    while len(saved := glob.glob(f"{place}/**/last.ckpt", recursive=True)) < 2 and asked.poll() is None:
        time.sleep(0.05)
    started = tree(asked.pid)
    asked.send_signal(signum)
    code, until = asked.wait(120), time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in started) and time.monotonic() < until:
        time.sleep(0.1)
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]
    assert [Run(Path(file).parents[1]).status for file in saved] == ["interrupted"] * 2
    return code


@pytest.mark.reliability
@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_page_that_is_stopped_or_killed_leaves_no_process_and_all_is_saved(
    signum: int, code: int, tmp_path: Path
) -> None:
    assert stopped(tmp_path, signum) == code


@pytest.mark.reliability
def test_a_page_comes_out_the_same_one_run_at_a_time_or_two_and_stopped_in_between(tmp_path: Path) -> None:
    """Bit for bit, but for the time it took."""
    for name in ("uncut", "cut"):
        (tmp_path / name).mkdir()
    assert stopped(tmp_path / "cut", signal.SIGINT) == 130
    subprocess.run(command(tmp_path / "cut", "jobs=1"), env=environment(), check=True)
    subprocess.run(command(tmp_path / "uncut", "jobs=2"), env=environment(), check=True)
    uncut, cut = (sorted((tmp_path / name).rglob("status.json")) for name in ("uncut", "cut"))
    assert [file.relative_to(tmp_path / "uncut") for file in uncut] == [
        *(file.relative_to(tmp_path / "cut") for file in cut),
    ]
    for one, other in zip(uncut, cut, strict=True):
        assert_same(Run(one.parent), Run(other.parent))
        first, second = (read_json(file.with_name("results.json")) for file in (one, other))
        for found in (first, second):
            del found["training"]["seconds"]
        assert first == second
