"""One clear line for a user's mistake, and exit code 2."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

LONGEST = 2_000  # characters of a line


class UserError(ValueError):
    """Something the user can mend: the message says what was wrong, where, and what to do."""


def in_one_line(text: str) -> str:
    """A text as a terminal shows it in a line that can be read: names from elsewhere may hold anything, of any length.

    What a terminal would act upon is told by its code, and of very many characters the middle is left out.
    """
    shown = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST // 2]} … {shown[-LONGEST // 2 :]}"


class RemovedError(UserError):
    """The directory of a run isn't there any more, or is another's: nothing of the run is written any more."""


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
    """The known words nearest to one, for an error message: ``a, b``, or what there is where none is near.

    Of names in several parts (``model.weights.kl``, ``aif/table1/ours``) the last part alone may be near.
    """
    names = sorted(known)
    near = _close(word, {name: name for name in names}) or _close(_last(word), {name: _last(name) for name in names})
    near = near or [name for name in names if word.lower() in name.lower()]
    return ", ".join(near or (names if len(names) <= MOST else [*names[:MOST], "…"]))


MOST = 40  # names in a message


def _close(word: str, known: Mapping[str, str]) -> list[str]:
    """The names of ``known``, at most three, of which the value is close to a word."""
    folded = {each.lower() for each in known.values()}
    close = difflib.get_close_matches(word.lower(), folded, n=3, cutoff=0.5)
    return [name for each in close for name, value in known.items() if value.lower() == each][:3]


def _last(name: str) -> str:
    return re.split(r"[./]", name)[-1]
