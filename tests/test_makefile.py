"""Every page and every group of pages has a target, and what is said to make reaches the command."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from facet.pages import names

ROOT = Path(__file__).parents[1]


def said(*arguments: str) -> str:
    """What ``make`` would run, whichever make the tests are run by."""
    command = ["make", "--no-print-directory", "-n", *arguments]
    apart = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run(command, cwd=ROOT, env=apart, capture_output=True, text=True, check=True, timeout=60).stdout


def command(*arguments: str) -> list[str]:
    """The one that makes a page, as a shell hands it over."""
    (line,) = (line for line in said(*arguments).splitlines() if "facet.reproduce" in line)
    return line.split()


@pytest.mark.parametrize("page", [*names(), "aif", "jacsup", "all"])
def test_a_target_makes_its_pages(page: str) -> None:
    words = command(f"reproduce-{page}", "SEEDS=0,1", "EXTRA=trainer=gpu", "JOBS=4")
    assert words == [".venv/bin/python", "-m", "facet.reproduce", page, "seeds=0,1", "jobs=4", "trainer=gpu"]


def test_what_is_said_reaches_the_command() -> None:
    words = command("reproduce-table1-beside", "DATA=celeba", "PRESET=paper", "EXTRA=trainer=ddp logger=csv")
    assert words[3:] == ["table1", "beside=true", "data=celeba", "preset=paper", "trainer=ddp", "logger=csv"]


def test_without_setup_the_python_that_is_there_does_it_and_nothing_is_installed() -> None:
    for target, module in (("reproduce-table1", "facet.reproduce"), ("gpu", "facet.benchmarks.gpu")):
        (line,) = said(target, "SETUP=no", "PYTHON=python3.12").splitlines()
        assert line.startswith(f"python3.12 -m {module}")
    assert said("gpu", "SETUP=no", "SIZE=0.01").split()[-1] == "size=0.01"


def test_help_names_every_page() -> None:
    apart = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    told = subprocess.run(["make", "help"], cwd=ROOT, env=apart, capture_output=True, text=True, check=True).stdout
    assert {f"reproduce-{name}" for name in names()} <= set(told.split())


def test_the_makefile_reads_like_a_list() -> None:
    assert len((ROOT / "Makefile").read_text().splitlines()) <= 50
