"""Every table and figure has a target, and the target trains the runs that its page shows."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from facet.configuration import compose_config

ROOT = Path(__file__).parents[1]
TABLES = sorted(path.stem for path in (ROOT / "conf" / "table").glob("*.yaml"))


def said(*arguments: str) -> str:
    """What ``make`` would run."""
    done = subprocess.run(["make", "-n", *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


@pytest.mark.parametrize("table", TABLES)
def test_a_target_trains_judges_and_shows_its_table(table: str) -> None:
    lines = said("compare" if table == "compare" else f"reproduce-{table}", "SEEDS=0,1", "EXTRA=trainer=gpu")
    assert set(re.findall(r"table=([\w-]+)", lines)) == {table}
    (trained,) = re.findall(r"experiment=([\w/,]+) ", lines)
    config = compose_config("report", [f"table={table}"])
    assert set(trained.split(",")) == set(config.table.experiments.values())
    assert "seed=0,1" in lines
    assert "trainer=gpu" in lines
    assert lines.count("seeds=[0,1]") == 2


def test_what_is_said_of_gpus_reaches_the_sweep() -> None:
    line = next(line for line in said("reproduce-table1", "EXTRA=trainer=ddp").split("\n") if "facet-train" in line)
    assert "facet-train -m" in line
    assert "trainer=ddp" in line
    assert "launcher" not in line
    assert "hydra/launcher=joblib hydra.launcher.n_jobs=4" in said("reproduce-table1", "JOBS=4", "EXTRA=trainer=gpu")


def test_all_of_aif_is_every_table_and_figure_of_it() -> None:
    makes = set(re.findall(r"reproduce-[\w-]+|compare", said("reproduce-aif")))
    assert {f"reproduce-{table}" for table in TABLES if table.startswith("aif-figure")} <= makes
    assert {"reproduce-table1", "reproduce-table2", "reproduce-table3-beside", "compare"} <= makes
