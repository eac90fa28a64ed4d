"""Old names are refused, and the new ones told: of settings, classes and choices, wherever they are said."""

from __future__ import annotations

import copy
import functools
import shutil
from pathlib import Path

import pytest
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from facet.configuration import check, check_part, choices, compose_config, config_directory
from facet.errors import UserError
from facet.refusals import user_message
from facet.renamed import CHOICES, CLASSES, SETTINGS, new_name

MODELS = ("ifcvae_gan", "cvae_gan", "fader", "vae", "jacsup_digits", "jacsup_faces")


@functools.cache
def composed(model: str) -> DictConfig:
    return compose_config("train", [f"model={model}"])


def with_setting(config: DictConfig, key: str) -> DictConfig:
    """A copy of a config with one more setting."""
    config = copy.deepcopy(config)
    OmegaConf.update(config, key, 1, force_add=True)
    return config


@pytest.mark.parametrize("old", SETTINGS)
def test_an_old_setting_is_refused_and_its_new_name_told(old: str) -> None:
    told = set()
    for model in MODELS:
        config = composed(model)
        if (new := new_name(old, config)) is None:
            continue
        assert has(config, new), new
        assert not has(config, old), old
        told.add(new)
        with pytest.raises(UserError, match=f"config key {old}.* is now {new}"):
            check(with_setting(config, old))
    assert told == set(SETTINGS[old])


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["model.kl_weight=1"], "config key model.kl_weight (command line) is now model.weights.kl"),
        (["model=vae", "model.kl_weight=1"], "config key model.kl_weight (command line) is now model.weights.kl"),
        (["model.memory.size=4"], "config key model.memory (command line) is now model.auxiliary_training.memory"),
        (
            ["model=jacsup_digits", "model.network.code_size=3"],
            "config key model.network.code_size (command line) is now model.network.units",
        ),
        (
            ["model=jacsup_faces", "model.network.code_size=3"],
            "config key model.network.code_size (command line) is now model.network.latent_channels",
        ),
        (
            ["model=icgan", "model.kl_weight=1"],
            "config key model.kl_weight (command line): aif.baselines.icgan.IcGAN has no such argument; nearest: ",
        ),
        (["model=growing_autoencoder"], "model=growing_autoencoder is now model=jacsup_digits"),
        (["experiment=aif/table3/no_kl"], "experiment=aif/table3/no_kl is now networks.kind=residual ablation=no_kl"),
    ],
)
def test_old_names_on_the_command_line(overrides: list[str], said: str) -> None:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - Hydra's own, several kinds
        check(compose_config("train", overrides), "train", {}, overrides)
    assert str(user_message("train", raised.value)).startswith(said)


def test_an_old_name_in_a_file_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from facet import configuration

    conf = tmp_path / "conf"
    shutil.copytree(config_directory(), conf)
    (conf / "experiment" / "mine.yaml").write_text("# @package _global_\nmodel:\n  gan_weight: 0.5\n")
    monkeypatch.setattr(configuration, "config_directory", lambda: conf)
    with pytest.raises(UserError, match=r"model.gan_weight \(conf/experiment/mine.yaml\) is now model.weights.gan"):
        check(compose_config("train", ["experiment=mine"]), chosen={"experiment": "mine", "model": "ifcvae_gan"})


def test_a_stored_config_of_old_names_is_refused() -> None:
    config = OmegaConf.create({"model": {"_target_": "aif.baselines.vae.DisentangledVAE", "kl_weight": 4.0}})
    with pytest.raises(UserError, match=r"model.kl_weight is now model.weights.kl"):
        check_part(config, "model")
    config = OmegaConf.create({"model": {"_target_": "aif.module.IFcVAEGAN"}})
    with pytest.raises(UserError, match=r"aif.module.IFcVAEGAN is now aif.ifcvae_gan.IFcVAEGAN"):
        check_part(config, "model")


def test_new_classes_and_choices_are_there() -> None:
    assert all(isinstance(get_object(new), type) for new in CLASSES.values())
    for old in CHOICES:
        group, _, choice = old.partition("=")
        assert choice not in choices(group)
    for new in {new for new in CHOICES.values() if "=" in new}:
        model = [f"model={OF[new.split('=')[0]]}"] if new.split("=")[0] in OF else []
        check(compose_config("train", [*model, *new.removeprefix("part of ").split()]))


OF = {
    "model.supervisor": "jacsup_digits",
    "model.student_weights.code": "jacsup_faces",
}


def has(config: DictConfig, key: str) -> bool:
    group, _, last = key.rpartition(".")
    node = OmegaConf.select(config, group)
    return isinstance(node, DictConfig) and last in node
