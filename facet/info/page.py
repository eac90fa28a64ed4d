"""The page of all runs: a sortable table, and for each experiment learning curves, faces, and grids of digits."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from facet import pages
from facet.errors import in_one_line
from facet.info.runs import FoundRun
from facet.measures.drawn import read_examples
from facet.pages import Page, PageRow
from facet.report import page as report
from facet.report.strips import read_strips
from facet.report.texts import placeless

Sections = Mapping[str, Mapping[str, Any]]
FACTS = ("status", "seed", "preset", "data", "ended")


def write(found: Sequence[FoundRun], runs: Path, directory: Path) -> Path:
    """Write the page.

    Args:
        found: the runs.
        runs: the directory that they were found below.
        directory: where the page is written.

    Returns:
        The path of ``index.html``.

    Raises:
        OSError: the directory can't be written.
    """
    page = page_of(found)
    places = {run.key: [(run.result.seed, run.result.directory)] for run in found if run.key in page.rows}
    command = shlex.join(["facet-info", "report=true", f"runs={runs}", f"reports={directory.parent}"])
    index = report.write(page, places, directory, [command])
    figures = {said["file"] for said in page.sections.values() if "file" in said}
    for old in [*directory.glob("curves-*.p*"), *directory.glob("digits-*.p*")]:
        if old.stem not in figures:  # of an experiment that isn't there any more
            old.unlink()
    return index


def page_of(found: Sequence[FoundRun]) -> Page:
    """The page of some runs: the one of ``conf/page/base/runs.yaml`` with a row for each; broken ones are left out."""
    left_out = [run for run in found if run.broken]
    found = [run for run in found if not run.broken]
    template = pages.load(str(pages.directory() / "base" / "runs.yaml"))
    rows = {
        run.key: PageRow(in_one_line(run.title), run="", facts={name: getattr(run, name) for name in FACTS})
        for run in found
    }
    sections = dict(_sections(found, template.sections))
    told = "; ".join(f"{run.title} ({placeless(run.remark)})" for run in left_out)
    note = literal(f"Left out, because they can't be read: {told}.") if told else ""
    return replace(template, text=f"{template.text} {note}", rows=rows, sections=sections)


def _sections(found: Sequence[FoundRun], said: Sections) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The table, and each experiment's sections; the first of these has the experiment's name as its title."""
    yield "table", said["table"]
    for experiment, runs in groupby(found, lambda run: run.experiment):
        title = literal(experiment or "Runs without an experiment")
        for key, section in _of_experiment(list(runs), said):
            yield key, {**section, "title": title, "text": ""}
            title = ""


def _of_experiment(runs: Sequence[FoundRun], said: Sections) -> Iterator[tuple[str, Mapping[str, Any]]]:
    first = runs[0].key
    if any(run.result.metrics() for run in runs):
        yield f"curves-{first}", {**said["curves"], "rows": [run.key for run in runs], "file": f"curves-{first}"}
    if with_faces := [run.key for run in runs if run.status == "judged" and read_strips(run.result.directory)]:
        yield f"faces-{first}", {**said["faces"], "rows": with_faces}
    for run in runs:
        if run.status == "judged" and any(name.startswith("grid") for name in read_examples(run.result.directory)):
            panels = [{"row": run.key, "stage": stage, "title": f"{literal(run.name)}, {{{{ size }}}} units"}
                      for stage in ("first", "last")]  # fmt: skip
            yield f"digits-{run.key}", {**said["grids"], "panels": panels, "file": f"digits-{run.key}"}


def literal(text: str) -> str:
    """A text as it is, for where a page has templates."""
    return f"{{{{ {json.dumps(in_one_line(text), ensure_ascii=False)} }}}}" if text else ""
