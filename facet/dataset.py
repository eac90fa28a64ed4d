"""``facet-data info|build|verify``: shows, builds or verifies the packed stores of a data set."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Lt, MinLen
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table
from rich.text import Text

from facet.commands import run_command, say
from facet.configuration import check
from facet.errors import ToldError, UserError
from facet.help import HELP, help_of
from facet.making import make
from facet.tab_completion import answer, asked

VERBS = ("info", "build", "verify")
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Settings:
    """facet-data: shows a data set's packed stores (info), builds them ahead of a training (build), or checks every
    record of them (verify). A packed store holds the decoded images of a split. Example: facet-data info data=mnist.
    """

    seed: Annotated[int, Ge(0), Lt(2**32)] = 0  # of the order of the images; the stores don't depend on it
    allow: tuple[str, ...] = ()  # packages of plug-ins that configs may use; only on the command line
    attributes: Annotated[tuple[str, ...], MinLen(1)] | None = None  # in the batches; null: all
    groups: ClassVar[dict[str, str | None]] = {"data": "avatars"}


def main() -> None:
    """The console command: a verb, then Hydra's arguments."""
    if asked():
        answer(dict.fromkeys(VERBS, "dataset"))
        run_command("dataset", lambda config: None, "facet-data")
    verb = sys.argv.pop(1) if len(sys.argv) > 1 else ""
    if verb in HELP:
        print(help_of("facet-data info|build|verify", "dataset"))
        return
    if verb not in VERBS:
        say(
            f"facet-data: choose {', '.join(VERBS[:-1])} or {VERBS[-1]}, then the data: facet-data info data=avatars",
            "red",
        )
        sys.exit(2)
    run_command("dataset", lambda config: dataset(verb, config), "facet-data")


def dataset(verb: str, config: DictConfig) -> None:
    """Show, build or verify the stores of ``config.data``.

    Raises:
        UserError: a mistake in the config or the data.
        ToldError: a store is corrupt.
    """
    check(config, "dataset")
    data = make(config.data)
    try:
        if verb == "info":
            _info(data)
        elif verb == "build":
            _build(data)
            _info(data)
        else:
            _verify(data)
    except ValueError as error:
        raise UserError(str(error)) from error


def _build(data: Any) -> None:
    """Build the missing stores, and print the rate."""
    missing = sum(data.size(split) for split in SPLITS if not data.built_path(split).is_dir())
    start = time.perf_counter()
    data.prepare_data()
    seconds = time.perf_counter() - start
    if missing:
        say(f"{missing:,} images in {seconds:.1f} s, {missing / seconds:,.0f} images/s by {data.workers} processes")


def _info(data: Any) -> None:
    table = Table("split", "images")
    table.add_column("bytes", no_wrap=True)
    table.add_column("store", overflow="fold")  # long paths are wrapped, not cut
    for split in SPLITS:
        path, store = data.built(split)
        if store is None:
            table.add_row(split, f"{data.size(split):,}", "not built", Text(str(path)))
            continue
        left_out = data.size(split) - len(store.images)
        images = f"{len(store.images):,}" + (f" ({left_out:,} left out)" if left_out else "")
        table.add_row(split, images, f"{store.images.nbytes:,}", Text(str(path)))
    Console().print(table)


def _verify(data: Any) -> None:
    wrong = 0
    for split in SPLITS:
        try:
            path, store = data.built(split, verify=True)
        except ValueError as error:
            say(f"{split}: {error}", "red")
            wrong += 1
        else:
            say(f"{split}: {f'{len(store.images):,} undamaged records' if store else 'not built'}, {path}")
    if wrong:
        raise ToldError("to rebuild corrupt stores: facet-data build")


if __name__ == "__main__":
    main()
