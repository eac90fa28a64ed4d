"""A command run as its console command runs it, and what may come of an odd input: exit code 0, or 2 and one line."""

from __future__ import annotations

import io
import os
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis.strategies import SearchStrategy
from malformed import in_time

from facet.commands import report

HANGS = 180  # seconds, of a machine that has much else to do
LONG = 5_000  # characters on standard error


class FoundError(AssertionError):
    """What must not come of any input."""


@dataclass(frozen=True)
class Kind:
    """A kind of input.

    Attributes:
        name: of it.
        inputs: plain data, such as ``repr`` writes whole.
        attempt: puts an input into an empty directory, gives it to the command, looks at what is left there, and
            returns the exit code.
        few: how many inputs the suite tries, and so this kind's share of any number; fewer of those that take long.
    """

    name: str
    inputs: SearchStrategy[Any]
    attempt: Callable[[Any, Path], int]
    few: int = 28


def outcome(kind: Kind, given: Any) -> int:
    """The exit code that an input gets, 0 or 2.

    Raises:
        FoundError: another one, a traceback, something half-written, or nothing for a long time.
    """
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name, _caches_in(Path(name) / "cache"):
        try:
            with in_time(HANGS):
                return kind.attempt(given, Path(name))
        except FoundError:
            raise
        except BaseException as error:  # nothing may get as far as here
            if isinstance(error, KeyboardInterrupt):
                raise
            raise FoundError(f"{kind.name}: {''.join(traceback.format_exception(error))}") from error


def exit_code(primary: str, command: Callable[[], object], *, named: Sequence[str] = ()) -> int:
    """The exit code of a command: 0 or 2.

    Args:
        primary: of its config.
        command: does what the command does.
        named: of which a refusal has to name one; none if empty.

    Raises:
        FoundError: a traceback, a refusal that doesn't say of what it is, what a terminal would not show as it is,
            page after page, a warning.
    """
    told = _Captured()
    with told, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            command()
            code: Any = 0
        except SystemExit as error:
            code = error.code or 0
        except Exception as error:
            code = report(primary, error)
            _check_refusal(error, named)
    if code not in (0, 2) or "Traceback (most recent call last)" in told.errors:
        raise FoundError(f"exit code {code}\n{told.errors}")
    of_argparse = told.errors.startswith("usage: ")  # which says again what was said to it
    if not of_argparse and (len(told.errors) > LONG or not told.errors.replace("\n", "").isprintable()):
        raise FoundError(f"no lines that anybody could read: {told.errors[:LONG]!r}")
    for warning in warned:
        of_hydra = f"{os.sep}hydra{os.sep}" in warning.filename  # of its own options
        if not issubclass(warning.category, DeprecationWarning | ResourceWarning) and not of_hydra:
            raise FoundError(f"a warning: {warning.category.__name__}: {warning.message} ({warning.filename})")
    return int(code)


def _check_refusal(error: Exception, named: Sequence[str]) -> None:
    if isinstance(error, ValueError) and named and not any(each in str(error) for each in named):
        said = f"a refusal that names none of {', '.join(named)}: {str(error)[:LONG]!r}"
        raise FoundError(f"{said}\n{''.join(traceback.format_exception(error))}")


class _Captured:
    """What is said meanwhile, in the encoding and with the strictness of a terminal."""

    def __enter__(self) -> None:
        self.out = io.TextIOWrapper(io.BytesIO(), "utf-8")
        self.err = io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace")
        self.redirected = redirect_stdout(self.out), redirect_stderr(self.err)
        for one in self.redirected:
            one.__enter__()

    def __exit__(self, *raised: Any) -> None:
        for one in self.redirected:
            one.__exit__(*raised)

    @property
    def errors(self) -> str:
        self.err.flush()
        lines = self.err.buffer.getvalue().decode().splitlines(True)  # type: ignore[attr-defined]
        return "".join(line for line in lines if "A new study created" not in line)  # Optuna's, in colours


@contextmanager
def _caches_in(place: Path) -> Iterator[None]:
    before = os.environ.get("FACET_CACHE")
    os.environ["FACET_CACHE"] = str(place)
    try:
        yield
    finally:
        if before is None:
            del os.environ["FACET_CACHE"]
        else:
            os.environ["FACET_CACHE"] = before


def write(root: Path, files: dict[str, bytes]) -> Path:
    """Files below a directory, whatever folders they need."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def check_left(place: Path, allowed: Callable[[Path], bool]) -> None:
    """Refuse any file below a directory that isn't allowed there.

    Raises:
        FoundError: there is one.
    """
    odd = [str(file.relative_to(place)) for file in place.rglob("*") if not file.is_dir() and not allowed(file)]
    if odd:
        raise FoundError(f"left behind: {', '.join(sorted(odd))}")
