"""``facet-evaluate``: judges finished runs and writes ``results.json``: every number with its n and interval."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from annotated_types import Ge, MinLen
from omegaconf import DictConfig

from facet.checkpoints import tensors_digest
from facet.commands import report, run_command, say
from facet.configuration import check
from facet.debugging import of as kind_of_debug_run
from facet.errors import ToldError, UserError
from facet.files import atomic_write, write_json
from facet.identity import Places
from facet.jobs import Job, code_of, log_of, plug_ins, run_jobs
from facet.loading import data_of, load, model_of, settings_of, stages_of
from facet.measures import OPTIONAL, names_of
from facet.measures.opinions.packages import asked
from facet.page_arguments import for_pages
from facet.records import RESULTS_SCHEMA, known, read_results
from facet.runs import Run, revision, versions
from facet.summary import summary_of
from facet.sweeps import shares
from facet.workers import note

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Settings:
    """facet-evaluate: judges finished runs and writes results.json into their directories. Give run=DIRECTORY (or a
    quoted pattern), or pages to judge all of their runs: facet-evaluate table1 seeds=0,1,2.
    """

    run: str | None = None  # a run's directory, or a quoted pattern of several: run='runs/aif/*/seed0-*'
    pages: tuple[str, ...] = ()  # judge the runs of these pages, or groups of pages: aif, jacsup, all
    split: Literal["train", "val", "test"] = "test"  # train, val or test; pages show the test split
    measures: str | tuple[str, ...] = "all"  # or a list: drift, identity, distance, counterfactual, leakage, continuity
    opinions: str | tuple[str, ...] = ()  # networks that others trained, asked beside the judge: smiles, features
    faces: Annotated[int, Ge(1)] = 16  # how many of the split's faces the grids show
    online: bool = False  # send the numbers to the run's W&B project now, instead of leaving them for wandb sync
    force: bool = False  # judge runs again that are judged already
    allow: tuple[str, ...] = ()  # packages of plug-ins that configs may use; only on the command line
    seeds: Annotated[tuple[Annotated[int, Ge(0)], ...], MinLen(1)] = (0,)  # of pages: the seeds of the runs
    overrides: tuple[str, ...] = ()  # of pages: the trainings' other settings; keys that aren't listed go here
    jobs: Annotated[int, Ge(1)] | None = None  # runs at a time; null: one per GPU, or as cores and memory allow
    runs: str = "runs"  # of pages: the directory of all runs
    data: Places = field(default_factory=Places)  # where the data are now, if they were moved after the training
    groups: ClassVar[dict[str, str | None]] = {}


def main() -> None:
    """The console command."""
    run_command("evaluate", evaluate, read=for_pages("evaluate"))


def evaluate(config: DictConfig) -> None:
    """Judge every run that the config names and that isn't judged yet.

    Raises:
        UserError: no such run, or a run without a checkpoint.
    """
    check(config, "evaluate")
    wanted(config)  # reports an unknown measure, or weights that are missing, before anything is judged
    if config.run is not None:
        paths = found(config.run)
    elif config.pages:
        paths = _of_pages(config)
    else:
        raise UserError("choose what to evaluate: run=DIRECTORY, or a page: facet-evaluate table1")
    if len(paths) == 1:
        _judge(Run(paths[0]), config)
    else:
        _judge_all(paths, config)


def _of_pages(config: DictConfig) -> list[Path]:
    """The runs of the pages that a config names.

    Raises:
        UserError: no such page, or no run of it is trained.
    """
    from facet.page_runs import page_runs
    from facet.pages import chosen

    rows = [runs for page in chosen(config.pages) for runs in page_runs(page, config).values()]
    paths = list(dict.fromkeys(path for runs in rows for _, path in runs))
    if not any(path.is_dir() for path in paths):
        raise UserError(f"no run of {', '.join(config.pages)} is below runs={config.runs}: train first, or set runs=")
    return paths


def _judge(run: Run, config: DictConfig) -> None:
    if not config.force and judged(run, config):
        say(f"judged already: {run.path}")
    else:
        judge_run(run, config)
        say(f"judged {run.path}")


def _judge_all(paths: Sequence[Path], config: DictConfig) -> None:
    """Judge the finished runs that aren't judged yet, several at a time.

    Raises:
        ToldError: some could not be judged; all others were.
    """
    left: dict[Path, DictConfig] = {}
    failed: dict[Path, int] = {}
    for path in paths:
        run = Run(path)
        try:
            if run.status != "finished":
                say(f"left out: {path} is {run.status}", "yellow")
            elif not config.force and judged(run, config):
                say(f"judged already: {path}")
            else:
                left[path] = run.config()
        except Exception as error:
            failed[path] = report("evaluate", error)
    resources = shares(list(left.values()), config.jobs) if left else []
    if len(resources) > 1:
        codes = run_jobs([Job(str(path), [judging(Run(path), config)], log_of(path)) for path in left], resources)
        failed |= {Path(name): code for name, code in codes.items()}
    else:
        for path in left:
            try:
                _judge(Run(path), config)
            except Exception as error:
                failed[path] = report("evaluate", error)  # go on with the other runs
    if failed:
        raise ToldError(f"could not be judged: {', '.join(map(str, failed))}", code_of(failed.values()))


def judging(run: Run, config: DictConfig) -> tuple[str, ...]:
    """The command that judges a run with the settings of an evaluation's config. The run may still be training."""
    arguments = [f"run={run.path}"]
    arguments += [f"{key}=[{','.join(names_of(config[key]))}]" for key in ("measures", "opinions")]
    arguments += [f"{key}={config[key]}" for key in ("split", "faces", "online", "force")]
    arguments += [f"data.{key}={place}" for key, place in config.data.items() if place is not None]
    return "facet.evaluate", *arguments, *plug_ins(config)


def found(run: str) -> list[Path]:
    """The directories that ``run=`` names: the one with this name, else real runs that match it as a pattern.

    Raises:
        UserError: there is none.
    """
    if Path(run).exists():  # brackets and stars in the name of an existing path are literal
        return [Path(run)]
    if not (paths := [Path(path) for path in sorted(glob.glob(run)) if not kind_of_debug_run(Path(path))]):
        raise UserError(f"run={run}: there is no such run directory")
    return paths


def judged(run: Run, config: DictConfig) -> bool:
    """Whether the run's last checkpoint was judged with the config's settings, under the current schema."""
    results = known(read_results, run.path / "results.json")
    required = {"schema": RESULTS_SCHEMA, "split": config.split, "faces": config.faces}
    if {key: results.get(key) for key in required} != required or not run.checkpoint.is_file():
        return False
    if not set(wanted(config)) <= set(results.get("measured", ())):
        return False
    moved = any(place is not None for place in config.data.values())
    if moved and data_of(run, settings_of(run, config.data)).fingerprint != results.get("data_fingerprint"):
        return False
    if results.get("checkpoint") is not None:
        return bool(results["checkpoint"] == tensors_digest(run.checkpoint))
    training = run.noted().get("training")  # older results have no digest and are identified by their training
    return training is not None and results.get("training") == training


def wanted(config: DictConfig) -> tuple[str, ...]:
    """The optional measures and the second opinions that the config asks for.

    Raises:
        UserError: an unknown one, or an opinion whose weights aren't installed.
    """
    names = OPTIONAL if names_of(config.measures) == ("all",) else names_of(config.measures)
    if unknown := [name for name in names if name not in OPTIONAL]:
        raise UserError(f"measures={unknown[0]}: choose all, or a list of {', '.join(OPTIONAL)}")
    return *names, *asked(config.opinions)


def judge_run(run: Run, config: DictConfig) -> None:
    """Measure one run; write ``examples.npz``, then ``results.json``."""
    settings = settings_of(run, config.data)
    if run.status != "finished":
        say(f"{run.path} is {run.status}: its last checkpoint is judged", "yellow")
    note("judging")
    import numpy as np
    import torch

    from facet.build import constant_attributes, judge_of, prepare, seeded
    from facet.editing.judges import keep_judge
    from facet.protocols import LabelsGiven

    seeded(settings.seed)
    data = data_of(run, settings)
    prepare(data)
    status = run.noted()
    if status.get("data_fingerprint") not in (None, data.fingerprint):
        say(f"the data have changed since {run.path} was trained: it is judged on the current data", "yellow")
    elif (noted := status.get("data_files")) and "store" in settings.data and noted["root"] != str(data.root):
        say(f"the data of {run.path} have moved: they were read from {noted['root']}", "yellow")
    judge, card, _ = judge_of(settings)
    keep_judge(run, judge, data)
    model = model_of(run, settings)
    torch.manual_seed(settings.seed)  # sampled codes must not depend on what ran before
    measures, examples = measured(model, run, config, data, judge)
    if constant := constant_attributes(data, config.split):
        why = f"in the {config.split} split every known label is the same, or none is known"
        say(f"{why}: some or all rates of {', '.join(constant)} are missing", "yellow")
    atomic_write(run.path / "examples.npz", lambda file: np.savez(file, **examples))  # type: ignore[arg-type]
    write_json(
        run.path / "results.json",
        {
            "schema": RESULTS_SCHEMA,
            "experiment": settings.name,
            "row": settings.name.rsplit("/", 1)[-1],
            "seed": settings.seed,
            "preset": settings.preset,
            "data": settings.data._target_.split(".")[-2],
            "ablation": settings.ablation,
            "split": config.split,
            "faces": config.faces,
            "measured": list(wanted(config)),
            "attribute_names": list(getattr(model, "attribute_names", ())),
            "labels_given": isinstance(model, LabelsGiven),
            "judge": card,
            "measures": measures,
            "training": run.noted().get("training", {}),
            "versions": dict(versions()),
            "revision": revision(),
            "data_fingerprint": data.fingerprint,
            "checkpoint": tensors_digest(run.checkpoint),
        },
    )
    if (logger := settings.get("logger")) is not None and logger.get("mode") != "disabled":
        from facet.loggers import Mode, log_judged

        mode: Mode = "online" if config.online else "offline"  # not the run's mode: its config may be somebody else's
        log_judged(run.path, summary_of(run), mode, logger.project, logger.entity)


def measured(
    model: Any, run: Run, config: DictConfig, data: Any, judge: Any
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Compute the measures that apply to a method.

    Returns:
        The measures, and the arrays of example images.

    Raises:
        UserError: no measure applies to the method.
    """
    import torch

    from facet.measures.coder import measure_coder, measure_predictor
    from facet.measures.edit_stages import measure_edit_stages
    from facet.measures.run import measure
    from facet.measures.stages import measure_stages
    from facet.protocols import Coder, Editor, Predictor, Staged, StagedEditor

    seed = int(run.config().seed)
    if isinstance(model, Staged) and not isinstance(model, Editor):
        return measure_stages(model, stages_of(model, run), data, judge, config.split, seed)
    load(model, run)
    model.to(device(model), memory_format=torch.channels_last).eval()
    judge.to(device(model))
    if isinstance(model, StagedEditor):
        settings = config.split, config.faces, seed, wanted(config)
        return measure_edit_stages(model, stages_of(model, run), data, judge, *settings)
    if isinstance(model, Editor):
        return measure(model, data, judge, config.split, config.faces, seed, wanted(config))
    if isinstance(model, Coder):
        return measure_coder(model, data, config.split, seed), {}
    if isinstance(model, Predictor):
        return measure_predictor(model, data, config.split), {}
    raise UserError(f"{run.path}: {type(model).__name__} has neither attributes nor a code to measure")


def device(model: Any) -> str:
    """The device to measure a model on: ``cuda`` for editors, whose measures take long, if there is a GPU."""
    import torch

    from facet.protocols import Editor

    return "cuda" if isinstance(model, Editor) and torch.cuda.is_available() else "cpu"


if __name__ == "__main__":
    main()
