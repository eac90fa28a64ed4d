"""Asks second opinions about a trained editor, during the pass over the images that measures it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

import torch
from torch import Tensor

from facet.commands import say
from facet.measures.opinions import OPINIONS, SMILING
from facet.measures.opinions.features import Features, feature_network
from facet.measures.opinions.packages import described, file_of
from facet.measures.opinions.smile_network import expression_network
from facet.measures.opinions.smiles import Smiles
from facet.protocols import Editor


class Opinion(Protocol):
    """What is asked in every batch: first of the images and reconstructions, then of the edits of each attribute."""

    def add(self, images: Tensor, labels: Tensor, reconstruction: Tensor, start: int) -> None:
        """See :class:`Smiles` and :class:`Features`."""

    def add_edits(self, column: int, off: Tensor, on: Tensor) -> None:
        """As above."""

    def compute(self) -> dict[str, Any]:
        """As above."""


def opinions_of(wanted: Collection[str], editor: Editor, device: torch.device) -> dict[str, Opinion]:
    """The second opinions that are wanted and that can be had of an editor, by name.

    Raises:
        UserError: weights aren't installed.
    """
    opinions: dict[str, Opinion] = {}
    if "smiles" in wanted and SMILING in editor.attribute_names:
        network = expression_network(file_of("smiles")).to(device)
        opinions["smiles"] = Smiles(network.look, editor.attribute_names.index(SMILING))
    elif "smiles" in wanted:
        say(f"opinions=smiles is about {SMILING}, which this model doesn't edit: it isn't asked", "yellow")
    if "features" in wanted:
        opinions["features"] = Features(feature_network(file_of("features")).to(device), editor.attribute_names)
    return opinions


def computed(opinions: dict[str, Opinion]) -> dict[str, Any]:
    """``measures.opinions`` of ``results.json``: the numbers, and whose ``networks`` they come from."""
    numbers = {name: opinion.compute() for name, opinion in opinions.items()}
    named = {"smiles": {SMILING: numbers["smiles"]}} if "smiles" in numbers else {}
    networks = described([name for name in OPINIONS if name in opinions])
    return {"networks": networks, **named, **numbers.get("features", {})}
