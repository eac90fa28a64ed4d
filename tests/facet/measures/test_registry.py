"""The registry of measures: each reads what is written to ``results.json``; those that are computed, by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
import torch.nn.functional as F
from invented_runs import results
from known_editors import Dots, Perfect, Reader
from torch import Tensor

from facet.measures.families import Better, Unit
from facet.measures.opinions.features import Features
from facet.measures.opinions.smiles import Smiles
from facet.measures.registry import MEASURES, Number, Place
from facet.measures.run import measure, plain
from facet.measures.stages import measure_stages
from facet.schema import AllMeasures, Card, StageOfCoder, Training

READ = [name for name, measure in MEASURES.items() if measure.path]
COMPUTED = [name for name, measure in MEASURES.items() if not measure.path]


def rate(value: float, low: float, high: float, n: int) -> dict[str, float]:
    return {"value": value, "low": low, "high": high, "n": n}


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_is_described(name: str) -> None:
    measure = MEASURES[name]
    assert measure.name == name
    assert measure.unit in get_args(Unit)
    assert measure.better in get_args(Better)
    assert measure.title
    assert measure.meaning
    assert "|" not in measure.meaning, "it stands in a table"
    assert bool(measure.path) != bool(measure.derive)
    assert measure.of_attribute == ("<A>" in measure.path) or not measure.path


def test_no_two_are_of_the_same_number() -> None:
    paths = [measure.path for measure in MEASURES.values() if measure.path]
    assert len(paths) == len(set(paths))
    assert len({measure.meaning for measure in MEASURES.values()}) == len(MEASURES)


@pytest.mark.parametrize("name", MEASURES)
def test_which_way_is_better(name: str) -> None:
    """Errors, leakage, drift and cost go down, what succeeds goes up, and a size is neither."""
    unit, better = MEASURES[name].unit, MEASURES[name].better
    down = (
        "drift",
        "leakage",
        "distance",
        "feature_distance",
        "kid",
        "jacobian",
        "seconds",
        "parameters",
        "mse",
        "counterfactual_mse",
    )
    neither = ("entropy_bits", "edit_sum", "counterfactual_mse_unedited", "feature_distance_of_others")
    if name in neither:
        assert better == ""
    elif name.startswith(down):
        assert better == "down"
    elif unit == "count":
        assert better == ("up" if "controlled" in name else "")
    else:
        assert better == "up"


class Blocks:
    """A code is its image's first pixels, as many as there are units; the class is the brightest of the first two."""

    def __init__(self, units: int = 2) -> None:
        self.units = units

    def at_stage(self, path: Path) -> Blocks:
        return Blocks(int(path.stem))

    def codes(self, images: Tensor) -> Tensor:
        return images.flatten(1)[:, : self.units]

    def decode(self, codes: Tensor) -> Tensor:
        return F.pad(codes, (0, 16 - self.units)).view(-1, 1, 4, 4)

    decode_codes = decode

    def classify(self, images: Tensor) -> Tensor:
        return images.flatten(1)[:, :2].argmax(1)

    def tensors(self, split: str) -> tuple[Tensor, Tensor]:
        pixels = torch.randint(0, 256, (60, 1, 4, 4), generator=torch.Generator().manual_seed(0))
        return pixels.byte(), torch.zeros(60)


@pytest.fixture(scope="module")
def written() -> list[Place]:
    """What is really measured: of an editor and of a coder; and what the schema has of a run and its judge."""
    editor, _ = measure(Perfect(), Dots(), Reader().eval(), "test", 2, seed=0)
    blocks: Any = Blocks()
    coder, _ = measure_stages(blocks, [Path("2"), Path("3")], blocks, blocks, "test", seed=0)
    brightness: Any = lambda images: (images[:, 0, 0, 0] - 0.5, images[:, 0, 0, 0] > 0.5)  # noqa: E731
    asked: dict[str, Any] = {
        "smiles": Smiles(brightness, 0),
        "features": Features(lambda images: images[:, 0, 0], "AB"),
    }
    images = torch.rand(20, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    for opinion in asked.values():
        opinion.add(images, (images[:, 0, 0, :2] > 0.5).float(), images, 0)
        for column in (0, 1):
            opinion.add_edits(column, 1 - images, images)
    said = {name: opinion.compute() for name, opinion in asked.items()}
    editor["opinions"] = plain({"smiles": {"A": said["smiles"]}, **said["features"]})
    noted = {"training": dict.fromkeys(Training.model_fields, 1), "judge": {"accuracy": {"A": 0.9, "class": 0.9}}}
    return [Place({**noted, "measures": each}, "A", "B") for each in (editor, coder["stages"][-1])]


@pytest.mark.parametrize("name", READ)
def test_a_measure_reads_what_is_written(name: str, written: list[Place]) -> None:
    assert any(MEASURES[name].read(place) for place in written), MEASURES[name].path


def test_every_kind_of_measure_is_of_a_field_of_the_results() -> None:
    fields = {"measures": {**AllMeasures.model_fields, **StageOfCoder.model_fields}}
    fields |= {"training": dict(Training.model_fields), "judge": dict(Card.model_fields)}
    for name in READ:
        first, second, *_ = MEASURES[name].path.split(".")
        assert second in fields[first], name


# What is computed


def place(measures: Mapping[str, Any], names: tuple[str, ...] = ("A", "B"), **more: Any) -> Place:
    return Place({"attribute_names": list(names), "measures": measures, **more}, attribute="A")


def edits(off_from_on: float, on_from_off: float, low: float = 0.0) -> dict[str, Any]:
    """Of an attribute: both rates of edits with something to change, and what follows for all edits."""
    full = {"off_from_on": rate(off_from_on, low, 1.0, 10), "on_from_off": rate(on_from_off, low, 1.0, 10)}
    full |= {"off": rate(0.5, 0.4, 0.6, 20), "on": rate(0.9, 0.8, 1.0, 20)}
    return {"paper": {"off": rate(0.25, 0.2, 0.3, 10), "on": rate(0.75, 0.7, 0.8, 10)}, "full": full}


TWO = {
    "mse": {"value": 0.01, "n": 20},
    "edits": {"A": edits(0.9, 1.0, low=0.85), "B": edits(0.5, 0.7, low=0.3)},
    "drift": {
        "A": {
            "mean": 0.1,
            "off": {"B": rate(0.2, 0.1, 0.3, 20), "C": rate(0.4, 0.3, 0.5, 20)},
            "on": {"B": rate(0.3, 0.2, 0.4, 20), "C": rate(0.0, 0.0, 0.1, 20)},
        },
        "B": {"mean": 0.3},
    },
    "continuity": {"A": 1.0, "B": 0.5},
    "counterfactual": {
        "A": {"mse_inside": {"value": 0.1, "n": 5}, "mse_unedited": {"value": 0.4, "n": 5}},
        "B": {"mse_inside": {"value": 0.2, "n": 5}, "mse_unedited": {"value": 0.4, "n": 5}},
    },
}
TRAINING = {"images_seen": 1000, "seconds": 8.0, "parameters": {"encoder": 30, "decoder": 12}}
BY_HAND = {
    "edit_sum": Number(1.0, 0.9, 1.1, 10),
    "control": Number(0.7),
    "true_change": Number(0.75),
    "is_controlled": Number(1.0),
    "attributes": Number(2.0),
    "success": Number(0.775),
    "lowest": Number(0.5, 0.3, 1.0, 10, "B"),
    "drift_largest": Number(0.25, 0.15, 0.35, 20, "B"),
    "drift_of_all": Number(0.2),
    "true_change_of_all": Number(0.625),
    "controlled": Number(1.0),
    "graded": Number(0.75),
    "images_per_second": Number(125.0),
    "parameters": Number(42.0),
}


@pytest.mark.parametrize("name", COMPUTED)
def test_what_is_computed_is_what_a_hand_computes(name: str) -> None:
    found = MEASURES[name].read(place(TWO, training=TRAINING))
    assert found is not None
    assert found[:1] == pytest.approx(BY_HAND[name][:1])
    assert found[3:] == BY_HAND[name][3:]
    for end, expected in zip(found[1:3], BY_HAND[name][1:3], strict=True):
        assert (end is None) == (expected is None)
        assert end is None or expected is None or end == pytest.approx(expected)


@pytest.mark.parametrize("name", COMPUTED)
def test_without_what_it_is_computed_from_it_is_not_there(name: str) -> None:
    assert MEASURES[name].read(Place({"measures": {}})) in (None, Number(0.0))
    assert (MEASURES[name].read(Place({"measures": {}})) is None) or name == "attributes"


def test_a_mean_is_of_the_attributes_that_have_the_numbers() -> None:
    part = {**TWO, "counterfactual": {"A": TWO["counterfactual"]["A"], "B": {}}, "edits": {"A": TWO["edits"]["A"]}}
    assert place(part).mean("true_change") == Number(pytest.approx(0.75))
    assert MEASURES["success"].read(place(part)) == Number(pytest.approx(0.95))
    lowest = MEASURES["lowest"].read(place(part))
    assert lowest is not None
    assert (lowest.value, lowest.of) == (0.9, "A")


def test_an_attribute_is_controlled_with_its_whole_intervals() -> None:
    assert MEASURES["is_controlled"].read(place({"edits": {"A": edits(0.9, 0.9, low=0.79)}})) == Number(0.0)
    assert MEASURES["is_controlled"].read(place({"edits": {"A": edits(0.9, 0.9, low=0.80)}})) == Number(1.0)


def test_of_a_diverged_model_nothing_is_controlled() -> None:
    assert MEASURES["controlled"].read(place({**TWO, "mse": {"value": None}})) == Number(0.0)


def test_no_change_to_make_is_no_true_change() -> None:
    none = {"A": {"mse_inside": {"value": 0.1}, "mse_unedited": {"value": 0.0}}}
    assert MEASURES["true_change"].read(place({"counterfactual": none})) is None


# What is read


@pytest.mark.parametrize("value", [None, "text", True, float("nan"), {"value": None}, {"value": "x"}, [1], {}])
def test_what_is_no_number_is_not_there(value: Any) -> None:
    assert place({"mse": value}).number("measures.mse") is None


def test_an_attribute_may_have_any_name() -> None:
    odd = ("a.b", "<B>", "mean", "measures")
    content = {"attribute_names": list(odd), "measures": {"distance": {name: float(i) for i, name in enumerate(odd)}}}
    found = [MEASURES["distance"].read(Place(content, attribute=name)) for name in odd]
    assert [number.value for number in found if number] == [0.0, 1.0, 2.0, 3.0]


def test_of_others_there_are_those_that_are_measured() -> None:
    here = Place(json.loads(json.dumps(results("ours", 0))), attribute="Smiling")
    assert MEASURES["drift_on"].others(here) == ["Eyeglasses", "Mustache", "Wearing_Hat", "Black_Hair"]
    assert MEASURES["drift_on"].others(Place({}, attribute="Smiling")) == []
