"""The page's smaller tables, each from the rows alone: a heading, a sentence on how to read it, and cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from facet.measures.intervals import wilson
from facet.report.markup import mark
from facet.report.results import ATTRIBUTE, INTERPRETABLE, Row, Spread
from facet.report.tables import Cell, decimal, mse_cell, percent, rate_cell

COSTS = ("steps", "images_seen", "seconds", "parameters", "extra")
"""What ``training`` in ``results.json`` holds that has a column; whatever else it holds is listed beside."""

Line = tuple[str, list[Cell]]


@dataclass(frozen=True)
class Panel:
    """A table of the page.

    Attributes:
        key: the section's anchor.
        title: the section's heading.
        text: how to read it.
        head: the columns' heads, that of the first column included.
        lines: (title, cells).
        groups: (text, how many columns), above the heads; empty for none.
    """

    key: str
    title: str
    text: str
    head: list[str]
    lines: list[Line]
    groups: tuple[tuple[str, int], ...] = ()


def panels(rows: Sequence[Row], attribute: str) -> list[Panel]:
    """Those for which there are numbers, in the page's order."""
    made = [
        steadiness(rows, attribute),
        leakage(rows, attribute),
        cells(rows, attribute),
        classifier(rows, attribute),
        counterfactual(rows, attribute),
        drift(rows, attribute),
        judge(rows),
        cost(rows),
    ]
    return [panel for panel in made if any(cell.value != "–" for _, line in panel.lines for cell in line)]


def steadiness(rows: Sequence[Row], attribute: str) -> Panel:
    """The edit rates that the last evaluations during training logged, run by run."""
    lines: list[Line] = []
    for row in rows:
        for result in row.results:
            metrics = result.metrics()
            rates = [metrics.get(f"val/edit_{side}", [])[-3:] for side in ("off", "on")]
            if all(rates):
                last = [Cell(", ".join(f"{percent(value)}%" for _, value in each)) for each in rates]
                lines.append((f"{row.title}, seed {result.seed}", last))
    return Panel(
        "steadiness",
        "The last three evaluations during training",
        "Edit rates on the validation split, the latest last: whether the table's numbers are a moment's luck. "
        "The table uses each run's last checkpoint.",
        ["Run", f"Ĉ Not-{attribute}", f"Ĉ {attribute}"],
        lines,
    )


def leakage(rows: Sequence[Row], attribute: str) -> Panel:
    """Fresh probes on both codes, beside H(y)."""
    kinds = ("linear_bits", "mlp_bits", "linear_auc", "mlp_auc")
    paths = [("measures", "leakage", ATTRIBUTE, code, kind) for code in ("sample", "mean") for kind in kinds]
    lines: list[Line] = []
    for row in _with_numbers(rows):
        lines.append(
            (row.title, [number(row.spread("entropy_bits")), *(number(row.spread_at(*path)) for path in paths)])
        )
    return Panel(
        "leakage",
        f"What the code still tells of {attribute}",
        "Usable information in bits that a probe, trained afterwards on the frozen code, reads from it, and the "
        "probe's AUC. 0 bit and an AUC of 0.5: the code does not tell the label; H(y) bits: it tells it entirely. "
        "ẑ is what A reads in training, μ what the edits start from. Of the two probes the better one counts; one "
        "below 0 does worse than a guess by frequency.",
        ["Model", "H(y)", *("linear, bit", "MLP, bit", "linear, AUC", "MLP, AUC") * 2],
        lines,
        (("", 2), ("sampled ẑ", 4), ("mean μ", 4)),
    )


def cells(rows: Sequence[Row], attribute: str) -> Panel:
    """The protocol ``full``."""
    names = ("on_from_on", "off_from_on", "on_from_off", "off_from_off", "on", "off")
    lines = [(row.title + mark(row), _rates(row, [f"full_{name}" for name in names])) for row in _with_numbers(rows)]
    absent = f"Not-{attribute}"
    return Panel(
        "cells",
        "Edits of all test faces, by the input's label",
        "The paper edits only faces that have the attribute, the first pair of columns. "
        f"Here every test face is edited both ways. † As above: reconstruction rate below {INTERPRETABLE:.0%}.",
        ["Model", *(attribute, absent) * 3],
        lines,
        (("", 1), (f"{attribute} faces edited to", 2), (f"{absent} faces edited to", 2), ("all faces edited to", 2)),
    )


def classifier(rows: Sequence[Row], attribute: str) -> Panel:
    """Acc(E_y)."""
    lines: list[Line] = []
    for row in _with_numbers(rows):
        others = [rate_cell(row.spread("balanced_accuracy")), number(row.spread("f1"), 3)]
        lines.append((row.title, [*_rates(row, ["accuracy"]), *others]))
    text = f"How well ŷ, the encoder's own prediction, tells {attribute} on the test split. A dash: the method does not"
    head = ["Model", "Accuracy", "Balanced accuracy", "F1"]
    return Panel("classifier", "The encoder as a classifier, Acc(E_y)", f"{text} predict it.", head, lines)


def counterfactual(rows: Sequence[Row], attribute: str) -> Panel:
    """Edits against the same avatar drawn again."""
    kinds = ("mse", "mse_inside", "mse_outside")
    lines: list[Line] = []
    for row in _with_numbers(rows):
        base = ("measures", "counterfactual", ATTRIBUTE)
        errors = [mse_cell(row.spread_at(*base, kind)) for kind in kinds]
        n = row.spread_at(*base, "mse", "n") or row.spread_at(*base, "n")
        count = Cell(f"{n.mean:,.0f}") if n else Cell()
        lines.append((row.title, [*errors, number(row.spread_at(*base, "ssim"), 3), count]))
    return Panel(
        "counterfactual",
        "Edits against the true counterfactual",
        f"The data set can draw the same face with only {attribute} changed. Errors of the edit against that picture: "
        "in all, inside the region that the true change touches, and outside it.",
        ["Model", "MSE", "MSE inside", "MSE outside", "SSIM", "n"],
        lines,
    )


def drift(rows: Sequence[Row], attribute: str) -> Panel:
    """What edits do to the other attributes."""
    have = [row for row in rows if row.spread("drift")]
    names: dict[str, None] = {}
    for row in have:
        for result in row.evaluated:
            names |= dict.fromkeys(result.at("measures", "drift", ATTRIBUTE, "on") or {})
    lines: list[Line] = []
    for name in names:
        paths = [("measures", "drift", ATTRIBUTE, side, name) for side in ("off", "on")]
        lines.append((name.replace("_", " "), [rate_cell(row.spread_at(*path)) for row in have for path in paths]))
    if have:
        blank = [(rate_cell(row.spread("drift")), Cell(" ")) for row in have]
        lines.append(("mean of all", [cell for pair in blank for cell in pair]))
    return Panel(
        "drift",
        "Drift: what else the edits change",
        "Share of the faces for which the judge reads another attribute differently in the edit than in the unedited "
        f"reconstruction, for edits to Not-{attribute} and to {attribute}.",
        ["Attribute", *(f"Not-{attribute}", attribute) * len(have)],
        lines,
        (("", 1), *((row.title, 2) for row in have)),
    )


def judge(rows: Sequence[Row]) -> Panel:
    """The judge's accuracy on real test images; a column per judge, where runs had different ones."""
    judges: dict[str, dict[str, Any]] = {}
    for row in rows:
        for result in row.evaluated:
            found = result.at("judge") or {}
            judges.setdefault(str(found.get("key", "judge")), found)
    names = dict.fromkeys(name for found in judges.values() for name in found.get("accuracy", {}))
    lines: list[Line] = []
    for name in names:
        lines.append((name.replace("_", " "), [_judged(found, name) for found in judges.values()]))
    many = " The runs were judged by different judges: their rates are not comparable." if len(judges) > 1 else ""
    return Panel(
        "judge",
        "The judge",
        "Accuracy of the independent classifier on real test images, per attribute. It was trained on real images of "
        f"the train split only, never on a model's output.{many}",
        ["Attribute", *(f"judge {key[:10]}, n = {found.get('n', 0):,}" for key, found in judges.items())],
        lines,
    )


def cost(rows: Sequence[Row]) -> Panel:
    """What training took."""
    lines: list[Line] = []
    for row in _with_numbers(rows):
        steps, images, seconds = (row.spread_at("training", key) for key in ("steps", "images_seen", "seconds"))
        sizes = row.evaluated[0].at("training", "parameters") or {}
        parts = ", ".join(f"{name} {count(size)}" for name, size in sizes.items())
        training = row.evaluated[0].at("training") or {}
        extra = {name: value for name, value in training.items() if name not in COSTS} | (training.get("extra") or {})
        said = ", ".join(f"{name.replace('_', ' ')} {_plain(value)}" for name, value in extra.items())
        line = [Cell(f"{spread.mean:,.0f}") if spread else Cell() for spread in (steps, images)]
        time = Cell(f"{seconds.mean / 60:.1f} min") if seconds else Cell()
        total = Cell(count(sum(sizes.values())), parts) if sizes else Cell()
        lines.append((row.title, [*line, time, total, Cell(said or "–")]))
    head = ["Model", "Steps", "Images seen", "Time", "Parameters", "Besides"]
    if all(line[-1].value == "–" for _, line in lines):
        head, lines = head[:-1], [(title, line[:-1]) for title, line in lines]
    return Panel("cost", "What training took", "Per run; means over the seeds.", head, lines)


def number(spread: Spread | None, digits: int = 2) -> Cell:
    """A plain number with ± sd over the seeds."""
    if spread is None:
        return Cell()
    return Cell(
        f"{spread.mean:.{digits}f}".replace("-", "−") + ("" if spread.sd is None else f" ± {spread.sd:.{digits}f}")
    )


def _with_numbers(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row.evaluated]


def _rates(row: Row, quantities: Iterable[str]) -> list[Cell]:
    """Rates with interval and n."""
    found = []
    for quantity in quantities:
        spread = row.spread(quantity)
        cell = rate_cell(spread)
        n = f"n = {min(spread.n):,}" if spread and spread.n else ""
        found.append(Cell(cell.value, ", ".join(filter(None, (cell.interval, n)))))
    return found


def _judged(found: dict[str, Any], name: str) -> Cell:
    value = found.get("accuracy", {}).get(name)
    n = int(found.get("known", {}).get(name, found.get("n", 0)))
    if value is None:
        return Cell()
    rate = wilson(round(value * n), n)
    return Cell(f"{percent(value)}%", f"{percent(rate.low)}–{percent(rate.high)}%")


def count(size: float) -> str:
    """``4.20 M``, or the number itself where it is small."""
    return f"{size / 1e6:.2f} M" if size >= 1e5 else f"{size:,.0f}"


def _plain(value: Any) -> str:
    return decimal(value) if isinstance(value, float) else str(value)
