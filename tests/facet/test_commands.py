"""The commands as a user meets them: a mistake is one clear line and exit code 2, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from tiny import overrides

from facet import evaluate, runs, train
from facet.checkpoints import batches_of
from facet.configuration import compose_config
from facet.errors import ToldError, UserError
from facet.report import command as report

COMMANDS: dict[str, Callable[[], None]] = {"train": train.main, "evaluate": evaluate.main, "report": report.main}
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process; its exit code and what it said."""

    def call(command: str, *arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", [f"facet-{command}", *arguments])
        with pytest.raises(SystemExit) as stopped:
            COMMANDS[command]()
        return int(stopped.value.code or 0), capsys.readouterr().err

    return call


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["attributes=[Smilling]"], "facet-train: data=avatars has no attribute 'Smilling'; nearest: Smiling"),
        (["modle.weights.kl=1"], "unknown config key modle.weights.kl; nearest: model.weights.kl"),
        (["model.weights.auxilary=1"], "aif.weights.Weights has no such argument; nearest: auxiliary"),
        (
            ["+model.kl=1"],
            "config key model.kl (command line): aif.ifcvae_gan.IFcVAEGAN has no such argument; nearest: ",
        ),
        (["data.resolution=40"], "resolution=40 does not work with four stride-2 layers: choose a multiple of 16"),
        (["data.root=/proc/nowhere"], "can't be written"),
        (["data=celba"], "data=celba: no such choice; nearest: celeba"),
        (["experiment=jacsup/bst"], "experiment=jacsup/bst: no such choice; nearest: jacsup/best"),
        (["experiment=best"], "nearest: jacsup/best"),
        (["experiment=aif/table1/no_aux"], "experiment=aif/table1/no_aux is now ablation=no_aux"),
        (
            ["networks.kind=resnet"],
            r"networks.kind \(command line; read by .*\): 'resnet' should be 'plain' or 'residual'",
        ),
        (["trainer.max_time=00:00:10:00"], "trainer.max_time: schedules need the run's length in batches"),
        (["trainer.max_tmie=1"], "pytorch_lightning.Trainer has no such argument; nearest: max_time"),
        (["trainer.precision=fp8"], r"trainer.precision \(command line\): 'fp8' should be one of .*'bf16-mixed'"),
        (["model=null"], "model=null: no such choice; nearest: classifier"),
        (["data=5"], "data=5: no such choice; nearest: avatars"),
        (["callbacks.edits=5"], r"config key callbacks.edits \(command line\)"),
        (["runs=null"], r"config key runs \(command line\): None should be a valid string"),
        (["kl=1"], "unknown config key kl; nearest: model.weights.kl"),
        (["seed=0,1"], "seed=0,1: for a sweep over several values add -m; a list is seed=[0,1]"),
        (["name=größe"], """name=größe: it has characters that need quotes: 'name="größe"'"""),
        (["attributes=[Smiling,"], "attributes=[Smiling,: [ without ]; with spaces, quote the whole"),
        (["data.root=~nobody-here/x"], "~nobody-here/x: there is no home directory of ~nobody-here"),
        (["data.train_size=0"], "data.train_size=0"),
        (["attributes=[]"], "attributes.*at least 1 item"),
        (["attributes=[Smiling,Smiling]"], "choose one or more, each once"),
        (["seed=-1"], "seed.*greater than or equal to 0"),
        (["trainer=gpu"], "No supported gpu backend found"),
        (["data.batch_size=1000"], "fewer than one batch of 1000"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_users_mistake(more: list[str], said: str, run: Run, tmp_path: Path) -> None:
    code, message = run("train", *overrides(tmp_path, *more))
    assert code == 2
    assert said in message or re.search(said, message)
    assert len([line for line in message.splitlines() if "avatars: " not in line and "judge" not in line]) == 1
    assert not (tmp_path / "runs").exists(), "nothing half-written"


def test_a_run_without_a_checkpoint(run: Run, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for arguments, said in (
        ([f"run={empty}"], "is not a run directory: it has no config.yaml"),
        ([f"run={tmp_path / 'nowhere'}"], "there is no such run directory"),
        ([], "choose what to evaluate"),
        (["table1", "split=tets"], "'tets' should be 'train', 'val' or 'test'"),
        (["table1", "seeds=x"], "config key seeds"),
        (["table1", "faces=x"], "config key faces"),
        (["table1", "measures=[leakge]"], "measures=leakge: choose all, or a list of drift, identity"),
        (["table9"], "there is no page 'table9'; nearest: table"),
        (["table=table1"], "give only the page's name: table1"),
    ):
        code, message = run("evaluate", *arguments)
        assert (code, len(message.strip().splitlines())) == (2, 1)
        assert said in message
    (empty / "config.yaml").write_text("seed: 0\n")
    code, message = run("evaluate", f"run={empty}")
    assert code == 2
    assert "has no checkpoint (status: absent)" in message
    assert [file.name for file in empty.iterdir()] == ["config.yaml"]


@pytest.mark.parametrize(
    "ended", [KeyboardInterrupt(), SystemExit(1)], ids=["before the training", "by Lightning in it"]
)
@pytest.mark.parametrize("sweep", [[], ["-m"]])
def test_ctrl_c_is_one_line(
    sweep: list[str], ended: BaseException, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise ended

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train, "_train", stopped)
    code, message = run("train", *sweep, *overrides(tmp_path))
    assert code == 130
    assert message.strip().splitlines()[-1] == "stopped (Ctrl-C): run the same command to continue"
    assert "Traceback" not in message
    assert not list(tmp_path.glob(".sweep-*"))


@pytest.mark.reliability
def test_a_sweep_that_a_cluster_ends_says_so_and_goes_on(tmp_path: Path) -> None:
    """SIGTERM in the first of two runs: its step is finished and saved, and the exit code is what shells expect."""
    sweep = overrides(tmp_path, "trainer.max_epochs=500", "trainer.check_val_every_n_epoch=500", "seed=0,1")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "facet.train", "-m", *sweep]
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as started:
        assert started.stderr is not None
        said = next(line for line in started.stderr if line.startswith("training /") or "rror" in line)
        (directory,) = (tmp_path / "runs/ifcvae_gan").iterdir()
        deadline = time.monotonic() + 60
        while not runs.Run(directory).checkpoint.is_file() and time.monotonic() < deadline:
            time.sleep(0.05)
        started.send_signal(signal.SIGTERM)
        said += started.stderr.read()
    assert started.returncode == 143, said
    assert "SIGTERM: the run is saved at the end of this step, and stops" in said
    assert said.strip().splitlines()[-1] == "stopped (SIGTERM): run the same command to continue"
    assert not list(tmp_path.glob(".sweep-*"))
    assert runs.Run(directory).status == "interrupted"
    assert batches_of(runs.Run(directory).saved()) > 6


def test_a_directory_is_found_by_its_own_name_before_any_pattern(tmp_path: Path) -> None:
    odd = tmp_path / "runs[x]=1" / "seed*"
    for path in (odd, tmp_path / "runs[x]=1" / "seed1", tmp_path / "runsx=1" / "seed1"):
        path.mkdir(parents=True)
    assert evaluate.found(str(odd)) == [odd]
    assert evaluate.found(str(tmp_path / "runs[[]x]=1" / "seed*")) == [odd, odd.parent / "seed1"]
    assert evaluate.found(str(tmp_path / "runs[x]=1" / "seed?")) == [tmp_path / "runsx=1" / "seed1"]


@pytest.mark.parametrize(("error", "code"), [(UserError("its data can't be looked at"), 2), (KeyError("ours"), 1)])
def test_a_run_that_can_not_be_looked_at_keeps_no_other_from_being_judged(
    error: Exception, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def looked_at(run: runs.Run, config: object) -> bool:
        if run.path.name == "seed0":
            raise error
        return False

    judged: list[str] = []
    monkeypatch.setattr(evaluate, "judged", looked_at)
    monkeypatch.setattr(evaluate, "judge_run", lambda run, config: judged.append(run.path.name))
    monkeypatch.setattr(runs.Run, "config", lambda run: OmegaConf.create({"trainer": {"accelerator": "cpu"}}))
    for seed in (0, 1):
        runs.Run(tmp_path / f"seed{seed}").mark("finished")
    with pytest.raises(ToldError, match=r"could not be judged: .*seed0$") as told:
        evaluate.evaluate(compose_config("evaluate", [f"run={tmp_path}/seed*"]))
    assert told.value.code == code
    assert judged == ["seed1"]
    assert error.args[0] in capsys.readouterr().err


def test_a_run_in_a_directory_of_any_name(run: Run, tmp_path: Path) -> None:
    odd = tmp_path / "my runs [x]=1, ä"
    odd.mkdir()
    code, message = run("evaluate", f"run={odd}")
    assert (code, message) == (2, f"facet-evaluate: {odd} is not a run directory: it has no config.yaml\n")


def test_a_report_needs_a_table(run: Run) -> None:
    code, message = run("report")
    assert code == 2
    assert "facet-report table1" in message or "facet-evaluate table1" in message


def test_a_report_of_runs_that_never_were(run: Run, tmp_path: Path) -> None:
    code, message = run("report", "table1", f"runs={tmp_path / 'runs'}", f"reports={tmp_path}", "logger=csv")
    assert code == 2
    assert "no run of table1 is below" in message
    assert not (tmp_path / "table1").exists()


def test_overrides_of_a_table_are_checked(run: Run, tmp_path: Path) -> None:
    code, message = run("report", "table1", "sede=1", f"reports={tmp_path}", "logger=csv")
    assert code == 2
    assert "facet-report: sede=1: unknown config key sede; nearest: seed" in message
    code, message = run("report", "table1", "data.labels=x", f"reports={tmp_path}", "logger=csv")
    assert (code, message) == (2, "facet-report: data.labels: AvatarsDataModule has no such setting\n")


def test_a_sweep_may_set_what_only_its_experiments_have(run: Run) -> None:
    """Hydra composes a sweep once without what is swept, where there is no growth; each run's own check decides."""
    chain_and_faces = ["-m", "model=jacsup_digits,jacsup_faces", "logger=csv"]
    code, message = run("train", *chain_and_faces, "callbacks.growth.units_per_growth=0")
    assert code == 2
    assert message.count("callbacks.growth.units_per_growth=0: it must be at least 1") == 2
    code, message = run("train", *chain_and_faces, "callbacks.growth.unit=2")
    assert code == 2
    assert (
        message.count("callbacks.growth.unit (command line): jacsup.growth.ProgressiveGrowth has no such argument") == 2
    )
    code, message = run("train", *chain_and_faces, "modle.units=2")
    assert code == 2
    assert "unknown config key modle.units; nearest: " in message


LIGHT = [
    ("facet.train", ["--help"], 0),
    ("facet.train", ["experiment=jacsup/bst"], 2),
    ("facet.train", ["modle.weights.kl=1"], 2),
    ("facet.train", ["trainer.max_time=1"], 2),
    ("facet.train", ["+model.kl=1"], 2),
    ("facet.train", ["model.weights.kl=x"], 2),
    ("facet.train", ["model.weights.kl=-1"], 2),
    ("facet.train", ["networks.width=0"], 2),
    ("facet.train", ["model=jacsup_faces", "model.student_weights.code=-1"], 2),
    ("facet.train", ["trainer.precision=fp8"], 2),
    ("facet.train", ["name=a=b"], 2),
    ("facet.train", ["attributes=[Smilling]"], 2),
    ("facet.train", ["data.train_size=0"], 2),
    ("facet.train", ["data=folder", "data.root=/nowhere"], 2),
    ("facet.train", ["-m", "seed=0,1", "attributes=[Smilling]"], 2),
    ("facet.evaluate", ["run=/nowhere"], 2),
    ("facet.evaluate", ["table1", "faces=x"], 2),
    ("facet.report.command", ["table1", "runs=/nowhere", "logger=csv"], 2),
    ("facet.dataset", ["info", "data=avatars"], 0),
    ("facet.dataset", ["info", "data=celeba", "data.root=/nowhere"], 2),
    ("facet.dataset", ["--help"], 0),
]


@pytest.mark.parametrize(("module", "arguments", "expected"), LIGHT, ids=lambda value: str(value))
def test_nothing_heavy_is_imported_to_say_no(module: str, arguments: list[str], expected: int, tmp_path: Path) -> None:
    code = f"""
import importlib, sys
sys.argv = ["facet", *{arguments!r}]
try:
    importlib.import_module({module!r}).main()
except SystemExit as stopped:
    code = stopped.code or 0
else:
    code = 0
print(code, sorted({{"torch", "pytorch_lightning", "matplotlib", "wandb"}} & set(sys.modules)))
"""
    here = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=here, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.splitlines()[-1] == f"{expected} []", done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--shell-completion"], "facet-train: Expecting one subcommand from"),
        (["--resolve"], "facet-train: The --resolve flag can only be used"),
        (["--experimental-rerun", "x"], "facet-train: File x does not exist!"),
        (["--cfg", "job", "-p", "x"], "package 'x' not found in config"),
        (["hydra.run.dir=/proc/x"], "facet-train: [Errno 2] No such file or directory: '/proc/x'"),
    ],
)
def test_hydras_own_options(run: Run, arguments: list[str], said: str) -> None:
    code, errors = run("train", *arguments)
    assert code == 2
    assert errors.startswith(said)
    assert len(errors.splitlines()) == 1
