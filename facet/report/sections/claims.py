"""A paper's claims, judged by intervals, never by single values: what counts as seen stands in the page's file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from facet.errors import UserError, check_known
from facet.measures.registry import MEASURES
from facet.report.blocks import Block, Claim
from facet.report.context import Context

VERDICTS = ("seen", "partly seen", "not seen", "undecided")
"""What a claim's file may say; a claim can also be ``not tested``, or one that ``can't be interpreted``."""
KEYS = ("claim", "rows", "needs", "where", "verdicts", "lead", "text", "stop", "keeps")


def render(page: Context, claims: Mapping[str, Mapping[str, Any]]) -> list[Block]:
    """The claims for which the page has the rows.

    Args:
        claims: by key, each with

            - ``claim``: in words;
            - ``rows``: that it is about;
            - ``needs``: measures without which it isn't tested;
            - ``where``: names for expressions, in order, which the following may use;
            - ``verdicts``: verdict -> expression; the first that is true holds, ``undecided`` where none is;
            - ``lead``: what is said in any case, and ``text``: what is said unless edits can't be interpreted;
            - ``stop``: ``interpretable`` (edits of all rows have to be) or ``diverged`` (no run may have);
            - ``keeps``: verdicts that hold even where edits can't be interpreted.
    """
    for key, said in claims.items():
        _check(f"{page.page.name}: claim {key}", said)
    return [_judged(page, key, said) for key, said in claims.items() if set(said["rows"]) <= set(page.page.rows)]


def _check(where: str, said: Mapping[str, Any]) -> None:
    """Raise a UserError for a word that no claim takes, or one that is missing."""
    for known, names in ((KEYS, said), (VERDICTS, said.get("verdicts", ())), (MEASURES, said.get("needs", ()))):
        for name in names:
            check_known(name, known, f"{where}: unknown {name!r}")
    for name in ("claim", "rows", "verdicts"):
        if name not in said:
            raise UserError(f"{where}: {name} is missing")


def _judged(page: Context, key: str, said: Mapping[str, Any]) -> Claim:
    claim = page.texts.fill(said["claim"])
    rows = [row for row in page.rows if row.key in said["rows"]]
    if text := page.texts.fill("{{ unusable(rows) }}", rows=rows):
        return Claim(key, claim, "not tested", text)
    all_run = said.get("stop") == "diverged" and not any(row.diverged for row in rows)
    stop = "" if all_run else page.texts.fill("{{ uninterpretable(rows) }}", rows=rows)
    if not all(row.spread(name) for row in rows for name in said.get("needs", ())):
        missing = "The results do not hold the numbers for it."
        return Claim(key, claim, "can't be interpreted" if stop else "not tested", stop or missing)
    where: dict[str, Any] = {}
    for name, expression in said.get("where", {}).items():
        where[name] = page.texts.value(expression, where)
    holds = (verdict for verdict, when in said["verdicts"].items() if page.texts.value(when, where))
    verdict = next(holds, "undecided")
    lead = page.texts.fill(said.get("lead", ""), verdict=verdict, **where)
    if stop and verdict not in said.get("keeps", ()):
        return Claim(key, claim, "can't be interpreted", f"{lead} {stop}".strip())
    text = page.texts.fill(said.get("text", ""), verdict=verdict, **where)
    return Claim(key, claim, verdict, f"{lead} {text}".strip())
