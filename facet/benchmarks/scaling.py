"""``python -m facet.benchmarks.scaling facet-train … trainer=ddp trainer.devices=8``: what that training takes.

Counts, without its data, of every stage with other costs: the memory of each process, what a step reads, and, on two
processes of this machine with a few images each, what a step tells the others; and gives what follows by the model of
``several_gpus.py``. docs/scaling.md explains it.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from facet.benchmarks.several_gpus import LINKS, Step
from facet.commands import report
from facet.configuration import check, compose_config
from facet.errors import UserError
from facet.signals import Stopped

MIB, FLOAT = 2**20, 4
ROUND = 10  # steps in which processes agree once on what is agreed on now and then


def main() -> None:
    """The command."""
    try:
        config = asked_for(sys.argv[1:])
        from facet.build import quiet

        quiet()
        warnings.simplefilter("ignore")  # of Lightning, about so short a training
        counted = count(config)
    except Stopped as stopped:
        sys.exit(stopped.code)
    except Exception as error:
        sys.exit(report("train", error, "facet.benchmarks.scaling"))
    if counted:  # not in the second process
        for table in tables(config, counted):
            Console().print(table)


def asked_for(arguments: Sequence[str]) -> DictConfig:
    """The config of a ``facet-train`` command on several devices.

    Raises:
        UserError: another command, or a mistake in it.
    """
    if arguments[:1] != ["facet-train"]:
        raise UserError("say a training: python -m facet.benchmarks.scaling facet-train model=… trainer=ddp")
    config = compose_config("train", arguments[1:])
    check(config, overrides=arguments[1:])
    processes_of(config)
    return config


def processes_of(config: DictConfig) -> int:
    """How many processes a training has.

    Raises:
        UserError: it doesn't say; or a batch that they can't share.
    """
    devices, machines = config.trainer.devices, config.trainer.get("num_nodes", 1)
    if "strategy" not in config.trainer or not isinstance(devices, int) or devices < 1:
        raise UserError(f"trainer.devices={devices}: say trainer=ddp and how many devices, such as trainer.devices=8")
    processes = int(devices * machines)
    if config.data.batch_size % processes or config.data.batch_size < 2 * processes:
        raise UserError(
            f"data.batch_size={config.data.batch_size} can't be shared by {processes} processes (trainer.devices × "
            "trainer.num_nodes): each needs as many images, two at least"
        )
    return processes


def count(config: DictConfig) -> list[tuple[Any, Any]]:
    """(memory, traffic) of each stage; nothing in the second process, which this one starts by its own command."""
    import torch

    from facet.benchmarks.steps_on_noise import memory, stages, traffic

    torch.set_num_threads(1)
    processes, each = processes_of(config), range(stages(config))
    told = [traffic(config, stage, 2) for stage in each]
    if torch.distributed.get_rank():
        return []
    torch.distributed.destroy_process_group()
    images = config.data.batch_size // processes
    return [(memory(config, stage, images, processes > 1), told[stage]) for stage in each]


def tables(config: DictConfig, counted: Sequence[tuple[Any, Any]]) -> list[Table]:
    """What was counted, and what follows from it."""
    processes = processes_of(config)
    own = Table(f"{config.data.batch_size // processes} images a process", *_titles(counted))
    for title, name in ROWS.items():
        own.add_row(title, *(f"{getattr(memory, name) / MIB:,.0f} MiB" for memory, _ in counted))
    own.add_row("100,000 images there", *[f"{1e5 * image(config) / MIB:,.0f} MiB"] * len(counted))
    steps = [step_of(memory, traffic) for memory, traffic in counted]
    own.add_row(
        "a step reads images", *[f"{config.data.batch_size // processes * image(config) / MIB:,.2f} MiB"] * len(counted)
    )
    own.add_row("  computes", *(f"{step.flops / 1e9:,.0f} GFLOP" for step in steps))
    own.add_row("  touches memory", *(f"{step.touched / MIB:,.0f} MiB" for step in steps))
    own.add_row("  operators", *(f"{step.operators:,.0f}" for step in steps))
    own.add_row("  gives to collectives", *(f"{step.sent / MIB:,.1f} MiB" for step in steps))
    for name in sorted({name for _, traffic in counted for name in traffic.sent}):
        said = [f"{t.collectives[name] / ROUND:,.1f}, {t.sent[name] / ROUND / MIB:,.3f} MiB" for _, t in counted]
        own.add_row(f"    {name}", *said)
    modelled = Table(f"{config.data.batch_size} on {processes} H100, by the model", *_titles(counted))
    modelled.add_row("computing", *(f"{1000 * step.computing:,.1f} ms" for step in steps))
    for name, link in LINKS.items():
        between = (step.seconds(processes, link) for step in steps)
        modelled.add_row(f"with {name}", *(f"{1000 * best:,.1f}–{1000 * worst:,.1f} ms" for best, worst in between))
    return [own, modelled]


ROWS = {
    "memory at the peak": "bytes",
    "  weights": "weights",
    "  gradients": "gradients",
    "  DDP's buckets": "buckets",
    "  optimisers": "optimizers",
    "  averages": "averages",
    "  a copy, to undo a step": "undo",
    "  activations": "passing",
}


def _titles(counted: Sequence[Any]) -> list[str]:
    names = ["first stage", "second stage", "last stage"] if len(counted) == 3 else ["first stage", "last stage"]
    return names[: len(counted)] if len(counted) > 1 else ["a step"]


def step_of(memory: Any, traffic: Any) -> Step:
    """The model's numbers."""
    sent, collectives = sum(traffic.sent.values()) / ROUND, sum(traffic.collectives.values()) / ROUND
    return Step(memory.flops, memory.touched, traffic.operators / ROUND, sent, collectives)


def image(config: DictConfig) -> int:
    """Bytes of a stored image, one a channel and pixel, and of its labels as they lie on a device."""
    from facet.making import make

    data = make(config.data)
    return int(data.channels * data.resolution**2 + FLOAT * len(data.attribute_names))


if __name__ == "__main__":
    main()
