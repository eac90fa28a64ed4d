"""Which sizes the networks of this package take. Nothing here imports torch, so that configs are checked fast."""

from __future__ import annotations

from nets.checks import at_least_one, not_negative


def check_sizes(resolution: int, kind: str = "plain", attributes: int = 0, **widths: int | None) -> None:
    """Raise ``ValueError`` unless the images' side can be halved evenly four times and every width is at least 1."""
    at_least_one(**widths)
    not_negative(attributes=attributes)
    if kind == "residual" and (widths.get("width") or 2) < 2:
        raise ValueError(f"width={widths['width']}: residual networks have half as many channels at the images' side")
    if resolution < 16 or resolution % 16:
        raise ValueError(
            f"resolution={resolution} does not work with four stride-2 layers: choose a multiple of 16, "
            f"for example {max(16, round(resolution / 16) * 16)}"
        )
