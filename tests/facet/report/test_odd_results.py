"""Results that no judging wrote are told in one line, or shown as far as they can be; never a traceback."""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from malformed import in_time

from facet import checkpoints
from facet.errors import UserError
from facet.loading import stages_of
from facet.measures.drawn import read_examples
from facet.pages import load
from facet.report import sections
from facet.report.blocks import Table
from facet.report.context import Context
from facet.report.markup import to_latex, to_markdown
from facet.results import read_run
from facet.rows import table, to_csv
from facet.runs import Run

Make = Callable[..., tuple[int, Path]]
ODD: tuple[Any, ...] = ("text", "", "\ud800", [1], [], {"a": {"b": 1}}, {}, -1e300, 10**400, True, None)
TABLES = ("table", "attributes", "leakage", "cells", "classifier", "counterfactual", "drift", "judge", "cost", "seeds")


def changed(content: Any, path: tuple[Any, ...] = ()) -> Iterator[Any]:
    """The content with each of its values replaced by each odd one."""
    if path:
        for odd in ODD:
            other = copy.deepcopy(content)
            node = other
            for key in path[:-1]:
                node = node[key]
            node[path[-1]] = odd
            yield other
    node = content
    for key in path:
        node = node[key]
    for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield from changed(content, (*path, key))


def test_any_value_may_be_another(make_run: Make) -> None:
    seed, directory = make_run("ours")
    page, file = load("table1"), directory / "results.json"
    whole = json.loads(file.read_text())
    seen = set()
    for content in random.Random(0).sample(list(changed(whole)), 150):
        file.write_text(json.dumps(content))
        result = read_run("ours", seed, directory)
        seen.add(result.state)
        assert "\n" not in result.error
        context = Context.of(page, {"ours": [(seed, directory)]})
        for row in context.rows:
            assert row.reason is not None
        to_csv(table(context.rows))
        for key in TABLES:
            section = sections.render(key, page.sections[key], context)
            for block in section.blocks if section else ():
                if isinstance(block, Table):
                    to_latex("t", "t", block)
                    to_markdown("t", ["t"], block, (), block.notes)
    assert seen == {"evaluated", "unreadable"}


@pytest.mark.parametrize("name", ["results.json", "status.json"])
def test_a_file_may_hold_anything(make_run: Make, name: str) -> None:
    seed, directory = make_run("ours")
    texts = (b"{", b"", b"[]", b"1", b"null", b"\xff\xfe", b'{"schema": 2, "schema": 2}', b"[" * 100_000, b"9" * 5000)
    for text in (*texts, b'{"status": ["finished"]}', b'{"schema": 2, "attribute_names": []}', b" " * 2**26 + b"{}"):
        (directory / name).write_bytes(text)
        result = read_run("ours", seed, directory)
        assert result.state == "unreadable", text[:40]
        assert result.error.startswith(f"{name} can't be used: ")
        assert "\n" not in result.error
    (directory / name).unlink()
    (directory / name).mkdir()
    assert read_run("ours", seed, directory).state == "unreadable"


def test_pictures_of_other_kinds_are_none(tmp_path: Path) -> None:
    good = np.zeros((2, 3, 8, 8), np.uint8)
    turned = {"turned": good[None], "5-turned": good[None], "turned_on": np.ones((1, 2), bool)}
    several = {**turned, "classes02": good[0, 0, 0]}
    odd = {"off": good.astype(float), "on": good[0], "original": good[..., :0], "other": good, "varied": good[:, :2]}
    np.savez(tmp_path / "examples.npz", reconstruction=good, **several, **odd)  # type: ignore[arg-type]
    assert set(read_examples(tmp_path)) == {"reconstruction", *several}
    np.savez(tmp_path / "examples.npz", off=np.array([print], object))
    assert read_examples(tmp_path) == {}
    for content in (b"", b"PK", (tmp_path / "examples.npz").read_bytes()[:200]):
        (tmp_path / "examples.npz").write_bytes(content)
        assert read_examples(tmp_path) == {}


def test_a_pipe_in_place_of_any_file_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    run = Run(tmp_path / "run")
    for pipe in ("config.yaml", "status.json", "results.json", "metrics.csv", "stages/1.ckpt", "checkpoints/last.ckpt"):
        (tmp_path / "run" / pipe).parent.mkdir(exist_ok=True)
        os.mkfifo(tmp_path / "run" / pipe)
    with in_time():
        assert (run.status, run.metrics(), read_run("ours", 0, tmp_path / "run").state) == ("absent", {}, "unreadable")
        assert not checkpoints.is_whole(run.checkpoint)
        with pytest.raises(UserError):
            stages_of(None, run)
        with pytest.raises(UserError):
            run.config()
