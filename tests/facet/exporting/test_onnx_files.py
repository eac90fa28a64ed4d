"""Every method's ONNX files compute in onnxruntime what PyTorch computes, at any batch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from untrained import DIGITS, EDITORS, NARROW, untrained

from facet.errors import UserError
from facet.exporting import onnx_files as exporting
from facet.exporting.onnx_files import OPSET, TOLERANCE, onnx_files, refuse_missing
from facet.exporting.subject import Subject

onnxruntime = pytest.importorskip("onnxruntime", reason="it comes with the extra export")
pytest.importorskip("onnxscript", reason="it comes with the extra export")
pytestmark = pytest.mark.whole


def call(content: bytes, *inputs: torch.Tensor) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    found: list[np.ndarray] = session.run(
        None, {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
    )
    return found


def images_of(subject: Subject, batch: int) -> torch.Tensor:
    return torch.rand(batch, subject.channels, subject.resolution, subject.resolution)


Exported = tuple[Subject, dict[str, bytes]]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The plain IFcVAE-GAN with a judge: an export takes seconds."""
    subject = untrained(NARROW, tmp_path_factory.mktemp("plain"))
    return subject, onnx_files(subject)


@pytest.mark.parametrize("method", EDITORS)
def test_an_editor_is_the_same_in_onnxruntime(method: str, plain: Exported, tmp_path: Path) -> None:
    if method == "ifcvae_gan":
        subject, files = plain
    else:
        subject = untrained(EDITORS[method], tmp_path, judged=False)
        files = onnx_files(subject)
        assert set(files) == {"encoder.onnx", "decoder.onnx"}
    for batch in (1, 3):
        images = images_of(subject, batch)
        given = [torch.tensor([[1.0, float("nan")]]).expand(batch, -1)] if subject.labels_given else []
        attributes, nuisance = subject.model.encode(images, *given)
        found = call(files["encoder.onnx"], images, *given)
        np.testing.assert_allclose(found[0], attributes, atol=TOLERANCE)
        np.testing.assert_allclose(found[1], nuisance, atol=TOLERANCE)
        asked = attributes + torch.tensor([1.5, -0.5])
        (edits,) = call(files["decoder.onnx"], asked, nuisance)
        np.testing.assert_allclose(edits, subject.model.decode(asked, nuisance), atol=TOLERANCE)
        assert edits.shape == images.shape
        assert 0 <= edits.min() <= edits.max() <= 1


def test_a_coder_is_the_same_in_onnxruntime(tmp_path: Path) -> None:
    subject = untrained(DIGITS, tmp_path, judged=False)
    files = onnx_files(subject)
    for batch in (1, 3):
        images = images_of(subject, batch)
        codes = subject.model.codes(images)
        np.testing.assert_allclose(call(files["encoder.onnx"], images)[0], codes, atol=TOLERANCE)
        expected = subject.model.decode_codes(codes)
        np.testing.assert_allclose(call(files["decoder.onnx"], codes)[0], expected, atol=TOLERANCE)


def test_the_judge_reads_the_same_and_the_files_say_what_they_are(plain: Exported) -> None:
    import onnx

    subject, files = plain
    assert subject.judge
    for batch in (1, 3):
        images = images_of(subject, batch)
        expected = subject.judge(images).sigmoid()
        np.testing.assert_allclose(call(files["judge.onnx"], images)[0], expected, atol=TOLERANCE)
    for content in files.values():
        model = onnx.load_from_string(content)
        onnx.checker.check_model(model)
        assert [each.version for each in model.opset_import if not each.domain] == [OPSET]
        said = json.loads(next(each.value for each in model.metadata_props if each.key == "facet"))
        assert said["attributes"] == ["Smiling", "Eyeglasses"]
        assert said["judge"] == ["Smiling", "Eyeglasses", "Wearing_Hat"]
        for value in (*model.graph.input, *model.graph.output):
            assert value.type.tensor_type.shape.dim[0].dim_param == "batch"
    weights = {each.name for each in onnx.load_from_string(files["decoder.onnx"]).graph.initializer}
    assert not {name for name in weights if "encoder" in name or "auxiliary" in name}, "each holds its own alone"


def test_a_code_that_is_drawn_at_random_is_drawn_in_onnxruntime_too(tmp_path: Path) -> None:
    subject = untrained((*NARROW, "ablation=erasure"), tmp_path, judged=False)
    files = onnx_files(subject)
    images = images_of(subject, 1)
    session = onnxruntime.InferenceSession(files["encoder.onnx"], providers=["CPUExecutionProvider"])
    one, other = (session.run(None, {"images": images.numpy()}) for _ in range(2))
    np.testing.assert_array_equal(one[0], other[0])
    assert not np.array_equal(one[1], other[1])


def test_a_file_that_differs_from_pytorch_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = untrained(NARROW, tmp_path, judged=False)
    real = exporting.exported

    def damaged(network: Any, description: dict[str, Any]) -> bytes:
        content = real(network, description)
        for parameter in network.module.parameters():
            parameter.data += 0.1
        return content

    monkeypatch.setattr(exporting, "exported", damaged)
    with pytest.raises(UserError, match=r"encoder\.onnx differs from PyTorch"):
        onnx_files(subject)


def test_a_model_without_a_decoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="AttributeClassifier has no decoder"):
        onnx_files(untrained(("model=classifier", "data.resolution=16"), tmp_path, judged=False))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "find_spec", lambda name: None if name == "onnxscript" else name)
    with pytest.raises(UserError, match=r"to=page needs onnxscript: pip install 'facet-lab\[export\]'"):
        refuse_missing("page")
