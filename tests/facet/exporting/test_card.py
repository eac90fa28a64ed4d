"""The model card: what the hub reads at its head, numbers with their n and intervals, and plain words."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import yaml
from invented_runs import results, write_run
from PIL import Image
from untrained import EDITORS, NARROW, untrained

from facet.configuration import compose_config
from facet.exporting.card import CARD, PICTURE, card_of
from facet.exporting.subject import Subject
from facet.exporting.trained_by import command_of
from facet.identity import same_run

SMILING = (*NARROW, "attributes=[Smiling]")


def judged(directory: Path, overrides: tuple[str, ...] = SMILING, **given: Any) -> Subject:
    """A model with invented results."""
    write_run(directory, results("ours", 0, **given))
    return untrained(overrides, directory, judged=False)


def parts(files: dict[str, bytes]) -> tuple[dict[str, Any], str]:
    """A card's head, and its text."""
    _, head, text = files[CARD].decode().split("---\n", 2)
    return yaml.safe_load(head), text


def test_it_has_numbers_with_n_and_interval_and_a_picture(tmp_path: Path) -> None:
    files = card_of(judged(tmp_path / "run", mse=0.0123), ["weights.safetensors", "encoder.onnx"])
    head, text = parts(files)
    assert "| mean of (x − x̂)² over pixels of reconstructions | 0.0123 | 3,000 |" in text
    assert "| Smiling | 94.0% (92.7–95.1%, n = 1,500) |" in text
    assert "weights.safetensors" in text
    assert "encoder.run" in text
    assert "judge.onnx" not in text
    for said in ("Don't identify", "Don't deceive", "Don't decide about people", "MIT licence"):
        assert said in text
    picture = Image.open(io.BytesIO(files[PICTURE]))
    assert picture.size[0] > 4 * 96
    assert f"]({PICTURE})" in text
    metrics = head["model-index"][0]["results"][0]["metrics"]
    assert {"type": "mse", "name": "mean of (x − x̂)² over pixels of reconstructions", "value": 0.0123} in metrics


def test_its_head_is_what_the_hub_reads(tmp_path: Path) -> None:
    head, _ = parts(card_of(judged(tmp_path / "run"), []))
    assert head["license"] == "mit"
    assert head["library_name"] == "facet"
    assert head["pipeline_tag"] == "image-to-image"
    assert "ifcvae-gan" in head["tags"]
    (index,) = head["model-index"]
    assert set(index) == {"name", "results"}
    assert set(index["results"][0]) == {"task", "dataset", "metrics"}


def test_photographs_bring_their_licence(tmp_path: Path) -> None:
    head, text = parts(card_of(judged(tmp_path / "run", (*SMILING, "data=celeba")), []))
    assert (head["license"], head["license_name"]) == ("other", "celeba-licence")
    assert head["license_link"].startswith("https://")
    assert "non-commercial research only" in text
    head, text = parts(card_of(judged(tmp_path / "own", (*SMILING, "data=folder")), []))
    assert head["license"] == "unknown"
    assert "has to say what the pictures' owners and the people in them allow" in text


def test_a_model_that_nobody_has_judged_says_so(tmp_path: Path) -> None:
    files = card_of(untrained(NARROW, tmp_path), [])
    head, text = parts(files)
    assert set(files) == {CARD}
    assert "model-index" not in head
    assert "None yet (never run)" in text


@pytest.mark.parametrize("method", ["cvae_gan", "jacsup_faces"])
def test_labels_that_have_to_be_given_are_in_the_example(method: str, tmp_path: Path) -> None:
    subject = untrained(EDITORS[method], tmp_path, judged=False)
    _, text = parts(card_of(subject, ["encoder.onnx", "decoder.onnx"]))
    assert ('"labels": labels' in text) == (method == "cvae_gan")
    code = text.split("```python\n")[1].split("```")[0]
    compile(code, "card", "exec")


@pytest.mark.parametrize(
    "overrides",
    [
        ["seed=3"],
        ["attributes=[Smiling,Eyeglasses]", "networks.kind=residual"],
        ["model=icgan", "preset=paper", "trainer.max_epochs=3"],
        ["ablation=no_aux", "data.train_size=4000", "model.weights.kl=0.5"],
        ["model=jacsup_faces", "networks.width=4", "attributes=[Smiling,Eyeglasses]"],
        ["model=jacsup_digits"],
    ],
)
def test_its_command_trains_the_same_run(overrides: list[str]) -> None:
    config = compose_config("train", overrides)
    program, *words = command_of(config).replace("'", "").split()
    assert program == "facet-train"
    assert same_run(compose_config("train", words), config)
    assert len(words) <= len(overrides) + 2
