"""What a run of a sweep is given: a GPU of its own, or a command of its own where it takes several devices."""

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
_taken: list[FileLock] = []  # this process's GPU, for as long as the process lives


def swept() -> bool:
    """Whether this is a run of a sweep."""
    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN


def on_several_devices(config: DictConfig) -> bool:
    """Whether a run takes more devices than one."""
    return str(OmegaConf.select(config, "trainer.devices")) != "1"


def take_gpu(config: DictConfig) -> None:
    """Let this process of a sweep see one GPU alone, which no other on this machine has taken.

    Launchers start runs in processes of their own, each of which would take the first GPU. A process that trains one
    run after another keeps its GPU; where more run at a time than there are GPUs, they share them by their numbers.
    Call it before anything asks CUDA for its devices: what they are is settled then.
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
    """The GPUs that this process may see, by the names that CUDA takes."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]  # doesn't initialise CUDA


def environment() -> dict[str, str]:
    """Of a command that this one starts: packages are found where they are here, and never where it happens to run."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONSAFEPATH": "1"}


def shares(configs: Sequence[DictConfig], jobs: int | None = None) -> list[dict[str, str]]:
    """What each of the runs that are at work at a time is given, as environment variables: threads, and a GPU.

    On CPUs as many run at a time as there are cores and memory for. How many threads a run has decides its last bits:
    on CPUs that follows from the number of runs alone, so that neither ``jobs`` nor what is done already changes any.
    On GPUs each has one of its own; what takes several devices runs alone.

    Args:
        configs: of all runs, those that are done already too.
        jobs: how many at a time, instead.
    """
    on_cpu = all(OmegaConf.select(config, "trainer.accelerator") == "cpu" for config in configs)
    gpus = [] if on_cpu else _gpus()
    if jobs is None and any(on_several_devices(config) for config in configs):
        jobs = 1
    elif jobs is None:
        left = memory()
        jobs = len(gpus) or min(cores(), max(1, left // OF_A_RUN) if left is not None else 1)
    jobs = max(1, min(jobs, len(configs)))
    threads = str(max(1, cores() // (jobs if gpus else len(configs))))
    given = {name: os.environ.get(name, threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    apart = {"CUDA_VISIBLE_DEVICES"} if len(gpus) > 1 and jobs > 1 else set[str]()
    return [{**given, **{name: gpus[number % len(gpus)] for name in apart}} for number in range(jobs)]


def train_apart() -> None:
    """Train a run of a sweep by a command of its own: DDP starts its processes by repeating the command line.

    Raises:
        ToldError: it failed, and said why.
    """
    overrides = [*HydraConfig.get().overrides.task, "hydra.mode=RUN"]
    child = subprocess.Popen([sys.executable, "-m", "facet.train", *overrides], env=environment())
    wish = Wish()

    def hand_on(signum: int, frame: FrameType | None) -> None:
        wish.signum = signum
        if signum != signal.SIGINT:  # a terminal's Ctrl-C goes to the child, too
            child.send_signal(signum)

    wish.listen(hand_on)
    code = child.wait()  # it is saved first
    wish.give_back()
    if wish.signum:
        wish.grant(wish.signum)
    if code:
        raise ToldError("a run failed", code)
