"""Prints the table of measures in ``docs/measures.md``: ``python -m facet.measures.catalogue``."""

from __future__ import annotations

from facet.measures.families import Measure
from facet.measures.registry import MEASURES

HEAD = ("measure", "in `results.json`", "unit", "better", "what it is")
ARROWS = {"up": "↑", "down": "↓", "": ""}


def lines() -> list[str]:
    """The lines of the table in Markdown; a measure without a path is computed from others."""
    head = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]
    return [*head, *map(_line, MEASURES.values())]


def _line(measure: Measure) -> str:
    path = f"`{measure.path}`" if measure.path else ""
    cells = (f"`{measure.name}`", path, measure.unit, ARROWS[measure.better], measure.meaning)
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print("\n".join(lines()))
