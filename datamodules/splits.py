"""The names of the splits, and the split of a file by a hash of its path."""

from __future__ import annotations

import hashlib

SPLITS = ("train", "val", "test")
SHARES = (0.8, 0.1, 0.1)


def hashed_split(path: str, seed: int) -> str:
    """The split of a file, a function of its path and the seed alone, so that adding files moves no other file.

    Args:
        path: relative, with forward slashes.
        seed: of the hash.
    """
    digest = hashlib.sha256(f"{seed}:{path}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    for split, share in zip(SPLITS, SHARES, strict=True):
        if place < share:
            return split
        place -= share
    return SPLITS[-1]
