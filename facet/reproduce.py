"""``facet-reproduce``: a table's page from nothing: its runs trained, judged and shown, several at a time."""

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
from facet.report.command import report
from facet.runs import Run
from facet.sweeps import shares
from facet.tables import each_run, training
from facet.train import finished

# Torch is imported where something has to be done: that nothing has must be quick to find out.


@dataclass(frozen=True)
class Settings:
    """facet-reproduce: a table's page from nothing. Trains and judges what isn't yet, and reports."""

    seeds: Annotated[tuple[Annotated[int, Ge(0)], ...], MinLen(1)] = (0,)
    overrides: tuple[str, ...] = ()  # what the runs are trained with besides their row's words and a seed
    beside: bool = False  # train the rows beside the table's too; those that are trained already are shown anyway
    jobs: Annotated[int, Ge(1)] | None = None  # at a time; null: as there are cores and memory for, or GPUs
    allow: tuple[str, ...] = ()  # packages of plug-ins that configs may use; on the command line alone
    runs: str = "runs"
    reports: str = "reports"  # the page goes to reports/<table>/
    groups: ClassVar[dict[str, str | None]] = {"table": None, "logger": "wandb"}


def main() -> None:
    """The console command."""
    run_command("reproduce", reproduce)


def reproduce(config: DictConfig) -> None:
    """Train what isn't trained, judge what isn't judged, and make the page, even if a run failed.

    Raises:
        UserError: no such table, or settings that no row of it takes.
        ToldError: a row doesn't take the settings, or a run of it failed, each told when it did.
    """
    check(config, "reproduce")
    if config.get("table") is None:
        raise UserError("say which table: table=table1")
    evaluation = compose_config("evaluate", [])
    rows = {**config.table.experiments, **(config.table.get("beside") or {} if config.beside else {})}
    planned: dict[Path, _Planned] = {}  # a run may be in several rows

    def look(row: str, seed: int, settings: DictConfig) -> None:
        plan = _Planned.of(rows[row], settings, evaluation)
        planned[plan.run.path] = plan

    refused = each_run(config, rows, look)
    jobs = [job for plan in planned.values() if (job := plan.job(config, evaluation))]
    codes = [USER] * len(refused)
    if jobs:
        prepare(plan.settings for plan in planned.values())
        codes += run_jobs(jobs, shares([plan.settings for plan in planned.values()], config.jobs)).values()
    page = compose_config("report", [f"table={config.table.name}"])
    page.merge_with({key: config[key] for key in ("seeds", "overrides", "runs", "reports", "logger")})
    try:
        report(page)
    except (UserError, ToldError) as error:
        if not codes:
            raise
        say(str(error), "red")
    if codes:
        raise ToldError(f"not all of {config.table.name} is there: {len(codes)} failed", code_of(codes))


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
    """A run of the table.

    Attributes:
        run: its directory.
        settings: what it is trained with.
        experiment: of these.
        trained: whether it is.
        judged: whether it is, too.
    """

    run: Run
    settings: DictConfig
    experiment: str
    trained: bool
    judged: bool

    @staticmethod
    def of(experiment: str, settings: DictConfig, evaluation: DictConfig) -> _Planned:
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
        return _Planned(run, settings, experiment, trained, done)

    def job(self, config: DictConfig, evaluation: DictConfig) -> Job | None:
        """What has to be done; None if nothing has."""
        if self.judged:
            return None
        commands = [judging(self.run, evaluation)]
        if not self.trained:
            said = training(self.experiment, self.settings.seed, config)
            commands.insert(0, ("facet.train", *said, *plug_ins(config)))
        return Job(f"{self.experiment} seed={self.settings.seed}", commands, log_of(self.run.path))


if __name__ == "__main__":
    main()
