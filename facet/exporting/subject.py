"""The trained model that is exported, with its judge and its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from facet.editing.editor import PictureEditor
from facet.editing.sources import load_run
from facet.errors import UserError
from facet.judge import Judge
from facet.loading import settings_of
from facet.protocols import Coder, Editor, LabelsGiven
from facet.results import Result, read_run
from facet.runs import Run


@dataclass(frozen=True)
class Subject:
    """A trained model, and what its card and its page say of it.

    Attributes:
        run: its run.
        config: the run's config.
        editor: the model with its judge, on the CPU, in evaluation mode, frozen.
    """

    run: Run
    config: DictConfig
    editor: PictureEditor

    @property
    def model(self) -> Any:
        """The module."""
        return self.editor.model

    @property
    def judge(self) -> Judge | None:
        """The judge of the model's data; None if there is none."""
        return self.editor.judge

    @property
    def resolution(self) -> int:
        """Side of the images in pixels."""
        return self.editor.resolution

    @property
    def channels(self) -> int:
        """3 for colour, 1 for grey."""
        return self.editor.channels

    @property
    def implied(self) -> Mapping[str, Sequence[Mapping[str, bool]]]:
        """By attribute, what its absence and its presence imply for others (blond hair: not black)."""
        return {name: self.editor.follows.get(name, ({}, {})) for name in self.editor.attributes}

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
        """The kind of its data: avatars, heads, celeba, mnist, folder, or a plug-in's."""
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
        UserError: no run, no checkpoint, or a debug run.
    """
    run = Run(directory)
    config = settings_of(run, places)
    if config.get("debug"):
        raise UserError(f"{directory} is a debug run (debug={config.debug}), no model: train it without debug=")
    return Subject(run, config, load_run(run, places))
