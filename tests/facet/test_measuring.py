"""All measures together, on editors whose scores are known: a perfect one, one that ignores y, one that leaks."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from known_editors import Dots, Perfect, Reader
from torch import Tensor

from facet.callbacks.edits import EditMonitor
from facet.measures.edits import edited, edited_together
from facet.measures.run import measure
from facet.measures.shown import SHARES, TOGETHER, VALUES


class Leaky(Perfect):
    """Keeps the attributes in the nuisance too, and decodes from there: edits do nothing."""

    def nuisance(self, images: Tensor) -> Tensor:
        return torch.cat([images[:, 0, 5, 5:6], images[:, 0, 0, :2]], dim=1)

    def decode(self, attributes: Tensor, nuisance: Tensor) -> Tensor:
        return super().decode(nuisance[:, 1:], nuisance)


def test_a_perfect_editor() -> None:
    measures, examples = measure(Perfect(), Dots(), Reader().eval(), "test", 5, seed=0)
    assert measures["mse"] == {"value": pytest.approx(0, abs=1e-12), "n": 400}
    for name in ("A", "B"):
        positives = int(Dots().tensors("test")[1][:, ("A", "B").index(name)].sum())
        for side in ("on", "off"):
            assert measures["reconstruction"][name][side]["value"] == 1
            assert measures["edits"][name]["paper"][side]["value"] == 1
            assert measures["edits"][name]["paper"][side]["n"] == positives
            assert measures["judge"][name][side] == measures["classifier"][name][side]
            assert measures["judge"][name][side]["n"] == (positives if side == "on" else 400 - positives)
        assert measures["judge"][name]["balanced"]["value"] == 1
        assert measures["edits"][name]["balanced"]["turned"]["value"] == 1
        for probe in ("linear", "mlp"):
            assert measures["leakage"][name]["mean"][f"{probe}_balanced_accuracy"] == pytest.approx(0.5, abs=0.1)
        assert measures["leakage"][name]["mean"]["n_on"] == positives
        assert measures["classifier"][name]["accuracy"]["value"] == 1
        assert measures["drift"][name]["mean"] == 0
        assert measures["identity"][name]["cosine"]["value"] == pytest.approx(1)
        assert measures["identity"][name]["factors"]["value"] == 1
        assert measures["distance"][name] == pytest.approx(0, abs=1e-6)
        assert measures["counterfactual"][name]["mse"]["value"] == pytest.approx(0, abs=1e-12)
        assert measures["counterfactual"][name]["ssim"]["value"] == pytest.approx(1, abs=1e-3)
        assert measures["continuity"][name] == {"value": 1.0, "n": 250}, "the pixel follows the number all the way"
        for kind in ("sample", "mean"):
            assert measures["leakage"][name][kind]["bits"] < 0.05
    several = ("turned", "turned_on", "varied", "together", "between")
    turned, gave, varied, together, between = (examples.pop(name) for name in several)
    strips = ("original", "reconstruction", "off", "on", "faces", "faces_reconstruction")
    assert {key: value.shape for key, value in examples.items()} == dict.fromkeys(strips, (5, 3, 16, 16))
    for j in range(2):  # of the first faces, attribute j and nothing else is the other way round
        assert ((turned[j, :, 0, 0, j] == 255) == gave[j]).all()
        assert (gave[j] == (examples["faces"][:, 0, 0, j] == 0)).all()
        assert (turned[j, :, 0, 0, 1 - j] == examples["faces"][:, 0, 0, 1 - j]).all()
        drawn = [round(255 * min(max(value, 0.0), 1.0)) for value in VALUES]
        assert (varied[j, :, :, 0, 0, j] == drawn).all(), "every value is drawn"
        assert (varied[j, :, :, 0, 0, 1 - j] == examples["faces"][:3, None, 0, 0, 1 - j]).all()
    both = [round(255 * min(max(value, 0.0), 1.0)) for value in TOGETHER]
    assert (together[:, :, :, 0, 0, 0] == np.array(both)[None, :, None]).all(), "the first attribute goes down"
    assert (together[:, :, :, 0, 0, 1] == np.array(both)[None, None, :]).all(), "the second one across"
    faces = examples["faces"].astype(float)
    for share, made in zip(SHARES, between.swapaxes(0, 1), strict=True):
        towards = (1 - share) * faces[:3, 0, 0, :2] + share * faces[1:4, 0, 0, :2]
        assert abs(made[:, 0, 0, :2] - towards).max() <= 0.5, "the attributes come from the next face"
        assert (made[:, 0, 5, 5] == faces[:3, 0, 5, 5]).all(), "who it is stays"
    assert (examples["original"][:, 0, 0, 0] == 255).all(), "examples have the first attribute"
    assert (examples["off"][:, 0, 0, 0] == 0).all()


def test_an_editor_that_ignores_y() -> None:
    """The paper's symptom: reconstruction is perfect, and the two rates add up to 100%."""
    measures, _ = measure(Leaky(), Dots(), Reader().eval(), "test", 5, seed=0)
    assert {name: found["value"] for name, found in measures["continuity"].items()} == {"A": 0.0, "B": 0.0}
    assert measures["mse"]["value"] == pytest.approx(0, abs=1e-12)
    paper = measures["edits"]["A"]["paper"]
    assert paper["on"]["value"] + paper["off"]["value"] == 1
    assert measures["reconstruction"]["A"]["on"]["value"] == 1
    assert measures["leakage"]["A"]["mean"]["bits"] > 0.9
    assert measures["counterfactual"]["A"]["mse_inside"]["value"] > 0.05


class Stranger(Perfect):
    """Draws somebody else, of half the brightness, and turns B over with A."""

    def decode(self, attributes: Tensor, nuisance: Tensor) -> Tensor:
        return super().decode(torch.stack([attributes[:, 0], 1 - attributes[:, 1]], 1), nuisance / 2)


def test_an_editor_that_draws_somebody_else() -> None:
    measures, _ = measure(Stranger(), Dots(), Reader().eval(), "test", 5, 0, wanted=("identity", "distance"))
    assert not {"leakage", "drift", "counterfactual"} & set(measures)
    grey = Dots().tensors("test")[0][:, 0, 5, 5].double() / 255
    before, after = torch.stack([torch.ones(400), grey], 1), torch.stack([torch.ones(400), grey / 2], 1)
    cosine = torch.cosine_similarity(before, after).mean().item()
    assert measures["identity_of_reconstruction"]["cosine"]["value"] == pytest.approx(cosine, abs=1e-5)
    assert measures["identity"]["A"]["factors"]["value"] == 0, "B has turned over"
    assert measures["identity_of_reconstruction"]["factors"]["value"] == 0.5, "A is kept, B is not"
    expected = (grey.mean() / 2) ** 2 + (grey.std() / 2) ** 2  # between two Gaussians in one dimension
    assert measures["distance_of_reconstruction"] == pytest.approx(float(expected), rel=1e-3)


def test_edits_change_one_attribute_only() -> None:
    attributes = torch.tensor([[0.2, 0.7]])
    image = edited(Perfect(), Dots(), attributes, torch.zeros(1, 1), 1, True)
    assert image[0, 0, 0, :2].tolist() == pytest.approx([0.2, 1.0])
    assert attributes.tolist() == [[pytest.approx(0.2), pytest.approx(0.7)]]


def test_edits_change_what_they_imply() -> None:
    class Exclusive(Dots):
        def implied(self, name: str, value: bool) -> dict[str, bool]:
            return {"A": False, "unknown to the model": True} if (name, value) == ("B", True) else {}

    attributes = torch.tensor([[0.9, 0.2]])
    given = edited(Perfect(), Exclusive(), attributes, torch.zeros(1, 1), 1, True)
    taken = edited(Perfect(), Exclusive(), attributes, torch.zeros(1, 1), 1, False)
    assert given[0, 0, 0, :2].tolist() == pytest.approx([0.0, 1.0])
    assert taken[0, 0, 0, :2].tolist() == pytest.approx([0.9, 0.0])


def test_an_attribute_that_is_asked_for_is_not_taken_away_by_what_another_implies() -> None:
    class Exclusive(Dots):
        def implied(self, name: str, value: bool) -> dict[str, bool]:
            return {"B" if name == "A" else "A": False} if value else {}

    attributes = torch.tensor([[0.0, 0.0]])
    image = edited_together(Perfect(), Exclusive(), attributes, torch.zeros(1, 1), {"A": 1.0, "B": 0.75})
    assert image[0, 0, 0, :2].tolist() == [1.0, 0.75]


@pytest.mark.parametrize(("editor", "edits", "given"), [(Perfect, 1.0, 1.0), (Leaky, 0.0, 1.0)])
def test_what_is_watched_in_training_counts_edits_that_have_something_to_change(
    editor: type[Perfect], edits: float, given: float, tmp_path: Path
) -> None:
    """A picture that ignores y keeps every smile it is asked to give to who smiles, and makes no edit."""
    logged: dict[str, float] = {}
    module: Any = editor()
    module.device, module.log = torch.device("cpu"), lambda name, value, **_: logged.update({name: value})
    trainer: Any = SimpleNamespace(
        precision_plugin=SimpleNamespace(forward_context=nullcontext),
        datamodule=Dots(),
        is_global_zero=True,
        current_epoch=0,
        loggers=[],
    )
    monitor = EditMonitor(faces=3)
    monitor.judge, monitor.directory = Reader().eval(), tmp_path
    images, labels = Dots().tensors("val")
    for part in (slice(0, 250), slice(250, 400)):
        batch: Any = {"image": images[part].float() / 255, "attributes": labels[part]}
        monitor.on_validation_batch_end(trainer, module, None, batch, 0)
    monitor.on_validation_epoch_end(trainer, module)
    assert logged["val/edits"] == edits
    assert logged["val/edit_on/A"] == given
    assert (tmp_path / "epoch-0000.png").is_file()
