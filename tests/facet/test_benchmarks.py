"""What our steps are timed beside is the same network, and takes steps."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from facet.benchmarks.jacsup_faces import PlainAutoencoder, PlainStudent, PlainTeacher
from jacsup.face_networks import AttributeAutoencoder

WIDTHS = (4, 8, 16)  # at 32×32


def test_the_plain_network_is_ours() -> None:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"width": 4, "max_width": 512, "latent_channels": 6, "max_latent_channels": 6, "surplus": 5}
    ours = AttributeAutoencoder(32, 3, 5, **sizes, first_norm=False, decoder_bias=False).eval()
    plain = PlainAutoencoder(5, 6, WIDTHS).eval()
    of_ours, of_plain = list(ours.parameters()), list(plain.parameters())
    assert [each.shape for each in of_ours] == [each.shape for each in of_plain]
    with torch.no_grad():
        for mine, theirs in zip(of_ours, of_plain, strict=True):
            theirs.copy_(mine)
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    codes = ours.encode(images)
    torch.testing.assert_close(plain.encode(images), codes)
    torch.testing.assert_close(plain.decode(*codes), ours.decode(*codes))


def test_the_plain_network_has_the_authors_count() -> None:
    with torch.device("meta"):
        counts = [sum(each.numel() for each in PlainAutoencoder(40, size).parameters()) for size in (512, 1024, 2048)]
    assert counts == [24_333_200, 33_051_024, 50_486_672]


@pytest.mark.parametrize("kind", [PlainTeacher, PlainStudent])
def test_the_plain_steps_move_both_networks(kind: type[PlainTeacher]) -> None:
    torch.manual_seed(0)
    plain = kind(5, 6, WIDTHS)
    before = [each.clone() for each in plain.network.parameters()]
    plain.step(torch.rand(4, 3, 32, 32) * 2 - 1, torch.randn(4, 5).sign())
    assert all(not torch.equal(old, new) for old, new in zip(before, plain.network.parameters(), strict=True))
