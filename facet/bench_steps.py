"""``facet-bench steps``: every method's step in training, beside the authors' schedule and the floor, in one run."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from annotated_types import Ge, MinLen
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from facet.benchmarks.methods import METHODS
from facet.commands import say
from facet.configuration import check, compose_config
from facet.errors import UserError, nearest
from facet.files import atomic_write, write_json
from facet.refusals import user_message

if TYPE_CHECKING:
    from facet.benchmarks.steps import Row

SCHEMA = 1
WIDTH = 160  # characters of the table where no terminal has fewer
ALONE = (  # no validation, no checkpoint, nothing shown: what comes between steps, and not in them
    *("logger=csv", "callbacks.edits=null", "callbacks.progress=null", "callbacks.stopping=null"),
    *("trainer.enable_progress_bar=false", "trainer.enable_checkpointing=false", "trainer.limit_val_batches=0"),
    "trainer.max_epochs=-1",  # whoever measures ends it
)


@dataclass(frozen=True)
class Settings:
    """facet-bench steps: a step of every method in training, beside the authors' schedule written plainly and beside
    the floor, the same operations at the rate of a matrix product. Images are noise, no data are needed.
    """

    methods: Annotated[tuple[str, ...], MinLen(1)] = tuple(METHODS)  # facet/benchmarks/methods.py says what each is
    resolutions: Annotated[tuple[int, ...], MinLen(1)] | None = None  # such as [32,64]; null: the preset's
    batch_sizes: Annotated[tuple[int, ...], MinLen(1)] | None = None  # such as [64,512]; null: the preset's
    overrides: tuple[str, ...] = ()  # of the trainings; on a GPU: 'overrides=["trainer=gpu"]'
    allow: tuple[str, ...] = ()  # packages of plug-ins that configs may use; on the command line alone
    rounds: Annotated[int, Ge(1)] = 5  # in which all take turns
    samples: Annotated[int, Ge(1)] = 4  # of each in a round; the median of all counts
    json: str = "reports/steps.json"  # what was found, on which machine, by which command
    groups: ClassVar[dict[str, str | None]] = {"preset": "embedded"}


def bench_steps(config: DictConfig) -> dict[str, Any]:
    """Measure, print and write what was asked for; returns what was written.

    Raises:
        UserError: a mistake in the config, or nothing that this machine has the memory for.
    """
    check(config, "bench_steps")
    for name in config.methods:
        if name not in METHODS:
            raise UserError(f"methods={name}: no such step; nearest: {nearest(name, METHODS)}")
    asked = list(_asked(config))  # all are checked before anything is measured
    _check_place(Path(config.json))
    from facet.benchmarks.steps import Row
    from facet.build import quiet

    quiet()
    with tempfile.TemporaryDirectory() as directory:
        rows = [Row(name, settings, Path(directory)) for name, settings in asked]
        about, found = _about(config), dict[str, Any]()
        for done, left in enumerate(_rounds(rows, config.rounds, config.samples), 1):
            found = {**about, "rounds": done, "steps": [row.found() for row in left]}
            write_json(Path(config.json), found)  # of whoever is stopped, too
    _show(found)
    say(f"written to {config.json}")
    _draw(found["steps"], Path(config.json).with_suffix(".png"))
    return found


def _asked(config: DictConfig) -> Iterator[tuple[str, DictConfig]]:
    """(method, settings of its training) of every row."""
    for name in config.methods:
        method = METHODS[name]
        for side in (config.resolutions or [None]) if method.resolution else [None]:
            for size in config.batch_sizes or [None]:
                sizes = {"data.resolution": side, "data.batch_size": size}
                said = [*method.overrides.split(), f"preset={config.preset}", *ALONE]
                said += [*config.overrides, *(f"{key}={value}" for key, value in sizes.items() if value is not None)]
                yield name, _composed(said)


def _composed(said: list[str]) -> DictConfig:
    """A training's settings, checked."""
    try:
        settings = compose_config("train", said)
    except Exception as error:
        if line := user_message("train", error):
            raise UserError(line) from error
        raise
    check(settings, overrides=said)
    return settings


def _check_place(file: Path) -> None:
    """What takes minutes must not be lost for want of a place.

    Raises:
        UserError: the file can't be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"json={file} can't be written ({error.strerror}): choose another place") from error
    if file.is_dir() or not os.access(file.parent, os.W_OK):
        raise UserError(f"json={file} can't be written: choose another place")


def _rounds(rows: list[Row], rounds: int, samples: int) -> Iterator[list[Row]]:
    """All in turn, round after round; after each those that are left, where others need more memory than a GPU has.

    Raises:
        UserError: none is left, or a step that can't be taken at that size.
    """
    import torch

    console = Console(stderr=True)
    with Progress(console=console, refresh_per_second=1, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=rounds * len(rows))
        for number in range(rounds):
            for row in list(rows):
                progress.update(task, description=f"round {number + 1} of {rounds}: {row.label}")
                try:
                    row.measure(samples)
                except torch.OutOfMemoryError:
                    say(f"{row.label}: left out, it needs more memory than the GPU has", "yellow")
                    rows = [each for each in rows if each is not row]
                except ValueError as error:  # torch's, of a batch too small for a method that halves it
                    raise UserError(f"{row.label}: {' '.join(str(error).split())}") from error
                progress.advance(task)
            if not rows:
                raise UserError("every step that was asked for needs more memory than the GPU has: smaller batch_sizes")
            yield rows


def _about(config: DictConfig) -> dict[str, Any]:
    """Where, with what, and by which command."""
    import torch

    from facet.benchmarks.machine import machine
    from facet.evaluate import versions
    from facet.runs import revision

    said = HydraConfig.get().overrides.task if HydraConfig.initialized() else []
    return {
        "schema": SCHEMA,
        "command": shlex.join(["facet-bench", "steps", *said]),
        "preset": config.preset,
        "samples": config.samples,
        "machine": machine(),
        "threads": torch.get_num_threads(),
        "versions": dict(versions()),
        "revision": revision(),
    }


def _show(found: dict[str, Any]) -> None:
    table = Table("a step of", "side", "batch", "ms", "the authors' ms", "times as fast", "of the floor", "images/s")
    for name in ("memory, MiB", "GFLOP", "product, GFLOP/s"):
        table.add_column(name, justify="right")
    for step in found["steps"]:
        ours, authors, memory = step["ours"], step["authors"], step["ours"]["memory_bytes"]
        table.add_row(
            step["method"],
            str(step["resolution"]),
            str(step["batch_size"]),
            _spread(ours),
            _spread(authors) if authors else "–",
            f"{step['times_as_fast']:.2f}" if authors else "–",
            f"{step['share_of_floor']:.0%}",
            f"{step['images_per_second']:,.0f}",
            "–" if memory is None else f"{memory / 2**20:,.0f}",
            f"{ours['flops'] / 1e9:,.2f}",
            f"{step['product_flops_per_second'] / 1e9:,.0f}",
        )
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)
    precisions = ", ".join(sorted({step["precision"] for step in found["steps"]}))
    where = f"{found['machine']['gpu'] or found['machine']['processor']}, {found['threads']} threads"
    say(f"{where}, torch {found['versions']['torch']}, ours in {precisions}, theirs in 32-true")


def _draw(steps: list[dict[str, Any]], file: Path) -> None:
    """How it grows, where sizes differ."""
    from facet.benchmarks.growth import growing, picture
    from facet.report.style import save

    if growing(steps):
        atomic_write(file, lambda out: out.write(save(picture(steps), "png")))
        say(f"drawn: {file}")


def _spread(times: dict[str, Any]) -> str:
    return f"{times['median_ms']:,.2f}\n{times['least_ms']:,.2f}–{times['most_ms']:,.2f}"
