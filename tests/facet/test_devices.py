"""Training and measuring on another device than the CPU: nothing is left behind, and the same comes out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from growing_digits import fit, module, same
from made_once import avatars
from pretended_gpu import TRAINER, Accelerator, pretended_gpu
from tiny import STAGED, TINY

from facet import evaluate as evaluating
from facet.configuration import compose_config
from facet.evaluate import evaluate
from facet.files import read_json
from facet.runs import Run
from facet.train import train
from jacsup.growth import ProgressiveGrowth

SHORT = "trainer.max_epochs=1"
QUICK = "measures=[drift,distance]"  # the first of the systems below is measured by all
SYSTEMS = {  # the parts of all of them: a memory, erasure, two stages, growth
    "ablation=erasure": (*TINY, SHORT),
    "model=icgan": (*TINY, SHORT, "model.gan_share=0.5"),
    "model=jacsup_faces": (*STAGED, "callbacks.growth.sizes=[2,2,4]", "callbacks.growth.epochs=[1,1,1]"),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("devices")


def test_the_pretended_gpu_refuses_what_a_real_one_does() -> None:
    with pretended_gpu() as device:
        there = torch.arange(6.0, device=device).view(2, 3)
        assert (there + 1).sum().item() == 21
        assert there[torch.tensor([1])].tolist() == [[3, 4, 5]], "indices may come from the CPU"
        for mixed in (lambda: there + torch.ones(3), lambda: torch.ones(2)[there[0].long() % 2]):
            with pytest.raises(AssertionError, match="two devices"):
                mixed()
        with pytest.raises(RuntimeError):
            there.numpy()
        assert there.cpu().numpy().sum() == 15


@pytest.mark.parametrize("experiment", SYSTEMS)
def test_a_run_is_trained_and_measured_on_it(experiment: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = [*experiment.split(), f"data.root={avatars()}", f"runs={root / 'runs'}"]
    config = compose_config("train", [*where, *SYSTEMS[experiment], *TRAINER])
    how = ["faces=2", *([] if experiment == "ablation=erasure" else [QUICK])]
    with pretended_gpu() as device, monkeypatch.context() as patched:
        run = Run(train(config))
        assert Accelerator.set_up.pop() == torch.device(device)
        patched.setattr(evaluating, "device", lambda model: device)
        evaluate(compose_config("evaluate", [f"run={run.path}", *how]))
    there = read_json(run.path / "results.json")["measures"]
    shown = dict(np.load(run.path / "examples.npz"))
    evaluate(compose_config("evaluate", [f"run={run.path}", *how, "force=true"]))
    assert read_json(run.path / "results.json")["measures"] == there
    for name, pictures in np.load(run.path / "examples.npz").items():
        assert np.array_equal(pictures, shown[name]), name


def test_the_chain_grows_on_it_as_on_the_cpu(tmp_path: Path) -> None:
    growth = {"max_units": 4, "epochs": 1}
    here = fit(tmp_path / "here", ProgressiveGrowth(**growth))
    with pretended_gpu() as device:
        settings = {"accelerator": "pretended", "strategy": "pretended"}
        there = fit(tmp_path / "there", ProgressiveGrowth(**growth), model=module(), **settings)
        assert Accelerator.set_up.pop() == torch.device(device)
    assert same(here, there.cpu())
