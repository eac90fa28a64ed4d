"""Which optimiser each network of AIF's models has, and how a training uses Muon."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny import tiny

from facet.configuration import compose_config
from facet.train import train

MUON, ADAM, RMSPROP = "nets.muon.Muon", "torch.optim.Adam", "torch.optim.RMSprop"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", {"autoencoder": MUON, "auxiliary": ADAM, "discriminator": RMSPROP}),
        ("preset=faces", {"autoencoder": MUON, "auxiliary": ADAM, "discriminator": RMSPROP}),
        ("preset=paper", {"autoencoder": RMSPROP, "auxiliary": RMSPROP, "discriminator": RMSPROP}),
        ("model=cvae_gan", {"autoencoder": MUON, "classifier": ADAM, "discriminator": RMSPROP}),
        ("model=icgan", {"generator": ADAM, "discriminator": ADAM, "encoder": MUON}),
        ("model=fader", {"autoencoder": MUON, "discriminator": ADAM}),
        ("model=fader preset=authors", {"autoencoder": ADAM, "discriminator": ADAM}),
        ("experiment=jacsup/fader", {"autoencoder": ADAM, "discriminator": ADAM}),
    ],
)
def test_the_optimizer_of_each_network(arguments: str, expected: dict[str, str]) -> None:
    model = compose_config("train", arguments.split()).model
    found = {key.removesuffix("_optimizer"): model[key]["_target_"] for key in model if key.endswith("_optimizer")}
    assert found == expected


def test_an_ablation_counts_in_an_experiment_too() -> None:
    weights = [
        compose_config("train", ["experiment=aif/many", *more]).model.weights for more in ([], ["ablation=no_aux"])
    ]
    assert [weight.auxiliary for weight in weights] == [0.06, 0]


def test_a_training_step_in_bf16_multiplies_in_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[torch.dtype] = []

    def noting(matrix: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        seen.append(dtype)
        return matrix

    monkeypatch.setattr("nets.muon.orthogonal", noting)
    for precision, dtype in (("bf16-mixed", torch.bfloat16), ("32-true", torch.float32)):
        train(tiny(tmp_path, f"trainer.precision={precision}", "trainer.max_steps=2", "networks.width=16"))
        assert seen[-1] == dtype  # the first are of the rehearsal
