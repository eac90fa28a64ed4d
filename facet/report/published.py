"""The papers' tables, and what else their authors published, as data (``published.yaml``), with the intervals that the
papers do not print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from omegaconf import OmegaConf

from facet.measures.intervals import wilson


@dataclass(frozen=True)
class PublishedRate:
    """A rate as printed.

    Attributes:
        value: in [0, 1], from the printed percentage.
        low, high: 95% Wilson interval, or None where the number of images is not known.
        n: how many images it rests on, as inferred, or None.
        comparable: False where it was not measured by a classifier.
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    comparable: bool = True


@dataclass(frozen=True)
class PublishedRow:
    """One row of a published table; ``remark`` says why it can't be compared, where it can't.

    ``accuracy`` is that of the encoder as a classifier, in [0, 1], where the table has it.
    """

    title: str
    mse: float
    edit_off: PublishedRate
    edit_on: PublishedRate
    remark: str = ""
    accuracy: float | None = None


@dataclass(frozen=True)
class Beside:
    """Our own rows beside a published table.

    Attributes:
        title: of their section.
        text: why they are there.
        command: what trains them.
        compared: the table's rows that they are shown with.
        rows: key -> title.
    """

    title: str
    text: str
    command: str
    compared: tuple[str, ...]
    rows: Mapping[str, str]


@dataclass(frozen=True)
class Published:
    """A published table; ``beside`` is None where nothing stands beside it."""

    title: str
    caption: str
    citation: str
    note: str
    rows: Mapping[str, PublishedRow]
    beside: Beside | None = None

    @property
    def accuracies(self) -> bool:
        """Whether the table says how well the encoder classifies."""
        return any(row.accuracy is not None for row in self.rows.values())


@dataclass(frozen=True)
class PublishedCurve:
    """Code size, MSE and swaps ok, from the narrowest code; where they stand, and how they came about."""

    title: str
    citation: str
    note: str
    points: tuple[tuple[int, float, float], ...]


def load(name: str) -> Published:
    """A published table by its name, such as ``table1``.

    Raises:
        ValueError: there is none of that name.
    """
    tables = {key: table for key, table in _everything().items() if "rows" in table}
    if name not in tables:
        raise ValueError(f"no published table is named {name!r}: there is {', '.join(sorted(tables))}")
    table = tables[name]
    rows = {key: _row(row) for key, row in table.pop("rows").items()}
    beside = Beside(**table.pop("beside")) if "beside" in table else None
    return Published(rows=rows, beside=beside, **table)


def load_curve(name: str) -> PublishedCurve:
    """A published curve by its page's name, ``jacsup-tradeoff``."""
    curve = _everything()[name]
    points = tuple((size, mse, swaps) for size, mse, swaps in curve.pop("points"))
    return PublishedCurve(points=points, **curve)


def _everything() -> dict[str, Any]:
    text = files("facet.report").joinpath("published.yaml").read_text("utf-8")
    found: Any = OmegaConf.to_container(OmegaConf.create(text))
    return found  # type: ignore[no-any-return]


def _row(row: Mapping[str, Any]) -> PublishedRow:
    remark = row.get("not_comparable", "")
    rates = {key: _rate(row[key], comparable=not remark) for key in ("edit_off", "edit_on")}
    accuracy = row["accuracy"] / 100 if "accuracy" in row else None
    return PublishedRow(title=row["title"], mse=row["mse"], remark=remark, accuracy=accuracy, **rates)


def _rate(printed: Mapping[str, Any], comparable: bool) -> PublishedRate:
    value = printed["percent"] / 100
    if "successes" not in printed:
        return PublishedRate(value, comparable=comparable)
    interval = wilson(printed["successes"], printed["n"])
    return PublishedRate(value, interval.low, interval.high, printed["n"], comparable)
