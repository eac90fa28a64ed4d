"""Tags for W&B, which refuses a run with a tag that it doesn't like."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 64  # characters


def tags(texts: Iterable[str]) -> list[str]:
    """Texts as W&B takes them: 64 characters at most, of longer ones both ends; none is empty, none comes twice."""
    half = (LONGEST - 1) // 2
    short = (text if len(text) <= LONGEST else f"{text[:half]}…{text[-half:]}" for text in texts)
    return list(dict.fromkeys(text for text in short if text))
