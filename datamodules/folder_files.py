"""Finds the images that a csv file lists on the disk."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from datamodules.folder_labels import Record
from datamodules.photos import OnMissing


def present(
    root: Path, splits: Mapping[str, list[Record]], limit: int | None, on_missing: OnMissing, listed_in: Path
) -> tuple[dict[str, list[Record]], int]:
    """The listed images that exist, by their names on the disk, and the number of those that don't.

    Args:
        root: directory of the images.
        splits: split -> its listed images.
        limit: use only the first so many images of each split; all if None.
        on_missing: whether a missing image is an error or left out.
        listed_in: the csv file, for messages.

    Raises:
        ValueError: an image is missing, or two names are of the same file.
    """
    found: dict[str, list[Record]] = {split: [] for split in splits}
    files: dict[tuple[int, int], str] = {}
    missing = 0
    for split, records in splits.items():
        for name, labels in records:
            if limit is not None and len(found[split]) == limit:
                break
            on_disk, state = _find(root, name)
            if state is None:
                if on_missing == "fail":
                    raise ValueError(f"{listed_in} lists {name}, but {root} has no such file{_hint(root, name)}")
                missing += 1
                continue
            other = files.setdefault((state.st_dev, state.st_ino), on_disk)
            if other != on_disk and state.st_ino:  # a link, or names that differ only in case on such a file system
                raise ValueError(f"{listed_in} lists {other} and {name}, which are one file: list it once")
            found[split].append((on_disk, labels))
    return found, missing


def _find(root: Path, name: str) -> tuple[str, os.stat_result | None]:
    """A file by its name, with accents composed or decomposed (as macOS writes them)."""
    for form in (name, unicodedata.normalize("NFD", name)):
        try:
            return form, os.stat(root / form)
        except (OSError, ValueError):
            continue
    return name, None


def _hint(root: Path, name: str) -> str:
    """Suggests which file may be meant, for a message."""
    place = (root / name).parent
    there = os.listdir(place) if place.is_dir() else []
    wanted = Path(name).name.casefold()
    near = sorted(one for one in there if wanted in (one.casefold(), Path(one).stem.casefold()))
    meant = f" (is {near[0]} meant?)" if near else ""
    return f"{meant}: mend the list, or data.on_missing=skip goes on with the images that are there"
