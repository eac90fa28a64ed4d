"""The published numbers, and the intervals that the paper does not print."""

import pytest

from facet.pages import PageRow, Published, load, names
from facet.report.cells import published_cell
from facet.rows import Row


def printed(row: PageRow, measure: str) -> Published:
    """What is published of a row."""
    found = row.printed(measure)
    assert found is not None
    return found


def test_published_rates_have_the_intervals_of_sixteen_images() -> None:
    rows = load("table1").rows
    assert list(rows) == ["ours", "no_aux", "rec_class", "icgan"]
    ours = printed(rows["ours"], "edit_off")
    assert (ours.n, ours.value) == (16, pytest.approx(0.813))
    assert (round(ours.low or 0, 2), round(ours.high or 0, 2)) == (0.57, 0.93)  # 13/16
    without = printed(rows["no_aux"], "edit_off")
    assert (round(without.low or 0, 2), round(without.high or 0, 2)) == (0.07, 0.43)  # 3/16
    classified = printed(rows["rec_class"], "edit_on")
    assert (round(classified.low or 0, 2), round(classified.high or 0, 2)) == (0.72, 0.99)  # 15/16
    whole = printed(rows["ours"], "edit_on")
    assert (round(whole.low or 0, 2), whole.high) == (0.81, 1.0)  # 16/16


@pytest.mark.parametrize("name", names())
def test_printed_percentages_are_the_fractions(name: str) -> None:
    for row in load(name).rows.values():
        for said in row.published.values():
            if isinstance(said, dict) and "of" in said:
                successes, n = map(int, said["of"].split("/"))
                digits = len(str(said["percent"]).partition(".")[2].rstrip("0"))
                assert said["percent"] == pytest.approx(100 * successes / n, abs=0.51 / 10**digits), (row.title, said)


def test_human_ratings_have_no_interval_and_are_flagged() -> None:
    said = load("table1").rows["icgan"]
    for name in ("edit_off", "edit_on"):
        rate = printed(said, name)
        assert rate.low is rate.high is rate.n is None
        assert published_cell(Row("icgan", said, ()), name).value.endswith("%*")
    assert "not comparable" in said.remark


def test_what_is_not_published_is_a_dash_or_nothing() -> None:
    ours = Row("ours", load("table1").rows["ours"], ())
    assert published_cell(ours, "accuracy").value == "–"
    assert published_cell(Row("mine", PageRow("mine", ""), ()), "mse").value == ""


def test_a_sum_is_published_where_both_its_rates_are() -> None:
    assert published_cell(Row("ours", load("table1").rows["ours"], ()), "edit_sum").value == "181.3%"


def test_the_authors_curve_is_that_of_their_log() -> None:
    points = load("jacsup-tradeoff").curve["points"]
    assert [size for size, _, _ in points] == list(range(2, 17))
    by_size = {size: (mse, ok) for size, mse, ok in points}
    assert (by_size[2], by_size[8], by_size[16]) == ((0.040311, 0.938406), (0.020926, 0.725092), (0.013625, 0.565276))
