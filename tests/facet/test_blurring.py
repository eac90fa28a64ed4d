"""Blurred pictures: how much, and that nothing but detail is lost."""

from __future__ import annotations

import torch

from facet.blurring import blur, largest_blur


def test_pictures_above_32_pixels_are_blurred_by_a_thirty_second_of_the_side() -> None:
    assert [largest_blur(resolution) for resolution in (16, 28, 32)] == [0, 0, 0]
    assert [largest_blur(resolution) for resolution in (64, 256)] == [2, 8]
    sharp = torch.rand(4, 3, 64, 64)
    blurred = sharp.clone()
    blur(blurred, 0.87)
    assert blurred.std() < sharp.std()
    torch.testing.assert_close(blurred.mean((2, 3)), sharp.mean((2, 3)), atol=0.01, rtol=0)
