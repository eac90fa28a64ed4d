"""``python -m facet.benchmarks.scaling facet-train … trainer=ddp trainer.devices=8``: the costs of that training.

For every stage with different costs it counts, without the data, the memory of each process and the work of a step, and
in two processes of this machine with a few images each the communication of a step. The model of ``several_gpus.py``
predicts the step's time from these counts. docs/scaling.md explains them.
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
ROUND = 10  # steps that are counted; some agreements between processes happen once in so many steps


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
        UserError: the command is another one, or has a mistake.
    """
    if arguments[:1] != ["facet-train"]:
        raise UserError("say a training: python -m facet.benchmarks.scaling facet-train model=… trainer=ddp")
    config = compose_config("train", arguments[1:])
    check(config, overrides=arguments[1:])
    processes_of(config)
    return config


def processes_of(config: DictConfig) -> int:
    """Number of processes of a training.

    Raises:
        UserError: the config does not set it, or the processes can't share a batch.
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
    """Memory and traffic of each stage; an empty list in the second process, which this one starts."""
    import torch

    from facet.benchmarks.steps_on_noise import memory, stages, traffic

    torch.set_num_threads(1)
    processes, all_stages = processes_of(config), range(stages(config))
    sent = [traffic(config, stage, 2) for stage in all_stages]
    if torch.distributed.get_rank():
        return []
    torch.distributed.destroy_process_group()
    images = config.data.batch_size // processes
    return [(memory(config, stage, images, processes > 1), sent[stage]) for stage in all_stages]


def tables(config: DictConfig, counted: Sequence[tuple[Any, Any]]) -> list[Table]:
    """The counts, and the model's predictions."""
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
        cells = [f"{t.collectives[name] / ROUND:,.1f}, {t.sent[name] / ROUND / MIB:,.3f} MiB" for _, t in counted]
        own.add_row(f"    {name}", *cells)
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
    """The counts of one step, as the model's input."""
    sent, collectives = sum(traffic.sent.values()) / ROUND, sum(traffic.collectives.values()) / ROUND
    return Step(memory.flops, memory.touched, traffic.operators / ROUND, sent, collectives)


def image(config: DictConfig) -> int:
    """Bytes of an image on a device, one per channel and pixel, and of its labels."""
    from facet.making import make

    data = make(config.data)
    return int(data.channels * data.resolution**2 + FLOAT * len(data.attribute_names))


if __name__ == "__main__":
    main()
