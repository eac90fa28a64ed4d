"""The factors of an avatar: its identity, its attributes, its pose and its background.

The seed of an *identity* fixes one variant of every component for "attribute present" and one for "absent": its smile
and its serious mouth, its glasses, its hat. An *image* of that identity only chooses which attributes are present, a
pose and a background. So an image has exactly one counterfactual for each change of an attribute.
``docs/avatars.md`` lists the variants.
"""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from datamodules.attribute_tables import Table
from datamodules.splits import SPLITS

RATES: dict[str, float] = {
    "Arched_Eyebrows": 0.40,
    "Eyeglasses": 0.30,
    "Mouth_Slightly_Open": 0.50,
    "Narrow_Eyes": 0.35,
    "Pale_Skin": 0.40,
    "Smiling": 0.50,
    "Wearing_Hat": 0.25,
}
"""Attribute that belongs to no group -> its positive rate."""

GROUPS: dict[str, dict[str, tuple[float, tuple[str, ...]]]] = {
    "hair_color": {
        "black": (0.30, ("Black_Hair",)),
        "blond": (0.25, ("Blond_Hair",)),
        "brown": (0.25, ("Brown_Hair",)),
        "gray": (0.20, ("Gray_Hair",)),
    },
    "facial_hair": {
        "shaved": (0.60, ("No_Beard",)),
        "mustache": (0.20, ("Mustache", "No_Beard")),
        "beard": (0.20, ()),
    },
}
"""Attributes that exclude each other: state of the group -> (rate, the attributes that are then present)."""

ATTRIBUTES: tuple[str, ...] = tuple(
    sorted({*RATES, *(name for states in GROUPS.values() for _, names in states.values() for name in names)})
)
"""Every attribute, in CelebA's names and alphabetical order: the columns of the labels."""

MOUTHS: dict[tuple[bool, bool], tuple[str, ...]] = {
    (True, True): ("default", "smile", "tongue"),
    (True, False): ("twinkle",),
    (False, True): ("concerned", "disbelief", "screamOpen"),
    (False, False): ("serious", "sad", "grimace"),
}
"""(Smiling, Mouth_Slightly_Open) -> the mouths that an identity may have for these values."""

HAIR_STYLES = (
    "bob",
    "curly",
    "curvy",
    "dreads02",
    "fro",
    "longButNotTooLong",
    "miaWallace",
    "straight01",
    "straight02",
    "straightAndStrand",
)
HAIR_COLORS = {
    "black": ("1f1a17", "2c1b18"),
    "blond": ("d6b370", "e3c27a"),
    "brown": ("724133", "8a5a34"),
    "gray": ("a9a9ad", "c3c3c6"),
}
VARIANTS: dict[tuple[str, bool], tuple[str, ...]] = {
    ("Arched_Eyebrows", True): ("raisedExcited", "raisedExcitedNatural"),
    ("Arched_Eyebrows", False): ("default", "defaultNatural", "flatNatural"),
    ("Narrow_Eyes", True): ("closed", "happy", "squint"),
    ("Narrow_Eyes", False): ("default", "surprised"),
    ("Pale_Skin", True): ("ffdbb4", "f9dfc6"),
    ("Pale_Skin", False): ("d08b5b", "ae5d29", "c68642"),
    ("Eyeglasses", True): ("prescription01", "prescription02", "round"),
    ("Wearing_Hat", True): ("winterHat02", "winterHat03"),
}
MUSTACHES = ("moustacheFancy", "moustacheMagnum")
BEARDS = ("beardLight", "beardMedium", "beardMajestic")
FACIAL_HAIR_COLORS = ("2c1b18", "4a312c", "724133")
CLOTHES = ("blazerAndShirt", "collarAndSweater", "hoodie", "shirtCrewNeck", "shirtScoopNeck", "shirtVNeck")
CLOTHES_COLORS = ("262e33", "5199e4", "25557c", "929598", "a7ffc4", "ff488e", "ffffb1", "ffffff")

# The dependence between attributes where `correlation` > 0, as loadings on three standard normal factors (masculine,
# old, cheerful). The signs are CelebA's. The rates above hold for any `correlation`.
LOADINGS: dict[str, tuple[float, float, float]] = {
    "Arched_Eyebrows": (-0.6, -0.1, 0.1),
    "Eyeglasses": (0.3, 0.6, 0.0),
    "Mouth_Slightly_Open": (-0.1, 0.0, 0.8),
    "Narrow_Eyes": (0.0, 0.2, 0.6),
    "Pale_Skin": (-0.3, 0.2, 0.0),
    "Smiling": (-0.2, 0.0, 0.9),
    "Wearing_Hat": (0.5, -0.2, 0.0),
    "hair_color": (0.0, 0.8, 0.0),
    "facial_hair": (0.8, 0.2, 0.0),
}

TABLE = Table(RATES, GROUPS, LOADINGS)


@dataclass(frozen=True)
class Avatar:
    """The factors of one image.

    Attributes:
        identity: the person's number within the split.
        attributes: attribute of no group -> whether it is present.
        groups: group -> state, e.g. ``{"hair_color": "gray"}``.
        person: component -> its variants of this identity (see :func:`draw_person`).
        rotation: degrees, within ±6.
        shift: horizontal and vertical shift in percent of the frame, within ±3.
        background: ``rrggbb``.
    """

    identity: int
    attributes: Mapping[str, bool]
    groups: Mapping[str, str]
    person: Mapping[str, Any]
    rotation: float
    shift: tuple[float, float]
    background: str

    def labels(self) -> np.ndarray:
        """Labels in :data:`ATTRIBUTES` order, ``[k]`` int8 in {0, 1}."""
        present = {name for name, value in self.attributes.items() if value}
        for group, state in self.groups.items():
            present.update(GROUPS[group][state][1])
        return np.array([name in present for name in ATTRIBUTES], dtype=np.int8)

    def changed(self, name: str, value: bool) -> Avatar:
        """The same avatar with one attribute changed, and with it the others of its group.

        Without its hair colour an identity has its other one; without its mustache or beard it is shaved.

        Raises:
            ValueError: ``name`` is not in :data:`ATTRIBUTES`.
        """
        if name not in ATTRIBUTES:
            raise ValueError(f"an avatar has no attribute {name!r}: there are {', '.join(ATTRIBUTES)}")
        if name in RATES:
            return replace(self, attributes={**self.attributes, name: value})
        if bool(self.labels()[ATTRIBUTES.index(name)]) == value:
            return self
        if name in ("Mustache", "No_Beard"):
            state = {("Mustache", True): "mustache", ("No_Beard", False): "beard"}.get((name, value), "shaved")
            return replace(self, groups={**self.groups, "facial_hair": state})
        colors = {names[0]: state for state, (_, names) in GROUPS["hair_color"].items()}
        color = colors[name] if value else self._other_hair_color(colors[name])
        return replace(self, groups={**self.groups, "hair_color": color})

    def _other_hair_color(self, color: str) -> str:
        first, second = self.person["hair_alternatives"]
        return str(second if first == color else first)


def draw_person(rng: np.random.Generator) -> dict[str, Any]:
    """Draw an identity: one variant of every component for each state of the component."""

    def choose(options: Any) -> Any:
        return options[int(rng.integers(len(options)))]

    colors = list(HAIR_COLORS)
    alternatives = [colors[int(i)] for i in rng.permutation(len(colors))[:2]]
    return {
        "mouth": {cell: choose(mouths) for cell, mouths in MOUTHS.items()},
        "variants": {key: choose(variants) for key, variants in VARIANTS.items()},
        "hair_style": choose(HAIR_STYLES),
        "hair_color": {state: choose(shades) for state, shades in HAIR_COLORS.items()},
        "hair_alternatives": alternatives,
        "mustache": choose(MUSTACHES),
        "beard": choose(BEARDS),
        "facial_hair_color": choose(FACIAL_HAIR_COLORS),
        "hat_color": choose(CLOTHES_COLORS),
        "glasses_color": choose(("262e33", "25557c", "724133")),
        "clothes": choose(CLOTHES),
        "clothes_color": choose(CLOTHES_COLORS),
    }


def draw_avatar(
    seed: int,
    split: str,
    index: int,
    images_per_identity: int,
    correlation: float = 0.0,
    rates: Mapping[str, float] | None = None,
) -> Avatar:
    """The avatar at a position of a split, a pure function of its arguments.

    Identities of different splits come from different random streams, so no person is in two splits.

    Args:
        seed: the data set's seed.
        split: ``train``, ``val`` or ``test``.
        index: position within the split.
        images_per_identity: how many consecutive positions show the same person.
        correlation: strength of the dependence between attributes, 0 (independent) to 1.
        rates: attribute -> positive rate, where it is not the default.
    """
    identity = index // images_per_identity
    person = draw_person(np.random.default_rng([seed, SPLITS.index(split), identity]))
    rng = np.random.default_rng([seed, SPLITS.index(split), identity, index % images_per_identity, 1])
    attributes, groups = TABLE.with_rates(rates or {}).draw(rng, correlation)
    color = colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.15, 0.5), rng.uniform(0.8, 1.0))
    return Avatar(
        identity=identity,
        attributes=attributes,
        groups=groups,
        person=person,
        rotation=float(rng.uniform(-6, 6)),
        shift=(float(rng.uniform(-3, 3)), float(rng.uniform(-3, 3))),
        background="".join(f"{round(255 * channel):02x}" for channel in color),
    )


def implied(name: str, value: bool) -> dict[str, bool]:
    """Values of the other attributes of a group that follow from a value of this one.

    Black hair is not blond. An avatar with a mustache has no beard, and one with a beard has no mustache.
    """
    return TABLE.implied(name, value)
