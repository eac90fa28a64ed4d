"""An autoencoder with closed units is a narrow autoencoder: weights and losses, step by step."""

import io

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jacsup import losses
from jacsup.digit_networks import GrowingAutoencoder
from jacsup.teacher import swap

SHAPE, WIDTHS = (1, 4, 5), (16, 12, 8)
PAIRS = torch.tensor([3, 0, 1, 4, 2, 5])


def growing(units: int = 2, max_units: int = 6, **settings: bool) -> GrowingAutoencoder:
    return GrowingAutoencoder(SHAPE, units, max_units, WIDTHS, **settings).double()


class Narrow(nn.Module):
    """Written out plainly, with exactly the units that are open."""

    def __init__(self, model: GrowingAutoencoder) -> None:
        super().__init__()
        n = model.open
        self.trunk, self.outlet = (nn.Sequential(*(type(layer)(*_sizes(layer)) for layer in part)).double()
                                   for part in (model.trunk, model.outlet))  # fmt: skip
        self.head, self.entry = nn.Linear(8, n).double(), nn.Linear(n, 8).double()
        self.norm = nn.BatchNorm1d(n, affine=False).double() if model.normalised else nn.Identity()
        self.trunk.load_state_dict(model.trunk.state_dict())
        self.outlet.load_state_dict(model.outlet.state_dict())
        with torch.no_grad():
            self.head.weight.copy_(model.head.weight[:n])
            self.head.bias.copy_(model.head.bias[:n])
            self.entry.weight.copy_(model.entry.weight[:, :n])
            self.entry.bias.copy_(model.entry.bias)

    def encode(self, images: Tensor) -> Tensor:
        code: Tensor = self.norm(self.head(self.trunk(images.flatten(1))))
        return code

    def decode(self, code: Tensor) -> Tensor:
        images: Tensor = self.outlet(F.relu(self.entry(code))).tanh().view(-1, *SHAPE)
        return images


def _sizes(layer: nn.Module) -> tuple[int, ...]:
    return (layer.in_features, layer.out_features) if isinstance(layer, nn.Linear) else ()


def student_loss(model: GrowingAutoencoder | Narrow, images: Tensor, y: Tensor, change: Tensor) -> Tensor:
    code = model.encode(images)
    k = y.shape[1]
    decoded, swapped = model.decode(torch.cat([code, swap(code, PAIRS, k)])).chunk(2)
    return (
        losses.reconstruction(decoded, images, "mean")
        + 0.25 * losses.code_agreement(code[:, :k], y, "mean")
        + 0.1 * losses.difference_agreement(swapped - decoded, change, "mean")
        + 1e-3 * losses.cross_covariance(code[:, k:], code[:, :k])
    )


@pytest.mark.parametrize("grown", [0, 1, 3])
def test_partly_open_training_equals_training_of_the_narrow_network(grown: int) -> None:
    """In float64, with weight decay on: every loss and every open weight, after every step."""
    model = growing()
    for _ in range(grown):
        model.grow()
    narrow = Narrow(model)
    make = lambda parameters: torch.optim.Adam(parameters, lr=3e-3, weight_decay=1e-2)  # noqa: E731
    optimizers = make(model.parameters()), make(narrow.parameters())
    n = model.open
    for step in range(20):
        generator = torch.Generator().manual_seed(step)
        images = torch.rand(6, *SHAPE, dtype=torch.float64, generator=generator)
        k = n - 1 if grown else n
        y = torch.randn(6, k, dtype=torch.float64, generator=generator)
        change = torch.randn(6, *SHAPE, dtype=torch.float64, generator=generator)
        found = [student_loss(one, images, y, change) for one in (model, narrow)]
        assert found[0].item() == pytest.approx(found[1].item(), rel=1e-12)
        for loss, optimizer in zip(found, optimizers, strict=True):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        expected = Narrow(model).state_dict()
        for name, value in narrow.state_dict().items():
            if "norm" not in name:
                torch.testing.assert_close(value, expected[name], rtol=1e-10, atol=1e-12)
    assert (model.eval().encode(images) - narrow.eval().encode(images)).abs().max() < 1e-10


def test_growing_keeps_what_is_open_and_draws_what_is_new_as_a_narrow_layer() -> None:
    model = GrowingAutoencoder((1, 28, 28), 2, 16)
    with torch.no_grad():  # what weight decay leaves of closed units
        model.head.weight[2:] = 0
        model.entry.weight[:, 2:] = 0
    head, entry = model.head.weight[:2].clone(), model.entry.weight[:, :2].clone()
    for size in range(3, 17):
        model.grow()
        assert model.open == size
        new, column = model.head.weight[size - 1], model.entry.weight[:, size - 1]
        assert 0.6 * 64**-0.5 < new.abs().max() <= 64**-0.5
        assert 0.6 * size**-0.5 < column.abs().max() <= size**-0.5
    assert torch.equal(model.head.weight[:2], head)
    assert torch.equal(model.entry.weight[:, :2], entry)
    with pytest.raises(ValueError, match=r"16 units are open and 1 more wanted, but .*max_units=16"):
        model.grow()


def test_the_first_layer_of_the_decoder_starts_as_a_narrow_one() -> None:
    weight = GrowingAutoencoder((1, 28, 28), 2, 16).entry.weight[:, :2]
    assert 0.6 < weight.abs().max() * 2**0.5 <= 1


def test_only_the_first_teacher_is_normalised() -> None:
    model = growing()
    codes = model.encode(torch.rand(50, *SHAPE, dtype=torch.float64))
    torch.testing.assert_close(codes.mean(0), torch.zeros(2).double(), atol=1e-9, rtol=0)
    model.grow()
    raw = model.encode(torch.rand(50, *SHAPE, dtype=torch.float64))
    assert raw.shape == (50, 3)
    assert raw.mean(0).abs().max() > 1e-3


def test_growing_can_keep_the_function() -> None:
    images = torch.rand(50, *SHAPE, dtype=torch.float64)
    for preserving in (True, False):
        model = growing(preserving=preserving)
        for _ in range(30):
            model.encode(images)  # moves the running statistics
        model.eval()
        for _ in range(2):
            before, code = model.decode(model.encode(images)), model.encode(images)
            model.grow()
            kept = torch.allclose(model.decode(model.encode(images)), before, atol=1e-12)
            assert kept == preserving
            assert torch.allclose(model.encode(images)[:, : code.shape[1]], code, atol=1e-12) or not preserving
            assert model.head.weight[model.open - 1].abs().max() > 0, "the new unit sees something"


def test_a_restart_is_a_new_network_of_another_size() -> None:
    model = growing()
    model.grow(3)
    before = model.trunk[0].weight.clone()
    model.restart(4)
    assert (model.open, model.normalised) == (4, True)
    assert not torch.equal(model.trunk[0].weight, before)
    assert 0.6 < model.entry.weight[:, :4].abs().max() * 4**0.5 <= 1
    codes = model.encode(torch.rand(50, *SHAPE, dtype=torch.float64))
    torch.testing.assert_close(codes.mean(0), torch.zeros(4).double(), atol=1e-9, rtol=0)
    mean = model.normalisation.running_mean
    assert mean is not None
    assert mean[:4].abs().max() > 0
    assert mean[4:].abs().max() == 0, "closed units have no statistics"
    with pytest.raises(ValueError, match=r"units=7, but .*max_units=6"):
        model.restart(7)


def test_state_dicts_know_what_is_open() -> None:
    model = growing()
    model.grow(2)
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    buffer.seek(0)
    other = growing()
    other.load_state_dict(torch.load(buffer, weights_only=True))
    assert (other.open, other.normalised) == (4, False)
    images = torch.rand(3, *SHAPE, dtype=torch.float64)
    assert torch.equal(other.encode(images), model.encode(images))


def test_open_parameters_are_those_of_the_narrow_network() -> None:
    model = growing()
    for _ in range(3):
        assert model.open_parameters() == sum(p.numel() for p in Narrow(model).parameters())
        model.grow()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"units": 0}, "units=0"),
        ({"units": 3, "max_units": 2}, "max_units=2 is smaller than units=3"),
        ({"widths": ()}, "widths"),
        ({"widths": (8, 0)}, "widths"),
    ],
)
def test_bad_sizes_are_one_clear_line(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        GrowingAutoencoder(SHAPE, **settings)  # type: ignore[arg-type]
