"""A setting changes the run, or it is refused: every one of every method; and those that say they don't, don't."""

from __future__ import annotations

import copy
import re
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from tiny import STAGED, TINY, overrides

from facet import train as training
from facet.build import make
from facet.configuration import compose_config
from facet.protocols import Editor
from facet.rehearsal import rehearse
from facet.signatures import signature

STEADY = ("model.schedule.warmup=0", "model.schedule.decay=0")  # else the two steps of a rehearsal have a rate of 0
FACES = (*(said for said in TINY if not said.startswith("networks.")), *STEADY, "callbacks.edits=null")
NARROW = (*FACES, "networks.width=4", "networks.latent_dim=6", "networks.kind=plain")
OURS = (*NARROW, "model.auxiliary.width=8")
STRONG = (
    "ablation=strong_auxiliary",
    "model.weights.class_on_reconstruction=1",
    "model.auxiliary_training.memory.size=4",
)  # 4 images seen
DIGITS = ("logger=csv", "callbacks.progress=null", "callbacks.growth.max_units=4", "data.batch_size=4")
CONTEXTS = {
    "ours": [*OURS],
    "ours without L_gan and L_aux": ["networks.kind=residual", "ablation=no_gan", *OURS, "model.weights.auxiliary=0"],
    "ours with L_class on x̂ and a strong auxiliary": [*OURS, *STRONG],
    "best": ["ablation=erasure", *OURS],
    "cvae_gan": ["model=cvae_gan", "networks.kind=residual", *NARROW],
    "icgan": ["model=icgan", *NARROW],
    "fader": ["model=fader", "networks.kind=residual", *NARROW, "model.discriminator.width=8"],
    "dip_vae": ["experiment=aif/dip_vae", *NARROW],
    "beta_vae": ["experiment=aif/beta_vae", *NARROW],
    "classifier": ["model=classifier", "attribute_set=ten", *FACES],
    "chain": ["model=jacsup_digits", *DIGITS],
    "control": ["model=jacsup_digits", "ablation=no_jacobian", *DIGITS],
    "scratch": ["model=jacsup_digits", "ablation=from_scratch", *DIGITS],
    "student": ["model=jacsup_faces", *STAGED],
}
ONLY = {  # what else there is of these is the same in "ours"
    "ours with L_class on x̂ and a strong auxiliary": ("model.weights", "model.auxiliary"),
    "best": ("model.erasure",),
}
NO_CYCLES = [
    f"model.{who}_weights.{loss}=0" for who in ("teacher", "student") for loss in ("cycle_attributes", "cycle_nuisance")
]
SPEED = {"fused", "foreach"}  # of an optimiser's arithmetic
ELSEWHERE = {  # too late, or of too many images, for a rehearsal
    "images",  # tests/aif/test_erasure.py
    "resolution",  # tests/facet/test_rehearsal.py
    "gan_share",  # tests/aif/test_icgan.py
    "latent_width",  # not where latent_channels says it
    "max_units",  # tests/jacsup/test_networks.py: what is closed has no part in anything
    "max_latent_channels",
    "max_width",  # of wider networks than these
}


def settings(node: DictConfig, path: str = "model") -> Iterator[tuple[str, Any]]:
    """Every single value in a config with another one that it could have."""
    annotations = signature(str(node._target_)) if "_target_" in node else {}
    for key, value in node.items():
        name = str(key)
        if isinstance(value, DictConfig):
            yield from settings(value, f"{path}.{name}")
        elif name not in SPEED | ELSEWHERE and not name.startswith("_") and not OmegaConf.is_list(value):
            choices = typing.get_args(annotations[name].annotation) if name in annotations else ()
            if (other := another(name, value, choices)) is not None:
                yield f"{path}.{name}", other


def another(name: str, value: Any, choices: tuple[Any, ...]) -> Any:
    match value:
        case bool():
            return not value
        case str():
            return next((choice for choice in choices if choice != value), None)
        case int():
            return value // 2 if name == "batch_size" else value + 1
        case float() if name == "adversary_warmup":
            return 0.0 if value else 0.25
        case float() if name in {"warmup", "decay", "gan_share", "leak", "dropout", "centre_decay"}:
            return value + 0.25 if value < 0.5 else value - 0.25
        case float() if name == "gradient_clip":
            return 1e-6
        case float() if name == "max_log_variance":
            return -5.0  # two steps leave log σ² near 0
        case float():
            return 1.7 * value or 0.5
        case None if name in {"gradient_clip", "max_log_variance"}:
            return 1e-6
    return None


def outcome(config: DictConfig) -> list[torch.Tensor]:
    """What a rehearsal made of what it trains, and what the model then makes of an image."""
    model = make(config.model)
    draw(model)
    callbacks = [make(node) for node in config.callbacks.values() if node is not None]
    for callback in callbacks:
        if hasattr(callback, "check"):
            callback.check(model)
    data = make(config.data)
    rehearse(model, data, callbacks)
    groups = [group for optimizer in model.trainer.optimizers for group in optimizer.param_groups]
    trained = {id(parameter) for group in groups for parameter in group["params"]}
    untrained = {name for name, parameter in model.named_parameters() if id(parameter) not in trained}
    state = model.state_dict().items()
    found = [value for name, value in state if isinstance(value, torch.Tensor) and name not in untrained]
    if isinstance(model, Editor):
        torch.manual_seed(1)
        images = torch.rand(4, data.channels, data.resolution, data.resolution)
        with torch.no_grad():
            encoded = model.encode(images, torch.ones(4, len(model.attribute_names)))
            found += [*encoded, model.decode(*encoded)]
    return found


def draw(model: torch.nn.Module) -> None:
    """Every network from the same seed: the size of one has no part in how the next is drawn."""
    for network in model.children():
        torch.manual_seed(0)
        for layer in network.modules():
            if hasattr(layer, "reset_parameters"):
                layer.reset_parameters()
    torch.manual_seed(0)


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return len(one) == len(other) and all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("context", CONTEXTS)
def test_it_changes_the_run_unless_it_says_that_it_does_not(context: str) -> None:
    config = compose_config("train", CONTEXTS[context])
    as_it_is, unread = outcome(config), getattr(make(config.model), "unread", {})
    wrong = []
    for path, value in settings(config.model):
        if not path.startswith(ONLY.get(context, "model")):
            continue
        changed = copy.deepcopy(config)
        OmegaConf.update(changed, path, value)
        try:
            nothing = same(as_it_is, outcome(changed))
        except ValueError:  # and a UserError is one
            continue
        said = any(f"{path}.".startswith(f"model.{name}.") for name in unread)
        if nothing != said:
            wrong.append(f"{path}={value} {'changes nothing' if nothing else 'changes the run, against its word'}")
    assert not wrong


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            ["model=jacsup_digits", "ablation=from_scratch", "model.teacher_statistics=batch"],
            "model.inherit=false no stage has a teacher",
        ),
        (
            ["model=jacsup_digits", "ablation=no_jacobian", "model.derivative=exact"],
            "model.derivative has no effect: model.weights.code and",
        ),
        (["ablation=no_gan", "model.discriminator.leak=.2"], "model.weights.gan is 0, there is no discriminator"),
        (
            ["model=icgan", "preset=paper", "model.penalty_every=4"],
            "penalty_every has no effect: model.gradient_",
        ),
        (["model=vae", "attributes=null", "model.decoder.label_entry=every"], "label_entry=every: there are no attrib"),
        (["model=cvae_gan", "model.schedule.adversary_warmup=.5"], "aif.schedule.Schedule has no such argument"),
        (
            ["model=fader", "model.adversary_weight=0", "model.schedule.adversary_warmup=.5"],
            "model.schedule.adversary_warmup has no effect: model.adversary_weight is 0",
        ),
        (
            ["model=jacsup_digits", "model.weights.covariance=0", "model.covariance_root=true"],
            "model.covariance_root has no effect: model.weights.covariance is 0",
        ),
        (
            ["model=jacsup_faces", *NO_CYCLES, "model.cycle_root=true"],
            "model.cycle_root has no effect: model.teacher_weights.cycle_nuisance and",
        ),
        (
            ["model.auxiliary_training.memory._target_=aif.memory.Memory"],
            "model.auxiliary_training.steps=1: more than 1 need model.auxiliary_training.memory, and 1",
        ),
        (
            ["model=jacsup_faces", "callbacks.growth.sizes=[16,32]", "callbacks.growth.epochs=1"],
            r"callbacks.growth.sizes=[16, 32] has no second stage of the teacher",
        ),
        (
            ["model=jacsup_faces", "model.teacher_weights.code=1"],
            "model.teacher_weights: code and difference are of students alone",
        ),
        (
            ["model=jacsup_faces", "ablation=as_the_teacher", "model.student_weights.x=1"],
            "FaceWeights has no such argument; nearest: code",
        ),
    ],
)
def test_what_nothing_reads_is_refused(
    more: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*more, "logger=csv", f"data.root={tmp_path / 'data'}", f"runs={tmp_path / 'runs'}"]
    monkeypatch.setattr(sys, "argv", ["facet-train", *arguments])
    with pytest.raises(SystemExit) as stopped:
        training.main()
    told = " ".join(capsys.readouterr().err.split())
    assert stopped.value.code == 2, told
    assert said in told
    assert not (tmp_path / "data").exists()


def test_presets_and_ablations_may_set_what_nothing_reads(tmp_path: Path) -> None:
    """The authors' preset says how L_class on x̂ is taken although β is 0: that is no one's mistake."""
    config = compose_config("train", overrides(tmp_path, "preset=authors", *TINY))
    assert "class_on_reconstruction_trains" in make(config.model).unread


@pytest.mark.parametrize("preset", ["paper", "authors", "embedded"])
@pytest.mark.parametrize("kind", ["plain", "residual"])
def test_a_search_looks_around_the_preset_s_own_values(preset: str, kind: str) -> None:
    from hydra import compose, initialize_config_dir

    from facet.completion import complete
    from facet.configuration import config_directory, register

    register("train")
    said = ["hparams_search=aif", f"preset={preset}", f"networks.kind={kind}"]
    with initialize_config_dir(str(config_directory()), version_base="1.3"):
        config = compose("train", said, return_hydra_config=True)
    searched = dict(config.hydra.sweeper.params)
    complete(config)
    for key, space in searched.items():
        low, high = map(float, re.findall(r"[\d.e-]+", space.split("interval")[1]))
        assert low < OmegaConf.select(config, key) < high


@pytest.mark.parametrize(("kind", "width"), [("plain", 16), ("residual", 8)])
def test_the_discriminator_s_width_follows(kind: str, width: int) -> None:
    for networks, expected in ((32, width), (64, 2 * width)):
        said = [f"networks.kind={kind}", f"networks.width={networks}"]
        assert compose_config("train", said).model.discriminator.width == expected
