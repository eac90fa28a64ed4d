"""A page as its one file in ``conf/page/`` says it: its title and text, its rows, and the sections that show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from facet.configuration import config_directory
from facet.errors import UserError, nearest
from facet.measures.intervals import wilson


@dataclass(frozen=True)
class Published:
    """A number as a paper prints it.

    Attributes:
        value: a rate in [0, 1], or an error.
        low, high: the rate's 95% Wilson interval, computed here; None where the number of images is not known.
        n: how many images the rate rests on, as inferred, or None.
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None

    @classmethod
    def of(cls, printed: float | Mapping[str, Any]) -> Published:
        """What stands in a page's file: an error, or ``{percent: 81.3, of: 13/16}``; ``of`` may be missing."""
        if not isinstance(printed, Mapping):
            return cls(float(printed))
        if "of" not in printed:
            return cls(printed["percent"] / 100)
        successes, n = map(int, str(printed["of"]).split("/"))
        interval = wilson(successes, n)
        return cls(printed["percent"] / 100, interval.low, interval.high, n)


@dataclass(frozen=True)
class PageRow:
    """A row of a page.

    Attributes:
        title: as the page shows it.
        run: what is said to ``facet-train`` for its runs, besides the seed.
        published: what the paper prints for it, by measure.
        remark: why the published numbers can't be compared; they get an asterisk.
        facts: what is known of the method without measuring it, by name.
        stages: ``all``, or ``last``: which stages of its runs a table of stages shows.
    """

    title: str
    run: str
    published: Mapping[str, Any] = field(default_factory=dict)
    remark: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    stages: str = "all"

    def printed(self, measure: str) -> Published | None:
        """What the paper prints of a measure, or None."""
        return Published.of(self.published[measure]) if measure in self.published else None


@dataclass(frozen=True)
class Page:
    """All that a page says.

    Attributes:
        name: of its file, and of the directory below ``reports/``.
        title: the heading.
        text: what it shows, in a sentence or two.
        rows: by key, in order.
        sections: by key, in order; ``kind`` names the module in ``facet/report/sections/``, the rest are its settings.
            One of the base that is null here is left out.
        summary: what came out, as a template (:mod:`facet.report.texts`).
        beside: rows that the paper doesn't have. A page trains them only when it is asked to.
        tags: the groups that the page belongs to, such as ``aif``.
        citation: where the published numbers stand.
        note: what one has to know of them.
        curve: a published curve: its ``title``, ``citation``, ``note``, the measures of its ``axes`` behind the code
            size, and its ``points``.
        data: whether a data set can be chosen; digits have one.
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
        """The rows and those beside them."""
        return {**self.rows, **self.beside}


def directory() -> Path:
    """Where the pages' files are."""
    return config_directory() / "page"


def names() -> list[str]:
    """All pages."""
    return sorted(file.stem for file in directory().glob("*.yaml"))


def tagged(tag: str) -> list[str]:
    """The pages of a group; ``all`` are all pages, and a page's name is a group of its own.

    Raises:
        UserError: there is neither a group nor a page of this name.
    """
    if tag.endswith(".yaml") or tag in names():
        return [tag]
    every = {name: load(name) for name in names()}
    found = [name for name, page in every.items() if tag == "all" or tag in page.tags]
    if not found:
        groups = {tag for page in every.values() for tag in page.tags} | {"all"}
        raise UserError(f"there is no page {tag!r}; nearest: {nearest(tag, [*every, *sorted(groups)])}")
    return found


def chosen(said: Iterable[str]) -> list[Page]:
    """The pages that are named, or whose group is, each once.

    Raises:
        UserError: as :func:`tagged` and :func:`load`.
    """
    return [load(name) for name in dict.fromkeys(name for tag in said for name in tagged(tag))]


def load(name: str) -> Page:
    """Read a page.

    Args:
        name: of a page in ``conf/page/``, or the path of a file of one's own, which ends in ``.yaml``.

    Raises:
        UserError: no such page, or a file that isn't one: the line names the file and the key.
    """
    file = Path(name) if name.endswith(".yaml") else directory() / f"{name}.yaml"
    if not file.is_file():
        raise UserError(f"there is no page {name!r}; nearest: {nearest(name, names())}")
    said = _read(file)
    rows, beside = (_rows(file, said.pop(key, None) or {}, key) for key in ("rows", "beside"))
    known = {each.name for each in fields(Page)} - {"name", "rows", "beside"}
    for key in said:
        if key not in known:
            raise UserError(f"{file}: unknown key {key!r}; nearest: {nearest(key, known | {'rows', 'beside', 'base'})}")
    for key in ("title", "text", "sections"):
        if not said.get(key):
            raise UserError(f"{file}: {key} is missing")
    if not rows:
        raise UserError(f"{file}: rows is missing")
    said["tags"] = tuple(said.get("tags") or ())
    said["sections"] = {key: section for key, section in said["sections"].items() if section}
    return Page(name=file.stem, rows=rows, beside=beside, **said)


def _read(file: Path) -> dict[str, Any]:
    """A file, merged over the one that it names as its ``base`` (beside it, or in ``conf/page/base``)."""
    try:
        raw = OmegaConf.load(file)
        if not isinstance(raw, DictConfig):
            raise UserError(f"{file} is not a page")
        base = raw.pop("base", None)
        if base is not None:
            place = next((each for each in (file.parent / f"{base}.yaml", directory() / "base" / f"{base}.yaml")
                          if each.is_file()), None)  # fmt: skip
            if place is None:
                raise UserError(f"{file}: base={base}: there is no such file")
            raw = OmegaConf.merge(OmegaConf.create(_read(place)), raw)
        said: Any = OmegaConf.to_container(raw, resolve=True)
    except (OmegaConfBaseException, YAMLError, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} can't be read: {' '.join(str(error).split())}") from error
    return {str(key): value for key, value in said.items()}


def _rows(file: Path, said: Mapping[str, Any], where: str) -> dict[str, PageRow]:
    rows = {}
    known = [each.name for each in fields(PageRow)]
    for key, row in said.items():
        for name in row:
            if name not in known:
                raise UserError(f"{file}: {where}.{key}: unknown key {name!r}; nearest: {nearest(name, known)}")
        if "title" not in row:
            raise UserError(f"{file}: {where}.{key}: title is missing")
        rows[str(key)] = PageRow(**{"run": "", **row})
    return rows
