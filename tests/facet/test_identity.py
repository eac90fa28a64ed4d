"""What run it is: neither a place nor a name decides it, but the settings and what the data hold."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf
from PIL import Image
from tiny import NETWORKS

from facet import checkpoints, identity, resolvers
from facet.checkpoints import epochs_of
from facet.configuration import compose_config
from facet.errors import UserError
from facet.evaluate import evaluate
from facet.files import read_json
from facet.identity import directory_to_train, noted_files, resolved, run_directory, same_run
from facet.page_runs import page_runs
from facet.pages import load
from facet.runs import Run
from facet.train import train

SHORT = ("trainer.max_epochs=1", "trainer.precision=32-true", "logger=csv", "callbacks.progress=null", "data.workers=1")


def composed(*overrides: str) -> DictConfig:
    return compose_config("train", [*overrides])


@pytest.fixture(scope="module")
def default() -> DictConfig:
    return composed()


def draw(root: Path, shade: int = 0) -> Path:
    """A folder of 60 squares, light ones smile; ``shade`` makes other pictures of them."""
    root.mkdir(parents=True)
    with (root / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "Smiling", "split"])
        for i in range(60):
            Image.new("RGB", (20, 24), (200 * (i % 2) + shade, i, 30)).save(root / f"{i}.png")
            writer.writerow([f"{i}.png", i % 2, ("train", "val", "test")[i // 20]])
    return root


def of_folder(root: Path | str, place: Path, *more: str) -> DictConfig:
    """A tiny run on a folder; stores and runs lie below ``place``."""
    data = ["data=folder", f"data.root={root}", f"data.store={place / 'store'}", "data.resolution=16", "data.crop=none"]
    return composed(*data, "data.batch_size=10", *NETWORKS, *SHORT, f"runs={place / 'runs'}", *more)


def as_if_trained(config: DictConfig) -> Run:
    """A run as training leaves it, without the training."""
    run = Run(directory_to_train(config))
    run.path.mkdir(parents=True)
    (run.path / "config.yaml").write_text(OmegaConf.to_yaml(OmegaConf.create(resolved(config))))
    noted = noted_files(config.data, config.data.root)
    run.checkpoint.parent.mkdir()
    run.checkpoint.write_bytes(b"weights" + checkpoints.MARK + f"{zlib.crc32(b'weights'):08x}".encode())
    run.mark("finished", data_fingerprint=identity._fingerprint(config.data), data_files=noted)
    return run


@pytest.mark.parametrize(
    "override",
    [
        *("name=mine", "data.root=/elsewhere", "callbacks.edits.faces=3", "callbacks.progress=null", "logger=csv"),
        *("data.workers=1", "data.residency=mmap", "trainer.log_every_n_steps=7", "force=true", "objective=[val/mse]"),
        *("trainer.enable_progress_bar=false", "ablation=none"),
        # defaults, spelled out: of our classes, of a group of settings, and of libraries
        *("model.reduction=mean", "model.encoder.channels=3", "data.seed=0", "model.weights.classification=0.1"),
        *("model.gan.form=saturating", "model.gan=null", "model.auxiliary_training.steps=1", "model.gradient_clip=.1"),
        *(
            "trainer.limit_train_batches=null",
            "trainer.check_val_every_n_epoch=1",
            "model.autoencoder_optimizer.eps=1e-8",
        ),
        *("model.weights.class_on_reconstruction=0", "data.train_size=20000", "callbacks.averaging.decay=.995"),
        *("data.images_per_epoch=null", "data.images_per_epoch=20000", "data.flip=false"),
    ],
)
def test_what_does_not_change_the_outcome_makes_no_other_run(override: str, default: DictConfig) -> None:
    assert same_run(composed(override), default)


def test_an_epoch_of_as_many_images_as_the_split_is_one_pass() -> None:
    small = "data.train_size=500"
    assert same_run(composed(small, "data.images_per_epoch=500"), composed(small, "data.images_per_epoch=null"))
    assert not same_run(composed(small), composed(small, "data.images_per_epoch=null"))
    assert not same_run(composed(small), composed(small, "data.flip=false"))


@pytest.mark.parametrize(
    "override",
    [
        *("seed=1", "model.weights.kl=.5", "trainer.precision=32-true", "data.limit=3"),
        *("model.autoencoder_optimizer.eps=1e-7", "model.gan.form=nonsaturating", "model.encoder.channels=1"),
    ],
)
def test_what_changes_the_outcome_makes_another(override: str) -> None:
    assert not same_run(composed("data=celeba", override), composed("data=celeba"))


def test_a_run_of_before_a_setting_was_there_is_found() -> None:
    """What its ``config.yaml`` doesn't say is what the constructor's default is."""
    config = composed()
    old = OmegaConf.create(resolved(config))
    del old.model.gradient_clip
    del old.model.auxiliary_training
    assert not same_run(old, config), "here it is .1"
    old.model.gradient_clip = 0.1
    assert same_run(old, config)


def test_a_run_s_config_holds_all_that_it_was_trained_with() -> None:
    """A default that changes later makes no other run of it."""
    stored = resolved(composed())["model"]
    assert stored["reduction"] == "mean"
    assert stored["gan"] == {
        "_target_": "aif.adversaries.GANTerm",
        "form": "saturating",
        "discriminator_factor": 1 / 3,
        "running_statistics": "reconstructions",
    }
    assert stored["encoder"]["channels"] == 3


@pytest.mark.parametrize("processor", ["bf16-mixed", "32-true"])
def test_every_processor_finds_the_run(processor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = composed(f"runs={tmp_path}")
    known = identity.identity(config)
    monkeypatch.setattr(resolvers, "_fast_cpu_precision", lambda: processor)
    again = composed(f"runs={tmp_path}")
    assert again.trainer.precision == processor
    assert identity.identity(again) == known
    (tmp_path / "config.yaml").write_text(OmegaConf.to_yaml(OmegaConf.create(resolved(again))))
    assert same_run(OmegaConf.load(tmp_path / "config.yaml"), config)


def test_a_row_is_found_under_whatever_name_it_was_trained(tmp_path: Path) -> None:
    """``name=mine ablation=no_aux`` is Table 1's row without L_aux."""
    trained = run_directory(composed("name=mine", "ablation=no_aux", f"runs={tmp_path}"))
    assert trained.parent == tmp_path / "mine"
    trained.mkdir(parents=True)
    Run(trained).mark("finished")
    rows = page_runs(load("table1"), compose_config("report", [f"runs={tmp_path}"]))
    assert [path for [(_, path)] in rows.values() if path.is_dir()] == [trained]
    assert rows["no_aux"] == [(0, trained)]


def test_a_place_is_spelled_in_many_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = draw(tmp_path / "faces")
    run = as_if_trained(of_folder(root, tmp_path))
    monkeypatch.setattr(identity, "_fingerprint", lambda data: pytest.fail("nothing had to be read"))
    monkeypatch.chdir(tmp_path)
    for spelled in (root, f"{root}/", "faces", "./faces/../faces"):
        assert directory_to_train(of_folder(spelled, tmp_path)) == run.path


def test_data_that_moved_are_the_same_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = draw(tmp_path / "faces")
    run = as_if_trained(of_folder(root, tmp_path))
    shutil.move(root, tmp_path / "moved")
    assert directory_to_train(of_folder(tmp_path / "moved", tmp_path)) == run.path
    said = capsys.readouterr().err
    assert said.count(f"the data of {run.path} have moved: they were read from {root}\n") == 1


def test_other_data_under_the_same_name_are_another_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two projects, one place for runs, and ``data.root=faces`` in both."""
    runs = []
    for project, shade in (("one", 0), ("two", 40)):
        draw(tmp_path / project / "faces", shade)
        monkeypatch.chdir(tmp_path / project)
        runs.append(as_if_trained(of_folder("faces", tmp_path)))
    assert runs[0].path != runs[1].path
    assert "is a run on other data" in capsys.readouterr().err
    for project, run in zip(("one", "two"), runs, strict=True):
        monkeypatch.chdir(tmp_path / project)
        config = of_folder("faces", tmp_path)
        assert directory_to_train(config) == run_directory(config) == run.path


def test_a_changed_image_in_the_same_place_is_seen(tmp_path: Path) -> None:
    root = draw(tmp_path / "faces")
    run = as_if_trained(of_folder(root, tmp_path))
    Image.new("RGB", (20, 24), "blue").save(root / "7.png")
    assert directory_to_train(of_folder(root, tmp_path)) != run.path


def test_a_run_whose_data_are_gone_is_still_finished(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = draw(tmp_path / "faces")
    run = as_if_trained(of_folder(root, tmp_path))
    shutil.rmtree(root)
    assert train(of_folder(root, tmp_path)) == run.path
    said = capsys.readouterr().err
    assert "can't be read" in said
    assert "finished already" in said


def test_a_stage_to_start_from_counts_by_what_is_in_it(tmp_path: Path) -> None:
    for name, content in (("one", b"1"), ("same", b"1"), ("other", b"2")):
        (tmp_path / f"{name}.ckpt").write_bytes(content)
    one, same, other = (
        compose_config("train", ["model=jacsup_digits", f"model.initial={tmp_path / name}.ckpt"])
        for name in ("one", "same", "other")
    )
    assert same_run(one, same)
    assert not same_run(one, other)


def test_a_finished_run_is_found_without_torch(tmp_path: Path) -> None:
    config = of_folder(draw(tmp_path / "faces"), tmp_path)
    run = as_if_trained(config)
    code = (
        "import sys; from omegaconf import OmegaConf; from facet.resolvers import register_resolvers;"
        "register_resolvers(); from facet.train import train;"
        f"train(OmegaConf.load({str(tmp_path / 'asked.yaml')!r})); assert 'torch' not in sys.modules"
    )
    (tmp_path / "asked.yaml").write_text(OmegaConf.to_yaml(config))
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert f"finished already: {run.path}" in found.stderr.replace("\n", "")


def asked(run: Run, *more: str) -> DictConfig:
    return compose_config("evaluate", [f"run={run.path}", "faces=2", *more])


def test_a_run_is_resumed_and_judged_where_its_data_are_now(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, moved = draw(tmp_path / "faces"), tmp_path / "moved"
    run = Run(train(of_folder(root, tmp_path)))
    shutil.move(root, moved)
    noted = {key: value for key, value in read_json(run.path / "status.json").items() if key.startswith("data_")}
    run.mark("interrupted", **noted)
    capsys.readouterr()
    assert train(of_folder(moved, tmp_path)) == run.path
    said = capsys.readouterr().err
    assert "have moved" in said
    assert "training from the start" not in said
    assert epochs_of(run.saved()) == 1, "it went on where it was"
    shutil.move(moved, tmp_path / "again")
    evaluate(asked(run, f"data.root={tmp_path / 'again'}"))
    said = capsys.readouterr().err
    assert f"have moved: they were read from {moved}" in said.replace("\n", "")
    evaluate(asked(run))
    assert "judged already" in capsys.readouterr().err
    other = draw(tmp_path / "other", shade=30)
    evaluate(asked(run, f"data.root={other}"))
    assert "the data have changed" in capsys.readouterr().err


def test_a_place_that_the_data_do_not_have_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data\.labels: AvatarsDataModule has no such setting"):
        identity.at(composed(), {"root": None, "labels": "x.csv"})


def test_unused_settings_of_drawn_data_name_no_other_run() -> None:
    """Runs from before they were there are found; used, each makes a run of its own."""
    known = identity.identity(composed())
    assert known == identity.identity(composed("data.rates=null", "data.label_noise=0", "data.test_correlation=null"))
    used = ("data.rates={Smiling:.28}", "data.label_noise=.08", "data.test_correlation=.5")
    assert len({known, *(identity.identity(composed(setting)) for setting in used)}) == 4
    settings = {"data": {"rates": None, "label_noise": 0.0, "test_correlation": None, "correlation": 0.5}}
    identity._as_before(settings)
    assert settings == {"data": {"correlation": 0.5}}
