"""Exceptions of the commands, and helpers for one-line error messages."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping

LONGEST = 2_000  # characters of a line


class UserError(ValueError):
    """A mistake that the user can fix. The message says what was wrong, where, and what to do; the exit code is 2."""


def in_one_line(text: str) -> str:
    """A text as one line that is safe to print: names from elsewhere may hold any characters, and any number of them.

    Control characters are escaped. If the text is longer than ``LONGEST``, its middle is left out.
    """
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST // 2]} … {shown[-LONGEST // 2 :]}"


class RemovedError(UserError):
    """A run's directory was removed or belongs to another run now: the run writes nothing more."""


class ToldError(Exception):
    """Several things were tried and some failed. Each failure was reported when it happened.

    Args:
        line: the closing line to print.
        code: the exit code.
    """

    def __init__(self, line: str, code: int = 1) -> None:
        super().__init__(line)
        self.code = code


def check_known(name: object, known: Collection[str], told: str) -> None:
    """Refuse a name that isn't known.

    Raises:
        UserError: what is ``told``, and the nearest known names.
    """
    if name not in known:
        raise UserError(f"{told}; nearest: {nearest(str(name), known)}")


def nearest(word: str, known: Iterable[str]) -> str:
    """The known words nearest to a word, for an error message: ``a, b``; all known words if none is near.

    If no whole name is near, the last parts are compared (``kl`` of ``model.weights.kl``).
    """
    names = sorted(known)
    near = _close(word, {name: name for name in names}) or _close(_last(word), {name: _last(name) for name in names})
    near = near or [name for name in names if word.lower() in name.lower()]
    return ", ".join(near or (names if len(names) <= MOST else [*names[:MOST], "…"]))


MOST = 40  # names in a message


def _close(word: str, known: Mapping[str, str]) -> list[str]:
    """The names of ``known``, at most three, whose values are close to a word."""
    folded = {value.lower() for value in known.values()}
    close = difflib.get_close_matches(word.lower(), folded, n=3, cutoff=0.5)
    return [name for match in close for name, value in known.items() if value.lower() == match][:3]


def _last(name: str) -> str:
    return re.split(r"[./]", name)[-1]
