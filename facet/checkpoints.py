"""Checkpoint files that are whole or absent, known to be whole when they are read, and the one before beside them."""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from facet.errors import UserError

# Torch is imported where checkpoints are written or loaded: whether one is whole is known without it.


def before(path: Path) -> Path:
    """Where the checkpoint is that another one took the place of."""
    return path.with_name(f"{path.stem}-before{path.suffix}")


def written(path: Path) -> Path:
    """Where a checkpoint is that has been written and has still to take its place."""
    return path.with_name(f"{path.name}.new")


def promote(path: Path) -> None:
    """Let a checkpoint that was written take its place; the one that is there is kept (:func:`before`)."""
    if path.is_file():
        os.replace(path, before(path))
    os.replace(written(path), path)


def settle(path: Path) -> None:
    """Let a checkpoint take its place that a kill between the two renames of :func:`promote` kept from it.

    A run's first one, with none before it, is no such: it was killed before its batch was logged, and doesn't count.
    """
    if not path.exists() and before(path).exists() and is_whole(written(path)):
        with suppress(FileNotFoundError):  # another process of the run has
            os.replace(written(path), path)


def write(file: IO[bytes], content: dict[str, Any]) -> None:
    """Write a checkpoint that any ``torch.load`` reads, and behind it what it adds up to."""
    import torch

    summed: Any = _Summed(file)
    try:
        torch.save(content, summed)
    except RuntimeError:  # torch's, which ends its archive all the same and hides what the file said
        if summed.refused is None:
            raise
        raise summed.refused from None
    file.write(summed.told())


class _Summed:
    """A file that is written to, and the CRC-32 of it: against accidents, nobody is kept from forging one."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.sum = file, 0
        self.refused: OSError | None = None

    def write(self, some: bytes) -> int:
        self.sum = zlib.crc32(some, self.sum)
        try:
            return self.file.write(some)
        except OSError as error:
            self.refused = error
            raise

    def flush(self) -> None:
        self.file.flush()

    def told(self) -> bytes:
        return TOLD + f"{self.sum:08x}".encode()


TOLD = b"facet crc32 "
LENGTH = len(TOLD) + 8
CHUNK = 2**22
AGAIN = "facet-train with force=true trains it again"


def is_whole(path: Path) -> bool:
    """Whether a checkpoint is there and holds what was written, all of it read for that.

    Of one that doesn't say what it adds up to, the checksums of its parts are looked at.
    """
    if not path.is_file():  # a pipe would be waited for
        return False
    try:
        with path.open("rb") as file:
            left = os.fstat(file.fileno()).st_size - LENGTH
            found = _Summed(file)
            while left > 0 and (some := file.read(min(CHUNK, left))):
                found.sum, left = zlib.crc32(some, found.sum), left - len(some)
            told = file.read()
        if told.startswith(TOLD):
            return told == found.told()
        with zipfile.ZipFile(path) as parts:
            return parts.testzip() is None
    except Exception:  # whatever reading a damaged archive comes to
        return False


def tensors_digest(path: Path) -> str | None:
    """Changes with any tensor of a checkpoint, and with nothing else, such as times; None where it can't be read.

    From the checksums that the file keeps of its parts: neither torch nor reading all of it is needed.
    """
    try:
        with zipfile.ZipFile(path) as parts:
            sums = [(part.filename.partition("/")[2], part.file_size, part.CRC) for part in parts.infolist()]
    except Exception:  # whatever reading a damaged archive comes to
        return None
    tensors = sorted(each for each in sums if each[0].startswith("data/"))
    return hashlib.sha256(repr(tensors).encode()).hexdigest()[:16]


def last_whole(path: Path) -> Path | None:
    """A checkpoint, or where it isn't whole the one before, or the one that was to take its place; None if none is."""
    there = [path, before(path)]
    if any(one.exists() for one in there):
        there.append(written(path))
    return next((one for one in there if is_whole(one)), None)


def read(path: Path) -> dict[str, Any]:
    """What a checkpoint holds, on the CPU. Nothing that it might hold besides data is run.

    Raises:
        UserError: it isn't there, or isn't what was written.
    """
    import torch

    if not is_whole(path):
        raise UserError(f"the checkpoint {path} can't be read: it is missing or damaged; {AGAIN}")
    try:
        _refuse_packed(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever reading a damaged file, or one that would run something, comes to
        raise UserError(
            f"the checkpoint {path} can't be read: {' '.join(str(error).split())[:200]}; {AGAIN}"
        ) from error
    if not isinstance(content, dict):
        raise UserError(f"the checkpoint {path} can't be read: it holds no training; {AGAIN}")
    return content


def _refuse_packed(path: Path) -> None:
    """``torch.save`` packs nothing, but torch unpacks: a small file could fill the memory.

    Raises:
        ValueError: it is packed.
    """
    with zipfile.ZipFile(path) as parts:
        if any(part.compress_type != zipfile.ZIP_STORED for part in parts.infolist()):
            raise ValueError("its parts are packed, as no training packs them")


def batches_of(content: dict[str, Any]) -> int:
    """How many training batches a checkpoint has behind it."""
    return int(content["loops"]["fit_loop"]["epoch_loop.batch_progress"]["total"]["processed"])


def epochs_of(content: dict[str, Any]) -> int:
    """How many epochs it has finished."""
    return int(content["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"])
