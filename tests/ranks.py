"""Jobs of tests that run on two gloo ranks. One pair of processes is started per suite and runs all its jobs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

WORLD = 2
Job = Callable[[int, Path], dict[str, Any]]


def found_by_ranks(job: str) -> list[dict[str, Any]]:
    """The results of a job, a name of :data:`JOBS`, of each rank.

    Raises:
        RuntimeError: a rank failed; the message is its output.
    """
    import torch

    jobs = next(together for together in TOGETHER if job in together)
    place = Path(os.environ["FACET_TESTS"]) / f"ranks-{jobs[0]}"
    with FileLock(f"{place}.lock"):
        if not place.is_dir():
            place.mkdir()
            _run(place, jobs)
    return [torch.load(place / f"{job}{rank}.pt", weights_only=True) for rank in range(WORLD)]


def _run(place: Path, jobs: Sequence[str]) -> None:
    """Start the ranks as ``torchrun`` would."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    known = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(WORLD), "TORCHELASTIC_RUN_ID": "tests"}
    root = Path(__file__).parents[1]
    paths = os.pathsep.join([str(root), str(root / "tests")])
    ranks = []
    for rank in range(WORLD):
        environment = {**os.environ, **known, "RANK": str(rank), "LOCAL_RANK": str(rank), "PYTHONPATH": paths}
        with (place / f"output{rank}").open("w") as output:
            command = [sys.executable, __file__, str(place), *jobs]
            ranks.append(subprocess.Popen(command, env=environment, cwd=place, stdout=output, stderr=output))
    codes = [process.wait(timeout=240) for process in ranks]
    if any(codes):
        raise RuntimeError("\n".join((place / f"output{rank}").read_text()[-3000:] for rank in range(WORLD)))


def shares(rank: int, place: Path) -> dict[str, Any]:
    """The losses and states of every system on the rank's half of a batch (``test_shares.py``)."""
    import growing_digits
    import torch
    from pytorch_lightning import Callback
    from shares import SIZE, of_share

    def over_all(values: torch.Tensor) -> torch.Tensor:
        torch.distributed.all_reduce(values)
        return values / WORLD

    class Look(Callback):
        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            half = SIZE // WORLD
            self.found = of_share(rank * half, rank * half + half, trainer, over_all)

    look = Look()
    growing_digits.fit(place, growing_digits.ProgressiveGrowth(2, 1), look, devices=WORLD, strategy="ddp")
    return look.found


def growth(rank: int, place: Path) -> dict[str, Any]:
    """The final state of a chain, and the steps of its last stage (``jacsup/test_resume.py``)."""
    import torch
    from growing_digits import Pictures, ProgressiveGrowth, module, trainer

    model = module()
    run = trainer(place / "growth", ProgressiveGrowth(4, 1), devices=WORLD, strategy="ddp")
    torch.manual_seed(100 + rank)  # new units would be drawn differently
    run.fit(model, datamodule=Pictures())
    return {**model.state_dict(), "steps": int(next(iter(run.optimizers[0].state.values()))["step"])}


def faces(rank: int, place: Path) -> dict[str, Any]:
    """The final state of the schedule of faces, and a covariance (``jacsup/test_faces_resume.py``)."""
    import torch
    from growing_digits import trainer
    from growing_faces import Bars, module, schedule
    from pytorch_lightning import Callback

    from jacsup import losses
    from nets.stepping import whole_batch

    class Covariance(Callback):
        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            images, _ = Bars().tensors("val")
            mine = 2 * (images[rank * 8 :][:8].float() / 255) - 1
            y, z = pl_module.network.eval().encode(mine)
            value = losses.cross_covariance(whole_batch(pl_module, z.flatten(1)), whole_batch(pl_module, y))
            (gradient,) = torch.autograd.grad(value, pl_module.network.encoder.head.weight)
            torch.distributed.all_reduce(gradient)
            pl_module.network.train()
            self.found = {"value": value.detach(), "gradient": gradient / WORLD}

    model, covariance = module(), Covariance()
    where = {"devices": WORLD, "strategy": "ddp_find_unused_parameters_true"}
    run = trainer(place / "faces", schedule(1, 1, 1, 1), covariance, **where)
    torch.manual_seed(100 + rank)
    run.fit(model, datamodule=Bars())
    return {"model": model.state_dict(), **covariance.found}


def traffic(rank: int, place: Path) -> dict[str, Any]:
    """The communication of this rank in some steps (``facet/test_scaling.py``)."""
    from tiny import tiny

    from facet.benchmarks import steps_on_noise

    config = tiny(place, "trainer=ddp", "trainer.precision=32-true")
    parameters = list(steps_on_noise.model_of(config, 0).parameters())
    found = steps_on_noise.traffic(config, 0, WORLD)
    numbers = sum(parameter.numel() for parameter in parameters)
    counted = {"sent": dict(found.sent), "collectives": dict(found.collectives), "operators": found.operators}
    return {**counted, "numbers": numbers, "parameters": len(parameters)}


def resumed(rank: int, place: Path) -> dict[str, Any]:
    """How a run that was interrupted within an epoch differs from an uncut one (``facet/test_processes.py``)."""
    import torch
    from pytorch_lightning import Callback
    from tiny import metrics, tiny, weights

    from facet import build
    from facet.callbacks import saving
    from facet.runs import Run
    from facet.train import train

    class Cut(Callback):
        def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
            if trainer.fit_loop.epoch_loop.total_batch_idx == 10:
                raise InterruptedError

    class Parts(build.Parts):
        def trainer(self, batches: int) -> Any:
            self.callbacks = [*self.callbacks, *([] if batches else [Cut()])]
            return super().trainer(batches)

    saving.LOOK = 2  # an epoch has six batches
    whole, cut = Run(place / "whole"), Run(place / "cut")
    settings = ["ablation=erasure", "trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2"]
    settings += ["trainer.precision=32-true", "trainer.log_every_n_steps=1", "trainer.max_epochs=2", "save_minutes=0"]
    train(tiny(place, *settings, f"run_dir={whole.path}"))
    build.Parts = Parts  # type: ignore[misc]
    with suppress(InterruptedError):
        train(tiny(place, *settings, f"run_dir={cut.path}"))
    train(tiny(place, *settings, f"run_dir={cut.path}"))
    if rank:  # the first one writes
        return {}
    one, other = weights(whole), weights(cut)
    tensors = [name for name, value in one.items() if isinstance(value, torch.Tensor)]
    differ = [name for name in tensors if not torch.equal(one[name], other[name])]
    rows = zip(*(metrics(run).splitlines() for run in (whole, cut)), strict=True)
    return {"weights": differ, "curves": [(a, b) for a, b in rows if a != b]}


JOBS: dict[str, Job] = {
    "shares": shares,
    "growth": growth,
    "faces": faces,
    "traffic": traffic,
    "resumed": resumed,
}
TOGETHER = (
    ("shares", "growth", "faces", "traffic"),
    ("resumed",),
)  # by one pair each: not every suite needs the second


def main() -> None:
    """Run the jobs of one rank."""
    import torch

    torch.set_num_threads(1)
    rank, place = int(os.environ["RANK"]), Path(sys.argv[1])
    for name in sys.argv[2:]:
        torch.save(JOBS[name](rank, place), place / f"{name}{rank}.pt")


if __name__ == "__main__":
    main()
