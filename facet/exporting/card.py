"""The model card: ``README.md`` with a head in YAML, as the Hugging Face hub reads it, and a picture of edits."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from facet.exporting import words
from facet.exporting.subject import Subject
from facet.exporting.trained_by import command_of
from facet.measures.drawn import read_examples
from facet.measures.registry import MEASURES
from facet.pictures import edit_grid
from facet.report.strips import png

CARD, PICTURE = "README.md", "edits.png"
FACES, FEW = 8, 4
"""Faces of the picture, at most; of a small model's."""
COLOURS = 64
"""Of a small model's picture."""
OF_MODEL = ("mse", "swaps_ok", "swaps_ceiling", "code_size", "drift_of_all", "judge_accuracy_of_class")
MEANINGS = {
    "on_from_off": "edits that give the attribute and succeed, of images without it",
    "off_from_on": "edits that take the attribute away and succeed, of images with it",
    "reconstruction_on": "images with the attribute whose unedited reconstruction still has it",
    "reconstruction_off": "images without the attribute whose unedited reconstruction has it neither",
    "drift": "readings of other attributes that change with an edit, mean of both directions",
    "judge_accuracy": "how often the judge is right about the attribute on real images",
}
"""In plain words: a card's readers know nothing of the other measures."""
SPECIAL = re.compile(r"[\\`*_{}\[\]<>|#~$&]")


def card_of(subject: Subject, files: Collection[str]) -> dict[str, bytes]:
    """The card, and the picture that it shows if ``facet-evaluate`` has kept examples.

    Args:
        subject: the model.
        files: names of what is in the directory; the card says how each is used.
    """
    method, paper = words.method_of(subject)
    result = subject.result
    small = any(name.startswith("..") for name in files)  # to=package: what is shared lies beside the directory
    picture = picture_of(subject, small)
    environment = Environment(
        loader=PackageLoader("facet.exporting"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"escaped": escaped, "plain": words.plain}
    text = environment.get_template("card.md.j2").render(
        head=head_of(subject),
        title=f"{method} on {subject.data}, seed {result.seed}",
        method=method,
        paper=paper,
        subject=subject,
        data=words.data_of(subject),
        limits=words.limits_of(subject),
        uses=words.USES,
        result=result,
        once=[_line(subject, name) for name in OF_MODEL if result.number(name) is not None],
        each=_table(subject),
        meanings=[(MEASURES[name].title, text) for name, text in MEANINGS.items() if _known(subject, name)],
        picture=PICTURE if picture else "",
        command=command_of(subject.config),
        files=set(files),
        small=small,
    )
    return {CARD: text.encode(), **({PICTURE: picture} if picture else {})}


def head_of(subject: Subject) -> str:
    """The card's head as YAML."""
    method, _ = words.method_of(subject)
    data = words.data_of(subject)
    result = subject.result
    numbers = [
        {"type": name, "name": MEASURES[name].meaning, "value": round(found.value, 6)}
        for name in ("mse", "success", "drift_of_all", "swaps_ok")
        if (found := result.number(name)) is not None
    ]
    head: dict[str, Any] = {"library_name": "facet", "license": data.tag}
    if data.link:
        head |= {"license_name": f"{subject.data}-licence", "license_link": data.link}
    head["pipeline_tag"] = "image-to-image"
    head["tags"] = ["image-editing", "disentanglement", "facet", re.sub(r"[^a-z0-9]+", "-", method.lower())]
    if data.hub:
        head["datasets"] = [data.hub]
    if numbers:
        about = {"type": data.hub or subject.data, "name": subject.data, "split": "test"}
        task = {"type": "image-to-image", "name": "editing by attributes"}
        head["model-index"] = [
            {"name": str(subject.config.name), "results": [{"task": task, "dataset": about, "metrics": numbers}]}
        ]
    text: str = yaml.safe_dump(head, sort_keys=False, allow_unicode=True)
    return text.strip()


def picture_of(subject: Subject, small: bool = False) -> bytes | None:
    """Test faces, their reconstructions, and an edit of each attribute, as PNG; None without examples.

    Args:
        subject: the model.
        small: fewer faces, in fewer colours.
    """
    wanted = ("original", "reconstruction", "off", "on", "faces", "faces_reconstruction", "turned")
    drawn = read_examples(subject.run.path, lambda name: name in wanted)
    rows = [(words.plain(name), drawn[name]) for name in ("original", "reconstruction") if name in drawn]
    first = words.plain(subject.names[0]) if subject.names else ""
    if "faces" in drawn and len(drawn.get("turned", ())) == len(subject.names):
        rows = [("original", drawn["faces"]), ("reconstruction", drawn["faces_reconstruction"])]
        rows += [
            (f"{words.plain(name)} turned", faces) for name, faces in zip(subject.names, drawn["turned"], strict=True)
        ]
    else:
        rows += [(f"{first} = {value}", drawn[name]) for value, name in ((0, "off"), (1, "on")) if name in drawn]
    if len(rows) < 3:
        return None
    shown = FEW if small else FACES
    grid = edit_grid([torch.from_numpy(faces[:shown]) / 255 for _, faces in rows], [label for label, _ in rows])
    return png(grid.quantize(COLOURS) if small else grid)


def _known(subject: Subject, measure: str) -> bool:
    return any(subject.result.number(measure, name) is not None for name in subject.names)


def _line(subject: Subject, measure: str) -> tuple[str, str, str]:
    """A measure of the whole model: what it is, its value with the interval, and n."""
    found = subject.result.number(measure)
    assert found is not None
    return MEASURES[measure].meaning, words.said(measure, found), "–" if found.n is None else f"{found.n:,}"


def _table(subject: Subject) -> list[list[str]]:
    """A head, and a line for each attribute: measures with their intervals, each with its n."""
    columns = [name for name in MEANINGS if _known(subject, name)]
    if not columns:
        return []
    lines = [["attribute", *(MEASURES[name].title for name in columns)]]
    for attribute in subject.names:
        cells = []
        for name in columns:
            found = subject.result.number(name, attribute)
            n = "" if found is None or found.n is None else f", n = {found.n:,}"
            text = words.said(name, found)
            cells.append(f"{text[:-1]}{n})" if text.endswith(")") else text + (f" ({n[2:]})" if n else ""))
        lines.append([words.plain(attribute), *cells])
    return lines


def escaped(text: object) -> str:
    """A text as Markdown shows it, whatever characters it has."""
    return SPECIAL.sub(r"\\\g<0>", str(text))


def files_in(directory: Path) -> list[str]:
    """The names of the files of a directory; empty if there is none."""
    return [path.name for path in directory.glob("*")] if directory.is_dir() else []
