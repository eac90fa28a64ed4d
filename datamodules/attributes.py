"""Checks of the names of attributes that settings give."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def check_attributes(chosen: Sequence[str] | None, known: Sequence[str], data: str) -> tuple[str, ...]:
    """The chosen attributes, all known ones if None.

    Raises:
        ValueError: the list is empty, or has an attribute twice or an unknown one; the message gives the nearest names.
    """
    if chosen is not None and (not chosen or len(set(chosen)) < len(chosen)):
        raise ValueError(f"attributes={list(chosen)}: choose one or more, each once")
    for name in chosen or ():
        if name not in known:
            names = {one.lower(): one for one in known}
            near = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.4)
            nearest = [names[one] for one in near] or known
            raise ValueError(f"data={data} has no attribute {name!r}; nearest: {', '.join(nearest)}")
    return tuple(known) if chosen is None else tuple(chosen)


def check_balance(name: str | None, known: Sequence[str], data: str) -> None:
    """Refuse an attribute to balance that a data set doesn't have.

    Raises:
        ValueError: it has no such attribute; the message gives the nearest names.
    """
    if name is not None:
        try:
            check_attributes([name], known, data)
        except ValueError as error:
            raise ValueError(f"data.balance={name}: {error}") from None
