"""Every config composes, checks and instantiates, and presets are as documented."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig, OmegaConf

from facet.build import make
from facet.configuration import check, choices, compose_config, config_directory
from facet.errors import UserError
from facet.identity import run_directory
from facet.page_runs import each_run, page_runs
from facet.pages import load, names
from facet.primary import groups_of

CONF = config_directory()
PRESETS = choices("preset")


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("experiment", choices("experiment"))
def test_every_experiment_with_every_preset(experiment: str, preset: str) -> None:
    config = compose_config("train", [f"experiment={experiment}", f"preset={preset}"])
    check(config)
    assert config.name == experiment
    assert config.preset == preset
    make(config.data)
    if preset == "embedded":  # the others are built once each, below: they are large
        make(config.model)


OWN = dict.fromkeys(("no_jacobian", "from_scratch"), "jacsup_digits") | {"as_the_teacher": "jacsup_faces"}


def own(ablation: str) -> str:
    """An ablation, and the model that has it."""
    return f"model={OWN.get(ablation, 'ifcvae_gan')}"


@pytest.mark.parametrize(("model", "preset"), itertools.product(choices("model"), PRESETS))
def test_every_model_with_every_preset(model: str, preset: str) -> None:
    """Whatever it needs, of data, attributes and callbacks, comes with it."""
    config = compose_config("train", [f"model={model}", f"preset={preset}"])
    check(config)
    assert config.name == model
    make(config.model)


@pytest.mark.parametrize(("model", "preset"), itertools.product(choices("model"), PRESETS))
def test_every_kind_of_networks(model: str, preset: str) -> None:
    config = compose_config("train", [f"model={model}", f"preset={preset}", "networks.kind=residual"])
    if model in ("ifcvae_gan", "icgan", "cvae_gan", "fader", "vae"):
        check(config)
    else:
        with pytest.raises(UserError, match=r"networks.kind.*set, but nothing reads it"):
            check(config)


@pytest.mark.parametrize(("ablation", "preset"), itertools.product(choices("ablation"), PRESETS))
def test_every_ablation_with_every_preset(ablation: str, preset: str) -> None:
    config = compose_config("train", [own(ablation), f"ablation={ablation}", f"preset={preset}"])
    check(config)
    assert config.ablation == ablation


@pytest.mark.parametrize("group", ["logger", "trainer", "callbacks", "attribute_set"])
def test_every_choice_composes_and_checks(group: str) -> None:
    for choice in choices(group):
        check(compose_config("train", [f"{group}={choice}", "data=celeba"]))


@pytest.mark.parametrize("data", choices("data"))
def test_every_data_set_composes_and_checks(data: str) -> None:
    check(compose_config("dataset", [f"data={data}"]), "dataset")
    if data == "mnist":  # digits have no attributes
        with pytest.raises(UserError, match=r"data.resolution.*MNISTDataModule has no such argument"):
            check(compose_config("train", [f"data={data}"]))
    else:
        check(compose_config("train", [f"data={data}"]))


@pytest.mark.parametrize("ablation", choices("ablation"))
def test_ablations_instantiate(ablation: str) -> None:
    config = compose_config("train", [own(ablation), f"ablation={ablation}"])
    plain = compose_config("train", [own(ablation)])
    make(config.model)
    assert (config.model == plain.model) == (ablation == "none")
    assert config.name == (plain.name if ablation == "none" else f"{plain.name}/{ablation}")


@pytest.mark.parametrize("kind", ["plain", "residual"])
@pytest.mark.parametrize("preset", PRESETS)
def test_what_is_said_in_proportion_follows_the_preset(preset: str, kind: str) -> None:
    """ "Higher levels of regularization" of Table 3 are twenty times α; β-VAE's β is four times its preset's."""
    for ablation, times, said in (
        ("ablation=high_kl", 20, [f"networks.kind={kind}"]),
        ("experiment=aif/beta_vae", 4, ["model=vae"]),
    ):
        plain, more = (compose_config("train", [f"preset={preset}", *words]) for words in (said, [ablation, *said]))
        assert more.model.weights.kl == pytest.approx(times * plain.model.weights.kl)


@pytest.mark.parametrize("trainer", choices("trainer"))
def test_trainers_instantiate(trainer: str) -> None:
    config = compose_config("train", [f"trainer={trainer}", "trainer.accelerator=cpu", "trainer.devices=1"])
    made = make(config.trainer, logger=False)
    assert made.max_epochs == config.trainer.max_epochs
    assert ("DDP" in type(made.strategy).__name__) == (trainer == "ddp")


@pytest.mark.parametrize("logger", choices("logger"))
def test_loggers_instantiate(logger: str, tmp_path: Path) -> None:
    config = compose_config("train", [f"logger={logger}"])
    made = make(config.logger)(run=tmp_path, experiment="e", tags=["a"], config={}, batches=0)
    assert [type(one).__name__ for one in made] == ["CurvesLogger", *(["WandbLogger"] if logger == "wandb" else [])]


@pytest.mark.parametrize("callbacks", choices("callbacks"))
def test_callbacks_instantiate(callbacks: str) -> None:
    config = compose_config("train", [f"callbacks={callbacks}"])
    assert all(make(node) is not None for node in config.callbacks.values() if node is not None)


@pytest.mark.parametrize("name", names())
def test_every_row_of_a_page_is_a_run_of_its_own(name: str) -> None:
    page = load(name)
    paths = set()

    def look(row: str, seed: int, settings: DictConfig) -> None:
        check(settings, "train", {}, [])
        paths.add(run_directory(settings))

    assert not each_run(page, page.every_row, compose_config("report", []), look), "none is refused"
    assert len(paths) == len(page.every_row)


def test_rows_beside_a_table_are_those_that_were_trained(tmp_path: Path) -> None:
    page, config = load("table1"), compose_config("report", [f"runs={tmp_path}", "seeds=[0,1]"])
    assert {row: [seed for seed, _ in runs] for row, runs in page_runs(page, config).items()} == {
        row: [0, 1] for row in page.rows
    }
    said = page.beside["every_layer"].run.split()
    trained = run_directory(compose_config("train", [*said, f"runs={tmp_path}", "seed=1"]))
    trained.mkdir(parents=True)
    assert page_runs(page, config)["every_layer"] == [(1, trained)]


def test_the_fast_precision_is_what_torch_says() -> None:
    expected = "bf16-mixed" if torch.cpu._is_avx512_bf16_supported() else "32-true"
    assert compose_config("train", ["trainer=cpu"]).trainer.precision == expected


def test_files_are_all_reached() -> None:
    groups = {path.parent.relative_to(CONF).parts[0] for path in CONF.rglob("*.yaml") if path.parent != CONF}
    assert groups <= {*groups_of("train", CONF), *groups_of("report", CONF), "shared", "page"}
    said = [text for file in CONF.rglob("*.yaml") for text in OmegaConf.load(file).get("defaults", [])]
    assert {f"/shared/{file.stem}" for file in (CONF / "shared").iterdir()} <= {str(each) for each in said}


def test_presets_differ_as_documented() -> None:
    """The authors' code against the paper's text: docs/fidelity.md."""
    paper, authors = (
        OmegaConf.to_container(compose_config("train", [f"preset={name}"]).model, resolve=True)
        for name in ("paper", "authors")
    )
    assert isinstance(paper, dict)
    assert isinstance(authors, dict)
    different = {key for key in paper | authors if paper.get(key) != authors.get(key)}
    assert different == {"gan", "auxiliary_training", "class_on_reconstruction_trains", "encoder"}
    settings = ("form", "discriminator_factor", "running_statistics")
    assert [paper["gan"][name] for name in settings] == ["saturating", pytest.approx(1 / 3), "reconstructions"]
    assert [authors["gan"][name] for name in settings] == ["nonsaturating", 0.3, "both"]
    noises = [config["auxiliary_training"].pop("noise") for config in (paper, authors)]
    assert noises == ["shared", "second"]
    assert paper["auxiliary_training"] == authors["auxiliary_training"]
    assert not paper["encoder"]["detach_label_head"]
    assert authors["encoder"]["detach_label_head"]


@pytest.mark.parametrize(
    ("preset", "weights"),
    [("paper", [0.005, 1, 0.005, 0.005]), ("authors", [3, 1, 1e-3, 1e-3]), ("embedded", [0.0002, 1, 1e-3, 1e-3])],
)
def test_presets_of_cvae_gan_are_as_documented(preset: str, weights: list[float]) -> None:
    """AIF's §4.4 has one α and one δ for both models; the other weights are those of Bao et al.'s Algorithm 1."""
    model, ours = (
        compose_config("train", [f"model={name}", "networks.kind=residual", f"preset={preset}"]).model
        for name in ("cvae_gan", "ifcvae_gan")
    )
    names = ("kl", "reconstruction", "discriminator_features", "classifier_features")
    assert [model.weights[name] for name in names] == weights
    assert model.reduction == ours.reduction == ("mean" if preset == "embedded" else "sum")
    if preset == "paper":
        assert [model.weights.kl, model.weights.discriminator_features] == [ours.weights.kl, ours.weights.gan]


@pytest.mark.parametrize("preset", ["paper", "authors", "embedded"])
def test_presets_of_jacsup_on_faces_are_as_documented(preset: str) -> None:
    """The preset's column in docs/fidelity.md; Figure 5 compares like with like."""
    config = compose_config("train", ["model=jacsup_faces", f"preset={preset}"])
    fader = compose_config("train", ["experiment=jacsup/fader", f"preset={preset}"])
    growth, teacher, student = config.callbacks.growth, config.model.teacher_weights, config.model.student_weights
    assert fader.trainer.max_epochs == sum(growth.epochs)
    assert fader.attributes == config.attributes
    assert fader.data.resolution == config.data.resolution
    side = config.data.resolution // 16
    assert fader.networks.latent_dim * side**2 == 4 * config.model.network.latent_channels
    expected = {
        "paper": ([100, 0.1, 0.1, 1e-3, 1e-4], [100, 0, 0, 0, 0, 1, 50], [100, 100, 200, 200], 2e-3, 128),
        "authors": ([100, 0.1, 0.1, 1e-4, 1e-5], [100, 0, 0.01, 1e-3, 1e-4, 1, 50], [100, 100, 200, 200], 2e-4, 64),
        "embedded": ([100, 10, 1, 1, 1e-2], [100, 0, 0, 0, 0, 1, 50], [8, 8, 12, 12], 1e-3, 64),
    }[preset]
    names = ("reconstruction", "prediction", "covariance", "cycle_attributes", "cycle_nuisance", "code", "difference")
    assert [teacher[name] for name in names[:5]] == expected[0]
    assert [student[name] for name in names] == expected[1]
    assert [list(growth.epochs), config.model.optimizer.lr, config.data.batch_size] == list(expected[2:])
    theirs, network = preset == "authors", config.model.network
    assert [config.data.flip, network.first_norm, network.decoder_bias] == [theirs or None, not theirs, not theirs]


@pytest.mark.parametrize(("preset", "parameters"), [("paper", 14_959_515), ("authors", 24_333_200)])
def test_the_teacher_of_forty_attributes_has_the_published_size(preset: str, parameters: int) -> None:
    config = compose_config(
        "train", ["model=jacsup_faces", "attribute_set=forty", "data=celeba", "data.crop=jacsup", f"preset={preset}"]
    )
    with torch.device("meta"):
        assert make(config.model.network).open_parameters() == parameters


def test_a_run_lives_where_its_config_says() -> None:
    def where(*overrides: str) -> Path:
        return run_directory(compose_config("train", [*overrides]))

    assert where() == where()
    assert where().parent == Path("runs/ifcvae_gan")
    assert where() == where("force=true", "logger=csv", "data.root=/elsewhere", "data.workers=1")
    assert len({where(), where("seed=1"), where("model.weights.kl=0.3"), where("trainer.max_epochs=3")}) == 4
    assert where("run_dir=/tmp/mine") == Path("/tmp/mine")
