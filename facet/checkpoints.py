"""Checkpoint files: written atomically, verified when read, with the previous checkpoint kept beside the last."""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from facet.errors import UserError

# Torch is imported only where checkpoints are written or loaded. Verifying one doesn't need it.


def before(path: Path) -> Path:
    """The path of the previous checkpoint, which ``path`` replaced."""
    return path.with_name(f"{path.stem}-before{path.suffix}")


def written(path: Path) -> Path:
    """The path of a checkpoint that is written but not yet renamed to ``path``."""
    return path.with_name(f"{path.name}.new")


def promote(path: Path) -> None:
    """Rename a written checkpoint to ``path``; keep the one that is there as the previous one (:func:`before`)."""
    if path.is_file():
        os.replace(path, before(path))
    os.replace(written(path), path)


def settle(path: Path) -> None:
    """Finish a :func:`promote` that was killed between its two renames."""
    # Without a previous checkpoint the run was killed before the first one's batch was logged: don't use that one.
    if not path.exists() and before(path).exists() and is_whole(written(path)):
        with suppress(FileNotFoundError):  # another process of the run has renamed it
            os.replace(written(path), path)


def write(file: IO[bytes], content: dict[str, Any]) -> None:
    """Write a checkpoint that any ``torch.load`` reads, followed by its checksum."""
    import torch

    summed: Any = _Summed(file)
    try:
        torch.save(content, summed)
    except RuntimeError:  # torch raises it while closing the archive, and hides the OSError of the file
        if summed.refused is None:
            raise
        raise summed.refused from None
    file.write(summed.trailer())


class _Summed:
    """A file that is written to, and its CRC-32. The sum detects accidents, not forgery."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.sum = file, 0
        self.refused: OSError | None = None

    def write(self, chunk: bytes) -> int:
        self.sum = zlib.crc32(chunk, self.sum)
        try:
            return self.file.write(chunk)
        except OSError as error:
            self.refused = error
            raise

    def flush(self) -> None:
        self.file.flush()

    def trailer(self) -> bytes:
        return MARK + f"{self.sum:08x}".encode()


MARK = b"facet crc32 "
LENGTH = len(MARK) + 8
CHUNK = 2**22
AGAIN = "facet-train with force=true trains it again"


def is_whole(path: Path) -> bool:
    """Whether a checkpoint exists and is undamaged. The whole file is read.

    A file without a checksum of its own is verified by the checksums of its archive's parts.
    """
    if not path.is_file():  # reading a pipe would block
        return False
    try:
        with path.open("rb") as file:
            left = os.fstat(file.fileno()).st_size - LENGTH
            summed = _Summed(file)
            while left > 0 and (chunk := file.read(min(CHUNK, left))):
                summed.sum, left = zlib.crc32(chunk, summed.sum), left - len(chunk)
            trailer = file.read()
        if trailer.startswith(MARK):
            return trailer == summed.trailer()
        with zipfile.ZipFile(path) as parts:
            return parts.testzip() is None
    except Exception:  # reading a damaged archive may raise anything
        return False


def tensors_digest(path: Path) -> str | None:
    """A digest that changes with any tensor of a checkpoint and with nothing else; None if it can't be read.

    It is made from the checksums of the archive's parts: it needs neither torch nor the whole file.
    """
    try:
        with zipfile.ZipFile(path) as parts:
            sums = [(part.filename.partition("/")[2], part.file_size, part.CRC) for part in parts.infolist()]
    except Exception:  # reading a damaged archive may raise anything
        return None
    tensors = sorted(part for part in sums if part[0].startswith("data/"))
    return hashlib.sha256(repr(tensors).encode()).hexdigest()[:16]


def last_whole(path: Path) -> Path | None:
    """The first undamaged file of: the checkpoint, the previous one, the one not yet renamed; None if there is none."""
    candidates = [path, before(path)]
    if any(file.exists() for file in candidates):
        candidates.append(written(path))
    return next((file for file in candidates if is_whole(file)), None)


def read(path: Path) -> dict[str, Any]:
    """The content of a checkpoint, on the CPU. Code in the file is refused, not run.

    Raises:
        UserError: the file is missing or damaged, or is no checkpoint of a training.
    """
    import torch

    if not is_whole(path):
        raise UserError(f"the checkpoint {path} can't be read: it is missing or damaged; {AGAIN}")
    try:
        _refuse_packed(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file, or one that would run code, may raise anything
        raise UserError(
            f"the checkpoint {path} can't be read: {' '.join(str(error).split())[:200]}; {AGAIN}"
        ) from error
    if not isinstance(content, dict):
        raise UserError(f"the checkpoint {path} can't be read: it holds no training; {AGAIN}")
    return content


def _refuse_packed(path: Path) -> None:
    """Refuse a compressed archive.

    Raises:
        ValueError: a part is compressed.
    """
    # torch.save never compresses, but torch.load decompresses: a small file could fill the memory.
    with zipfile.ZipFile(path) as parts:
        if any(part.compress_type != zipfile.ZIP_STORED for part in parts.infolist()):
            raise ValueError("its parts are compressed, which no training does")


def batches_of(content: dict[str, Any]) -> int:
    """How many training batches were processed before a checkpoint."""
    return int(content["loops"]["fit_loop"]["epoch_loop.batch_progress"]["total"]["processed"])


def epochs_of(content: dict[str, Any]) -> int:
    """How many epochs were finished before a checkpoint."""
    return int(content["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"])
