"""``facet-bench``: how fast data come and steps go, each beside the usual way, in one run."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from facet.commands import run_command, say
from facet.configuration import check, compose_config
from facet.errors import UserError

if TYPE_CHECKING:
    import torch

RESIDENCIES = ("device", "mmap", "workers")
USUAL = "torchvision + DataLoader"
WARM_UP = 1.0  # seconds


def main() -> None:
    """The console command: a verb, then what Hydra takes."""
    verbs = {"data": ("bench", bench_data), "jacsup-mnist": ("bench_growth", bench_growth)}
    verb = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else ""
    if verb not in verbs:
        say(f"facet-bench: say what to measure: facet-bench {' or facet-bench '.join(verbs)}", "red")
        sys.exit(2)
    run_command(*verbs[verb], called="facet-bench")


def bench_data(config: DictConfig) -> dict[str, float]:
    """Images/s of every residency and of the usual way, medians over rounds that take turns.

    Raises:
        UserError: a mistake in the config or the data.
    """
    check(config, "bench")
    import torch

    from facet.build import make

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    ways: dict[str, Callable[[], Iterable[Any]]] = {}
    try:
        for residency in RESIDENCIES:
            data = make(config.data, residency=residency)
            data.prepare_data()
            ways[residency] = partial(data.loader, "train", device)
        if config.plain is not None:
            make(config.plain)  # so that a mistake is told before anything is measured
            ways[USUAL] = lambda: make(config.plain)
    except ValueError as error:
        raise UserError(str(error)) from error
    rates = _in_turn({name: partial(_rate, way, config.seconds, device) for name, way in ways.items()}, config)
    medians = {name: statistics.median(found) for name, found in rates.items()}
    slowest = medians.get(USUAL, min(medians.values()))
    table = Table("images from", "images/s", "range", "times the usual way")
    for name, median in medians.items():
        spread = f"{min(rates[name]):,.0f}–{max(rates[name]):,.0f}"
        table.add_row(name, f"{median:,.0f}", spread, f"{median / slowest:.1f}")
    Console().print(table)
    return medians


def bench_growth(config: DictConfig) -> dict[str, float]:
    """Milliseconds of a student's step in training as ``facet-train`` runs it, and of the authors' schedule.

    Raises:
        UserError: a mistake in the config or the data.
    """
    check(config, "bench_growth")
    import torch

    from facet.build import make, prepare, quiet

    quiet()
    settings = compose_config("train", ["experiment=jacsup/chain", "preset=authors", *config.overrides])
    check(settings)
    data = make(settings.data)
    prepare(data)
    plain = make(config.plain)
    images = data.tensors("train")[0][: data.batch_size].flatten(1).float() / 255
    ways = {
        "ours, in training": lambda: _training_rate(settings, data, int(config.plain.code_size), config.seconds),
        "the authors' schedule": lambda: _loop_rate(lambda: plain.step(images), config.seconds),
    }
    milliseconds = {name: [1000 / rate for rate in found] for name, found in _in_turn(ways, config).items()}
    medians = {name: statistics.median(found) for name, found in milliseconds.items()}
    plainly = medians["the authors' schedule"]
    table = Table("a step of", "ms", "range", "times as fast")
    for name, median in medians.items():
        spread = f"{min(milliseconds[name]):.2f}–{max(milliseconds[name]):.2f}"
        table.add_row(name, f"{median:.2f}", spread, f"{plainly / median:.2f}")
    Console().print(table)
    say(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    return medians


def _in_turn(ways: dict[str, Callable[[], float]], config: DictConfig) -> dict[str, list[float]]:
    """Every way's figures over the rounds, taking turns: a machine's slow minute then meets all of them."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(config.rounds):
        for name, way in ways.items():
            found[name].append(way())
    return found


def _training_rate(settings: DictConfig, data: Any, code_size: int, seconds: float) -> float:
    """Steps per second of a student under Lightning."""
    from pytorch_lightning import Callback

    from facet.build import make

    class Clock(Callback):
        started, first, rate = 0.0, 0, 0.0

        def on_train_batch_end(self, trainer: Any, *args: Any, **kwargs: Any) -> None:
            now = time.perf_counter()
            self.started = self.started or now
            if not self.first and now - self.started > WARM_UP:
                self.started, self.first = now, trainer.global_step
            elif self.first and now - self.started > seconds:
                self.rate = (trainer.global_step - self.first) / (now - self.started)
                trainer.should_stop = True

    model = make(settings.model)
    model.network.restart(code_size - 2)
    model.grow()
    model.grow()  # a student whose teacher was one: thirteen of fourteen
    clock = Clock()
    quietly = {"enable_progress_bar": False, "enable_checkpointing": False, "limit_val_batches": 0, "max_epochs": -1}
    make(settings.trainer, logger=False, callbacks=[clock], **quietly).fit(model, datamodule=data)
    return clock.rate


def _loop_rate(step: Callable[[], None], seconds: float) -> float:
    """Steps per second of a bare loop."""

    def run(limit: float) -> float:
        count, start = 0, time.perf_counter()
        while (passed := time.perf_counter() - start) < limit:
            step()
            count += 1
        return count / passed

    run(WARM_UP)
    return run(seconds)


def _rate(way: Callable[[], Iterable[Any]], seconds: float, device: torch.device) -> float:
    """Images per second, after a second to warm up."""
    import torch

    batches = _endless(way)

    def run(limit: float) -> float:
        count, start = 0, time.perf_counter()
        while (passed := time.perf_counter() - start) < limit:
            batch = next(batches)
            count += len(batch["image"] if isinstance(batch, dict) else batch[0])
        if device.type == "cuda":
            torch.cuda.synchronize()
        return count / passed

    run(WARM_UP)
    return run(seconds)


def _endless(way: Callable[[], Iterable[Any]]) -> Iterator[Any]:
    loader = way()
    while True:
        yield from loader


if __name__ == "__main__":
    main()
