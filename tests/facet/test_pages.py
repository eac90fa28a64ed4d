"""Pages: their files, what may stand in them, and how they are said on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf

from facet import pages
from facet.errors import UserError
from facet.help import help_of
from facet.measures.intervals import wilson
from facet.page_arguments import for_pages
from facet.pages import Published


def written(place: Path, **said: object) -> str:
    """A page's file with what it needs, and more."""
    whole = {"title": "T", "text": "t", "rows": {"a": {"title": "A"}}, "sections": {"table": {"kind": "table"}}} | said
    file = place / "mine.yaml"
    file.write_text(OmegaConf.to_yaml(OmegaConf.create(whole)))
    return str(file)


@pytest.mark.parametrize("name", pages.names())
def test_a_page_says_all_that_it_needs(name: str) -> None:
    page = pages.load(name)
    assert page.title
    assert page.rows
    assert page.tags, "a page belongs to a paper"
    assert all(row.title for row in page.every_row.values())
    assert not set(page.rows) & set(page.beside)


def test_a_page_of_ones_own_is_a_file(tmp_path: Path) -> None:
    page = pages.load(written(tmp_path, rows={"a": {"title": "A", "run": "ablation=no_aux"}}))
    assert (page.name, page.rows["a"].run) == ("mine", "ablation=no_aux")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"sektions": {}}, "unknown key 'sektions'; nearest: sections"),
        ({"title": ""}, "title is missing"),
        ({"rows": {}}, "rows is missing"),
        ({"rows": {"a": {"titel": "A"}}}, r"rows\.a: unknown key 'titel'; nearest: title"),
        ({"rows": {"a": {"run": "x"}}}, r"rows\.a: title is missing"),
        ({"base": "nothing"}, "base=nothing: there is no such file"),
    ],
)
def test_a_mistake_in_a_page_is_named(tmp_path: Path, said: dict[str, object], told: str) -> None:
    with pytest.raises(UserError, match=told):
        pages.load(written(tmp_path, **said))


def test_a_page_is_merged_over_its_base(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(
        "text: of the base\nsections: {table: {kind: table, first: System}}\ntags: [x]\n"
    )
    page = pages.load(written(tmp_path, base="other", sections={"table": {"columns": ["mse"]}}))
    assert page.sections["table"] == {"kind": "table", "first": "System", "columns": ["mse"]}
    assert (page.text, page.tags) == ("t", ("x",))


def test_rows_of_the_base_come_first_but_for_those_that_the_page_names(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("rows: {a: {title: A, run: x}, b: {title: B}, c: {title: C}, d: {title: D}}\n")
    page = pages.load(written(tmp_path, base="other", rows={"new": {"title": "N"}, "a": {"title": "AA"}, "c": None}))
    assert [row.title for row in page.rows.values()] == ["B", "D", "N", "AA"]
    assert page.rows["a"].run == "x"


def test_null_leaves_out_a_section_and_a_setting_and_another_kind_is_another_section(tmp_path: Path) -> None:
    base = "sections: {a: {kind: cost}, b: {kind: table, first: x}, c: {kind: judge, x: 1}}"
    (tmp_path / "other.yaml").write_text(base)
    own = {"a": None, "b": {"first": None}, "c": {"kind": "cost"}}
    page = pages.load(written(tmp_path, base="other", sections=own))
    assert page.sections == {"b": {"kind": "table"}, "c": {"kind": "cost"}}


def test_a_section_is_taken_from_another_file(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("sections: {a: {kind: cost, title: T}}\n")
    page = pages.load(written(tmp_path, sections={"b": {"from": "other.a", "title": "U"}}))
    assert page.sections["b"] == {"kind": "cost", "title": "U"}
    with pytest.raises(UserError, match=r"sections\.b\.from: other has no section 'c'"):
        pages.load(written(tmp_path, sections={"b": {"from": "other.c"}}))


def test_a_row_for_each_value(tmp_path: Path) -> None:
    row = {"title": "α = {alpha}", "run": "a.kl={alpha}", "each": {"alpha": [0.5, 2]}, "facts": {"group": "g"}}
    rows = pages.load(written(tmp_path, rows={"ours": row})).rows
    assert {key: (each.title, each.run) for key, each in rows.items()} == {
        "ours-0.5": ("α = 0.5", "a.kl=0.5"),
        "ours-2": ("α = 2", "a.kl=2"),
    }
    assert rows["ours-2"].facts == {"group": "g", "alpha": "2"}


def long_values(node: Any, key: str = "") -> Iterator[str]:
    """Every long text, list or mapping in a page, but for a row's title and run, which choose what is trained."""
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, value in parts:
        yield from long_values(value, name)
    text = json.dumps(node, sort_keys=True, ensure_ascii=False)
    if len(text) > 60 and key != "run" and not (isinstance(node, dict) and set(node) <= {"title", "run"}):
        yield text


def test_no_page_repeats_what_another_says() -> None:
    said: dict[str, str] = {}
    for file in sorted(pages.directory().rglob("*.yaml")):
        for text in set(long_values(yaml.safe_load(file.read_text("utf-8")))):
            assert text not in said, f"{file.name} repeats {said[text]}: {text}"
            said[text] = file.name


def test_what_is_no_page_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no page 'tabel1'; nearest: .*table1"):
        pages.tagged("tabel1")
    file = tmp_path / "mine.yaml"
    file.write_text("title: [")
    with pytest.raises(UserError, match=r"mine\.yaml can't be read"):
        pages.load(str(file))


def test_groups_are_tags() -> None:
    assert set(pages.tagged("aif")) & set(pages.tagged("jacsup")) <= {"compare"}
    assert pages.tagged("all") == pages.names()
    assert next(iter(pages.chosen(["table1", "aif", "table1"]))).name == "table1"
    assert len(pages.chosen(["all", "aif"])) == len(pages.names())


def test_published_numbers_get_the_interval_that_the_paper_does_not_print() -> None:
    rate = Published.of({"percent": 81.3, "of": "13/16"})
    interval = wilson(13, 16)
    assert (rate.value, rate.low, rate.high, rate.n) == (0.813, interval.low, interval.high, 16)
    assert Published.of({"percent": 9.9}) == Published(0.099)
    assert Published.of(0.028).value == 0.028


def test_pages_are_said_by_name_and_what_the_command_does_not_know_is_said_to_the_training() -> None:
    read = for_pages("reproduce")
    assert read(["table1", "aif", "seeds=0,1,2", "jobs=2", "preset=paper", "data=celeba", "data.root=~/a b"]) == [
        'pages=["table1","aif"]',
        "seeds=[0,1,2]",
        "jobs=2",
        'overrides=["preset=paper","data=celeba","data.root=~/a b"]',
    ]
    assert for_pages("reproduce")(["table1", "logger=csv"]) == [
        *('pages=["table1"]', "logger=csv", 'overrides=["logger=csv"]')
    ]


def test_a_page_of_one_seed() -> None:
    assert for_pages("reproduce")(["table1", "seed=3"]) == ['pages=["table1"]', "seeds=[3]"]


def test_where_the_data_are_now_is_for_the_page_and_not_for_the_training() -> None:
    assert for_pages("report")(["table1", "data.root=/x", "data.limit=3"]) == [
        *('pages=["table1"]', "data.root=/x", 'overrides=["data.limit=3"]')
    ]


def test_without_a_page_nothing_is_said_to_a_training() -> None:
    assert for_pages("evaluate")(["run=x", "preset=paper", "--help"]) == ["run=x", "preset=paper", "--help"]


def test_quotes_in_what_is_said_stay() -> None:
    from facet.configuration import compose_config

    said = for_pages("report")(["table1", 'name="a b"', r"x.y=c\"d"])
    assert list(compose_config("report", said).overrides) == ['name="a b"', r"x.y=c\"d"]


def test_the_old_way_is_told() -> None:
    with pytest.raises(UserError, match="give only the page's name: table1"):
        for_pages("report")(["table=table1"])


def test_the_help_of_the_commands_lists_the_pages() -> None:
    for primary in ("evaluate", "report", "reproduce"):
        told = help_of(f"facet-{primary}", primary)
        assert "table1: AIF, Table 1: edits with and without L_aux" in told
        assert all(f"\n{name}: " in told for name in pages.names())
    assert "\ntable1: " not in help_of("facet-train", "train")
