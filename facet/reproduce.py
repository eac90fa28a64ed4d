"""``facet-reproduce``: trains and judges the runs of pages, several at a time, and writes the pages."""

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

# Torch is imported only if there is something to do, so that a finished page is recognised quickly.


@dataclass(frozen=True)
class Settings:
    """facet-reproduce: trains and judges the missing runs of pages, and writes the pages. Example: facet-reproduce
    table1 seeds=0,1,2 preset=paper trainer=gpu jobs=2. Settings that aren't listed here are passed to facet-train.
    """

    pages: tuple[str, ...] = ()  # names of pages (below), groups of them (aif, jacsup, all), or your own files
    seeds: Annotated[tuple[Annotated[int, Ge(0)], ...], MinLen(1)] = (0,)  # the seeds of the runs
    overrides: tuple[str, ...] = ()  # the trainings' other settings; keys that aren't listed go here
    beside: bool = False  # also train the rows that the paper doesn't have; trained ones are always shown
    jobs: Annotated[int, Ge(1)] | None = None  # runs at a time; null: one per GPU, or as cores and memory allow
    allow: tuple[str, ...] = ()  # packages of plug-ins that configs may use; only on the command line
    runs: str = "runs"  # the directory of all runs
    reports: str = "reports"  # pages are written to reports/<page>/
    groups: ClassVar[dict[str, str | None]] = {"logger": "wandb"}


def main() -> None:
    """The console command."""
    run_command("reproduce", reproduce, read=for_pages("reproduce"))


def reproduce(config: DictConfig) -> None:
    """Train and judge the runs that are missing, and write the pages, even if a run failed.

    Raises:
        UserError: there is no such page, or no row of it accepts the settings.
        ToldError: a row doesn't accept the settings, or a run or a page failed; each was reported.
    """
    check(config, "reproduce")
    if not config.pages:
        raise UserError("choose a page: facet-reproduce table1")
    pages = chosen(config.pages)
    evaluation = compose_config("evaluate", [])
    planned: dict[Path, _Planned] = {}  # by directory: several rows and pages may share a run
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
        raise ToldError(f"{', '.join(config.pages)} is incomplete: {len(codes)} failed", code_of(codes))


def _plan(page: Page, config: DictConfig, evaluation: DictConfig, planned: dict[Path, _Planned]) -> list[str]:
    """Add a page's runs to the planned ones; returns the rows that don't accept the settings."""
    rows = {**page.rows, **(page.beside if config.beside else {})}

    def add(key: str, seed: int, settings: DictConfig) -> None:
        arguments = training(rows[key], seed, config, page)
        plan = _Planned.of(arguments, f"{page.name}: {key} seed={seed}", settings, evaluation)
        planned.setdefault(plan.run.path, plan)

    return each_run(page, rows, config, add)


def prepare(configs: Iterable[DictConfig]) -> None:
    """Prepare the data and train their judges before any run begins, so that this uses all cores.

    Raises:
        UserError: the data are refused.
    """
    from facet.build import judge_of, quiet

    quiet()
    for config in {OmegaConf.to_yaml(config.data): config for config in configs}.values():
        judge_of(config)


@dataclass(frozen=True)
class _Planned:
    """A run of a page.

    Attributes:
        run: the run directory.
        settings: the config that it is trained with.
        arguments: the arguments of ``facet-train`` for that config.
        name: the name to show.
        trained: whether it is trained.
        judged: whether it is trained and judged.
    """

    run: Run
    settings: DictConfig
    arguments: tuple[str, ...]
    name: str
    trained: bool
    judged: bool

    @staticmethod
    def of(arguments: tuple[str, ...], name: str, settings: DictConfig, evaluation: DictConfig) -> _Planned:
        """Find out how far a run is.

        Raises:
            UserError: the run doesn't accept a setting.
        """
        run = Run(directory_to_train(settings))
        if not (trained := finished(settings, run)):
            check(settings, "train", {}, [])
        # a finished run without a checkpoint has its results (:func:`finished`)
        done = trained and (not run.checkpoint.exists() or judged(run, evaluation))
        if done:
            say(f"judged already: {run.path}")
        return _Planned(run, settings, arguments, name, trained, done)

    def job(self, config: DictConfig, evaluation: DictConfig) -> Job | None:
        """The commands that are left to run; None if there are none."""
        if self.judged:
            return None
        commands = [judging(self.run, evaluation)]
        if not self.trained:
            commands.insert(0, ("facet.train", *self.arguments, *plug_ins(config)))
        return Job(self.name, commands, log_of(self.run.path))


if __name__ == "__main__":
    main()
