"""``facet-train debug=…``: short runs of every method, kept apart from real ones."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from made_once import avatars
from omegaconf import open_dict
from small_digits import DIGITS, draw_digits
from tiny import SIZES, STAGED, tiny

from facet.configuration import compose_config
from facet.errors import UserError
from facet.evaluate import found
from facet.identity import identity, run_directories
from facet.info.runs import find
from facet.page_runs import page_runs
from facet.pages import chosen
from facet.runs import Run
from facet.train import train

QUIET = ("trainer.precision=32-true", "callbacks.progress=null", "data.workers=1")
NARROW = ("networks.width=4", "networks.latent_dim=6", *SIZES, *QUIET)
FADER = ("model=fader", "networks.width=4", *SIZES, *QUIET)
METHODS = {
    "ifcvae_gan": NARROW,
    "ifcvae_gan erasure": ("ablation=erasure", *NARROW),
    "ifcvae_gan stopping": ("callbacks=stop_when_confused", *NARROW),
    "cvae_gan": ("model=cvae_gan", *NARROW),
    "icgan": ("model=icgan", *NARROW),
    "fader": FADER,
    "vae": ("model=vae", *NARROW),
    "classifier": ("model=classifier", "attribute_set=ten", *SIZES, *QUIET),
    "jacsup_faces": ("model=jacsup_faces", *STAGED),
    "jacsup_digits": ("model=jacsup_digits", *DIGITS),
}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("digits")
    draw_digits(root)
    return root


@pytest.mark.whole
@pytest.mark.parametrize("debug", ["limit", "overfit", "profile"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_debug_runs(
    method: str, debug: str, digits: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root = digits if method == "jacsup_digits" else avatars()
    short = ("trainer.max_epochs=4", "trainer.check_val_every_n_epoch=2") if debug == "overfit" else ()
    words = [*METHODS[method], *short, f"debug={debug}", f"data.root={root}", f"runs={tmp_path}"]
    run = Run(train(compose_config("train", words)))
    printed = capfd.readouterr()
    assert run.status == "finished"
    assert run.path.is_relative_to(tmp_path / "debug")
    assert (run.path / "checkpoints" / "weights.safetensors").is_file()
    assert not (run.path / "wandb").exists()
    if debug == "overfit":
        assert re.search(r"\d of \d losses fell; .*\d → \d", printed.err)
    if debug == "profile":
        assert "aten::" in printed.out
        assert json.loads((run.path / "profile" / "trace.json").read_text())["traceEvents"]


def test_a_debug_run_is_never_taken_for_a_real_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = tiny(tmp_path, "debug=limit", "logger=wandb", "trainer.max_epochs=1")
    run = Run(train(config))
    runs = tmp_path / "runs"
    assert run.path.parent == runs / "debug" / "ifcvae_gan"
    assert run.status == "finished"
    assert len(run.metrics()["train/reconstruction"]) == 3, "a few batches"
    assert not (run.path / "wandb").exists()
    assert "judge" not in capfd.readouterr().err, "it doesn't wait for one"
    assert list(run_directories(runs)) == []
    assert find(runs) == []
    with pytest.raises(UserError, match="there is no such run directory"):
        found(f"{runs}/*/*/seed0-*")
    assert [each.title for each in find(runs / "debug")] == [f"ifcvae_gan/{run.path.name}"], "who looks there finds it"
    again = train(tiny(tmp_path, "debug=limit", "logger=wandb", "trainer.max_epochs=1"))
    assert again == run.path
    assert "finished already" not in capfd.readouterr().err


def test_a_debug_run_has_an_identity_of_its_own(tmp_path: Path) -> None:
    limits = ("trainer.limit_train_batches=3", "trainer.limit_val_batches=2")
    limited = tiny(tmp_path, *limits)
    assert identity(tiny(tmp_path, *limits, "debug=limit")) != identity(limited)
    with open_dict(limited):
        del limited["debug"]  # as in a run from before this setting
    assert identity(limited) == identity(tiny(tmp_path, *limits))


def test_what_would_mix_debug_runs_with_real_ones_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"debug runs are in .*runs/debug: leave run_dir= out"):
        train(tiny(tmp_path, "debug=limit", f"run_dir={tmp_path / 'mine'}"))
    with pytest.raises(UserError, match="runs/debug is of debug runs: choose another name"):
        train(tiny(tmp_path, "name=debug/mine"))
    pages = compose_config("report", ["pages=[table1]", 'overrides=["debug=limit"]', f"runs={tmp_path}"])
    with pytest.raises(UserError, match="debug=limit: no debug run is on a page"):
        page_runs(chosen(pages.pages)[0], pages)


@pytest.mark.parametrize(("rate", "told"), [(1e-3, "1 of 1 losses fell; fell: class"), (0.0, "0 of 1 losses fell")])
def test_overfitting_says_whether_a_method_learns(
    rate: float, told: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = [*METHODS["classifier"], "debug=overfit", f"model.optimizer.lr={rate}", "trainer.max_epochs=3"]
    run = Run(train(compose_config("train", [*words, f"data.root={avatars()}", f"runs={tmp_path}"])))
    assert told in capfd.readouterr().err
    assert len(run.metrics()["train/class"]) == 3 * 4, "four batches in each epoch"
