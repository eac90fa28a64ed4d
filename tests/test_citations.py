"""What code, configs and docs point to is there: files, headings and titles in them, modules, functions, classes."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("aif", "jacsup", "nets", "photos", "datamodules", "facet")
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PYTHON = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
SOURCES = [*PYTHON, *sorted(ROOT.glob("conf/**/*.yaml")), *sorted(ROOT.glob("facet/**/*.yaml")), ROOT / "Makefile"]
HISTORY = (ROOT / "CHANGELOG.md", *(ROOT / "docs" / "log").glob("*.md"))  # tell of files as they were
WRITTEN = ("table.md",)  # by a command, not in the repository

CITED = re.compile(r"([\w./-]*\w\.md)\b(?!\.j2)[`)]*(?:,? \(?\"([^\"]+)\"|(?:,| \() ?([A-Z]\w* \d+))?")
ROLE = re.compile(r":(?:func|mod|class|meth|data|attr):`~?([\w.]+)`")
DOTTED = re.compile(rf"``((?:{'|'.join(PACKAGES)})(?:\.\w+)+)``")
FILE = re.compile(rf"\b((?:{'|'.join(PACKAGES)}|conf|docs|tests)/[\w/.-]*\.(?:py|yaml|md|png))\b")
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")


def text_of(path: Path) -> str:
    """On one line, so that what is broken over two is found; comment signs dropped."""
    return re.sub(r"\s*\n\s*(?:# )?", " ", path.read_text("utf-8"))


def titles(path: Path) -> set[str]:
    """Headings, bold beginnings of paragraphs and items, first cells of a table's rows; as they stand and up to where
    they begin to explain."""
    text = path.read_text("utf-8")
    found = {*re.findall(r"^#+ (.+)$", text, re.M), *re.findall(r"^(?:- )?\*\*(.+?)[.:]?\*\*", text, re.M)}
    found |= set(re.findall(r"^\| ([^|]+?) \|", text, re.M))
    return found | {re.split(r" \(|, ", title)[0] for title in found} | {title.split(" (")[0] for title in found}


def wrong_citations(text: str, beside: Path = ROOT) -> list[str]:
    """Citations of Markdown files of the repository, or of files beside the one that cites, that lead nowhere."""
    wrong = []
    for name, title, number in CITED.findall(text):
        path = ROOT / name if (ROOT / name).is_file() else beside / name
        if name.rsplit("/", 1)[-1] in WRITTEN:
            continue
        if not path.is_file():
            wrong.append(name)
        elif number or (title and title not in titles(path)):
            wrong.append(f"{name}, {number or title}")
    return wrong


def exists(name: str, module: Any = None) -> bool:
    """Whether a dotted name leads to something; a bare one: in the module, or in a class of it."""
    if module is not None and "." not in name:
        classes = [value for value in vars(module).values() if isinstance(value, type)]
        return any(hasattr(owner, name) for owner in (module, *classes))
    parts = name.split(".")
    if isinstance(owner := getattr(module, parts[0], None), type):  # a class of the module
        return len(parts) == 2 and hasattr(owner, parts[1])
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        try:
            for part in parts[end:]:
                found = getattr(found, part)
        except AttributeError:
            return False
        return True
    return False


def slug(heading: str) -> str:
    """The anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_cited_is_there(path: Path) -> None:
    text = text_of(path)
    wrong = wrong_citations(text) + [name for name in FILE.findall(text) if not (ROOT / name).exists()]
    if path.suffix == ".py":
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        wrong += [name for name in ROLE.findall(text) if not exists(name, module)]
        wrong += [name for name in DOTTED.findall(text) if not exists(name)]
    assert not wrong


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_what_docs_link_to_is_there(path: Path) -> None:
    text = path.read_text("utf-8")
    wrong = wrong_citations(text, path.parent)
    for name, anchor in LINK.findall(text):
        target = path.parent / name if name else path
        anchors = {slug(line) for line in re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.M)} if anchor else ()
        if not target.is_file() or (anchor and anchor not in anchors):
            wrong.append(f"{name}#{anchor}")
    if path not in HISTORY:
        made = re.findall(r"^`([\w/.]+)`:\n\n```", text, re.MULTILINE)  # by a worked example
        wrong += [name for name in FILE.findall(text) if name not in made and not (ROOT / name).exists()]
    assert not wrong


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('(``docs/fidelity.md``, "Residual networks").', []),
        ('docs/embedded.md, "α"', []),
        ('docs/embedded.md, "IcGAN", says why', []),
        ("as documented in docs/fidelity.md, and more", []),
        ('``docs/fidelity.md``, "Nothing"', ["docs/fidelity.md, Nothing"]),
        ("(``docs/fidelity.md``, AIF 13)", ["docs/fidelity.md, AIF 13"]),
        ("``docs/fidelity.md`` (AIF 10)", ["docs/fidelity.md, AIF 10"]),
        ("([fidelity](docs/fidelity.md), AIF 12)", ["docs/fidelity.md, AIF 12"]),
        ("``design.md`` rule 4", ["design.md"]),
    ],
)
def test_a_citation_that_leads_nowhere_is_found(text: str, wrong: list[str]) -> None:
    assert wrong_citations(text) == wrong


def test_a_name_that_leads_nowhere_is_found() -> None:
    import aif.networks as module

    assert exists("aif.losses.kl")
    assert exists("Encoder", module)
    assert exists("forward", module)
    assert not exists("aif.losses.nothing")
    assert not exists("aif.nothing")
    assert not exists("Nothing", module)
