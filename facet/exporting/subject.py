"""The trained model that is exported, with its judge and its results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from facet.build import judge_of
from facet.judge import Judge
from facet.loading import load, model_of, settings_of
from facet.protocols import Coder, Editor, LabelsGiven
from facet.results import Result, read_run
from facet.runs import Run
from facet.weights import follows_of


@dataclass(frozen=True)
class Subject:
    """A trained model, and what its card and its page say of it.

    Attributes:
        run: its run.
        config: the run's config.
        model: the module on the CPU, in evaluation mode, frozen.
        judge: of the model's data; None if there is none.
        resolution: side of the images in pixels.
        channels: 3 for colour, 1 for grey.
        implied: by attribute, what its absence and its presence imply for others (blond hair: not black).
        classes: whether the judge's outputs are mutually exclusive.
    """

    run: Run
    config: DictConfig
    model: Any
    judge: Judge | None
    resolution: int
    channels: int
    implied: Mapping[str, tuple[Mapping[str, bool], Mapping[str, bool]]]
    classes: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes that the model edits, in order; empty if it has none."""
        return tuple(self.model.attribute_names) if isinstance(self.model, Editor) else ()

    @property
    def is_editor(self) -> bool:
        """Whether it has named attributes."""
        return isinstance(self.model, Editor)

    @property
    def is_coder(self) -> bool:
        """Whether it has a code that can be decoded."""
        return isinstance(self.model, Coder)

    @property
    def labels_given(self) -> bool:
        """Whether its encoder has to be given attributes."""
        return isinstance(self.model, LabelsGiven)

    @property
    def data(self) -> str:
        """The kind of its data: avatars, celeba, mnist, folder, or a plug-in's."""
        return str(self.config.data._target_).split(".")[-2]

    @property
    def result(self) -> Result:
        """What ``facet-evaluate`` found."""
        return read_run(str(self.config.name), int(self.config.seed), self.run.path)

    @property
    def description(self) -> dict[str, Any]:
        """What a reader of the files has to know, as plain values."""
        return {
            "name": str(self.config.name),
            "attributes": list(self.names),
            "labels_given": self.labels_given,
            "resolution": self.resolution,
            "channels": self.channels,
            "judge": list(self.judge.attribute_names) if self.judge else [],
        }


def subject_of(directory: Path, places: Mapping[str, Any]) -> Subject:
    """The model of a run.

    Args:
        directory: of the run.
        places: where the data are, as :func:`facet.identity.at` takes them.

    Raises:
        UserError: no run, no checkpoint, or the data can't be found.
    """
    from facet.protocols import Classes

    run = Run(directory)
    config = settings_of(run, places)
    model: Any = model_of(run, config)
    load(model, run)
    model.eval().requires_grad_(False)
    judge, _, data = judge_of(config)
    follows = follows_of(data)
    implied = {name: follows.get(name, ({}, {})) for name in getattr(model, "attribute_names", ())}
    return Subject(run, config, model, judge, data.resolution, data.channels, implied, isinstance(data, Classes))
