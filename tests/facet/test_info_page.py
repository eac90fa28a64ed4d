"""The page of all runs: a line for each in the table, curves for each experiment, faces, and grids of digits."""

from __future__ import annotations

import re
import shutil
from html import unescape
from pathlib import Path

import pytest
from invented_runs import results, write_run
from many_runs import write_many
from sealed import assert_sealed

from facet.info.page import write
from facet.info.runs import find
from facet.report import style


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are empty files: to draw them takes long, and other tests do."""
    monkeypatch.setattr(style, "save", lambda *_: b"drawn")


@pytest.mark.usefixtures("undrawn")
def test_the_page_shows_runs_of_all_kinds_and_states(tmp_path: Path) -> None:
    runs = write_many(tmp_path / "runs")
    html = write(find(runs), runs, tmp_path / "reports" / "runs").read_text("utf-8")
    assert_sealed(html)
    table = html.split('<section id="table">')[1].split("</section>")[0]
    shown = re.findall(r'<th scope="row">(.*?)(?:<|\s*$)', table, re.MULTILINE)
    assert shown == [run.title for run in find(runs) if not run.broken]
    assert len(shown) == 9
    assert "Left out, because they can’t be read: damaged (config.yaml can’t be used" in unescape(html)
    assert "1 failed, 1 finished, 1 interrupted, 5 judged, 1 running." in html
    assert "93.8–96.0%, n = 1,500" in table, "a rate has its interval and n"
    for status in ("judged", "finished", "running", "failed", "interrupted"):
        assert f">{status}</td>" in table
    sections = re.findall(r'<section id="([\w-]+)">', html)
    assert sections[:4] == [
        *("table", "curves-ifcvae_gan-seed0-aaaaaaa0", "faces-ifcvae_gan-seed0-aaaaaaa0"),
        "curves-ifcvae_gan-no_aux-seed0-eeeeeeee",
    ]
    assert "digits-jacsup_digits-seed0-bbbbbbbb" in sections
    assert not [name for name in sections if name.startswith(("faces-vae", "faces-jacsup"))]
    assert re.findall(r"<h2>(.*?)</h2>", html)[:3] == ["All runs", "ifcvae_gan", "ifcvae_gan/no_aux"]


@pytest.mark.usefixtures("undrawn")
def test_figures_of_runs_that_are_gone_are_removed(tmp_path: Path) -> None:
    runs, place = write_many(tmp_path / "runs"), tmp_path / "reports" / "runs"
    write(find(runs), runs, place)
    before = {file.name for file in place.iterdir()}
    shutil.rmtree(runs / "jacsup_digits")
    write(find(runs), runs, place)
    gone = before - {file.name for file in place.iterdir()}
    assert gone == {
        f"{kind}-jacsup_digits-seed0-bbbbbbbb.{ending}" for kind in ("curves", "digits") for ending in ("png", "pdf")
    }


def test_one_run_is_drawn(tmp_path: Path) -> None:
    write_run(tmp_path / "runs" / "seed0", results("ours", 0))
    index = write(find(tmp_path / "runs"), tmp_path / "runs", tmp_path / "runs-page")
    assert (index.parent / "curves-seed0.png").stat().st_size > 10_000
    assert (index.parent / "grid-seed0-seed0.png").is_file()
    assert_sealed(index.read_text("utf-8"))


def test_no_run_is_a_page_too(tmp_path: Path) -> None:
    html = write([], tmp_path, tmp_path / "page").read_text("utf-8")
    assert "No run was found." in html
    assert_sealed(html)


@pytest.mark.usefixtures("undrawn")
def test_names_of_directories_are_no_templates(tmp_path: Path) -> None:
    odd = '{{ 1 + 1 }} "quoted" <b> ümlaut {% for'
    write_run(tmp_path / "runs" / odd / "seed0", results("ours", 0))
    html = write(find(tmp_path / "runs"), tmp_path / "runs", tmp_path / "page").read_text("utf-8")
    assert f"<h2>{odd}</h2>" in unescape(html).replace("’", "'")
    assert_sealed(html)
