"""Reads a page from its one file in ``conf/page/``: title, text, rows, and the sections that show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from facet.configuration import config_directory
from facet.errors import UserError, nearest
from facet.measures.intervals import wilson

ROWS = ("rows", "beside")


@dataclass(frozen=True)
class Published:
    """A number as a paper prints it.

    Attributes:
        value: a rate in [0, 1], or an error.
        low, high: the rate's 95% Wilson interval, computed here; None where the number of images is not known.
        n: the inferred number of images behind the rate, or None.
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None

    @classmethod
    def of(cls, printed: float | Mapping[str, Any]) -> Published:
        """Parse a number of a page's file: an error, or ``{percent: 81.3, of: 13/16}``; ``of`` may be missing."""
        if not isinstance(printed, Mapping):
            return cls(float(printed))
        if "of" not in printed:
            return cls(printed["percent"] / 100)
        successes, n = map(int, str(printed["of"]).split("/"))
        interval = wilson(successes, n)
        return cls(printed["percent"] / 100, interval.low, interval.high, n)


@dataclass(frozen=True)
class PageRow:
    """A row of a page. In the file, ``each: {alpha: ["0.1", "0.2"]}`` makes a row for each value (:func:`_each`).

    Attributes:
        title: as the page shows it.
        run: the arguments of ``facet-train`` for its runs, without the seed.
        published: the paper's numbers, by measure.
        remark: why the published numbers can't be compared; they get an asterisk.
        facts: properties of the method that need no measurement, by name.
        stages: which stages of its runs a table of stages shows: ``all`` or ``last``.
    """

    title: str
    run: str
    published: Mapping[str, Any] = field(default_factory=dict)
    remark: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    stages: str = "all"

    def printed(self, measure: str) -> Published | None:
        """The paper's number for a measure, or None."""
        return Published.of(self.published[measure]) if measure in self.published else None


@dataclass(frozen=True)
class Page:
    """The content of a page's file.

    Attributes:
        name: the file's name, and the directory's name below ``reports/``.
        title: the heading.
        text: what the page shows, in a sentence or two.
        rows: the rows by key, in order.
        sections: the sections by key, in order. ``kind`` names the module in ``facet/report/sections/``; the other keys
            are its settings.
        summary: the findings, as a template (:mod:`facet.report.texts`).
        beside: rows that the paper doesn't have; ``facet-reproduce`` trains them only with ``beside=true``.
        tags: the groups that the page belongs to, such as ``aif``.
        citation: the source of the published numbers.
        note: remarks on the published numbers.
        curve: a published curve: its ``title``, ``citation``, ``note``, the measures of its two ``axes``, and its
            ``points``: code size, then a value per axis.
        data: whether the data set can be chosen; for the digits it is fixed.
    """

    name: str
    title: str
    text: str
    rows: Mapping[str, PageRow]
    sections: Mapping[str, Mapping[str, Any]]
    summary: str = ""
    beside: Mapping[str, PageRow] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    citation: str = ""
    note: str = ""
    curve: Mapping[str, Any] = field(default_factory=dict)
    data: bool = True

    @cached_property
    def every_row(self) -> Mapping[str, PageRow]:
        """The rows of the paper and those beside them."""
        return {**self.rows, **self.beside}


def directory() -> Path:
    """The directory of the pages' files."""
    return config_directory() / "page"


def names() -> list[str]:
    """The names of all pages."""
    return sorted(file.stem for file in directory().glob("*.yaml"))


def summaries() -> list[tuple[str, str]]:
    """(name, first line of its file) of every page, for help."""
    return [(name, (directory() / f"{name}.yaml").read_text("utf-8").split("\n")[0].lstrip("# ")) for name in names()]


def tagged(tag: str) -> list[str]:
    """The names of a group's pages. ``all`` is the group of all pages; a page's name stands for that page.

    Raises:
        UserError: there is neither a group nor a page of this name.
    """
    if tag.endswith(".yaml") or tag in names():
        return [tag]
    every = {name: load(name) for name in names()}
    members = [name for name, page in every.items() if tag == "all" or tag in page.tags]
    if not members:
        groups = {tag for page in every.values() for tag in page.tags} | {"all"}
        raise UserError(f"there is no page {tag!r}; nearest: {nearest(tag, [*every, *sorted(groups)])}")
    return members


def chosen(tags: Iterable[str]) -> list[Page]:
    """Load the pages of some names and groups, each page once.

    Raises:
        UserError: as :func:`tagged` and :func:`load`.
    """
    return [load(name) for name in dict.fromkeys(name for tag in tags for name in tagged(tag))]


def load(name: str) -> Page:
    """Read a page.

    Args:
        name: the name of a page in ``conf/page/``, or the path of another file, ending in ``.yaml``.

    Raises:
        UserError: there is no such page, or the file is invalid; the message names the file and the key.
    """
    file = Path(name) if name.endswith(".yaml") else directory() / f"{name}.yaml"
    if not file.is_file():
        raise UserError(f"there is no page {name!r}; nearest: {nearest(name, names())}")
    content = _read(file)
    rows, beside = (_rows(file, content.pop(key, None) or {}, key) for key in ROWS)
    known = {attribute.name for attribute in fields(Page)} - {"name", "rows", "beside"}
    for key in content:
        if key not in known:
            raise UserError(f"{file}: unknown key {key!r}; nearest: {nearest(key, known | {'rows', 'beside', 'base'})}")
    for key in ("title", "text", "sections"):
        if not content.get(key):
            raise UserError(f"{file}: {key} is missing")
    if not rows:
        raise UserError(f"{file}: rows is missing")
    content["tags"] = tuple(content.get("tags") or ())
    settings = {key: section for key, section in content["sections"].items() if section}
    content["sections"] = {
        key: {name: value for name, value in section.items() if value is not None} for key, section in settings.items()
    }
    return Page(name=file.stem, rows=rows, beside=beside, **content)


def _read(file: Path) -> dict[str, Any]:
    """Read a file, and what it takes from others.

    ``base: table3`` merges it over that file; null leaves out a row, a section or a section's setting. A section
    ``{from: table3.faces, title: …}`` is that section of the other file with another title.
    """
    try:
        content = yaml.load(file.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} can't be read: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise UserError(f"{file} is not a page")
    sections = content.get("sections") or {}
    if not isinstance(sections, dict):
        raise UserError(f"{file}: sections is not a mapping")
    for key, section in sections.items():
        if isinstance(section, dict) and "from" in section:
            other, _, name = str(section.pop("from")).partition(".")
            found = _beside(file, other, f"sections.{key}.from").get("sections", {}).get(name)
            if not found:
                raise UserError(f"{file}: sections.{key}.from: {other} has no section {name!r}")
            sections[key] = _merged(found, section)
    if (base := content.pop("base", None)) is not None:
        content = _merged(_beside(file, base, "base"), content)
    return {str(key): value for key, value in content.items()}


def _beside(file: Path, name: str, where: str) -> dict[str, Any]:
    """Read another file that a page builds on, from the page's own directory or from ``conf/page``."""
    places = (folder / f"{name}.yaml" for folder in (file.parent, directory(), directory() / "base"))
    place = next(filter(Path.is_file, places), None)
    if place is None:
        raise UserError(f"{file}: {where}={name}: there is no such file")
    return _read(place)


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """A tree over another one, in the order of the base; lists and values replace what was there.

    Rows that only the base has come first, then the page's own in its order. A section of another kind is a new one.
    """
    merged = dict(base)
    for key, value in own.items():
        known = merged.get(key)
        if isinstance(value, dict) and isinstance(known, dict) and value.get("kind") in (None, known.get("kind")):
            both = _merged(known, value)
            order = [*(name for name in both if name not in value), *value] if key in ROWS else both
            value = {name: both[name] for name in order}
        merged[key] = value
    return merged


def _rows(file: Path, content: Mapping[str, Any], where: str) -> dict[str, PageRow]:
    rows = {}
    known = [attribute.name for attribute in fields(PageRow)]
    for key, row in content.items():
        for name in row or {}:
            if name not in (*known, "each"):
                raise UserError(f"{file}: {where}.{key}: unknown key {name!r}; nearest: {nearest(name, known)}")
        if row and "title" not in row:
            raise UserError(f"{file}: {where}.{key}: title is missing")
        rows.update({name: PageRow(**{"run": "", **each}) for name, each in _each(str(key), row or {})})
    return rows


def _each(key: str, row: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A row as it is, or one for each value of its ``each``.

    With ``each: {alpha: …}``, the value takes the place of ``{alpha}`` in title and run, and is a fact of its row.
    """
    row = dict(row)
    for name, values in row.pop("each", {}).items():
        for value in map(str, values):
            filled = {part: row.get(part, "").replace(f"{{{name}}}", value) for part in ("title", "run")}
            yield f"{key}-{value}", {**row, **filled, "facts": {**row.get("facts", {}), name: value}}
        return
    if row:  # null leaves out a row of the base
        yield key, row
