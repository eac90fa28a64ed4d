"""``facet-bench``: the rates of data loading and of training steps, each measured beside its usual implementation."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from annotated_types import Ge, Gt, MinLen
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from facet.bench_steps import bench_steps
from facet.benchmarks.timing import WARM_UP, in_turn
from facet.commands import run_command, say
from facet.configuration import check
from facet.errors import UserError
from facet.help import HELP, help_of
from facet.tab_completion import answer, asked

if TYPE_CHECKING:
    import torch

RESIDENCIES = ("device", "mmap", "workers")
USUAL = "torchvision + DataLoader"


def _usual() -> dict[str, Any]:
    of_data = {name: f"${{data.{name}}}" for name in ("root", "resolution", "batch_size")}
    return {"_target_": "datamodules.comparison.torchvision_celeba", **of_data, "workers": 2}


@dataclass(frozen=True)
class Settings:
    """facet-bench data: measures the images/s of each way to hold a data set (data.residency: device, mmap, workers),
    and of torchvision's CelebA with a DataLoader.
    """

    seed: Annotated[int, Ge(0)] = 0  # of the order of the images
    allow: tuple[str, ...] = ()  # packages of plug-ins that configs may use; only on the command line
    attributes: Annotated[tuple[str, ...], MinLen(1)] | None = None  # in the batches; null: all
    seconds: Annotated[float, Gt(0)] = 5.0  # length of each measurement, after one second of warm-up
    rounds: Annotated[int, Ge(1)] = 3  # each way is measured once a round; the table shows the median
    plain: Any = field(default_factory=_usual)  # the loader to compare with, as a class and its arguments; null: none
    groups: ClassVar[dict[str, str | None]] = {"data": "celeba"}


def main() -> None:
    """The console command: a verb, then Hydra's arguments."""
    verbs = {
        "data": ("bench", bench_data),
        "steps": ("bench_steps", bench_steps),
    }
    if asked():
        answer({verb: primary for verb, (primary, _) in verbs.items()})
        run_command("bench", bench_data, "facet-bench")
    verb = sys.argv.pop(1) if len(sys.argv) > 1 else ""
    if verb in HELP:
        print("\n\n".join(help_of(f"facet-bench {name}", primary) for name, (primary, _) in verbs.items()))
        return
    if verb not in verbs:
        say(f"facet-bench: choose what to measure: facet-bench {' or facet-bench '.join(verbs)}", "red")
        sys.exit(2)
    run_command(*verbs[verb], called="facet-bench")


def bench_data(config: DictConfig) -> dict[str, float]:
    """Measure images/s of every residency and of the usual loader.

    Returns:
        The median over the rounds, by name.

    Raises:
        UserError: a mistake in the config or the data.
    """
    check(config, "bench")
    import torch

    from facet.making import make

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    ways: dict[str, Callable[[], Iterable[Any]]] = {}
    try:
        for residency in RESIDENCIES:
            data = make(config.data, residency=residency)
            data.prepare_data()
            ways[residency] = partial(data.loader, "train", device)
        if config.plain is not None:
            make(config.plain)  # reports a mistake before anything is measured
            ways[USUAL] = lambda: make(config.plain)
    except ValueError as error:
        raise UserError(str(error)) from error
    rates = in_turn({name: partial(_rate, way, config.seconds, device) for name, way in ways.items()}, config.rounds)
    medians = {name: statistics.median(measured) for name, measured in rates.items()}
    slowest = medians.get(USUAL, min(medians.values()))
    table = Table("images from", "images/s", "range", "times the usual way")
    for name, median in medians.items():
        spread = f"{min(rates[name]):,.0f}–{max(rates[name]):,.0f}"
        table.add_row(name, f"{median:,.0f}", spread, f"{median / slowest:.1f}")
    Console().print(table)
    return medians


def _rate(way: Callable[[], Iterable[Any]], seconds: float, device: torch.device) -> float:
    """Images per second, after one second of warm-up."""
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
