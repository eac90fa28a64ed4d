"""JacSup §4: who learns from what, stage by stage; editing; schedules."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from growing_digits import Watch
from growing_faces import NAMES, Bars, fit, module, schedule
from pytorch_lightning import Trainer
from torch import Tensor
from torch.utils.data import DataLoader

from facet.build import make
from facet.configuration import compose_config
from jacsup.growth import ProgressiveGrowth
from jacsup.losses import cross_covariance
from jacsup.weights import FaceWeights


def batch(n: int = 8) -> tuple[Tensor, Tensor]:
    images, labels = Bars().tensors("train")
    return 2 * (images[:n].float() / 255) - 1, 2 * labels[:n] - 1


def grown(**settings: Any) -> Any:
    model = module(**settings)
    with torch.no_grad():
        model.step_losses(*batch())  # moves the statistics
    model.grow(0)
    model.grow(2)
    return model


def test_the_cycle_step_reaches_the_decoder_alone() -> None:
    model = module()
    encoder, decoder = model.network.encoder, model.network.decoder
    statistics = {name: value.clone() for name, value in model.network.named_buffers()}
    terms = model.cycle_losses(batch()[0])
    (terms["cycle_attributes"] + terms["cycle_nuisance"]).backward()
    assert all(parameter.grad is None for parameter in encoder.parameters())
    assert all(parameter.grad is not None for parameter in decoder.parameters())
    assert decoder.outlet.weight.grad.abs().sum() > 0
    for name, value in model.network.named_buffers():
        assert torch.equal(value, statistics[name]), name
    assert all(parameter.requires_grad for parameter in encoder.parameters()), "frozen for that pass alone"


def test_the_encoder_that_judges_is_the_one_that_the_first_step_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """No stale graph: codes are read anew, and what is decoded from them is read by the same encoder."""
    model = module()
    images, _ = batch()
    with torch.no_grad():
        model.network.encoder.head.weight.mul_(-1)  # as if a step had been made since the images were encoded
    monkeypatch.setattr(torch, "randperm", lambda n, **_: torch.arange(n))
    terms = model.cycle_losses(images)
    with torch.no_grad():
        y, z = model.network.encode(images)
        y_again, z_again = model.network.encode(model.network.decode(y, z))
    torch.testing.assert_close(terms["cycle_nuisance"], (z - z_again).square().sum((1, 2, 3)).mean())
    torch.testing.assert_close(terms["cycle_attributes"], (1 - y * y_again).relu().sum(1).mean())


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_every_stage_has_its_losses(stage: int) -> None:
    model = module() if stage < 2 else grown()
    model.stage = stage
    weights = model.loss_weights
    assert (weights["cycle_attributes"] > 0) == (stage == 1)
    assert (weights["difference"] > 0) == (weights["code"] > 0) == (stage == 2)
    assert (weights["prediction"] > 0) == (stage < 2)
    assert ("difference" in model.step_losses(*batch())) == (stage == 2)


def test_swapping_y_with_itself_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model = grown()
    monkeypatch.setattr(torch, "randperm", lambda n, **_: torch.arange(n))
    images, labels = batch()
    assert model.step_losses(images, labels)["difference"].item() == pytest.approx(0, abs=1e-10)
    _, change = model.teacher_change(images, torch.arange(8))
    torch.testing.assert_close(change, torch.zeros_like(images), atol=1e-6, rtol=0)
    monkeypatch.setattr(torch, "randperm", lambda n, **_: torch.arange(n).roll(1))
    assert model.step_losses(images, labels)["difference"].item() > 1e-6


def test_the_student_is_taught_by_what_the_teacher_makes_of_its_own_code() -> None:
    """Eq. 9 written out, with the teacher's own z beside the y it is given."""
    model = grown()
    images, labels = batch()
    torch.manual_seed(7)
    terms = model.step_losses(images, labels)
    torch.manual_seed(7)
    pairs = torch.randperm(8)
    teacher = model.teacher
    with torch.no_grad():
        y_t, z_t = teacher.encode(images)
        change_t = teacher.decode(y_t[pairs], z_t) - teacher.decode(y_t, z_t)
        y_s, z_s = model.network.encode(images)
        decoded, swapped = model.network.decode(torch.cat([y_s, y_s[pairs]]), torch.cat([z_s, z_s])).chunk(2)
    assert not teacher.training
    assert z_t.shape[1] == 2
    assert z_s.shape[1] == 4
    torch.testing.assert_close(terms["code"], (y_s - y_t).square().mean())
    torch.testing.assert_close(terms["difference"], ((swapped - decoded) - change_t).square().mean())
    torch.testing.assert_close(terms["reconstruction"], (decoded - images).square().mean())


def test_the_student_learns_by_both_sides_of_eq_9() -> None:
    """The donor's y carries a gradient like the face's own: both were read by the student."""
    images, labels = batch()
    gradients = []
    for written_out in (False, True):
        model = grown()
        model.zero_grad()
        torch.manual_seed(7)
        if written_out:
            pairs = torch.randperm(8)
            _, change = model.teacher_change(images, pairs)
            y, z = model.network.encode(images)
            decoded, swapped = model.network.decode(torch.cat([y, y[pairs]]), torch.cat([z, z])).chunk(2)
            ((swapped - decoded) - change).square().mean().backward()
        else:
            model.step_losses(images, labels)["difference"].backward()
        gradients.append([parameter.grad.clone() for parameter in model.network.encoder.parameters()])
    for ours, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize(
    ("settings", "term", "formula"),
    [
        ({}, "prediction", lambda c: (1 - c.y * c.labels).relu()[c.known].mean()),
        ({"prediction_reduction": "sum"}, "prediction", lambda c: (1 - c.y * c.labels).relu()[c.known].sum() / 8),
        ({}, "covariance", lambda c: c.covariance.square().sum()),
        ({"covariance_root": True}, "covariance", lambda c: c.covariance.square().sum().sqrt()),
        ({}, "cycle_attributes", lambda c: (1 - c.y_again * c.donors).relu().sum() / 8),
        ({"cycle_target": "sign"}, "cycle_attributes", lambda c: (1 - c.y_again * c.donors.sign()).relu().sum() / 8),
        ({}, "cycle_nuisance", lambda c: (c.z - c.z_again).square().sum() / 8),
        ({"cycle_root": True}, "cycle_nuisance", lambda c: (c.z - c.z_again).square().sum().sqrt() / 8),
    ],
)
def test_every_reduction_is_the_one_that_was_asked_for(settings: Any, term: str, formula: Any) -> None:
    """Eqs. 10 to 13 by hand, as the paper writes them and as its authors ran them (docs/fidelity.md)."""
    images, labels = batch()
    model = module(**settings)
    torch.manual_seed(7)
    terms = model.step_losses(images, labels)
    torch.manual_seed(7)
    terms |= model.cycle_losses(images)
    torch.manual_seed(7)
    pairs = torch.randperm(8)
    with torch.no_grad():
        y, z = model.network.encode(images)
        y_again, z_again = model.network.encode(model.network.decode(y[pairs], z))
    centred = (z.flatten(1) - z.flatten(1).mean(0)).T @ (y - y.mean(0)) / 8
    case = SimpleNamespace(y=y, z=z, y_again=y_again, z_again=z_again, donors=y[pairs], covariance=centred)
    case.labels, case.known = labels.nan_to_num(), ~labels.isnan()
    torch.testing.assert_close(terms[term].detach(), formula(case))


def test_the_covariance_is_not_taken_in_bf16() -> None:
    torch.manual_seed(0)
    z, y = torch.randn(64, 20), torch.randn(64, 5)
    with torch.autocast("cpu", torch.bfloat16):
        taken = cross_covariance(z, y)
    torch.testing.assert_close(taken, cross_covariance(z, y))


def test_the_schedule_goes_from_teacher_to_students_and_the_first_teacher_stays(tmp_path: Path) -> None:
    watch = Watch()
    model = fit(tmp_path, schedule(1, 2, 1, 1), watch)
    assert watch.sizes == [2, 2, 2, 4, 6]
    assert "train/cycle_attributes" not in watch.seen[0]
    assert {"train/cycle_attributes", "train/cycle_nuisance"} <= watch.seen[1].keys()
    assert {"train/difference", "val/difference", "val/code"} <= watch.seen[3].keys()
    assert (model.teacher.open, model.code_size, model.stage) == (2, 6, 3)
    held = torch.load(tmp_path / "stages" / "code02.ckpt", weights_only=True)["network"]
    for name, value in model.teacher.state_dict().items():
        assert torch.equal(value, held[name]) if isinstance(value, Tensor) else value == held[name], name
    first = model.at_stage(tmp_path / "stages" / "code02.ckpt")
    images = Bars().tensors("val")[0][:5].float() / 255
    assert first.encode(images)[1].shape == (5, 2, 2, 2)
    assert model.encode(images)[1].shape == (5, 6, 2, 2)


def test_supervision_binds_the_student_to_the_teacher(tmp_path: Path) -> None:
    found = {}
    for name, student in (
        ("with", {"code": 20.0, "difference": 1000.0}),
        ("without", {"code": 0.0, "difference": 0.0}),
    ):
        watch = Watch()
        model = fit(tmp_path / name, schedule(8, 2, 10, 10), watch, model=module(student=student))
        images = 2 * (Bars().tensors("val")[0].float() / 255) - 1
        teacher = model.at_stage(tmp_path / name / "stages" / "code02.ckpt")
        pairs = torch.arange(len(images)).roll(1)
        with torch.no_grad():
            (y_t, z_t), (y_s, z_s) = teacher.network.encode(images), model.eval().network.encode(images)
            one = teacher.network.decode(y_t[pairs], z_t) - teacher.network.decode(y_t, z_t)
            other = model.network.decode(y_s[pairs], z_s) - model.network.decode(y_s, z_s)
        found[name] = (one - other).square().mean().item()
    assert model.teacher is None, "nobody supervises"
    assert found["with"] < 0.5 * found["without"]


def test_editing_is_on_the_public_scale_and_takes_any_value() -> None:
    model = module().eval()
    images = Bars().tensors("val")[0][:4].float() / 255
    with torch.no_grad():
        y, z = model.encode(images)
        inner, _ = model.network.encode(2 * images - 1)
        torch.testing.assert_close(2 * y - 1, inner)
        known = torch.tensor([[1.0, float("nan")]]).expand(4, 2)
        given, _ = model.encode(images, known)
        assert given[:, 0].tolist() == [1.0] * 4
        torch.testing.assert_close(given[:, 1], y[:, 1])
        for value in (-2.0, 0.5, 3.0):
            decoded = model.decode(torch.full_like(y, value), z)
            assert decoded.min() >= 0
            assert decoded.max() <= 1
        torch.testing.assert_close(model.decode_codes(model.codes(images)), model.decode(y, z))
    assert model.attribute_names == NAMES


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ProgressiveGrowth(sizes=[4, 2], epochs=1), r"sizes=\[4, 2\]: a code only grows"),
        (lambda: ProgressiveGrowth(sizes=[2, 4], epochs=[1]), r"epochs=\[1\]: one number, or one for each of the 2"),
        (lambda: ProgressiveGrowth(sizes=[2, 4], epochs=[1, 0]), r"epochs=\[1, 0\]: it must be at least 1"),
        (lambda: ProgressiveGrowth(sizes=[], epochs=1), r"sizes=\[\]"),
        (
            lambda: ProgressiveGrowth(sizes=[3, 4], epochs=1).check(module()),
            r"another size than model.network.latent_channels=2",
        ),
        (lambda: ProgressiveGrowth(sizes=[2, 9], epochs=1).check(module()), r"sizes=\[2, 9\] ends at more than the 6"),
        (lambda: FaceWeights(code=-1.0), r"code=-1.0: it must be a number, 0 or more"),
        (
            lambda: module(teacher={"reconstruction": 0, "prediction": 0, "covariance": 0, "code": 1}),
            r"model.teacher_weights: reconstruction, prediction, covariance are all 0",
        ),
        (
            lambda: module(student=dict.fromkeys(("reconstruction", "covariance", "code", "difference"), 0.0)),
            r"model.student_weights: .*, difference are all 0",
        ),
    ],
)
def test_what_can_not_be_followed_is_one_clear_line(make: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said) as raised:
        make()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("preset", ["paper", "authors"])
def test_the_published_sizes_take_their_steps(preset: str) -> None:
    """256×256, 40 attributes: a teacher's step, one with the cycle losses, a student's."""
    config = compose_config(
        "train", ["model=jacsup_faces", "attribute_set=forty", "data=celeba", "data.crop=jacsup", f"preset={preset}"]
    )
    model = make(config.model)
    batch = {"image": torch.rand(2, 3, 256, 256), "attributes": torch.randint(0, 2, (2, 40)).float()}
    for stage, channels in enumerate((0, 0, 512)):
        if stage:
            model.grow(channels)
        before = [parameter.clone() for parameter in model.network.parameters()]
        Trainer(barebones=True, accelerator="cpu", max_epochs=1).fit(model, DataLoader([batch], batch_size=None))
        after = list(model.network.parameters())
        assert all(parameter.isfinite().all() for parameter in after)
        assert all(not torch.equal(old, new) for old, new in zip(before, after, strict=True))
    assert model.network.open == 1024
    assert model.teacher.open == 512
