"""Every table and figure has a target, and the target trains the runs that its page shows."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TABLES = sorted(path.stem for path in (ROOT / "conf" / "table").glob("*.yaml"))


def said(*arguments: str) -> str:
    """What ``make`` would run, whichever make the tests are run by."""
    command = ["make", "--no-print-directory", "-n", *arguments]
    apart = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run(command, cwd=ROOT, env=apart, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("table", TABLES)
def test_a_target_makes_its_page(table: str) -> None:
    line = command(f"reproduce-{table}", "SEEDS=0,1", "EXTRA=trainer=gpu", "JOBS=4")
    assert line.split() == [
        *(
            ".venv/bin/python",
            "-m",
            "facet.reproduce",
            f"table={table}",
            "seeds=[0,1]",
            'overrides=["trainer=gpu"]',
            "jobs=4",
        ),
    ]


def command(*arguments: str) -> str:
    """The one that makes a page, as a shell hands it over."""
    (line,) = (line for line in said(*arguments).splitlines() if "facet.reproduce" in line)
    return line.replace("'", "")


def test_what_is_said_reaches_the_command() -> None:
    line = command("reproduce-table1-beside", "DATA=celeba", "PRESET=paper", "EXTRA=trainer=ddp logger=csv")
    assert 'overrides=["data=celeba","preset=paper","trainer=ddp","logger=csv"]' in line
    assert line.split()[-2:] == ["logger=csv", "beside=true"]
    assert "jobs" not in line
    assert "data" not in command("reproduce-jacsup-figure1", "DATA=celeba"), "it is of digits"


def test_without_setup_the_python_that_is_there_does_it_and_nothing_is_installed() -> None:
    for target, module in (("reproduce-table1", "facet.reproduce"), ("gpu", "facet.benchmarks.gpu")):
        (line,) = said(target, "SETUP=no", "PYTHON=python3.12").splitlines()
        assert line.startswith(f"python3.12 -m {module} ")
    assert said("gpu", "SETUP=no", "SIZE=0.01").split()[-1] == "size=0.01"


def test_all_of_aif_is_every_table_and_figure_of_it() -> None:
    makes = set(re.findall(r"reproduce-[\w-]+|compare", said("reproduce-aif")))
    assert {f"reproduce-{table}" for table in TABLES if table.startswith("aif-figure")} <= makes
    assert {"reproduce-table1", "reproduce-table2", "reproduce-table3-beside", "compare"} <= makes
