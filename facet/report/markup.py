"""A page's first table for a text: Markdown and LaTeX (``booktabs``)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from facet.report.blocks import Claim, Table, TableLine
from facet.report.cells import mark
from facet.report.texts import SYMBOL

LEGEND = (
    "95% Wilson intervals in parentheses; over several seeds mean ± sd, and the span of the seeds' intervals. "
    "† Edits can't be interpreted yet: the judge reads fewer than 90% of the unedited reconstructions as the input's "
    "label. * Not comparable."
)
TEX = {character: f"\\{character}" for character in "%&_#${}"}
TEX |= {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "|": r"\textbar{}"}
TEX |= {"[": "{[}"}  # which behind the end of a line would be a length
TEX |= {"<": r"\textless{}", ">": r"\textgreater{}", "*": "$^*$", "†": r"$^\dagger$", "–": "--", "−": "$-$", '"': "''"}
TEX |= {"x̂": r"$\hat{x}$", "Ĉ": r"$\hat{C}$", "ŷ": r"$\hat{y}$", "ẑ": r"$\hat{z}$", "±": r"$\pm$", "×": r"$\times$"}
TEX |= {"α": r"$\alpha$", "β": r"$\beta$", "δ": r"$\delta$", "μ": r"$\mu$", "ρ": r"$\rho$"}
TEX |= {"↑": r"$\uparrow$", "↓": r"$\downarrow$"}
TEX_SYMBOL = {"L": r"\mathcal{L}", "E": "E", "A": "A"}
SPECIAL = re.compile("|".join([SYMBOL.pattern, *map(re.escape, TEX)]))
MARKDOWN = re.compile(r"[\\`*_{}\[\]<>|#~$&]")


def title_of(line: TableLine) -> str:
    """A line's title with what keeps its numbers from being used."""
    return line.title + (mark(line.row) if line.row else "")


def heads_of(table: Table) -> list[str]:
    """The heads of all columns, each with the heading above it."""
    return [table.first, *(f"{head.group}, {head.title}" if head.group else head.title for head in table.heads)]


def to_markdown(
    title: str, texts: Sequence[str], table: Table | None, claims: Sequence[Claim], notes: Sequence[str]
) -> str:
    """``table.md``: the table and what was found."""
    parts = [f"# {_markdown(title)}", *map(_markdown, texts)]
    if table:
        head = heads_of(table)
        lines = [head, *([title_of(line), *map(str, line.cells)] for line in table.lines)]
        shown = [f"| {' | '.join(map(_markdown, cells))} |" for cells in lines]
        shown.insert(1, f"| {' | '.join(['---', *['---:'] * (len(head) - 1)])} |")
        parts.append("\n".join(shown))
    if claims:
        said = (f"- **{_markdown(each.claim)}** {each.verdict.capitalize()}. {_markdown(each.text)}" for each in claims)
        parts.append("\n".join(said))
    return "\n\n".join([*parts, *map(_markdown, [LEGEND, *notes])]) + "\n"


def to_latex(name: str, caption: str, table: Table) -> str:
    """``table.tex``: a ``table*`` for ``\\input``; needs ``booktabs``."""
    lines = ([title_of(line), *map(str, line.cells)] for line in table.lines)
    body = "\n".join(" & ".join(map(_tex, cells)) + r" \\" for cells in lines)
    return rf"""% needs \usepackage{{booktabs}}
\begin{{table*}}
\centering\footnotesize
\caption{{{_tex(f"{caption} {LEGEND}")}}}
\label{{tab:{name}}}
\begin{{tabular}}{{l{"r" * len(table.heads)}}}
\toprule
{" & ".join(map(_tex, heads_of(table)))} \\
\midrule
{body}
\bottomrule
\end{{tabular}}
\end{{table*}}
"""


def _markdown(text: str) -> str:
    """A text that Markdown shows as it is."""
    return MARKDOWN.sub(r"\\\g<0>", " ".join(text.split()))


def _tex(text: str) -> str:
    """A text that LaTeX prints as it is, with its symbols as mathematics."""
    return " ".join(SPECIAL.sub(_special, text).split())


def _special(found: re.Match[str]) -> str:
    return rf"${TEX_SYMBOL[found[1]]}_{{\mathrm{{{found[2]}}}}}$" if found[1] else TEX[found[0]]
