"""A run that goes on does so in the same run of W&B, without a gap and with no step twice."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from facet.loggers import make_loggers

BLOCK, HEAD = 2**15, 7  # of W&B's files, which are LevelDB's logs


def records(file: Path) -> Iterator[Any]:
    """What an offline run has written."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, place, record = file.read_bytes(), HEAD, b""
    while place + HEAD <= len(content):
        if (left := BLOCK - place % BLOCK) < HEAD:
            place += left
            continue
        length, kind = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
        part = content[place + HEAD : place + HEAD + length]
        record, place = (b"" if kind in (1, 2) else record) + part, place + HEAD + length
        if kind in (1, 4):  # whole, last
            yield Record.FromString(record)


def logged(file: Path) -> tuple[str, list[dict[str, float]]]:
    """W&B's id, and what was logged."""
    every: list[Any] = []
    until = time.monotonic() + 60
    while not (every and every[-1].HasField("exit")) and time.monotonic() < until:  # another process writes it
        time.sleep(0.05)
        every = list(records(file))
    rows = []
    for record in every:
        if record.HasField("history"):
            cells = {"/".join(item.nested_key) or item.key: item.value_json for item in record.history.item}
            rows.append({name: json.loads(cell) for name, cell in cells.items() if not name.startswith("_")})
    return next(record.run.run_id for record in every if record.HasField("run")), rows


def log(run: Path, steps: range, batches: int) -> None:
    csv, wandb = make_loggers(run, "aif/table1/ours", [], {}, batches=batches)
    for step in steps:
        for one in (csv, wandb):
            one.log_metrics({"train/kl": step / 3, "epoch": step // 4}, step)
    for one in (csv, wandb):
        one.save()
    wandb.experiment.finish()  # type: ignore[attr-defined]


def test_wandb_goes_on_where_the_run_does(tmp_path: Path) -> None:
    log(tmp_path, range(8), batches=0)
    log(tmp_path, range(6, 10), batches=6)  # the last checkpoint is of six batches
    (first, _), (second, rows) = map(logged, sorted((tmp_path / "wandb").glob("offline-run-*/*.wandb")))
    assert first == second
    assert [row.pop("trainer/global_step") for row in rows] == list(range(10))
    assert rows == [{"train/kl": step / 3, "epoch": step // 4} for step in range(10)]
