"""What a finished run leaves for others, and what checkpoints of others may hold: numbers, and nothing that runs."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from safetensors import safe_open
from safetensors.torch import load_file
from tiny import tiny, weights

from facet import checkpoints, judge
from facet.build import judge_of
from facet.configuration import compose_config
from facet.errors import UserError
from facet.evaluate import evaluate
from facet.loading import stages_of
from facet.making import make
from facet.runs import Run
from facet.train import train
from facet.weights import write_weights
from jacsup.stages import load_stage


class Bomb:
    """Leaves a mark when it is unpickled by whoever believes a pickle."""

    def __init__(self, mark: Path) -> None:
        self.mark = str(mark)

    def __reduce__(self) -> Any:
        return open, (self.mark, "w")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run, with an average of its weights."""
    root = tmp_path_factory.mktemp("weights")
    return Run(train(tiny(root, "trainer.max_epochs=1")))


def header_of(file: Path) -> dict[str, Any]:
    with safe_open(file, "pt") as opened:
        found: dict[str, Any] = json.loads(opened.metadata()["facet"])
    return found


def test_a_model_can_be_made_again_of_its_weights_alone(run: Run) -> None:
    file = run.path / "checkpoints" / "weights.safetensors"
    header, tensors = header_of(file), load_file(file)
    assert header["attributes"] == ["Smiling"]
    assert (header["resolution"], header["channels"], header["name"]) == (16, 3, "ifcvae_gan")
    model = make(OmegaConf.create({"model": header["model"]}).model)
    model.on_load_checkpoint({**header["checkpoint"], "state_dict": {**tensors, **header["state"]}})
    model.load_state_dict({**tensors, **header["state"]})
    averaged = weights(run)
    assert averaged.keys() == model.state_dict().keys()
    assert all(torch.equal(value, averaged[name]) for name, value in model.state_dict().items()), "averaged"
    trained = checkpoints.read(run.checkpoint)["current_model_state"]
    assert any(not torch.equal(value, trained[name]) for name, value in tensors.items())


def test_a_run_that_was_killed_after_its_last_checkpoint_leaves_the_same(run: Run) -> None:
    file = run.path / "checkpoints" / "weights.safetensors"
    tensors = load_file(file)
    file.unlink()
    run.mark("running")
    train(tiny(run.path.parents[2], "trainer.max_epochs=1"))
    assert run.status == "finished"
    found = load_file(file)
    assert all(torch.equal(found[name], value) for name, value in tensors.items())


@pytest.mark.parametrize(
    "experiment",
    [
        *(
            "model=classifier attribute_set=ten",
            "experiment=aif/beta_vae",
            "model=icgan",
            "model=cvae_gan networks.kind=residual",
            "model=fader networks.kind=residual",
        ),
        *("ablation=erasure", "model=jacsup_digits", "model=jacsup_faces"),
    ],
)
def test_whatever_the_method(experiment: str, tmp_path: Path) -> None:
    small = ["trainer.precision=32-true"] + ["networks.width=4", "data.resolution=32"] * ("digits" not in experiment)
    config = compose_config("train", [*experiment.split(), *small])
    model = make(config.model)
    if experiment == "model=jacsup_digits":
        model.grow()  # it has a teacher now
    known = {"revision": "", "data_fingerprint": ""}
    saved: dict[str, Any] = {"state_dict": model.state_dict()}
    model.on_save_checkpoint(saved)
    write_weights(tmp_path / "w.safetensors", model, saved, config, SimpleNamespace(resolution=32, channels=3), known)
    header, tensors = header_of(tmp_path / "w.safetensors"), load_file(tmp_path / "w.safetensors")
    other = make(OmegaConf.create({"model": header["model"]}).model)
    state = {**tensors, **header["state"]}
    other.on_load_checkpoint({**header["checkpoint"], "state_dict": state})
    other.load_state_dict(state)
    expected, found = model.state_dict(), other.state_dict()
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        assert torch.equal(found[name], value) if isinstance(value, torch.Tensor) else found[name] == value, name


def test_a_bomb_in_any_file_is_one_line_and_does_not_go_off(run: Run, tmp_path: Path) -> None:
    mark, file = tmp_path / "mark", tmp_path / "stages" / "code02.ckpt"
    file.parent.mkdir()
    content = {"state_dict": Bomb(mark), "network": Bomb(mark), "state": Bomb(mark), "card": {}}
    torch.save(content, file)

    whole = run.checkpoint.read_bytes()
    with run.checkpoint.open("wb") as opened:
        checkpoints.write(opened, content)
    with pytest.raises(UserError, match=r"last\.ckpt can't be read: .*[Ww]eights") as raised:
        evaluate(compose_config("evaluate", [f"run={run.path}"]))
    assert "\n" not in str(raised.value)
    run.checkpoint.write_bytes(whole)

    with pytest.raises(ValueError, match=r"code02\.ckpt is not a stage of a run") as raised:  # as model.initial is read
        load_stage(torch.nn.Linear(1, 1), file)
    assert "\n" not in str(raised.value)
    with pytest.raises(UserError, match=r"code02\.ckpt can't be read") as raised:
        stages_of(None, Run(tmp_path))
    assert "\n" not in str(raised.value)

    found, _, data = judge_of(tiny(tmp_path))
    kept = data.directory / "judges" / f"{judge.judge_key(data)}.pt"
    assert judge._cached(kept, judge._untrained(data)), "it is there"
    file.replace(tmp_path / kept.name)
    assert judge._cached(tmp_path / kept.name, found) is None, "and is trained again"
    assert not mark.exists()
    torch.load(tmp_path / kept.name, weights_only=False)
    assert mark.exists(), "it would have"


def test_a_checkpoint_that_unpacks_to_more_than_it_is_stays_packed(tmp_path: Path) -> None:
    written = io.BytesIO()
    torch.save({"state_dict": {"a": torch.zeros(2**20)}}, written)
    with (
        zipfile.ZipFile(written) as plain,
        zipfile.ZipFile(tmp_path / "last.ckpt", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    assert (tmp_path / "last.ckpt").stat().st_size < 2**20
    with pytest.raises(UserError, match="its parts are compressed"):
        checkpoints.read(tmp_path / "last.ckpt")


def test_a_checkpoint_of_another_model_is_one_line(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "run"
    (other / "checkpoints").mkdir(parents=True)
    (other / "config.yaml").write_bytes((run.path / "config.yaml").read_bytes().replace(b"width: 4", b"width: 8"))
    (other / "checkpoints" / "last.ckpt").write_bytes(run.checkpoint.read_bytes())
    with pytest.raises(UserError, match=r"last\.ckpt belongs to another model than .*: .*size mismatch") as raised:
        evaluate(compose_config("evaluate", [f"run={other}"]))
    assert "\n" not in str(raised.value)
    text = (run.path / "config.yaml").read_text().replace("aif.ifcvae_gan.IFcVAEGAN", "pytorch_lightning.Trainer")
    (other / "config.yaml").write_text(text)
    with pytest.raises(UserError, match=r"config\.yaml: config key model"):
        evaluate(compose_config("evaluate", [f"run={other}"]))
