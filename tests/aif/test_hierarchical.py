"""Latents of several levels in one code: where each is seen, and what every network of the method gets of them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from aif.hierarchical import HierarchicalDecoder, HierarchicalEncoder


def made(resolution: int, kind: Any = "plain") -> tuple[HierarchicalEncoder, HierarchicalDecoder, int]:
    maps = (3, 2)
    size = 7 + 3 * (resolution // 8) ** 2 + 2 * (resolution // 4) ** 2
    encoder = HierarchicalEncoder(resolution, attributes=2, latent_dim=size, maps=maps, width=4, kind=kind)
    return encoder, HierarchicalDecoder(resolution, attributes=2, latent_dim=size, maps=maps, width=4, kind=kind), size


@pytest.mark.parametrize("resolution", [16, 32, 48, 64])
@pytest.mark.parametrize("kind", ["plain", "residual"])
def test_all_levels_are_one_code(resolution: int, kind: Any) -> None:
    encoder, decoder, size = made(resolution, kind)
    images = torch.rand(2, 3, resolution, resolution)
    mean, log_variance, label = encoder(images)
    assert mean.shape == log_variance.shape == (2, size)
    assert label.shape == (2, 2)
    assert decoder(label.sigmoid(), mean).shape == images.shape


@pytest.mark.parametrize(("level", "reach"), [("vector", 64), ("coarse map", 8), ("fine map", 4)])
def test_a_map_is_seen_where_it_lies_and_the_vector_everywhere(level: str, reach: int) -> None:
    torch.manual_seed(0)
    _, decoder, size = made(64)
    decoder.eval()
    place = {"vector": 3, "coarse map": 7, "fine map": 7 + 3 * 64}[level]  # a map's upper left cell
    code, labels = torch.randn(1, size), torch.rand(1, 2)
    changed = code.clone()
    changed[0, place] += 5
    with torch.no_grad():
        rows, columns = (decoder(labels, code) - decoder(labels, changed)).abs().amax((0, 1)).gt(1e-6).nonzero().T
    assert len(rows) > 0
    assert max(rows.max(), columns.max()) < reach
    assert max(rows.max(), columns.max()) >= reach // 2


def test_the_levels_of_the_encoder_are_in_the_decoders_order() -> None:
    """A fine map's numbers come from pixels nearby, and lie where the decoder looks for them."""
    torch.manual_seed(0)
    encoder, decoder, _ = made(64)
    encoder.eval()
    images = torch.rand(1, 3, 64, 64)
    touched = images.clone()
    touched[..., :4, -4:] = 0  # the upper right corner
    with torch.no_grad():
        change = (encoder(images)[0] - encoder(touched)[0]).abs()
    vector, coarse, fine = change.split(decoder.sizes, dim=1)
    assert vector.min() > 0
    for level, side in ((coarse, 8), (fine, 16)):
        seen = level.view(-1, side, side).amax(0)
        assert seen[0, -1] > 0
        assert seen[-1, 0] == 0


def test_the_posterior_is_no_wider_than_it_may_be() -> None:
    encoder = HierarchicalEncoder(32, latent_dim=100, maps=(1, 1), width=4, max_log_variance=2.0)
    for part in (encoder.vector, *encoder.maps):
        assert part.bias is not None
        nn.init.constant_(part.bias, 90.0)
    torch.testing.assert_close(encoder(torch.rand(8, 3, 32, 32))[1], torch.full((8, 100), 2.0))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"latent_dim": 768}, "latent_dim=768: maps=.4, 2. alone hold 768 at 64 pixels"),
        ({"maps": [4]}, "maps=.4.: say how many channels the two maps have"),
        ({"maps": [4, 0]}, "maps=.4, 0.: say how many channels the two maps have"),
        ({"width": 0}, "width"),
    ],
)
@pytest.mark.parametrize("network", [HierarchicalEncoder, HierarchicalDecoder])
def test_sizes_that_do_not_fit_are_refused(network: Any, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        network(64, **settings)
