"""``facet-dashboard``: creates a W&B workspace for a sweep: edit rates, errors, leakage, faces and a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from omegaconf import DictConfig

from facet.commands import run_command, say
from facet.configuration import check
from facet.errors import UserError

WEIGHTS = ("kl", "classification", "gan", "auxiliary")


@dataclass(frozen=True)
class Settings:
    """facet-dashboard: creates a W&B workspace for sweeps and saves it in your project. Example: facet-dashboard
    logger.entity=NAME logger.project=PROJECT.
    """

    title: str = "Facet sweep"  # of the workspace
    experiments: tuple[str, ...] = ()  # to show, such as [ifcvae_gan/no_aux]; all if empty
    groups: ClassVar[dict[str, str | None]] = {"logger": "wandb"}


def main() -> None:
    """The console command."""
    run_command("dashboard", dashboard, "facet-dashboard")


def dashboard(config: DictConfig) -> str:
    """Create the workspace and save it at W&B.

    Returns:
        The workspace's URL.

    Raises:
        UserError: ``wandb-workspaces`` is not installed, no entity is given, or W&B refuses.
    """
    check(config, "dashboard")
    if config.logger.get("entity") is None:
        raise UserError("set the owner of the project: logger.entity=NAME (and logger.project=, if it isn't facet)")
    try:
        workspace = layout(config.logger.entity, config.logger.project, config.title, config.experiments)
        workspace.save()
    except ImportError as error:
        raise UserError("wandb-workspaces is missing: pip install 'facet-lab[search]'") from error
    except Exception as error:  # W&B's client has many exceptions: no account, no such project, no network
        raise UserError(
            f"W&B refused the workspace: {str(error).splitlines()[0] if str(error) else error!r}"
        ) from error
    say(f"the dashboard: {workspace.url}")
    return str(workspace.url)


def panels_of() -> Any:
    """W&B's module of panels; typed Any, because its stubs don't export the names."""
    import wandb_workspaces.reports.v2

    return wandb_workspaces.reports.v2


def workspaces() -> Any:
    """W&B's module of workspaces."""
    import wandb_workspaces.workspaces

    return wandb_workspaces.workspaces


def layout(entity: str, project: str, title: str, experiments: Sequence[str] = ()) -> Any:
    """The workspace, not yet saved.

    Args:
        entity: W&B's user or team.
        project: W&B's project.
        title: the workspace's title.
        experiments: the experiments to show; all of the project if empty.
    """
    ws = workspaces()

    shown = " or ".join(f"Config('name') = '{name}'" for name in experiments)
    return ws.Workspace(
        entity=entity,
        project=project,
        name=title,
        sections=[_control(), _reconstruction(), _leakage(), _faces(), _search()],
        runset_settings=ws.RunsetSettings(filters=shown, groupby=[ws.Config("name")]),
    )


def _control() -> Any:
    """Edit rates: curves with mean and range over a group's seeds, and bars of the test rates with 95% intervals."""
    wr = panels_of()
    ws = workspaces()

    curves = [
        wr.LinePlot(title=f"edits to {what}, validation", y=[f"val/edit_{side}"], range_y=(0, 1),
                    groupby_aggfunc="mean", groupby_rangefunc="minmax")
        for side, what in (("off", "absent"), ("on", "present"))
    ]  # fmt: skip
    bars = [
        wr.BarPlot(title=f"edits to {what}, test: low, rate, high", metrics=[f"test/edit_{side}{end}" for end in ENDS])
        for side, what in (("off", "absent"), ("on", "present"))
    ]
    return ws.Section(name="Control", panels=[*curves, *bars], is_open=True)


ENDS = ("_low", "", "_high")


def _reconstruction() -> Any:
    wr = panels_of()
    ws = workspaces()

    kept = [f"val/reconstruction_{side}" for side in ("on", "off")]
    panels = [
        wr.LinePlot(title="MSE, validation", y=["val/mse"], log_y=True),
        wr.LinePlot(title="reconstructions that keep the label", y=kept, range_y=(0, 1)),
        wr.ScatterPlot(
            title="control against MSE, test", x=wr.SummaryMetric("test/mse"), y=wr.SummaryMetric("test/edits")
        ),
    ]
    return ws.Section(name="Reconstruction", panels=panels, is_open=True)


def _leakage() -> Any:
    wr = panels_of()
    ws = workspaces()

    panels = [
        wr.LinePlot(title="loss of A / H(y)", y=["val/auxiliary_confusion"]),
        wr.BarPlot(
            title="what a fresh probe reads, bit", metrics=["test/leakage_bits_sample", "test/leakage_bits_mean"]
        ),
        wr.ScatterPlot(
            title="control against leakage of μ, test",
            x=wr.SummaryMetric("test/leakage_bits_mean"),
            y=wr.SummaryMetric("test/edits"),
        ),
    ]
    return ws.Section(name="Leakage", panels=panels, is_open=True)


def _faces() -> Any:
    wr = panels_of()
    ws = workspaces()

    browser = wr.MediaBrowser(title="original, reconstruction, edits", media_keys=["edits"], num_columns=1)
    return ws.Section(name="Faces", panels=[browser], is_open=True)


def _search() -> Any:
    """For a search over the loss weights: how much each weight matters."""
    wr = panels_of()
    ws = workspaces()

    columns = [
        wr.ParallelCoordinatesPlotColumn(metric=wr.Config(f"model.weights.{name}"), log=True) for name in WEIGHTS
    ]
    ends = [wr.ParallelCoordinatesPlotColumn(metric=wr.SummaryMetric(name)) for name in ("val/mse", "val/edit_on")]
    panels = [
        wr.ParallelCoordinatesPlot(title="weights and what came of them", columns=[*columns, *ends]),
        wr.ParameterImportancePlot(with_respect_to="val/edit_on"),
    ]
    return ws.Section(name="Search", panels=panels, is_open=False)


if __name__ == "__main__":
    main()
