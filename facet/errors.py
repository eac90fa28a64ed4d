"""One clear line for a user's mistake, and exit code 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """Something the user can mend: the message says what was wrong, where, and what to do."""


class ToldError(Exception):
    """Some of several things failed, each told when it did: one more line, and an exit code.

    Args:
        line: the one more.
        code: 1 unless it is known to be another.
    """

    def __init__(self, line: str, code: int = 1) -> None:
        super().__init__(line)
        self.code = code


def nearest(word: str, known: Iterable[str]) -> str:
    """The known words nearest to one, for an error message: ``a, b`` or all of them where none is near."""
    names = sorted(known)
    folded = {name.lower(): name for name in names}
    near = [folded[name] for name in difflib.get_close_matches(word.lower(), list(folded), n=3, cutoff=0.5)]
    return ", ".join(near or names)
