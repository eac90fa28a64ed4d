"""``facet-bench steps``: every method's training step, measured beside the authors' schedule and the floor."""

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
WIDTH = 160  # characters of the table when the output isn't a terminal
ALONE = (  # switches off what runs between steps: validation, checkpoints, progress bars
    *("logger=csv", "callbacks.edits=null", "callbacks.progress=null", "callbacks.stopping=null"),
    *("trainer.enable_progress_bar=false", "trainer.enable_checkpointing=false", "trainer.limit_val_batches=0"),
    "trainer.max_epochs=-1",  # the measurement ends the training
)


@dataclass(frozen=True)
class Settings:
    """facet-bench steps: measures a training step of every method, beside a plain implementation of the authors'
    schedule and beside the floor (the same operations at the rate of a matrix product). The images are noise: no data
    set is needed.
    """

    methods: Annotated[tuple[str, ...], MinLen(1)] = tuple(METHODS)  # facet/benchmarks/methods.py describes each
    resolutions: Annotated[tuple[int, ...], MinLen(1)] | None = None  # sides, such as [32,64]; null: the preset's
    batch_sizes: Annotated[tuple[int, ...], MinLen(1)] | None = None  # such as [64,512]; null: the preset's
    overrides: tuple[str, ...] = ()  # settings of every training; on a GPU: 'overrides=["trainer=gpu"]'
    allow: tuple[str, ...] = ()  # packages of plug-ins that configs may use; only on the command line
    rounds: Annotated[int, Ge(1)] = 5  # each step is measured once a round
    samples: Annotated[int, Ge(1)] = 4  # measurements of each step in a round; the table shows the median of all
    json: str = "reports/steps.json"  # file for the results, with the machine and the command
    groups: ClassVar[dict[str, str | None]] = {"preset": "embedded"}


def bench_steps(config: DictConfig) -> dict[str, Any]:
    """Measure the chosen steps, print a table, and write the results.

    Returns:
        The content of the file ``json``.

    Raises:
        UserError: a mistake in the config, or this machine has the memory for none of the steps.
    """
    check(config, "bench_steps")
    for name in config.methods:
        if name not in METHODS:
            raise UserError(f"methods={name}: no such step; nearest: {nearest(name, METHODS)}")
    trainings = list(_trainings(config))  # all are checked before anything is measured
    _check_place(Path(config.json))
    from facet.benchmarks.steps import Row
    from facet.build import quiet

    quiet()
    with tempfile.TemporaryDirectory() as directory:
        rows = [Row(name, settings, Path(directory)) for name, settings in trainings]
        about, results = _about(config), dict[str, Any]()
        for done, left in enumerate(_rounds(rows, config.rounds, config.samples), 1):
            results = {**about, "rounds": done, "steps": [row.found() for row in left]}
            write_json(Path(config.json), results)  # after every round: an interrupted benchmark keeps its results
    _show(results)
    say(f"written to {config.json}")
    _draw(results["steps"], Path(config.json).with_suffix(".png"))
    return results


def _trainings(config: DictConfig) -> Iterator[tuple[str, DictConfig]]:
    """For every row, the method and the settings of its training."""
    for name in config.methods:
        method = METHODS[name]
        for side in (config.resolutions or [None]) if method.resolution else [None]:
            for size in config.batch_sizes or [None]:
                sizes = {"data.resolution": side, "data.batch_size": size}
                overrides = [*method.overrides.split(), f"preset={_preset()}", *ALONE, *config.overrides]
                overrides += [f"{key}={value}" for key, value in sizes.items() if value is not None]
                yield name, _composed(overrides)


def _preset() -> str:
    """The preset of every training: the command's choice."""
    choices = HydraConfig.get().runtime.choices if HydraConfig.initialized() else {}
    return str(choices.get("preset") or Settings.groups["preset"])


def _composed(overrides: list[str]) -> DictConfig:
    """Compose and check a training's settings."""
    try:
        settings = compose_config("train", overrides)
    except Exception as error:
        if line := user_message("train", error):
            raise UserError(line) from error
        raise
    check(settings, overrides=overrides)
    return settings


def _check_place(file: Path) -> None:
    """Check, before minutes of measuring, that the results can be written.

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
    """Measure every row once per round; after each round, yield the rows that are left.

    A row that needs more memory than the GPU has is dropped.

    Raises:
        UserError: no row is left, or a method can't take a step at this size.
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
                    rows = [other for other in rows if other is not row]
                except ValueError as error:  # from torch: the batch is too small for a method that halves it
                    raise UserError(f"{row.label}: {' '.join(str(error).split())}") from error
                progress.advance(task)
            if not rows:
                raise UserError("every chosen step needs more memory than the GPU has: choose smaller batch_sizes")
            yield rows


def _about(config: DictConfig) -> dict[str, Any]:
    """The command, the machine and the software of the benchmark."""
    import torch

    from facet.benchmarks.machine import machine
    from facet.runs import revision, versions

    arguments = HydraConfig.get().overrides.task if HydraConfig.initialized() else []
    return {
        "schema": SCHEMA,
        "command": shlex.join(["facet-bench", "steps", *arguments]),
        "preset": _preset(),
        "samples": config.samples,
        "machine": machine(),
        "threads": torch.get_num_threads(),
        "versions": dict(versions()),
        "revision": revision(),
    }


def _show(results: dict[str, Any]) -> None:
    table = Table("a step of", "side", "batch", "ms", "the authors' ms", "times as fast", "of the floor", "images/s")
    for name in ("memory, MiB", "GFLOP", "product, GFLOP/s"):
        table.add_column(name, justify="right")
    for step in results["steps"]:
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
    precisions = ", ".join(sorted({step["precision"] for step in results["steps"]}))
    where = f"{results['machine']['gpu'] or results['machine']['processor']}, {results['threads']} threads"
    say(f"{where}, torch {results['versions']['torch']}, ours in {precisions}, theirs in 32-true")


def _draw(steps: list[dict[str, Any]], file: Path) -> None:
    """Draw the step time against the size, if several sizes were measured."""
    from facet.benchmarks.growth import growing, picture
    from facet.report.style import save

    if growing(steps):
        atomic_write(file, lambda out: out.write(save(picture(steps), "png")))
        say(f"drawn: {file}")


def _spread(times: dict[str, Any]) -> str:
    return f"{times['median_ms']:,.2f}\n{times['least_ms']:,.2f}–{times['most_ms']:,.2f}"
