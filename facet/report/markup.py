"""The table for a text: Markdown and LaTeX (``booktabs``)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from facet.report.claims import Finding
from facet.report.figures import SYMBOL
from facet.report.findings import summary
from facet.report.results import Row
from facet.report.tables import Cell, TableSpec, count_cell, mse_cell, published_cell, rate_cell, sum_cell

RATES = ("reconstruction_on", "reconstruction_off", "edit_off", "edit_on")
LEGEND = (
    "95% Wilson intervals in parentheses; over several seeds mean ± sd, and the span of the seeds' intervals. "
    "Edits start from test images that have the attribute. † Edits can't be interpreted yet: the judge reads fewer "
    "than 90% of the unedited reconstructions as the input's label. * Not comparable: rated by people."
)
TEX = {character: f"\\{character}" for character in "%&_#${}"}
TEX |= {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "|": r"\textbar{}"}
TEX |= {"[": "{[}"}  # which behind the end of a line would be a length
TEX |= {"<": r"\textless{}", ">": r"\textgreater{}", "*": "$^*$", "†": r"$^\dagger$", "–": "--", "−": "$-$", '"': "''"}
TEX |= {"x̂": r"$\hat{x}$", "Ĉ": r"$\hat{C}$", "ŷ": r"$\hat{y}$", "ẑ": r"$\hat{z}$", "±": r"$\pm$", "×": r"$\times$"}
TEX |= {"α": r"$\alpha$", "β": r"$\beta$", "δ": r"$\delta$", "μ": r"$\mu$", "ρ": r"$\rho$"}
TEX_SYMBOL = {"L": r"\mathcal{L}", "E": "E", "A": "A"}
MARKDOWN = re.compile(r"[\\`*_{}\[\]<>|#~$&]")


def mark(row: Row) -> str:
    """What stands behind a row's title: † where its edits can't be interpreted, the reason where it has no numbers."""
    if not row.evaluated:
        return f" ({row.reason})"
    if row.diverged:
        return " (training diverged)"
    return (" (labels given)" if row.labels_given else "") + ("" if row.interpretable else " †")


def _text(cell: Cell) -> str:
    return f"{cell.value} ({cell.interval})" if cell.interval else cell.value


def lines(table: TableSpec, rows: Sequence[Row]) -> list[list[str]]:
    """The table's cells: title, MSE, reconstruction, both edits, sum, n; a published line below each of ours."""
    cells: list[list[str]] = []
    for row in rows:
        ours = [_text(mse_cell(row.spread("mse"))), *(_text(rate_cell(row.spread(rate))) for rate in RATES)]
        cells.append([row.title + mark(row), *ours, _text(sum_cell(row)), count_cell(row)])
        paper = table.published.rows.get(row.key) if table.published else None
        if paper:
            edits = [_text(published_cell(paper.edit_off)), _text(published_cell(paper.edit_on))]
            total = f"{100 * (paper.edit_off.value + paper.edit_on.value):.1f}%"
            n = str(paper.edit_off.n or "–")
            cells.append(["published", f"{paper.mse:.3f}", "–", "–", *edits, total, n])
    return cells


def heading(attribute: str) -> list[str]:
    """The columns' heads."""
    absent = f"Not-{attribute}"
    reconstruction = [f"reconstruction, {attribute}", f"reconstruction, {absent}"]
    return ["Model", "MSE", *reconstruction, f"Ĉ {absent}", f"Ĉ {attribute}", "sum", "n"]


def to_markdown(table: TableSpec, rows: Sequence[Row], findings: Sequence[Finding], attribute: str) -> str:
    """``table.md``: the table and what was found."""

    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cells)} |"

    head = heading(attribute)
    rule = line(["---"] + ["---:"] * (len(head) - 1))
    escaped = [line(list(map(_markdown, cells))) for cells in (head, *lines(table, rows))]
    body = [escaped[0], rule, *escaped[1:]]
    said = [
        f"- **{_markdown(finding.claim)}** {finding.verdict.capitalize()}. {_markdown(finding.text)}"
        for finding in findings
    ]
    notes = [LEGEND]
    if table.published:
        notes += [f"Published: {table.published.citation}. {table.published.note}"]
        notes += [row.remark for row in table.published.rows.values() if row.remark]
    parts = [f"# {_markdown(table.title)}", *map(_markdown, (table.caption, summary(rows)))]
    return "\n\n".join([*parts, "\n".join(body), "\n".join(said), *map(_markdown, notes)]) + "\n"


def to_latex(table: TableSpec, rows: Sequence[Row], attribute: str) -> str:
    """``table.tex``: a ``table*`` for ``\\input``; needs ``booktabs``."""
    body = []
    for i, cells in enumerate(lines(table, rows)):
        published = cells[0] == "published"
        gap = [r"\addlinespace"] if i and not published else []
        first = r"\quad published" if published else _tex(cells[0])
        body += [*gap, " & ".join([first, *map(_tex, cells[1:])]) + r" \\"]
    head = heading(attribute)
    return "\n".join(
        [
            r"% needs \usepackage{booktabs}",
            r"\begin{table*}",
            r"\centering\footnotesize",
            rf"\caption{{{_tex(table.title)} {_tex(table.caption)} {_tex(LEGEND)}}}",
            rf"\label{{tab:{table.name}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}",
            r"\toprule",
            " & ".join(map(_tex, head)) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table*}",
            "",
        ]
    )


def _markdown(text: str) -> str:
    """A text that Markdown shows as it is."""
    return MARKDOWN.sub(r"\\\g<0>", " ".join(text.split()))


def _tex(text: str) -> str:
    """A text that LaTeX prints as it is, with ``L_aux`` and the like as mathematics."""
    words, start = [], 0
    for symbol in SYMBOL.finditer(text):
        words += [_plain_tex(text[start : symbol.start()]), f"${TEX_SYMBOL[symbol[1]]}_{{\\mathrm{{{symbol[2]}}}}}$"]
        start = symbol.end()
    return " ".join("".join([*words, _plain_tex(text[start:])]).split())


def _plain_tex(text: str) -> str:
    return re.sub("|".join(map(re.escape, TEX)), lambda found: TEX[found[0]], text)
