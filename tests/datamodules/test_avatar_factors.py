"""Factors alone, nothing drawn: rates, dependence, identities, counterfactuals."""

import hashlib
import json
from functools import cache
from itertools import combinations

import numpy as np
import pytest

from datamodules.avatar_drawing import DRAWING_VERSION, options
from datamodules.avatar_factors import ATTRIBUTES, GROUPS, RATES, SPLITS, Avatar, draw_avatar, implied

DRAWS = 4000
FOUR_SIGMA = 4 * 0.5 / DRAWS**0.5
GROUP_OF = {name: group for group, states in GROUPS.items() for _, names in states.values() for name in names}
DIGESTS = {2: "7db4c5323faa"}


def avatar(index: int, split: str = "train", seed: int = 0, correlation: float = 0.0) -> Avatar:
    return draw_avatar(seed, split, index, images_per_identity=4, correlation=correlation)


@cache
def labels(correlation: float) -> np.ndarray:
    return np.array([avatar(index, correlation=correlation).labels() for index in range(DRAWS)])


def expected_rate(name: str) -> float:
    if name in RATES:
        return RATES[name]
    return sum(rate for rate, names in GROUPS[GROUP_OF[name]].values() if name in names)


def phi(correlation: float) -> dict[tuple[str, str], float]:
    matrix = np.corrcoef(labels(correlation).T)
    return {(a, b): float(matrix[ATTRIBUTES.index(a), ATTRIBUTES.index(b)]) for a in ATTRIBUTES for b in ATTRIBUTES}


def test_there_are_enough_attributes_in_order() -> None:
    assert len(ATTRIBUTES) >= 10
    assert list(ATTRIBUTES) == sorted(set(ATTRIBUTES))
    for states in GROUPS.values():
        assert sum(rate for rate, _ in states.values()) == pytest.approx(1)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 1.0])
def test_rates_hold_whatever_the_correlation(correlation: float) -> None:
    for name, rate in zip(ATTRIBUTES, labels(correlation).mean(0), strict=True):
        assert 0.05 <= rate <= 0.95, name
        assert rate == pytest.approx(expected_rate(name), abs=FOUR_SIGMA), name


def test_attributes_are_independent_by_default() -> None:
    measured = phi(0.0)
    for a, b in combinations(ATTRIBUTES, 2):
        if a in RATES or GROUP_OF.get(a) != GROUP_OF.get(b):
            chi_square = DRAWS * measured[a, b] ** 2
            assert chi_square < 4.5**2, (a, b)


def test_correlation_joins_what_goes_together_in_faces() -> None:
    measured, half = phi(1.0), phi(0.5)
    for a, b, sign in [
        ("Smiling", "Mouth_Slightly_Open", 1),
        ("Smiling", "Narrow_Eyes", 1),
        ("Gray_Hair", "Eyeglasses", 1),
        ("Mustache", "Wearing_Hat", 1),
        ("No_Beard", "Arched_Eyebrows", 1),
        ("Gray_Hair", "Black_Hair", -1),
    ]:
        assert sign * measured[a, b] > 0.05, (a, b)
    assert measured["Smiling", "Mouth_Slightly_Open"] > 0.3
    assert 0.05 < half["Smiling", "Mouth_Slightly_Open"] < measured["Smiling", "Mouth_Slightly_Open"]


def test_an_identity_is_fixed_within_a_split_and_never_in_two() -> None:
    persons = {split: [json.dumps(str(avatar(4 * i, split).person)) for i in range(300)] for split in SPLITS}
    assert len({person for split in SPLITS for person in persons[split]}) == 3 * 300
    images = [avatar(index) for index in range(8)]
    assert [image.identity for image in images] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert all(image.person == images[0].person for image in images[:4])
    assert len({(image.rotation, image.shift, image.background) for image in images}) == 8


def test_the_seed_changes_persons_and_the_rest_of_the_arguments_decide_alone() -> None:
    assert avatar(5) == avatar(5)
    assert avatar(5).person != avatar(5, seed=1).person
    assert avatar(5, correlation=1.0).person == avatar(5).person


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_a_change_is_of_one_attribute_or_its_group(name: str) -> None:
    column = ATTRIBUTES.index(name)
    for index in range(100):
        before = avatar(index)
        present = bool(before.labels()[column])
        after = before.changed(name, not present)
        assert after.labels()[column] != present
        assert before.changed(name, present) == before
        expected = {**vars(before), "attributes": after.attributes, "groups": after.groups}
        assert vars(after) == expected
        other = {a for a, b, c in zip(ATTRIBUTES, before.labels(), after.labels(), strict=True) if b != c}
        assert other == {name} if name in RATES else all(GROUP_OF[o] == GROUP_OF[name] for o in other)
        if name in RATES or (present and (name, before.groups["facial_hair"]) != ("No_Beard", "mustache")):
            assert after.changed(name, present) == before


def test_hair_has_one_color_and_a_mustache_no_beard() -> None:
    for index in range(100):
        for name in ATTRIBUTES:
            for value in (False, True):
                present = dict(zip(ATTRIBUTES, avatar(index).changed(name, value).labels(), strict=True))
                assert sum(present[color] for color in ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")) == 1
                assert present["No_Beard"] >= present["Mustache"]


def test_an_unknown_attribute_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match=r"^an avatar has no attribute 'Smilng': there are .*Smiling"):
        avatar(0).changed("Smilng", True)


def test_the_drawing_version_is_raised_with_the_tables() -> None:
    """Caches are keyed by the version. If this fails: raise DRAWING_VERSION and add the new digest here."""
    drawn = [options(avatar(index, split, correlation=0.5)) for split in SPLITS for index in range(100)]
    text = json.dumps(drawn, sort_keys=True, default=float)
    rounded = json.dumps(json.loads(text, parse_float=lambda number: round(float(number), 6)))
    assert DIGESTS.get(DRAWING_VERSION) == hashlib.sha256(rounded.encode()).hexdigest()[:12]


@pytest.mark.parametrize("name", ATTRIBUTES)
@pytest.mark.parametrize("value", [True, False])
def test_what_is_implied_is_what_all_avatars_show(name: str, value: bool) -> None:
    having = labels(0.0)[labels(0.0)[:, ATTRIBUTES.index(name)] == value].mean(0)
    shown = {other: bool(rate) for other, rate in zip(ATTRIBUTES, having, strict=True) if rate in (0, 1)}
    assert implied(name, value) == {other: state for other, state in shown.items() if other != name}
