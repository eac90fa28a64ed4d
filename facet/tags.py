"""Tags for W&B, which refuses a run if one of its tags is invalid."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 64  # characters


def tags(texts: Iterable[str]) -> list[str]:
    """Make texts valid as tags: cut the middle out of texts over 64 characters, drop empty and repeated ones."""
    half = (LONGEST - 1) // 2
    short = (text if len(text) <= LONGEST else f"{text[:half]}…{text[-half:]}" for text in texts)
    return list(dict.fromkeys(text for text in short if text))
