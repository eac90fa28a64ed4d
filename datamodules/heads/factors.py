"""The factors of a head: its identity, its attributes, its pose and its light; and how it looks with them.

An identity fixes how each attribute looks when it is present and when it is absent (the width of its smile, its
glasses, its hair), so an image has exactly one counterfactual for each change of an attribute.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from datamodules.attribute_tables import Table
from datamodules.splits import SPLITS

_COLORS = {"black": 0.28, "brown": 0.27, "blond": 0.20, "gray": 0.17}
BANGS = 0.3
TABLE = Table(
    rates={
        "Bags_Under_Eyes": 0.3, "Big_Nose": 0.3, "Bushy_Eyebrows": 0.35, "Chubby": 0.25, "Double_Chin": 0.25,
        "Eyeglasses": 0.3, "Male": 0.5, "Mouth_Slightly_Open": 0.45, "Narrow_Eyes": 0.3, "Pale_Skin": 0.35,
        "Rosy_Cheeks": 0.3, "Smiling": 0.5, "Wearing_Hat": 0.25, "Wearing_Lipstick": 0.4, "Young": 0.65,
    },
    groups={
        "hair": {
            **{
                f"{color}{fringe}": (share * rate, (f"{color.title()}_Hair", *(["Bangs"] if fringe else [])))
                for color, rate in _COLORS.items() for fringe, share in (("", 1 - BANGS), ("_bangs", BANGS))
            },
            "bald": (0.08, ("Bald",)),
        },
        "facial_hair": {
            "shaved": (0.5, ("No_Beard",)), "mustache": (0.17, ("Mustache", "No_Beard")),
            "goatee": (0.16, ("Goatee",)), "beard": (0.17, ()),
        },
    },
    loadings={
        "Bags_Under_Eyes": (0.2, 0.6, 0.0), "Big_Nose": (0.5, 0.3, 0.0), "Bushy_Eyebrows": (0.6, 0.1, 0.0),
        "Chubby": (0.2, 0.4, 0.1), "Double_Chin": (0.2, 0.6, 0.0), "Eyeglasses": (0.3, 0.5, 0.0),
        "Male": (0.9, 0.1, -0.1), "Mouth_Slightly_Open": (-0.1, 0.0, 0.8), "Narrow_Eyes": (0.0, 0.2, 0.6),
        "Pale_Skin": (-0.3, 0.1, 0.0), "Rosy_Cheeks": (-0.6, -0.2, 0.3), "Smiling": (-0.2, 0.0, 0.9),
        "Wearing_Hat": (0.4, -0.2, 0.0), "Wearing_Lipstick": (-0.8, -0.2, 0.1), "Young": (-0.2, -0.9, 0.0),
        "hair": (0.1, 0.8, 0.0), "facial_hair": (0.8, 0.1, 0.0),
    },
)  # fmt: skip
HAIR = {"black": (0.012, 0.010, 0.009), "brown": (0.06, 0.028, 0.014), "blond": (0.5, 0.31, 0.12),
        "gray": (0.38, 0.38, 0.40)}  # fmt: skip
SKINS = np.array([(0.93, 0.76, 0.68), (0.87, 0.66, 0.54), (0.78, 0.55, 0.41), (0.62, 0.41, 0.28), (0.42, 0.26, 0.18),
                  (0.27, 0.165, 0.12)]) ** 2.2  # fmt: skip
IRISES = ((0.05, 0.02, 0.01), (0.08, 0.15, 0.25), (0.09, 0.13, 0.06))
LIPSTICKS = ((0.45, 0.03, 0.06), (0.55, 0.08, 0.17), (0.30, 0.02, 0.07))
FRAMES = ((0.01, 0.01, 0.012), (0.12, 0.05, 0.02), (0.30, 0.30, 0.32))
GRINS = 0.6
"""Share of persons who show their teeth when they smile, even with closed jaws."""
ORIGINS = ("african", "asian", "caucasian")
SHAPES = ("oval", "round", "square", "rectangular", "triangular", "invertedtriangular", "diamond")
TRAITS = (
    "nose-scale-depth", "nose-scale-vert", "nose-hump", "nose-point", "chin-width", "chin-height", "chin-prominent",
    "mouth-scale-horiz", "mouth-lowerlip-volume", "mouth-upperlip-volume", "mouth-trans", "forehead-scale-vert",
    "head-scale-horiz", "head-scale-vert", "eye-scale", "eye-height2", "eye-trans", "eye-corner2", "eyebrows-angle",
    "cheek-bones", "ear-wing", "ear-scale", "asym-brown-1", "asym-mouth-1", "asym-nose-1",
)  # fmt: skip
TALL = ("forehead-scale-vert", "head-scale-vert", "chin-height")  # in small doses: the head stays in the picture


@dataclass(frozen=True)
class Head:
    """The factors of one image.

    Attributes:
        identity: the person's number within the split.
        attributes: attribute of no group -> whether it is present.
        groups: group -> state.
        person: what its identity fixes (:func:`draw_person`).
        scene: pose, gaze, light and background of the image.
    """

    identity: int
    attributes: Mapping[str, bool]
    groups: Mapping[str, str]
    person: Mapping[str, Any]
    scene: Mapping[str, Any]

    def labels(self) -> np.ndarray:
        """Labels in the order of the table's names, ``[k]`` int8 in {0, 1}."""
        return TABLE.present(self.attributes, self.groups)

    def changed(self, name: str, value: bool) -> Head:
        """The same head with one attribute changed, and with it others of its group.

        Raises:
            ValueError: there is no such attribute.
        """
        if name in TABLE.rates:
            return replace(self, attributes={**self.attributes, name: value})
        group = TABLE.group_of(name)
        if group is None:
            raise ValueError(f"a head has no attribute {name!r}: there are {', '.join(TABLE.names)}")
        state = TABLE.state_with(group, self.groups[group], name, value, self.person["preferred"])
        return replace(self, groups={**self.groups, group: state})


def draw_person(rng: np.random.Generator) -> dict[str, Any]:
    """Draw an identity."""

    def style(long: bool) -> dict[str, float]:
        side = rng.uniform(0.15, 0.25) if long else rng.uniform(0.03, 0.09)
        ranges = {"top": (0.08, 0.18), "quiff": (0, 0.1), "frame": (0.85, 1.15), "flare": (0.0, 0.3),
                  "wave": (0, 0.05), "clump": (0.2, 0.8), "parting": (-0.5, 0.5), "phase": (0, 1),
                  "bangs": (-0.04, 0.08)}  # fmt: skip
        drawn = {name: float(rng.uniform(*ends)) for name, ends in ranges.items()}
        length = float(rng.uniform(0.3, 1.7)) if long else 0.0
        return {**drawn, "side": float(side), "length": length, "curl": float(rng.random() < 0.2)}

    colors = [list(HAIR)[int(i)] for i in rng.permutation(4)]
    origin = rng.dirichlet([0.6] * 3)
    return {
        "origin": origin,
        "weight": float(np.clip(rng.normal() * 0.3, -0.8, 0.8)),
        "shape": (SHAPES[int(rng.integers(7))], float(rng.uniform(0, 0.7))),
        "traits": np.clip(rng.normal(size=len(TRAITS)) * 0.38, -1, 1) * [0.4 if name in TALL else 1 for name in TRAITS],
        "age": {True: float(rng.uniform(0.85, 1)), False: float(rng.uniform(0.1, 0.35))},
        "strength": {name: float(rng.uniform(0.75, 1.25)) for name in TABLE.rates},
        "style": {male: style(rng.random() < (0.12 if male else 0.8)) for male in (True, False)},
        "preferred": [*colors, *(f"{color}_bangs" for color in colors), "shaved", "beard"],
        "tone": {True: float(rng.uniform(0, 0.5)),
                 False: float(np.clip(1.6 + 2.6 * origin[0] + rng.normal() * 0.4, 1.4, 4.99))},
        "iris": IRISES[int(rng.integers(3))],
        "lipstick": LIPSTICKS[int(rng.integers(3))],
        "cloth": (0.6 * rng.random(3) + 0.3 * rng.random()) ** 2.2,
        "hat": {"height": float(rng.uniform(0, 0.12)), "band": 0.045,
                "color": (0.1 + 0.5 * rng.random(3) + 0.25 * rng.random()) ** 2.2},
        "glasses": {"width": float(rng.uniform(0.2, 0.25)), "height": float(rng.uniform(0.14, 0.19)),
                    "power": float(rng.uniform(2, 4)), "thickness": float(rng.uniform(0.015, 0.026)),
                    "color": FRAMES[int(rng.integers(3))]},
        "grins": bool(rng.random() < GRINS),
    }  # fmt: skip


def draw_scene(rng: np.random.Generator) -> dict[str, Any]:
    """Draw what differs between images of a person."""
    light = np.array([rng.normal() * 0.7, rng.uniform(0.1, 0.7), 1.0])
    return {
        "pose": (float(rng.normal() * 0.18), float(rng.normal() * 0.07), float(rng.normal() * 0.05)),
        "shift": (float(rng.uniform(-0.03, 0.03)), float(rng.uniform(-0.03, 0.03))),
        "gaze": float(rng.normal() * 0.01),
        "light": light / np.sqrt((light**2).sum()),
        "key": float(rng.uniform(0.7, 1)),
        "ambient": float(rng.uniform(0.25, 0.5)),
        "background": (0.15 + 0.45 * rng.random((4, 4, 1)) + 0.2 * rng.random((1, 1, 3)) + 0.1 * rng.random()) ** 2.2,
    }


def draw_head(
    seed: int,
    split: str,
    index: int,
    images_per_identity: int,
    correlation: float = 0.0,
    rates: Mapping[str, float] | None = None,
) -> Head:
    """The head at a position of a split, a pure function of its arguments.

    Args: as :func:`datamodules.avatar_factors.draw_avatar`. No person is in two splits.
    """
    identity = index // images_per_identity
    person = _person(seed, split, identity)
    rng = np.random.default_rng([seed, SPLITS.index(split), identity, index % images_per_identity, 3])
    attributes, groups = TABLE.with_rates(rates or {}).draw(rng, correlation)
    return Head(identity, attributes, groups, person, draw_scene(rng))


@functools.lru_cache(maxsize=16)  # consecutive images show one person
def _person(seed: int, split: str, identity: int) -> Mapping[str, Any]:
    return draw_person(np.random.default_rng([seed, SPLITS.index(split), identity, 2]))


def targets(head: Head) -> dict[str, float]:
    """The weights of the mesh's targets."""
    on, person = head.attributes, head.person
    much = {name: person["strength"][name] * on[name] for name in TABLE.rates}
    sex, age, weight = "male" if on["Male"] else "female", person["age"][on["Young"]], person["weight"]
    found: dict[str, float] = {}
    for stage, share in (("young", age), ("old", 1 - age)):
        for origin, part in zip(ORIGINS, person["origin"], strict=True):
            found[f"{origin}-{sex}-{stage}"] = float(part * share)
        kind = f"universal-{sex}-{stage}-averagemuscle"
        found[f"{kind}-averageweight"] = share * (1 - abs(weight))
        found[f"{kind}-{'max' if weight > 0 else 'min'}weight"] = share * abs(weight)
    found[f"shape-{person['shape'][0]}"] = person["shape"][1]
    for name, value in zip(TRAITS, person["traits"], strict=True):
        found[f"{name}{'+' if value > 0 else '-'}"] = abs(float(value))
    smile, open_mouth, narrow = much["Smiling"], much["Mouth_Slightly_Open"], much["Narrow_Eyes"]
    found |= {
        "mouthSmile": 1.3 * smile, "mouthDimple": 0.3 * smile, "cheekSquint": 0.9 * smile,
        "mouth-laugh-lines+": 0.8 * smile, "jawOpen": 0.3 * open_mouth,
        "mouthUpperUp": (0.8 if person["grins"] else 0.3) * smile * _shows_teeth(head),
        "mouthLowerDown": (0.6 if person["grins"] else 0.25) * smile * _shows_teeth(head),
        "eyeSquint": 0.9 * narrow, "eyeBlink": 0.12 * narrow, "eyeWide": 0.55 * (not on["Narrow_Eyes"]),
        "nose-scale-horiz+": 2.0 * much["Big_Nose"], "nose-volume+": 1.8 * much["Big_Nose"],
        "nose-flaring+": 1.2 * much["Big_Nose"], "nose-point-width+": 1.0 * much["Big_Nose"],
        "nose-width2+": 1.2 * much["Big_Nose"], "nose-scale-horiz-": 0.5 * (not on["Big_Nose"]),
        "head-fat+": 0.7 * much["Chubby"], "cheek-volume+": 0.8 * much["Chubby"],
        "neck-double+": 1.2 * much["Double_Chin"], "second-chin": much["Double_Chin"],
        "eye-bag+": 0.9 * much["Bags_Under_Eyes"],
    }  # fmt: skip
    return found


def _shows_teeth(head: Head) -> bool:
    return head.attributes["Mouth_Slightly_Open"] or (head.attributes["Smiling"] and bool(head.person["grins"]))


def look(head: Head) -> dict[str, Any]:
    """All that the renderer needs to know of a head."""
    on, person, much = head.attributes, head.person, head.person["strength"]
    tone = person["tone"][on["Pale_Skin"]]
    skin = SKINS[int(tone)] * (1 - tone % 1) + SKINS[int(tone) + 1] * (tone % 1)
    color, _, fringe = head.groups["hair"].partition("_")
    facial = head.groups["facial_hair"]
    return {
        **head.scene,
        "weights": targets(head),
        "teeth": _shows_teeth(head),
        "style": None if color == "bald" else person["style"][on["Male"]],
        "bangs": fringe == "bangs",
        "hat": person["hat"] if on["Wearing_Hat"] else None,
        "glasses": person["glasses"] if on["Eyeglasses"] else None,
        "skin": skin,
        "blush": 0.12 + 0.75 * much["Rosy_Cheeks"] * on["Rosy_Cheeks"],
        "bags": 0.05 + 0.9 * much["Bags_Under_Eyes"] * on["Bags_Under_Eyes"],
        "fold": 0.8 * much["Double_Chin"] * on["Double_Chin"],
        "lines": 0.05 if on["Young"] else 0.55,
        "lips": person["lipstick"] if on["Wearing_Lipstick"] else skin * np.array([0.78, 0.5, 0.5]),
        "hair": HAIR[person["preferred"][0] if color == "bald" else color],
        "brow": (0.8 + 0.85 * much["Bushy_Eyebrows"], 1.0) if on["Bushy_Eyebrows"] else (0.7, 0.75),
        "facial": "" if facial == "shaved" else facial,
        "cloth": person["cloth"],
        "iris": person["iris"],
    }
