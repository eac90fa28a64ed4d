"""The published numbers, and the intervals that the paper does not print."""

import pytest

from facet.report.published import load, load_curve


def test_published_rates_have_the_intervals_of_sixteen_images() -> None:
    rows = load("table1").rows
    assert list(rows) == ["ours", "no_aux", "rec_class", "icgan"]
    ours = rows["ours"]
    assert (ours.edit_off.n, ours.edit_off.value) == (16, pytest.approx(0.813))
    assert (round(ours.edit_off.low or 0, 2), round(ours.edit_off.high or 0, 2)) == (0.57, 0.93)  # 13/16
    without = rows["no_aux"].edit_off
    assert (round(without.low or 0, 2), round(without.high or 0, 2)) == (0.07, 0.43)  # 3/16
    classified = rows["rec_class"].edit_on
    assert (round(classified.low or 0, 2), round(classified.high or 0, 2)) == (0.72, 0.99)  # 15/16
    assert (round(ours.edit_on.low or 0, 2), ours.edit_on.high) == (0.81, 1.0)  # 16/16


def test_printed_percentages_are_the_fractions() -> None:
    for row in load("table1").rows.values():
        for rate in (row.edit_off, row.edit_on):
            if rate.n is not None:
                assert round(rate.value * rate.n) / rate.n == pytest.approx(rate.value, abs=0.001)


def test_human_ratings_have_no_interval_and_are_flagged() -> None:
    row = load("table1").rows["icgan"]
    for rate in (row.edit_off, row.edit_on):
        assert not rate.comparable
        assert rate.low is rate.high is rate.n is None
    assert "not comparable" in row.remark


def test_unknown_table_is_an_error_that_names_the_known() -> None:
    with pytest.raises(ValueError, match="table1"):
        load("table9")


def test_the_authors_curve_is_that_of_their_log() -> None:
    curve = load_curve("jacsup-tradeoff")
    assert [size for size, _, _ in curve.points] == list(range(2, 17))
    by_size = {size: (mse, ok) for size, mse, ok in curve.points}
    assert (by_size[2], by_size[8], by_size[16]) == ((0.040311, 0.938406), (0.020926, 0.725092), (0.013625, 0.565276))
    with pytest.raises(ValueError, match=r"there is table1, table2, table3$"):
        load("jacsup-tradeoff")
