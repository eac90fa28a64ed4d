"""``facet-export to=package``: half the numbers, half as long, and the same pictures."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save, save_file
from untrained import DIGITS, EDITORS, untrained

import facet
from facet.editing.examples import SHEET, read_sheet, sheet
from facet.errors import UserError
from facet.exporting.subject import Subject
from facet.exporting.tensors import alike
from facet.weights import slim, write_weights


def written(subject: Subject, path: Path) -> Path:
    """The model as a run's end writes it."""
    saved: dict[str, Any] = {"state_dict": subject.model.state_dict()}
    subject.model.on_save_checkpoint(saved)
    data = SimpleNamespace(resolution=subject.resolution, channels=subject.channels)
    write_weights(path, subject.model, saved, subject.config, data, {"revision": "", "data_fingerprint": ""})
    return path


@pytest.mark.parametrize("method", [*EDITORS, "digits"])
def test_what_is_left_draws_the_same(method: str, tmp_path: Path) -> None:
    subject = untrained(EDITORS.get(method, DIGITS), tmp_path, judged=False)
    model = subject.model
    if method in ("digits", "jacsup_faces"):
        for _ in range(2):
            model.grow(1)  # it has a teacher now
        assert model.teacher is not None
    model.eval()
    whole = written(subject, tmp_path / "whole.safetensors")
    small = tmp_path / "small.safetensors"
    small.write_bytes(slim(whole, model.training_parts))
    assert small.stat().st_size < 0.75 * whole.stat().st_size
    left = {name.split(".")[0] for name in load_file(small)}
    assert left
    assert not left & set(model.training_parts)
    again = facet.load(small).model
    assert all(getattr(again, part) is None for part in model.training_parts)
    images = torch.rand(4, subject.channels, subject.resolution, subject.resolution)
    labels = [torch.ones(4, len(subject.names))] if subject.labels_given else []
    with torch.no_grad():
        if method == "digits":
            expected, found = (each.decode_codes(each.codes(images)) for each in (model, again))
        else:
            expected, found = (each.decode(*each.encode(images, *labels)) for each in (model, again))
    torch.testing.assert_close(found, expected, rtol=0, atol=1 / 255)


def test_a_file_without_a_part_that_edits_is_refused(tmp_path: Path) -> None:
    subject = untrained(EDITORS["ifcvae_gan"], tmp_path, judged=False)
    whole = written(subject, tmp_path / "whole.safetensors")
    small = tmp_path / "small.safetensors"
    small.write_bytes(slim(whole, ["decoder"]))
    with pytest.raises(UserError, match="'decoder' is left out, and IFcVAEGAN needs it"):
        facet.load(small)


def test_numbers_that_half_precision_cannot_hold_are_refused(tmp_path: Path) -> None:
    subject = untrained(EDITORS["ifcvae_gan"], tmp_path, judged=False)
    file = written(subject, tmp_path / "whole.safetensors")
    with safe_open(file, "pt") as opened:
        header = {"facet": json.dumps(json.loads(opened.metadata()["facet"]))}
    tensors = load_file(file)
    tensors["encoder.mean.bias"][0] = 1e6
    save_file(tensors, file, header)
    with pytest.raises(UserError, match=r"encoder\.mean\.bias has numbers that are too large for half precision"):
        slim(file, subject.model.training_parts)


def test_files_are_alike_whatever_the_order_of_their_heads() -> None:
    tensors = {"a": torch.ones(2)}
    written = [save(tensors, {"format": "pt", "facet": "x"}) for _ in range(50)]
    assert len(set(written)) > 1, "else bytes could be compared"
    assert all(alike(written[0], each) for each in written)
    assert not alike(written[0], save(tensors, {"format": "pt", "facet": "y"}))
    assert not alike(written[0], save({"a": torch.zeros(2)}, {"format": "pt", "facet": "x"}))
    assert not alike(written[0], b"no tensors")
    assert not alike(b"no tensors", b"others")


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sheet_comes_back_as_it_was_or_not_at_all(channels: int, tmp_path: Path) -> None:
    pictures = torch.randint(0, 256, (5, channels, 16, 16), dtype=torch.uint8)
    file = tmp_path / SHEET
    file.write_bytes(sheet(pictures))
    found = read_sheet(file, 16, channels)
    assert found is not None
    assert torch.equal(found, pictures)
    assert read_sheet(file, 32, channels) is None, "of another size"
    for content in (b"", b"no picture", file.read_bytes()[:60]):
        file.write_bytes(content)
        assert read_sheet(file, 16, channels) is None
    assert read_sheet(tmp_path / "nowhere.png", 16, channels) is None
