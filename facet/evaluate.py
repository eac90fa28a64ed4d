"""``facet-evaluate``: judge finished runs; every number with its n and interval, into ``results.json``."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from annotated_types import Ge, MinLen
from omegaconf import DictConfig

from facet.checkpoints import tensors_digest
from facet.commands import report, run_command, say
from facet.configuration import check
from facet.errors import ToldError, UserError
from facet.files import atomic_write, write_json
from facet.identity import Places
from facet.jobs import Job, code_of, log_of, plug_ins, run_jobs
from facet.loading import data_of, load, model_of, settings_of, stages_of
from facet.measures import OPTIONAL
from facet.page_arguments import for_pages
from facet.records import RESULTS_SCHEMA, known, read_results
from facet.runs import Run, revision
from facet.sweeps import shares
from facet.workers import note

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Settings:
    """facet-evaluate: judges finished runs and writes results.json beside their checkpoints. Either run=DIRECTORY (or
    a quoted pattern), or pages for all of their runs: facet-evaluate table1 seeds=0,1,2.
    """

    run: str | None = None
    pages: tuple[str, ...] = ()  # or groups of them: aif, jacsup, all
    split: Literal["train", "val", "test"] = "test"
    measures: str | tuple[str, ...] = "all"  # or a list: drift, identity, distance, counterfactual, leakage, continuity
    faces: Annotated[int, Ge(1)] = 16  # how many of the split's faces go into the grids
    online: bool = False  # send the numbers to the run's project at W&B at once, instead of leaving them for wandb sync
    force: bool = False  # judge again what is judged
    allow: tuple[str, ...] = ()  # packages of plug-ins that configs may use; on the command line alone
    seeds: Annotated[tuple[Annotated[int, Ge(0)], ...], MinLen(1)] = (0,)  # of pages: which runs
    overrides: tuple[str, ...] = ()  # of pages: what the runs were trained with besides; all that isn't known here
    jobs: Annotated[int, Ge(1)] | None = None  # at a time; null: as there are cores and memory for, or GPUs
    runs: str = "runs"
    data: Places = field(default_factory=Places)  # where the data are now, if they have moved since the training
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
    wanted(config)
    if config.run is not None:
        paths = found(config.run)
    elif config.pages:
        paths = _of_pages(config)
    else:
        raise UserError("say what to evaluate: run=DIRECTORY, or a page: facet-evaluate table1")
    if len(paths) == 1:
        _judge(Run(paths[0]), config)
    else:
        _judge_all(paths, config)


def _of_pages(config: DictConfig) -> list[Path]:
    """The runs of the pages that a config names.

    Raises:
        UserError: no such page, or nothing of it is trained.
    """
    from facet.page_runs import page_runs
    from facet.pages import chosen

    found = [runs for page in chosen(config.pages) for runs in page_runs(page, config).values()]
    paths = list(dict.fromkeys(path for runs in found for _, path in runs))
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
    """Judge those runs that are finished and not judged, several at a time.

    Raises:
        ToldError: some could not be judged; the others are.
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
    each = shares(list(left.values()), config.jobs) if left else []
    if len(each) > 1:
        codes = run_jobs([Job(str(path), [judging(Run(path), config)], log_of(path)) for path in left], each)
        failed |= {Path(name): code for name, code in codes.items()}
    else:
        for path in left:
            try:
                _judge(Run(path), config)
            except Exception as error:
                failed[path] = report("evaluate", error)  # the others are judged all the same
    if failed:
        raise ToldError(f"could not be judged: {', '.join(map(str, failed))}", code_of(failed.values()))


def judging(run: Run, config: DictConfig) -> tuple[str, ...]:
    """The command that judges a run, which is finished by then, as the config of an evaluation asks."""
    said = [f"run={run.path}", f"measures={_listed(config.measures)}"]
    said += [f"{key}={config[key]}" for key in ("split", "faces", "online", "force")]
    said += [f"data.{key}={place}" for key, place in config.data.items() if place is not None]
    return "facet.evaluate", *said, *plug_ins(config)


def _listed(measures: Any) -> str:
    return str(measures) if isinstance(measures, str) else f"[{','.join(measures)}]"


def found(run: str) -> list[Path]:
    """The directories that ``run=`` names: the one of exactly this name where there is one, else those that match it.

    Raises:
        UserError: none.
    """
    if Path(run).exists():  # brackets and stars in people's paths mean themselves
        return [Path(run)]
    if not (paths := [Path(path) for path in sorted(glob.glob(run))]):
        raise UserError(f"run={run}: there is no such run directory")
    return paths


def judged(run: Run, config: DictConfig) -> bool:
    """Whether the run's last checkpoint has been judged as the config asks, under this schema."""
    found = known(read_results, run.path / "results.json")
    asked = {"schema": RESULTS_SCHEMA, "split": config.split, "faces": config.faces}
    if {key: found.get(key) for key in asked} != asked or not run.checkpoint.is_file():
        return False
    if not set(wanted(config)) <= set(found.get("measured", ())):
        return False
    moved = any(place is not None for place in config.data.values())
    if moved and data_of(run, settings_of(run, config.data)).fingerprint != found.get("data_fingerprint"):
        return False
    if found.get("checkpoint") is not None:
        return bool(found["checkpoint"] == tensors_digest(run.checkpoint))
    training = run.noted().get("training")  # results of before say what they are of by this
    return training is not None and found.get("training") == training


def wanted(config: DictConfig) -> tuple[str, ...]:
    """The measures asked for that could be left out.

    Raises:
        UserError: one that there isn't.
    """
    if config.measures == "all":
        return OPTIONAL
    names = [config.measures] if isinstance(config.measures, str) else list(config.measures)
    if unknown := [name for name in names if name not in OPTIONAL]:
        raise UserError(f"measures={unknown[0]}: there are all, or a list of {', '.join(OPTIONAL)}")
    return tuple(names)


def judge_run(run: Run, config: DictConfig) -> None:
    """Measure one run and write ``examples.npz`` and then ``results.json``."""
    settings = settings_of(run, config.data)
    if run.status != "finished":
        say(f"{run.path} is {run.status}: its last checkpoint is judged", "yellow")
    note("judging")
    import torch

    from facet.build import constant_attributes, judge_of, prepare, seeded
    from facet.protocols import LabelsGiven

    seeded(settings.seed)
    data = data_of(run, settings)
    prepare(data)
    status = run.noted()
    if status.get("data_fingerprint") not in (None, data.fingerprint):
        say(f"the data have changed since {run.path} was trained: it is judged on what they are now", "yellow")
    elif (noted := status.get("data_files")) and "store" in settings.data and noted["root"] != str(data.root):
        say(f"the data of {run.path} have moved: they were read from {noted['root']}", "yellow")
    judge, card, _ = judge_of(settings)
    model = model_of(run, settings)
    torch.manual_seed(settings.seed)  # of sampled codes, whatever happened before
    measures, examples = measured(model, run, config, data, judge)
    if constant := constant_attributes(data, config.split):
        why = f"in the {config.split} split every known label is the same, or none is known"
        say(f"{why}: of {', '.join(constant)} there are no rates, or not all", "yellow")
    atomic_write(run.path / "examples.npz", lambda file: _save(file, examples))
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

        mode: Mode = "online" if config.online else "offline"  # not the run's to say: it may be somebody else's
        log_judged(run.path, summary_of(run), mode, logger.project, logger.entity)


SUMMARY = ("mse", "edit_off", "edit_on", "accuracy", "leakage_bits_sample", "leakage_bits_mean", "drift")


def summary_of(run: Run) -> dict[str, float]:
    """What a W&B summary holds of ``results.json``: ``test/mse``, ``test/edit_on``, ``test/edit_on_low`` and so on.

    Of several attributes each has its own, with the attribute's name behind: ``test/edit_on/Smiling``. ``test/edits``
    is the mean over both directions and all of them.
    """
    from facet.results import read_run

    result = read_run("", 0, run.path)
    found: dict[str, float] = {}
    for line in result.lines:
        if line.measure not in SUMMARY or line.stage is not None:
            continue
        behind = f"/{line.attribute}" if line.attribute and len(result.attribute_names) > 1 else ""
        found[f"test/{line.measure}{behind}"] = line.value
        if line.low is not None and line.high is not None:
            found |= {f"test/{line.measure}_low{behind}": line.low, f"test/{line.measure}_high{behind}": line.high}
    edits = [value for name, value in found.items() if name.split("/")[1] in ("edit_off", "edit_on")]
    if edits:
        found["test/edits"] = sum(edits) / len(edits)
    return found


def measured(
    model: Any, run: Run, config: DictConfig, data: Any, judge: Any
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The measures that suit a method, and pictures.

    Raises:
        UserError: a method of which nothing can be measured.
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
        given = config.split, config.faces, seed, wanted(config)
        return measure_edit_stages(model, stages_of(model, run), data, judge, *given)
    if isinstance(model, Editor):
        return measure(model, data, judge, config.split, config.faces, seed, wanted(config))
    if isinstance(model, Coder):
        return measure_coder(model, data, config.split, seed), {}
    if isinstance(model, Predictor):
        return measure_predictor(model, data, config.split), {}
    raise UserError(f"{run.path}: {type(model).__name__} has neither attributes nor a code to measure")


def device(model: Any) -> str:
    """Where a model is measured: editors, whose measures take long, on a GPU where there is one."""
    import torch

    from facet.protocols import Editor

    return "cuda" if isinstance(model, Editor) and torch.cuda.is_available() else "cpu"


def versions() -> Iterator[tuple[str, str]]:
    """The software that decides the numbers."""
    import platform
    from importlib.metadata import version

    yield "python", platform.python_version()
    for name in ("torch", "torchvision", "pytorch-lightning", "torchmetrics", "hydra-core", "numpy"):
        yield name, version(name)


def _save(file: Any, arrays: dict[str, np.ndarray]) -> None:
    import numpy as np

    np.savez(file, **arrays)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
