"""Attributes of drawn data sets: rates, groups of attributes that exclude each other, and dependence by a copula."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

Groups = Mapping[str, Mapping[str, tuple[float, tuple[str, ...]]]]
"""Group -> state -> (rate, the attributes that are then present)."""


@dataclass(frozen=True, eq=False)
class Table:
    """What a drawn data set's attributes are.

    Attributes:
        rates: attribute that belongs to no group -> its positive rate.
        groups: attributes that exclude each other.
        loadings: attribute or group -> its loadings on three standard normal factors.
    """

    rates: Mapping[str, float]
    groups: Groups
    loadings: Mapping[str, tuple[float, float, float]]

    @property
    def names(self) -> tuple[str, ...]:
        """Every attribute in alphabetical order."""
        return tuple(sorted({*self.rates, *(name for group in self.groups for name in self.members(group))}))

    def members(self, group: str) -> frozenset[str]:
        return frozenset(name for _, names in self.groups[group].values() for name in names)

    def draw(self, rng: np.random.Generator, correlation: float) -> tuple[dict[str, bool], dict[str, str]]:
        """Draw attributes and states of groups; a Gaussian copula keeps the rates for any ``correlation``."""
        shared, normal = rng.standard_normal(3), NormalDist()

        def uniform(name: str) -> float:
            loadings = np.array(self.loadings[name]) * correlation
            score = loadings @ shared + np.sqrt(1.0 - loadings @ loadings) * rng.standard_normal()
            return normal.cdf(float(score))

        attributes = {name: uniform(name) > 1.0 - rate for name, rate in self.rates.items()}
        groups = {}
        for group, states in self.groups.items():
            rank, total = uniform(group), 0.0
            for state, (rate, _) in states.items():
                total += rate
                if rank < total or state == list(states)[-1]:
                    groups[group] = state
                    break
        return attributes, groups

    def present(self, attributes: Mapping[str, bool], groups: Mapping[str, str]) -> np.ndarray:
        """Labels in the order of :attr:`names`, ``[k]`` int8 in {0, 1}."""
        shown = {name for name, value in attributes.items() if value}
        for group, state in groups.items():
            shown.update(self.groups[group][state][1])
        return np.array([name in shown for name in self.names], dtype=np.int8)

    def state_with(self, group: str, state: str, name: str, value: bool, preferred: Sequence[str]) -> str:
        """The state nearest to ``state`` in which an attribute has a value; of equals, the first that is preferred."""
        states = self.groups[group]
        now = set(states[state][1])
        possible = [one for one, (_, names) in states.items() if (name in names) == value]
        rank = {one: place for place, one in enumerate(preferred)}
        return min(possible, key=lambda one: (len(now ^ set(states[one][1])), rank.get(one, len(rank))))

    def group_of(self, name: str) -> str | None:
        return next((group for group in self.groups if name in self.members(group)), None)

    def implied(self, name: str, value: bool) -> dict[str, bool]:
        """Values of the other attributes of a group that follow from a value of this one."""
        group = self.group_of(name)
        if group is None:
            return {}
        possible = [names for _, names in self.groups[group].values() if (name in names) == value]
        values = {other: {other in names for names in possible} for other in sorted(self.members(group) - {name})}
        return {other: choices.pop() for other, choices in values.items() if len(choices) == 1}

    def with_rates(self, wanted: Mapping[str, float]) -> Table:
        """The table with other rates.

        Raises:
            ValueError: an unknown attribute, a rate that is not between 0 and 1, or rates that can't hold together.
        """
        return self._with_rates(tuple(sorted(wanted.items()))) if wanted else self

    @functools.cache  # noqa: B019 - tables live as long as the program
    def _with_rates(self, asked: tuple[tuple[str, float], ...]) -> Table:
        wanted = dict(asked)
        for name, rate in wanted.items():
            if name not in self.names:
                raise ValueError(f"data.rates: no attribute {name!r}; there are {', '.join(self.names)}")
            if not 0 < rate < 1:
                raise ValueError(f"data.rates.{name}={rate}: a rate is between 0 and 1")
        rates = {name: wanted.get(name, rate) for name, rate in self.rates.items()}
        groups = {group: self._fitted(group, wanted) for group in self.groups}
        return Table(rates, groups, self.loadings)

    def _fitted(self, group: str, wanted: Mapping[str, float]) -> Mapping[str, tuple[float, tuple[str, ...]]]:
        """Rates of a group's states by iterative proportional fitting."""
        states = self.groups[group]
        asked = {name: rate for name, rate in wanted.items() if name in self.members(group)}
        if not asked:
            return states
        share = np.array([rate for rate, _ in states.values()])
        having = {name: np.array([name in names for _, names in states.values()]) for name in asked}
        for _ in range(500):
            for name, rate in asked.items():
                total = max(float(share[having[name]].sum()), 1e-12)
                share = share * np.where(having[name], rate / total, (1 - rate) / max(1 - total, 1e-12))
        if any(abs(share[having[name]].sum() - rate) > 1e-6 for name, rate in asked.items()):
            raise ValueError(f"data.rates: {dict(asked)} can't hold together, as attributes of one group")
        return {state: (float(rate), states[state][1]) for state, rate in zip(states, share, strict=True)}
