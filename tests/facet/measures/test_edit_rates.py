"""Edit rates on a table counted by hand, and on decoders that obey, ignore and invert the attribute."""

import pytest
import torch

from facet.measures.edits import EditRates
from facet.measures.intervals import balanced, wilson

NAN = float("nan")


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values)[:, None]


def test_hand_counted() -> None:
    labels = column(1, 1, 1, 1, 0, 0, 0, 0, 0, NAN)
    reconstruction = column(1, 1, 1, 0, 0, 0, 0, 0, 1, 1).bool()
    edit_off = column(0, 0, 1, 1, 0, 0, 0, 0, 1, 1).bool()
    edit_on = column(1, 1, 1, 0, 1, 1, 0, 0, 0, 0).bool()
    metric = EditRates(1)
    metric.update(labels, reconstruction, edit_off, edit_on)
    (rates,) = metric.compute()
    assert rates["reconstruction"] == {"on": wilson(3, 4), "off": wilson(4, 5)}
    assert rates["paper"] == {"on": wilson(3, 4), "off": wilson(2, 4)}
    assert rates["full"] == {
        "on_from_on": wilson(3, 4),
        "on_from_off": wilson(2, 5),
        "off_from_on": wilson(2, 4),
        "off_from_off": wilson(4, 5),
        "on": wilson(5, 9),
        "off": wilson(6, 9),
    }
    assert rates["balanced"] == {
        "on": balanced(wilson(3, 4), wilson(2, 5)),
        "off": balanced(wilson(2, 4), wilson(4, 5)),
        "turned": balanced(wilson(2, 4), wilson(2, 5)),
    }


def test_doing_nothing_succeeds_where_there_is_nothing_to_change_but_not_balanced() -> None:
    labels = column(*[1] * 2, *[0] * 98)
    metric = EditRates(1)
    metric.update(labels, labels == 1, labels == 1, labels == 1)
    (rates,) = metric.compute()
    assert rates["full"]["off"] == wilson(98, 100), "of a rare attribute it looks like success"
    assert rates["full"]["on"] == wilson(2, 100)
    assert {name: rate.value for name, rate in rates["balanced"].items()} == {"on": 0.5, "off": 0.5, "turned": 0.0}
    assert rates["full"]["off_from_on"].n == 2
    assert rates["full"]["on_from_off"].n == 98


def test_a_decoder_that_ignores_the_attribute_sums_to_one() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(2, (200, 3), generator=generator).float()
    seen = torch.rand(200, 3, generator=generator) < 0.7
    metric = EditRates(3)
    metric.update(labels, seen, seen, seen)
    for rates in metric.compute():
        for protocol in ("paper", "full"):
            assert rates[protocol]["on"].value + rates[protocol]["off"].value == pytest.approx(1.0)


@pytest.mark.parametrize(("obeys", "expected"), [(True, 1.0), (False, 0.0)])
def test_ideal_and_inverted_editing(obeys: bool, expected: float) -> None:
    labels = torch.tensor([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0]])
    on = torch.full((3, 2), obeys)
    metric = EditRates(2)
    metric.update(labels, labels == 1, ~on, on)
    for rates in metric.compute():
        assert all(rate.value == expected for protocol in ("paper", "full") for rate in rates[protocol].values())
        assert all(rate.value == 1.0 for rate in rates["reconstruction"].values())


def test_attributes_do_not_mix_and_unknown_ones_count_alone() -> None:
    labels = torch.tensor([[1.0, NAN], [NAN, 0.0], [1.0, 0.0]])
    yes, no = torch.ones(3, 2, dtype=torch.bool), torch.zeros(3, 2, dtype=torch.bool)
    metric = EditRates(2)
    metric.update(labels, yes, no, yes)
    first, second = metric.compute()
    assert first["full"]["on"].n == second["full"]["on"].n == 2
    assert first["reconstruction"]["on"] == wilson(2, 2)
    assert second["reconstruction"]["off"] == wilson(0, 2)
    assert second["paper"]["on"].n == 0


def test_refuses_probabilities_and_wrong_shapes() -> None:
    labels, reading = torch.ones(4, 2), torch.ones(4, 2, dtype=torch.bool)
    with pytest.raises(ValueError, match="edit_on must be boolean"):
        EditRates(2).update(labels, reading, reading, torch.rand(4, 2))
    with pytest.raises(ValueError, match=r"edit_off has shape \(4, 1\), expected \(4, 2\)"):
        EditRates(2).update(labels, reading, reading[:, :1], reading)
