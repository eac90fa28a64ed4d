"""The fields that are read from ``config.yaml``, ``status.json`` and ``results.json``, and their types."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Number = Annotated[float, Field(ge=-1e15, le=1e15)] | None
Count = Annotated[int, Field(ge=0, le=10**15)] | None


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it has a character that can't be shown")
    return text


Text = Annotated[str, Field(max_length=1000), AfterValidator(_printable)] | None
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]


class Open(BaseModel):
    """An object; other fields are ignored."""

    model_config = ConfigDict(extra="allow", strict=True)


class Made(Open):
    """A node with ``_target_``. Its constructor checks the arguments."""

    target: str = Field(alias="_target_")


class Logger(Open):
    """The W&B project of a run."""

    mode: Text = None
    project: Text = None
    entity: Text = None


class Config(Open):
    """A run's config."""

    name: Name
    seed: int = Field(ge=0, lt=2**32)
    preset: Name
    ablation: Name
    debug: Name | None = None
    attributes: list[str] | None = None
    data: Made
    model: Made
    trainer: dict[str, Any]
    callbacks: dict[str, Any]
    logger: Logger | None = None


class Training(Open):
    """Steps, time and size of a training; a page lists other fields as they are."""

    steps: Count = None
    images_seen: Count = None
    skipped: Count = None
    seconds: Number = None
    parameters: dict[str, Annotated[int, Field(ge=0, le=10**15)]] | None = None
    extra: dict[str, Any] | None = None


class Files(Open):
    """The files that a run's data were read from."""

    place: list[str]
    root: str
    state: str


class Status(Open):
    """``status.json``."""

    status: Name
    error: str | None = None
    revision: Text = None
    data_fingerprint: Text = None
    data_files: Files | None = None
    training: Training | None = None


class Measured(Open):
    """A mean, or a rate with its confidence interval."""

    value: Number
    n: Count = None
    low: Number = None
    high: Number = None

    @model_validator(mode="after")
    def _is_whole(self) -> Measured:
        if "low" in self.model_fields_set and None in (self.low, self.high, self.n):
            raise ValueError("an interval needs low, high and n")
        return self


Figure = Measured | Number
Figures = dict[str, Figure] | None


class Drift(Open):
    """How often an edit changes other attributes."""

    on: Figures = None
    off: Figures = None
    mean: Number = None


class Opinions(Open):
    """Numbers from networks that others trained, and the files of these networks."""

    networks: dict[str, Text] | None = None
    smiles: dict[str, Figures] | None = None
    features: dict[str, Figures] | None = None
    features_of_reconstruction: Figures = None
    features_of_others: Figures = None


class Measures(Open):
    """The measures of an editor, a coder or a predictor; most are given per attribute."""

    mse: Figure = None
    reconstruction: dict[str, Figures] | None = None
    edits: dict[str, dict[str, Figures] | None] | None = None
    judge: dict[str, Figures] | None = None
    classifier: dict[str, Figures] | None = None
    leakage: dict[str, dict[str, Figures] | None] | None = None
    drift: dict[str, Drift | None] | None = None
    identity: dict[str, Figures] | None = None
    identity_of_reconstruction: Figures = None
    distance: Figures = None
    distance_of_reconstruction: Figure = None
    counterfactual: dict[str, Figures] | None = None
    continuity: Figures = None
    opinions: Opinions | None = None
    nuisance: Count = None
    resolution: Count = None


class StageOfEditor(Measures):
    """An editor at the end of a stage."""

    parameters: int = Field(ge=0, le=10**15)


class Jacobians(Open):
    """Errors of Jacobians against those of a teacher."""

    data: Measured
    canonical: Measured


class StageOfCoder(Open):
    """A grown coder at the end of a stage."""

    code_size: int = Field(ge=1, le=10**6)
    mse: Measured
    swaps: Measured
    ceiling: Measured
    previous: Jacobians | None = None
    original: Jacobians | None = None


class AllMeasures(Measures):
    """The measures of a run, and those of every stage if it has stages."""

    stages: list[StageOfCoder] | list[StageOfEditor] | None = None


class Card(Open):
    """The judge's card."""

    key: str = ""
    accuracy: dict[str, Number] = {}
    known: dict[str, Count] | None = None
    n: int = Field(0, ge=0, le=10**15)


class Results(Open):
    """``results.json``."""

    experiment: Text = None
    row: Text = None
    seed: Count = None
    preset: Text = None
    data: Text = None
    ablation: Text = None
    split: Text = None
    faces: Count = None
    measured: list[str] | None = None
    attribute_names: list[Name]
    labels_given: bool | None = None
    judge: Card
    measures: AllMeasures
    training: Training | None = None
    versions: dict[str, str] | None = None
    revision: Text = None
    data_fingerprint: Text = None
    checkpoint: Text = None
