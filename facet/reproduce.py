"""``facet-reproduce``: pages from nothing: their runs trained, judged and shown, several at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Ge, MinLen
from omegaconf import DictConfig, OmegaConf

from facet.commands import USER, run_command, say
from facet.configuration import check, compose_config
from facet.errors import ToldError, UserError
from facet.evaluate import judged, judging
from facet.identity import directory_to_train
from facet.jobs import Job, code_of, log_of, plug_ins, run_jobs
from facet.page_arguments import for_pages
from facet.page_runs import each_run, training
from facet.pages import Page, chosen
from facet.report.command import report_page
from facet.runs import Run
from facet.sweeps import shares
from facet.train import finished

# Torch is imported where something has to be done: that nothing has must be quick to find out.


@dataclass(frozen=True)
class Settings:
    """facet-reproduce: pages from nothing: facet-reproduce table1 seeds=0,1,2 preset=paper trainer=gpu jobs=2. Trains
    what isn't trained, judges what isn't judged, and makes the pages. facet-train gets what the command doesn't know.
    """

    pages: tuple[str, ...] = ()  # or groups of them: aif, jacsup, all; or files of your own
    seeds: Annotated[tuple[Annotated[int, Ge(0)], ...], MinLen(1)] = (0,)
    overrides: tuple[str, ...] = ()  # what the runs are trained with besides their row's words and a seed
    beside: bool = False  # train the rows beside the pages' own, too; those that are trained already are shown anyway
    jobs: Annotated[int, Ge(1)] | None = None  # at a time; null: as there are cores and memory for, or GPUs
    allow: tuple[str, ...] = ()  # packages of plug-ins that configs may use; on the command line alone
    runs: str = "runs"
    reports: str = "reports"  # the page goes to reports/<page>/
    groups: ClassVar[dict[str, str | None]] = {"logger": "wandb"}


def main() -> None:
    """The console command."""
    run_command("reproduce", reproduce, read=for_pages("reproduce"))


def reproduce(config: DictConfig) -> None:
    """Train what isn't trained, judge what isn't judged, and make the pages, even if a run failed.

    Raises:
        UserError: no such page, or settings that no row of it takes.
        ToldError: a row doesn't take the settings, or a run or a page failed, each told when it did.
    """
    check(config, "reproduce")
    if not config.pages:
        raise UserError("say which page: facet-reproduce table1")
    pages = chosen(config.pages)
    evaluation = compose_config("evaluate", [])
    planned: dict[Path, _Planned] = {}  # a run may be in several rows, and on several pages
    refused = [row for page in pages for row in _plan(page, config, evaluation, planned)]
    jobs = [job for plan in planned.values() if (job := plan.job(config, evaluation))]
    codes = [USER] * len(refused)
    if jobs:
        prepare(plan.settings for plan in planned.values())
        codes += run_jobs(jobs, shares([plan.settings for plan in planned.values()], config.jobs)).values()
    settings = compose_config("report", [])
    settings.merge_with({key: config[key] for key in ("seeds", "overrides", "runs", "reports", "logger")})
    for page in pages:
        try:
            report_page(page, settings)
        except (UserError, ToldError) as error:
            if len(pages) == 1 and not codes:
                raise
            say(f"{page.name}: {error}", "red")
            codes.append(USER)
    if codes:
        raise ToldError(f"not all of {', '.join(config.pages)} is there: {len(codes)} failed", code_of(codes))


def _plan(page: Page, config: DictConfig, evaluation: DictConfig, planned: dict[Path, _Planned]) -> list[str]:
    """Add a page's runs to those that are planned; returns the rows that don't take the settings."""
    rows = {**page.rows, **(page.beside if config.beside else {})}

    def look(key: str, seed: int, settings: DictConfig) -> None:
        said = training(rows[key], seed, config, page)
        plan = _Planned.of(said, f"{page.name}: {key} seed={seed}", settings, evaluation)
        planned.setdefault(plan.run.path, plan)

    return each_run(page, rows, config, look)


def prepare(configs: Iterable[DictConfig]) -> None:
    """Draw or decode what is missing of the data, and train their judges, before any run begins: by all cores.

    Raises:
        UserError: what is wrong with the data.
    """
    from facet.build import judge_of, quiet

    quiet()
    for config in {OmegaConf.to_yaml(config.data): config for config in configs}.values():
        judge_of(config)


@dataclass(frozen=True)
class _Planned:
    """A run of a page.

    Attributes:
        run: its directory.
        settings: what it is trained with.
        said: the same as it is said to ``facet-train``.
        name: to show.
        trained: whether it is.
        judged: whether it is, too.
    """

    run: Run
    settings: DictConfig
    said: tuple[str, ...]
    name: str
    trained: bool
    judged: bool

    @staticmethod
    def of(said: tuple[str, ...], name: str, settings: DictConfig, evaluation: DictConfig) -> _Planned:
        """What there is of a run.

        Raises:
            UserError: settings that it doesn't take.
        """
        run = Run(directory_to_train(settings))
        if not (trained := finished(settings, run)):
            check(settings, "train", {}, [])
        kept = not run.checkpoint.exists()  # :func:`finished` then says that its numbers are there
        if done := trained and (kept or judged(run, evaluation)):
            say(f"judged already: {run.path}")
        return _Planned(run, settings, said, name, trained, done)

    def job(self, config: DictConfig, evaluation: DictConfig) -> Job | None:
        """What has to be done; None if nothing has."""
        if self.judged:
            return None
        commands = [judging(self.run, evaluation)]
        if not self.trained:
            commands.insert(0, ("facet.train", *self.said, *plug_ins(config)))
        return Job(self.name, commands, log_of(self.run.path))


if __name__ == "__main__":
    main()
