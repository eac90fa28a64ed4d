"""A shell completes the commands' groups, choices, keys, pages, verbs and paths."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from facet.tab_completion import suggestions

VERBS = {"info": "dataset", "build": "dataset"}


@pytest.mark.parametrize(
    ("primary", "line", "expected"),
    [
        ("train", "facet-train data=", ["data=avatars", "data=celeba", "data=folder", "data=heads", "data=mnist"]),
        ("train", "facet-train experiment=aif/b", ["experiment=aif/beta_vae"]),
        ("train", "facet-train mod", ["model.", "model="]),
        ("train", "facet-train model=icgan model.gan_", ["model.gan_share="]),
        ("train", "facet-train -m see", ["seed="]),
        ("train", "facet-train model=nothing model.w", []),
        ("report", "facet-report table1 jacsup-fig", [f"jacsup-figure{i}" for i in range(1, 6)]),
        ("report", "facet-report table1 see", ["seeds="]),
        ("report", "facet-report model", []),
        ("info", "facet-info re", ["report=", "reports="]),
        (VERBS, "facet-data ", ["build", "info"]),
        (VERBS, "facet-data info data=m", ["data=mnist"]),
        (VERBS, "facet-data data=m", []),
        ("train", "", ["data=", "model=", "seed="]),
    ],
)
def test_what_a_line_may_become(primary: str | dict[str, str], line: str, expected: list[str]) -> None:
    found = suggestions(primary, line)
    assert set(expected) <= set(found) if not line else sorted(found) == sorted(expected)


def test_paths_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs" / "ifcvae_gan").mkdir(parents=True)
    (tmp_path / ".hidden").mkdir()
    monkeypatch.chdir(tmp_path)
    assert suggestions("evaluate", "facet-evaluate run=") == ["run=runs/"]
    assert suggestions("evaluate", "facet-evaluate run=ru") == ["run=runs/"]
    assert suggestions("evaluate", "facet-evaluate run=runs/") == ["run=runs/ifcvae_gan/"]
    assert suggestions("evaluate", f"facet-evaluate run={tmp_path}/r") == [f"run={tmp_path}/runs/"]
    assert suggestions("evaluate", "facet-evaluate run=nowhere/") == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("command", "module", "line", "expected"),
    [
        ("facet-train", "facet.train", "facet-train model=ic", "model=icgan"),
        ("facet-data", "facet.dataset", "facet-data inf", "info"),
    ],
)
def test_bash_completes(tmp_path: Path, command: str, module: str, line: str, expected: str) -> None:
    program = tmp_path / "python" / command
    program.parent.mkdir()
    program.write_text(f"from {module} import main\nmain()\n")
    script = tmp_path / command  # a shell's: the path of Python may have spaces, which the line of a script can't
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{program}" "$@"\n')
    script.chmod(0o755)
    words = line.split()
    typed = (
        f'eval "$({command} -sc install=bash)" && COMP_LINE="{line}" && COMP_POINT={len(line)} && COMP_CWORD=1 && '
        f"COMP_WORDS=({' '.join(words)}) && hydra_bash_completion && printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    root = Path(__file__).parents[1]
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(root)}
    done = subprocess.run(["bash", "-c", typed], env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == [expected], done.stderr
