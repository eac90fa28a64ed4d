"""The wheel in an environment of its own: what it brings, and its commands far from a checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from tiny import overrides

from facet import packaged
from facet.runs import Run

ROOT = Path(__file__).parents[1]


def call(*command: str | Path, cwd: Path) -> None:
    """Run a command that has nothing of ours to find but what is installed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.mark.slow
def test_an_installed_wheel_trains_judges_and_reports_anywhere(tmp_path: Path) -> None:
    call(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, ROOT, cwd=tmp_path)
    (wheel,) = tmp_path.glob("facet_lab-*.whl")
    with zipfile.ZipFile(wheel) as content:
        held = set(content.namelist())
    top = {name.split("/")[0] for name in held}
    files = [path for path in packaged.MODELS.rglob("*") if path.is_file()]
    assert len(files) > len(packaged.names()) > 0
    assert {str(path.relative_to(ROOT)) for path in files} <= held, "the models that come with Facet"
    assert {name for name in top if not name.endswith(".dist-info")} == {
        "aif",
        "datamodules",
        "facet",
        "jacsup",
        "nets",
        "photos",
    }

    venv.create(tmp_path / "environment", with_pip=True)
    programs = tmp_path / "environment" / "bin"
    pinned = ["--quiet", "--constraint", ROOT / "constraints.txt"]
    call(programs / "python", "-m", "pip", "install", *pinned, wheel, cwd=tmp_path)
    (tmp_path / "elsewhere").mkdir()
    call(programs / "facet-edit", "model=avatars-ten", "set.Smiling=1", cwd=tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere/edited/example/edited.png").is_file()
    settings = overrides(tmp_path, "trainer.max_epochs=1")
    call(programs / "facet-train", *settings, cwd=tmp_path / "elsewhere")
    (path,) = (tmp_path / "runs/ifcvae_gan").iterdir()
    assert Run(path).status == "finished"
    call(programs / "facet-evaluate", f"run={path}", cwd=tmp_path / "elsewhere")
    where = [f"runs={tmp_path / 'runs'}", f"reports={tmp_path}", "logger=csv"]
    said = [setting for setting in settings if not setting.startswith("runs=")]
    call(programs / "facet-report", "table1", *where, *said, cwd=tmp_path / "elsewhere")
    assert "0.0" in (tmp_path / "table1" / "table.csv").read_text()
