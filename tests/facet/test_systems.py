"""Every system that is compared: it trains from its experiment, and is measured as far as it can be."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_once import avatars
from tiny import ONE_PASS, SIZES

from facet.configuration import compose_config
from facet.evaluate import evaluate
from facet.files import read_json
from facet.runs import Run
from facet.train import train

SHORT = (
    ONE_PASS,
    "trainer.max_epochs=1",
    "trainer.precision=32-true",
    "logger=csv",
    "callbacks.progress=null",
    "data.workers=1",
)
NARROW = ("networks.width=4", "networks.latent_dim=6")
SYSTEMS = {
    "networks.kind=residual": NARROW,
    "model=icgan": (*NARROW, "model.gan_share=0.5"),
    "model=cvae_gan networks.kind=residual": NARROW,
    "model=fader networks.kind=residual": NARROW[:1],
    "experiment=aif/beta_vae": NARROW,
    "experiment=aif/dip_vae model.covariance=means model.weights.diagonal=10": NARROW,
    "experiment=aif/dip_vae": NARROW,
    "model=classifier attribute_set=ten": (),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the systems' runs are."""
    return tmp_path_factory.mktemp("systems")


@pytest.mark.parametrize("experiment", SYSTEMS)
def test_it_trains_and_is_measured(experiment: str, root: Path) -> None:
    sizes = [*SIZES, *SHORT, *SYSTEMS[experiment], f"data.root={avatars()}", f"runs={root / 'runs'}"]
    run = Run(train(compose_config("train", [*experiment.split(), *sizes])))
    assert run.status == "finished"
    evaluate(compose_config("evaluate", [f"run={run.path}", "faces=2"]))
    results = read_json(run.path / "results.json")
    measures = results["measures"]
    edits = results["experiment"] in {"ifcvae_gan", "icgan", "cvae_gan", "fader"}
    predicts = results["experiment"] not in {"cvae_gan", "fader"}
    assert ("edits" in measures) == edits
    assert ("classifier" in measures) == predicts
    assert ("mse" in measures) == (results["experiment"] != "classifier")
    assert results["labels_given"] == (not predicts)
    if predicts and not edits:
        assert len(measures["classifier"]) >= 10, "every attribute of the data"
