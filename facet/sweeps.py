"""Gives each run of a sweep its share of the machine: a GPU, threads, or its own command if it uses several devices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from facet.errors import ToldError
from facet.machine import cores, memory
from facet.signals import Wish

OF_A_RUN = 1536 * 2**20  # bytes of memory that a run of the embedded preset may take (docs/reliability.md, Bounds)
_taken: list[FileLock] = []  # the lock on this process's GPU, held until the process ends


def swept() -> bool:
    """Whether this is a run of a sweep."""
    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN


def on_several_devices(config: DictConfig) -> bool:
    """Whether a run uses more than one device."""
    return str(OmegaConf.select(config, "trainer.devices")) != "1"


def take_gpu(config: DictConfig) -> None:
    """Make one GPU visible to this process of a sweep, one that no other process on this machine has taken.

    Without this, every process that a launcher starts would use the first GPU. A process that trains several runs keeps
    its GPU. If there are more processes than GPUs, runs share GPUs by their numbers in the sweep. Call it before
    anything asks CUDA for its devices, since CUDA reads the environment only once.
    """
    on_cpu = OmegaConf.select(config, "trainer.accelerator") == "cpu"
    if _taken or on_cpu or not swept() or on_several_devices(config):
        return
    names = _gpus()
    if len(names) < 2:
        return
    first = HydraConfig.get().job.num % len(names)
    names = names[first:] + names[:first]
    for name in names:
        lock = FileLock(Path(tempfile.gettempdir()) / f"facet-{os.getuid()}-gpu-{name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        _taken.append(lock)
        break
    else:
        name = names[0]
    os.environ["CUDA_VISIBLE_DEVICES"] = name


def _gpus() -> list[str]:
    """The GPUs visible to this process, as entries of ``CUDA_VISIBLE_DEVICES``."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]  # doesn't initialise CUDA


def environment() -> dict[str, str]:
    """The environment of a command that this one starts: it imports packages from the same places as this process."""
    # PYTHONSAFEPATH keeps the working directory out of the import path
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONSAFEPATH": "1"}


def shares(configs: Sequence[DictConfig], jobs: int | None = None) -> list[dict[str, str]]:
    """The threads and GPUs for each of the runs that train at the same time, as environment variables.

    On CPUs, as many runs train at a time as the cores and memory allow. On GPUs, each run has its own GPU. A run on
    several devices trains alone.

    Args:
        configs: the configs of all runs, including finished ones.
        jobs: how many runs train at a time; None: as above.

    Returns:
        One dict per run that trains at a time.
    """
    on_cpu = all(OmegaConf.select(config, "trainer.accelerator") == "cpu" for config in configs)
    gpus = [] if on_cpu else _gpus()
    if jobs is None and any(on_several_devices(config) for config in configs):
        jobs = 1
    elif jobs is None:
        left = memory()
        jobs = len(gpus) or min(cores(), max(1, left // OF_A_RUN) if left is not None else 1)
    jobs = max(1, min(jobs, len(configs)))
    # The number of threads affects the last bits of a run's numbers. On CPUs it depends on the number of all runs, so
    # that neither ``jobs`` nor finished runs change the numbers.
    threads = str(max(1, cores() // (jobs if gpus else len(configs))))
    given = {name: os.environ.get(name, threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    apart = {"CUDA_VISIBLE_DEVICES"} if len(gpus) > 1 and jobs > 1 else set[str]()
    return [{**given, **{name: gpus[number % len(gpus)] for name in apart}} for number in range(jobs)]


def train_apart() -> None:
    """Train a run of a sweep in a separate command, because DDP starts its processes by repeating the command line.

    Raises:
        ToldError: the command failed; it has printed why.
    """
    overrides = [*HydraConfig.get().overrides.task, "hydra.mode=RUN"]
    child = subprocess.Popen([sys.executable, "-m", "facet.train", *overrides], env=environment())
    wish = Wish()

    def forward(signum: int, frame: FrameType | None) -> None:
        wish.signum = signum
        if signum != signal.SIGINT:  # a terminal sends Ctrl-C to the child, too
            child.send_signal(signum)

    wish.listen(forward)
    code = child.wait()  # after a signal the child saves first
    wish.give_back()
    if wish.signum:
        wish.grant(wish.signum)
    if code:
        raise ToldError("a run failed", code)
