"""The judge: learns what can be seen, is trained once, and leaves the random state alone."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch
from tiny import tiny
from torch import Tensor

from facet import checkpoints
from facet import judge as judge_module
from facet.build import judge_of
from facet.judge import Judge, get_judge, judge_key, masked_bce, train_judge


class Squares:
    """Images with a bright square left (attribute A) or right (attribute B), or both, or none; B is partly unknown."""

    attribute_names = ("A", "B")
    resolution, channels = 16, 3
    exclusive: dict[str, frozenset[str]] = {}  # noqa: RUF012

    def implied(self, name: str, value: bool) -> dict[str, bool]:
        return {}

    def __init__(self, directory: Path, fingerprint: str = "squares") -> None:
        self.directory, self.fingerprint = directory, fingerprint

    def prepare_data(self) -> None: ...

    def tensors(self, split: str) -> tuple[Tensor, Tensor]:
        size = {"train": 512, "val": 128, "test": 200}[split]
        generator = torch.Generator().manual_seed(size)
        labels = torch.randint(0, 2, (size, 2), generator=generator).float()
        images = torch.randint(0, 60, (size, 3, 16, 16), generator=generator, dtype=torch.uint8)
        images[labels[:, 0] == 1, :, 4:12, :8] += 150
        images[labels[:, 1] == 1, :, 4:12, 8:] += 150
        if split == "train":
            labels[::3, 1] = float("nan")
        return images, labels


def test_it_learns_what_can_be_seen_and_leaves_the_random_state_alone(tmp_path: Path) -> None:
    torch.manual_seed(7)
    state = torch.get_rng_state()
    judge, card = get_judge(Squares(tmp_path))
    assert torch.equal(torch.get_rng_state(), state)
    assert card["n"] == 200
    assert min(card["accuracy"].values()) > 0.98
    assert not judge.training
    images, labels = Squares(tmp_path).tensors("test")
    read = judge.read(images.float() / 255)
    assert read.dtype == torch.bool
    assert (read == labels.bool()).float().mean() > 0.98


def test_folding_the_batch_norms_changes_nothing_that_is_read() -> None:
    judge = Judge(("A", "B"), 16).double().eval()
    for norm in (layer for layer in judge.features if isinstance(layer, torch.nn.BatchNorm2d)):
        torch.nn.init.normal_(norm.bias)
        torch.nn.init.uniform_(norm.weight, 0.5, 2)
        norm.running_mean, norm.running_var = torch.randn_like(norm.bias), torch.rand_like(norm.bias) + 0.5
    images = torch.rand(150, 3, 16, 16, dtype=torch.float64)  # more than a piece
    fused = judge.fused()
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in fused.modules())
    torch.testing.assert_close(fused(images), judge(images))
    assert torch.equal(fused.classify(images), judge(images).argmax(1))
    assert torch.equal(fused.read(images), judge(images) > 0)


class Few(Squares):
    """Eight of them in each split, for what doesn't depend on what is learned."""

    def tensors(self, split: str) -> tuple[Tensor, Tensor]:
        images, labels = super().tensors(split)
        return images[:8], labels[:8]


@pytest.mark.parametrize(
    ("losses", "kept", "epochs"),
    [
        ([1.0, 2.0, 3.0, 0.5], 0, 3),  # twice no better: the fourth isn't trained
        ([3.0, 1.0, 2.0, 2.0], 1, 4),
        ([2.0, 3.0, 1.0, 4.0], 2, 4),  # a better one begins the waiting anew
        ([4.0, 3.0, 2.0, 1.0], 3, 4),
    ],
)
def test_the_epoch_that_is_best_on_the_validation_split_is_kept(
    losses: list[float], kept: int, epochs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, states = Few(tmp_path), []
    judge = Judge(data.attribute_names, data.resolution, width=4)

    def validate(judge: Judge, images: Tensor, device: str) -> Tensor:
        """Logits of which the loss is as told."""
        states.append(copy.deepcopy(judge.state_dict()))
        right = 2 * data.tensors("val")[1] - 1
        return -right * torch.tensor(losses[len(states) - 1]).expm1().log()  # softplus(log(e^x - 1)) is x

    monkeypatch.setattr(judge_module, "_logits", validate)
    monkeypatch.setattr(judge_module, "EPOCHS", 4)
    monkeypatch.setattr(judge_module, "PATIENCE", 2)
    judge_module._fit(judge, data, "cpu")
    assert len(states) == epochs
    found = judge.state_dict()
    same = [all(torch.equal(found[name], value) for name, value in state.items()) for state in states]
    assert [index for index, is_same in enumerate(same) if is_same] == [kept]


def test_few_images_are_seen_often_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight images are one batch: as many epochs as steps are wanted, and as much more patience."""
    data, rounds = Few(tmp_path), []
    judge = Judge(data.attribute_names, data.resolution, width=4)

    def validate(judge: Judge, images: Tensor, device: str) -> Tensor:
        rounds.append(len(rounds))
        return torch.zeros_like(data.tensors("val")[1])  # the first is never bettered

    monkeypatch.setattr(judge_module, "_logits", validate)
    monkeypatch.setattr(judge_module, "STEPS", 150)
    judge_module._fit(judge, data, "cpu")
    assert len(rounds) == 1 + judge_module.PATIENCE * judge_module.STEPS // judge_module.EPOCHS


def test_its_accuracy_is_over_the_known_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, _ = Few(tmp_path).tensors("test")
    unknown = float("nan")
    labels = torch.tensor([[1.0, unknown], [1.0, unknown], [0.0, unknown], [0.0, unknown], *[[unknown, unknown]] * 4])
    logits = torch.tensor([[3.0, 1.0], [-1.0, 1.0], [-2.0, 1.0], [-0.1, 1.0], *[[1.0, 1.0]] * 4])
    monkeypatch.setattr(Few, "tensors", lambda self, split: (images, labels))
    monkeypatch.setattr(judge_module, "_fit", lambda *a: None)
    monkeypatch.setattr(judge_module, "_logits", lambda *a: logits)
    _, card = train_judge(Few(tmp_path))
    assert card == {"accuracy": {"A": 0.75, "B": None}, "known": {"A": 4, "B": 0}, "n": 8}


@torch.no_grad()
def test_its_features_are_the_means_of_the_last_maps() -> None:
    judge = Judge(("A", "B"), 8, width=4).eval()
    images = torch.rand(70, 3, 8, 8)  # more than a piece
    seen, features = judge.look(images)
    maps = judge.features[:-1]((images - 0.5) * 4)
    assert maps.shape == (70, 8, 4, 4)
    torch.testing.assert_close(features, maps.mean((2, 3)))
    assert torch.equal(seen, judge.read(images))


def test_it_is_trained_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, card = get_judge(Squares(tmp_path))
    monkeypatch.setattr(judge_module, "train_judge", lambda *a: pytest.fail("trained again"))
    second, again = get_judge(Squares(tmp_path))
    assert card == again
    images = torch.rand(2, 3, 16, 16)
    assert torch.equal(first(images), second(images))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2000])


def flipped(path: Path) -> None:
    """One bit, in the weights."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def of_others(path: Path) -> None:
    """Whole, of another network."""
    saved = checkpoints.read(path)
    saved["state"] = Judge(("A", "B"), 16, width=4).state_dict()
    with path.open("wb") as file:
        checkpoints.write(file, saved)


def of_other_data(path: Path) -> None:
    saved = checkpoints.read(path)
    saved["card"]["key"] = "other"
    with path.open("wb") as file:
        checkpoints.write(file, saved)


def no_judge(path: Path) -> None:
    torch.save([1, 2], path)


@pytest.mark.parametrize("damage", [cut, flipped, emptied, of_others, of_other_data, no_judge])
def test_a_damaged_judge_is_trained_again(
    damage: Callable[[Path], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Few(tmp_path)
    first, card = get_judge(data)
    path = tmp_path / "judges" / f"{judge_key(data)}.pt"
    damage(path)
    capsys.readouterr()
    second, again = get_judge(data)
    said = " ".join(capsys.readouterr().err.split())
    assert said.count(f"the judge {path} is damaged: it is trained again") == 1
    assert again == card
    images = torch.rand(2, 3, 16, 16)
    assert torch.equal(first(images), second(images))
    get_judge(data)
    assert "damaged" not in capsys.readouterr().err


def test_of_two_that_want_one_judge_one_trains_it_and_a_killed_one_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, train, trained = Few(tmp_path), judge_module.train_judge, []

    def killed(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(judge_module, "train_judge", killed)
        with pytest.raises(KeyboardInterrupt):
            get_judge(data)
    others: list[Any] = []
    second = Thread(target=lambda: others.append(get_judge(data)))

    def slowly(*arguments: Any) -> Any:
        trained.append(None)
        second.start()
        second.join(0.2)
        assert second.is_alive(), "it waits"
        return train(*arguments)

    monkeypatch.setattr(judge_module, "train_judge", slowly)
    first, _ = get_judge(data)
    second.join()
    assert len(trained) == 1
    assert "another process is training the judge" in " ".join(capsys.readouterr().err.split())
    images = torch.rand(2, 3, 16, 16)
    assert torch.equal(first(images), others[0][0](images))


def test_training_is_reproducible(tmp_path: Path) -> None:
    (first, a), (second, b) = train_judge(Squares(tmp_path)), train_judge(Squares(tmp_path))
    assert a == b
    assert all(torch.equal(x, y) for x, y in zip(first.parameters(), second.parameters(), strict=True))


def test_its_key_follows_the_data(tmp_path: Path) -> None:
    assert judge_key(Squares(tmp_path)) == judge_key(Squares(tmp_path / "elsewhere"))
    assert judge_key(Squares(tmp_path)) != judge_key(Squares(tmp_path, "other data"))
    larger = Squares(tmp_path)
    larger.resolution = 32
    assert judge_key(Squares(tmp_path)) != judge_key(larger)


@pytest.mark.parametrize(("sharp", "share"), [(8, 0.5), (16, 0.0)])
def test_half_of_what_it_learns_from_is_blurred(
    sharp: int, share: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facet.blurring.SHARP", sharp)
    monkeypatch.setattr(judge_module, "blur", lambda images, largest: images.zero_())
    seen, forward = [], Judge.forward

    def noting(judge: Judge, images: Tensor) -> Tensor:
        if judge.training:
            seen.append((images == 0).flatten(1).all(1).float().mean())
        return forward(judge, images)

    monkeypatch.setattr(Judge, "forward", noting)
    train_judge(Squares(tmp_path))
    assert torch.stack(seen).mean() == share


@pytest.mark.parametrize("resolution", [16, 32, 48, 64])
def test_any_resolution(resolution: int) -> None:
    assert Judge(("A", "B"), resolution)(torch.rand(2, 3, resolution, resolution)).shape == (2, 2)


def test_unknown_labels_are_masked() -> None:
    logits = torch.tensor([[0.0, 9.0]])
    labels = torch.tensor([[1.0, float("nan")]])
    assert masked_bce(logits, labels).item() == pytest.approx(0.6931, abs=1e-4)


@pytest.mark.parametrize("settings", [["data.correlation=0.9", "data.test_correlation=0"], ["data.label_noise=0.2"]])
def test_a_judge_learns_from_true_labels_that_go_together_as_in_the_test_split(
    settings: list[str], tmp_path: Path
) -> None:
    _, plain, _ = judge_of(tiny(tmp_path))
    judge, card, data = judge_of(tiny(tmp_path, *settings))
    assert card["key"] == plain["key"]
    assert judge.attribute_names == data.attribute_names
    _, other, _ = judge_of(tiny(tmp_path, "data.correlation=0.9"))  # its test split is correlated, too
    assert other["key"] != plain["key"]
