"""The convolutional autoencoder: its sizes, and that one with closed channels is a narrow one."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from jacsup.face_networks import AttributeAutoencoder

K = 3


def autoencoder(channels: int = 4, allocated: int = 4, seed: int = 0, **parts: bool) -> AttributeAutoencoder:
    torch.manual_seed(seed)
    sizes = {"attributes": K, "width": 4, "max_width": 12}
    sizes |= {"latent_channels": channels, "max_latent_channels": allocated}
    return AttributeAutoencoder(32, **sizes, **parts).double()


def narrow_copy(wide: AttributeAutoencoder) -> AttributeAutoencoder:
    """One that has as many channels as are open in ``wide``, and the same weights."""
    narrow = autoencoder(wide.open, wide.open, seed=1)
    own = narrow.state_dict()
    for name, value in wide.state_dict().items():
        if isinstance(value, Tensor):
            own[name] = value[: own[name].shape[0]] if value.dim() else value  # every closed one is in dimension 0
    narrow.load_state_dict(own)
    return narrow


def test_closed_channels_leave_no_trace() -> None:
    """Three steps with batch norm in training mode: outputs, weights and running statistics are the narrow one's."""
    wide = autoencoder(4, 10)
    narrow = narrow_copy(wide)
    before = {name: value.clone() for name, value in wide.state_dict().items() if isinstance(value, Tensor)}
    images = 2 * torch.rand(6, 3, 32, 32, dtype=torch.float64) - 1
    for _ in range(3):
        found = []
        for net, optimizer in [(net, torch.optim.SGD(net.parameters(), 0.1)) for net in (wide, narrow)]:
            y, z = net.encode(images)
            loss = (net.decode(y, z) - images).square().mean() + y.mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            found.append(loss.item())
        assert found[0] == pytest.approx(found[1], rel=1e-12)
    for name, value in narrow.state_dict().items():
        if isinstance(value, Tensor):
            ours = wide.state_dict()[name]
            torch.testing.assert_close(ours[: len(value)] if value.dim() else ours, value)
            if value.dim() and len(value) < len(ours):
                assert torch.equal(ours[len(value) :], before[name][len(value) :]), name


def test_growing_keeps_what_is_open_and_draws_the_rest_as_a_layer_is_drawn() -> None:
    net = autoencoder(4, 10)
    images = torch.rand(8, 3, 32, 32, dtype=torch.float64)
    net.encode(images)
    with torch.no_grad():
        for part in (net.encoder.head, net.decoder.entry):
            part.weight[K + 4 :] = 0  # as weight decay would leave closed ones
        net.encoder.norm.running_var[K + 4 :] = 7  # type: ignore[index]
    y, z = net.eval().encode(images)
    net.grow(3)
    grown_y, grown_z = net.encode(images)
    torch.testing.assert_close(grown_y, y)
    torch.testing.assert_close(grown_z[:, :4], z)
    assert grown_z.shape == (8, 7, 2, 2)
    for weight in (net.encoder.head.weight, net.decoder.entry.weight):
        bound = (weight.shape[1] * 16) ** -0.5
        new = weight[K + 4 : K + 7]
        assert new.abs().max() <= bound
        assert new.std().item() == pytest.approx(bound / 3**0.5, rel=0.1)
        assert not weight[K + 7 :].any(), "what stays closed stays as it is"
    assert net.encoder.norm.running_var[K + 4 : K + 7].tolist() == [1, 1, 1]  # type: ignore[index]
    assert net.decode(grown_y, grown_z).shape == images.shape


def test_a_grown_network_is_loaded_into_a_fresh_one() -> None:
    net = autoencoder(4, 10)
    net.grow(2)
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    fresh = autoencoder(4, 10, seed=5)
    fresh.load_state_dict(torch.load(file, weights_only=True))
    assert fresh.open == 6
    images = torch.rand(2, 3, 32, 32, dtype=torch.float64)
    torch.testing.assert_close(fresh.encode(images)[1], net.encode(images)[1])


@pytest.mark.parametrize("resolution", [32, 64, 128, 256])
def test_every_side_comes_back(resolution: int) -> None:
    net = AttributeAutoencoder(resolution, attributes=2, width=2, max_width=8, latent_channels=3, max_latent_channels=3)
    y, z = net.encode(torch.rand(2, 3, resolution, resolution))
    assert (y.shape, z.shape) == ((2, 2), (2, 3, 2, 2))
    assert net.decode(y, z).shape == (2, 3, resolution, resolution)


def sizes(**settings: Any) -> list[int]:
    """Open parameters of a teacher and both students at 256×256."""
    with torch.device("meta"):
        net = AttributeAutoencoder(256, **settings)
    found = [net.open_parameters()]
    for channels in (512, 1024):
        net.grow(channels)
        found.append(net.open_parameters())
    assert found[-1] == sum(p.numel() for p in net.parameters()), "all channels are open"
    return found


def test_the_published_sizes_are_met() -> None:
    assert [round(count / 1e6, 1) for count in sizes()] == [15.0, 23.3, 40.1]


def test_the_authors_networks_have_the_parameters_of_theirs() -> None:
    """No batch norm after the first convolution, no bias in the transposed ones: counted in their code, all stages."""
    found = sizes(width=32, surplus=40, first_norm=False, decoder_bias=False)
    assert found == [24_333_200, 33_051_024, 50_486_672]


def test_the_parts_that_the_authors_leave_out_are_left_out() -> None:
    net = autoencoder(4, 4, first_norm=False, decoder_bias=False)
    assert [type(part).__name__ for part in net.encoder.trunk[0]] == ["Conv2d", "LeakyReLU"]  # type: ignore[arg-type]
    assert [type(part).__name__ for part in net.encoder.trunk[1]] == ["Conv2d", "BatchNorm2d", "LeakyReLU"]  # type: ignore[arg-type]
    transposed = [part for part in net.decoder.modules() if isinstance(part, nn.ConvTranspose2d)]
    assert all(part.bias is None for part in transposed)
    y, z = net.encode(torch.rand(2, 3, 32, 32, dtype=torch.float64))
    assert net.decode(y, z).shape == (2, 3, 32, 32)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"resolution": 178}, r"resolution=178 can't be halved down to 2×2: .* for example data.resolution=256"),
        ({"resolution": 16}, r"resolution=16 .* for example data.resolution=32"),
        ({"resolution": 96}, r"data.resolution=128"),
        ({"latent_channels": 8, "max_latent_channels": 4}, r"max_latent_channels=4 is smaller than latent_channels=8"),
        ({"width": 0}, r"width=0: it must be at least 1"),
    ],
)
def test_sizes_that_do_not_work_are_one_clear_line(settings: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        AttributeAutoencoder(**{"resolution": 32, **settings})


def test_more_channels_than_are_allocated_are_refused() -> None:
    with pytest.raises(ValueError, match=r"4 channels are open and 7 more wanted, but .*max_latent_channels=10"):
        autoencoder(4, 10).grow(7)
