"""Every kind of mistake in a config is told in one line, by name, before anything is made."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from facet.build import make
from facet.configuration import check, compose_config, config_directory
from facet.errors import UserError
from facet.refusals import user_message

CONF = config_directory()


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["model.weights.lk=1"], r"model.weights.lk: aif.weights.Weights has no such argument; nearest: kl"),
        (["model.weights.kl=much"], r"model.weights.kl.*'much' should be a valid number"),
        (["model.gan.form=hinge"], r"model.gan.form.*'hinge' should be 'saturating' or 'nonsaturating'"),
        (["model.encoder.width=1.5"], r"model.encoder.width.*1.5 should be a valid integer"),
        (["model.encoder.batch_norm=2"], r"model.encoder.batch_norm.*2 should be a valid boolean"),
        (["model.auxiliary._target_=aif.networks.Regressor"], r"Regressor"),
        (["+networks.widht=3"], r"networks.widht: set, but nothing reads it; nearest: networks.width"),
        (["+sead=1"], r"sead: unknown key; nearest: seed"),
        (["model._target_=aif.ifcvae_gan.Nothing"], r"model._target_.*aif.ifcvae_gan.Nothing can't be imported"),
        (["~model.encoder.resolution"], r"model.encoder.resolution: aif.networks.Encoder needs it"),
        (["callbacks.mine.faces=3"], r"callbacks.mine.faces: set, but nothing reads it"),
        (["model.weights.kl=${nowhere}"], r"model.weights.kl.*nowhere.* not found"),
        (["callbacks.edits.faces=[1]"], r"callbacks.edits.faces"),
        (["model.discriminator_optimizer.lr=fast"], r"model.discriminator_optimizer.lr"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_mistakes_are_named(overrides: list[str], said: str) -> None:
    config = compose_config("train", overrides)
    with pytest.raises(UserError, match=said):
        check(config)


def test_a_mistake_in_a_file_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    from facet import configuration

    conf = tmp_path / "conf"
    shutil.copytree(CONF, conf)
    (conf / "experiment" / "mine.yaml").write_text("# @package _global_\nmodel:\n  weights:\n    auxilary: 0.5\n")
    (conf / "experiment" / "nested.yaml").write_text("model:\n  weights:\n    kl: 0.5\n")  # no @package _global_
    monkeypatch.setattr(configuration, "config_directory", lambda: conf)
    config = compose_config("train", ["experiment=mine"])
    with pytest.raises(UserError, match=r"conf/experiment/mine.yaml.*nearest: auxiliary"):
        check(config, chosen={"experiment": "mine", "model": "ifcvae_gan"})
    with pytest.raises(UserError, match=r"experiment.model.weights.kl.*nothing reads it"):
        check(compose_config("train", ["experiment=nested"]))


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("modle.weights.kl=1", "unknown config key modle.weights.kl; nearest: model.weights.kl"),
        ("data=celba", "data=celba: no such choice; nearest: "),
    ],
)
def test_mistakes_on_the_command_line(override: str, said: str) -> None:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - Hydra's own, several kinds
        compose_config("train", [override])
    message = user_message("train", raised.value)
    assert message is not None
    assert message.startswith(said)
    assert "\n" not in message


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("data.resolution=40", "resolution=40 does not work"),
        ("attributes=[Smilling]", "no attribute 'Smilling'; nearest: Smiling"),
        ("model.schedule.warmup=3", "schedule.warmup=3"),
    ],
)
def test_values_that_constructors_refuse(override: str, said: str) -> None:
    config = compose_config("train", [override])
    with pytest.raises(UserError, match=said):
        make(config.data), make(config.model)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (
            "networks.width=0",
            "networks.width (command line; read by model.encoder.width): width=0: it must be at least",
        ),
        ("model.gradient_clip=0", "model.gradient_clip (command line): gradient_clip=0: it must be above 0"),
        ("data.resolution=40", "data.resolution (command line; read by model.encoder.resolution): resolution=40 does"),
        (
            "model.auxiliary_training.steps=0",
            "model.auxiliary_training.steps (command line): steps=0: it must be at least 1",
        ),
        ("model.weights.kl=-1", "model.weights.kl (command line): kl=-1: it must be a number, 0 or more"),
        (
            "model.gan.discriminator_factor=0",
            "model.gan.discriminator_factor (command line): discriminator_factor=0: it must be above 0",
        ),
    ],
)
def test_what_a_constructor_says_of_numbers_is_known_before_it_is_called(override: str, said: str) -> None:
    config = compose_config("train", [override])
    with pytest.raises(UserError) as refused:
        check(config, "train", {}, [override])
    assert str(refused.value).startswith(f"config key {said}")
    words = str(refused.value).partition("): ")[2]
    with pytest.raises(UserError, match=re.escape(words)):
        make(config.model)
