"""Somebody's run directory with one odd file, given to ``facet-train``, ``facet-evaluate`` and ``facet-report``."""

from __future__ import annotations

import functools
import io
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from fuzzing.data_inputs import Files, files_below
from fuzzing.harness import FoundError, Kind, exit_code, write
from fuzzing.mutations import damaged
from fuzzing.sheets import as_bytes, sheets
from fuzzing.trees import trees
from hypothesis import strategies as st
from invented_runs import results, write_run
from omegaconf import DictConfig, OmegaConf

from facet import checkpoints, evaluate, train
from facet.configuration import compose_config
from facet.files import atomic_write
from facet.identity import resolved
from facet.making import make
from facet.pages import load
from facet.report.command import report

RUN = ("data.resolution=16", "networks.width=4", "networks.latent_dim=6", "logger=csv")
SIZES = (
    "data.train_size=32",
    "data.val_size=8",
    "data.test_size=8",
    "data.batch_size=8",
    "data.workers=1",
    "data.images_per_epoch=null",
)
PAGES = (
    "table1",
    "table3",
    "compare",
    "aif-kl",
    "correlation",
    "aif-figure2",
    "aif-figure4",
    "aif-figure7",
    "jacsup-table1",
    "jacsup-tradeoff",
)


@functools.cache
def composed(primary: str, *overrides: str) -> DictConfig:
    """A config of a command, composed once."""
    return compose_config(primary, list(overrides))


@functools.cache
def good() -> Files:
    """The files of a run that was trained and judged, small enough to be made many times."""
    config = composed("train", *RUN, *SIZES)
    torch.manual_seed(0)
    content = {"state_dict": make(config.model).state_dict(), "loops": {}}
    with tempfile.TemporaryDirectory() as name:
        run = write_run(Path(name) / "run", results("ours", 0), points=3)
        (run / "config.yaml").write_text(OmegaConf.to_yaml(OmegaConf.create(resolved(config))))
        atomic_write(run / "checkpoints" / "last.ckpt", lambda file: checkpoints.write(file, content))
        return files_below(run)


STATUS = {
    "status": "finished",
    "revision": "3f2a91c07b",
    "data_fingerprint": "c0ffee123456",
    "data_files": {"place": ["FACET_DATA=", "FACET_CACHE="], "root": "/nowhere", "state": "0123abcd"},
    "training": {
        "steps": 12,
        "images_seen": 96,
        "seconds": 1.5,
        "parameters": {"encoder": 100},
        "precision": "32-true",
    },
    "error": None,
}


def as_json(tree: Any) -> bytes:
    return json.dumps(tree).encode()


def _as_yaml(tree: Any) -> bytes:
    import yaml

    return str(yaml.safe_dump(tree, allow_unicode=False)).encode()


def jsons(name: str, valid: Any) -> st.SearchStrategy[Files]:
    """A file of JSON, damaged as a tree, as bytes, or without an end."""
    trees_ = trees(valid).map(as_json)
    deep = st.sampled_from((b"[" * 100_000, b'{"x":' * 30_000, b"9" * 5_000, b"[1,", b"\xff", b'{"status": "finished"'))
    contents = st.one_of(trees_, trees_, trees_, damaged(as_json(valid)), deep)
    return contents.map(lambda content: {name: content})


YAMLS = (
    *(
        b"",
        b"null",
        b"- 1",
        b"x",
        b"a: b: c",
        b"\t",
        b"a: [",
        b"&a [*a]",
        b"a: &a {b: *a}",
        b"!!python/object:os.system {}",
    ),
    *(b"a: !!binary x", b"? [1]: 2", b"1: 2", b"null: 1", b"2020-01-01: x", b"%YAML 9.9", b"a: 1\na: 2", b"---\n---\n"),
    *(b"a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: [*b,*b,*b]", b"[" * 2000, b"model: ${model}", b"data: ${oc.env:NOTHING}"),
)


def _config() -> dict[str, Any]:
    return dict(OmegaConf.to_container(OmegaConf.create(good()["config.yaml"].decode())))  # type: ignore[arg-type]


@st.composite
def configs(draw: st.DrawFn) -> Files:
    """A run's ``config.yaml``: damaged as a tree, as bytes, or what is odd to any reader of YAML."""
    match draw(st.integers(0, 9)):
        case 0:
            content = draw(st.sampled_from(YAMLS)) + draw(st.sampled_from((b"", b"\n", good()["config.yaml"])))
        case 1 | 2 | 3:
            content = draw(damaged(good()["config.yaml"]))
        case _:
            content = _as_yaml(draw(trees(_config())))
    return {"config.yaml": content}


@st.composite
def metrics(draw: st.DrawFn) -> Files:
    """The curves: damaged as a table or as bytes."""
    rows = [line.split(",") for line in good()["metrics.csv"].decode().splitlines()]
    content = as_bytes(draw(sheets(rows, (",",)))) if draw(st.booleans()) else good()["metrics.csv"]
    return {"metrics.csv": draw(damaged(content, least=0))}


@st.composite
def examples(draw: st.DrawFn) -> Files:
    """The pictures for a page: damaged as bytes, or of other shapes and types."""
    import numpy as np

    if draw(st.booleans()):
        return {"examples.npz": draw(damaged(good()["examples.npz"]))}
    arrays = {}
    for name in ("original", "reconstruction", "off", "on", "faces", "turned", "turned_on", "x"):
        if draw(st.booleans()):
            shape = draw(st.lists(st.sampled_from((0, 1, 3, 4, 16)), max_size=5))
            arrays[name] = np.zeros(shape, draw(st.sampled_from(("u1", "f4", "i8", "bool", "U3", "c8"))))
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return {"examples.npz": buffer.getvalue()}


@contextmanager
def _without_work() -> Iterator[None]:
    """The commands without what takes seconds: training, drawing data, judging, drawing figures."""
    judge = torch.nn.Identity(), {}, None
    with ExitStack() as stack:
        for name, instead in (
            ("facet.train._train", lambda config, run: None),
            ("facet.build.prepare", lambda data: None),
            ("facet.build.judge_of", lambda settings: judge),
            ("facet.editing.judges.keep_judge", lambda *given: None),
            ("facet.build.constant_attributes", lambda *given: []),
            ("facet.measures.run.measure", lambda *given: ({}, {})),
            ("matplotlib.figure.Figure.savefig", lambda *given, **settings: None),
        ):
            stack.enter_context(patch(name, instead))
        yield


def _trained(run: Path) -> int:
    config = composed("train", *RUN, *SIZES).copy()
    config.run_dir = str(run)
    return exit_code("train", lambda: train.train(config))


def _evaluated(run: Path) -> int:
    config = composed("evaluate").copy()
    config.run = str(run)
    return exit_code("evaluate", lambda: evaluate.evaluate(config))


def _reported(run: Path, page: str) -> int:
    config = composed("report", f"pages=[{page}]", "logger=csv").copy()
    config.runs, config.reports = str(run.parent), str(run.parent / "reports")
    row = next(iter(load(page).rows))
    with patch("facet.report.command.page_runs", lambda page, config: {row: [(0, run)]}):
        return exit_code("report", lambda: report(config))


def _attempt(given: tuple[Files, str], place: Path) -> int:
    """The commands that look at a file; nothing of the run but its numbers may be other than before."""
    files, page = given
    before = {**good(), "status.json": as_json(STATUS), **files}
    run = write(place / "run", before)
    with _without_work():
        codes = [_reported(run, page)] if "config.yaml" not in files else []
        if not files.keys() & {"metrics.csv", "examples.npz"}:
            codes.append(_evaluated(run))
        if files.keys() & {"status.json", "config.yaml"}:
            codes.append(_trained(run))
    after = files_below(run)
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    if odd := changed - {"results.json", "examples.npz", ".lock"}:
        raise FoundError(f"changed: {', '.join(sorted(odd))}")
    return max(codes)


def _with_page(files: st.SearchStrategy[Files]) -> st.SearchStrategy[tuple[Files, str]]:
    return st.tuples(files, st.sampled_from(PAGES))


KINDS = (
    Kind("results.json", _with_page(jsons("results.json", results("ours", 0))), _attempt, few=4),
    Kind("status.json", _with_page(jsons("status.json", STATUS)), _attempt, few=4),
    Kind("config.yaml", _with_page(configs()), _attempt, few=4),
    Kind("metrics.csv", _with_page(metrics()), _attempt, few=4),
    Kind("examples.npz", _with_page(examples()), _attempt, few=4),
)
