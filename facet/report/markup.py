"""The table for a text: Markdown and LaTeX (``booktabs``)."""

from __future__ import annotations

from collections.abc import Sequence

from facet.report.claims import Finding
from facet.report.findings import summary
from facet.report.results import Row
from facet.report.tables import Cell, TableSpec, count_cell, mse_cell, published_cell, rate_cell, sum_cell

RATES = ("reconstruction_on", "reconstruction_off", "edit_off", "edit_on")
LEGEND = (
    "95% Wilson intervals in parentheses; over several seeds mean ± sd, and the span of the seeds' intervals. "
    "Edits start from test images that have the attribute. † Edits can't be interpreted yet: the judge reads fewer "
    "than 90% of the unedited reconstructions as the input's label. * Not comparable: rated by people."
)
TEX = {"%": r"\%", "&": r"\&", "_": r"\_", "#": r"\#", "±": r"$\pm$", "–": "--", "†": r"$^\dagger$", "*": "$^*$"}
TEX_MATH = {"L_aux": r"$\mathcal{L}_{\mathrm{aux}}$", "L_class": r"$\mathcal{L}_{\mathrm{class}}$", "x̂": r"$\hat{x}$"}
TEX_MATH |= {"Ĉ": r"$\hat{C}$", "×": r"$\times$", "ρ": r"$\rho$", "δ": r"$\delta$", "α": r"$\alpha$"}


def mark(row: Row) -> str:
    """What stands behind a row's title: † where its edits can't be interpreted, the reason where it has no numbers."""
    if not row.evaluated:
        return f" [{row.reason}]"
    if row.diverged:
        return " [training diverged]"
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
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    head = heading(attribute)
    body = [line(head), line(["---"] + ["---:"] * (len(head) - 1)), *(line(cells) for cells in lines(table, rows))]
    said = [f"- **{finding.claim}** {finding.verdict.capitalize()}. {finding.text}" for finding in findings]
    notes = [LEGEND]
    if table.published:
        notes += [f"Published: {table.published.citation}. {table.published.note}"]
        notes += [row.remark for row in table.published.rows.values() if row.remark]
    return (
        "\n\n".join([f"# {table.title}", table.caption, summary(rows), "\n".join(body), "\n".join(said), *notes]) + "\n"
    )


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


def _tex(text: str) -> str:
    for plain, math in TEX_MATH.items():
        text = text.replace(plain, math.replace("_", "\0"))
    for plain, command in TEX.items():
        text = text.replace(plain, command)
    return text.replace("\0", "_")
