"""What all findings share: a claim, a verdict on it, and the reasons for which there can't be one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from facet.report import evidence
from facet.report.results import Row, Spread

Verdict = Literal["seen", "partly seen", "not seen", "undecided", "can't be interpreted", "not tested"]

HIGH = 0.80
"""An edit rate is high where its whole interval is above this; the paper's own lowest success is 81.3%."""
SAME_MSE = 0.10
"""Two MSEs are about the same where they differ by less than this share."""


@dataclass(frozen=True)
class Finding:
    """A claim of the paper, whether these runs show it, and the numbers that say so."""

    claim: str
    verdict: Verdict
    text: str


def edit_rates(row: Row) -> tuple[Spread, Spread] | None:
    """Edits to absent and to present."""
    off, on = row.spread("edit_off"), row.spread("edit_on")
    return None if off is None or on is None else (off, on)


def stop_at(claim: str, *rows: Row) -> Finding | None:
    """The finding where rows have no numbers, or such as can't be interpreted."""
    if text := evidence.unusable(*rows):
        return Finding(claim, "not tested", text)
    if text := evidence.uninterpretable(*rows):
        return Finding(claim, "can't be interpreted", text)
    return None


def untested(claim: str, *rows: Row) -> Finding:
    """The finding where a number is missing."""
    return Finding(claim, "not tested", evidence.unusable(*rows) or "The results do not hold the numbers for it.")
