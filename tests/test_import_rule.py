"""Who may import whom: methods and data sets know nothing of one another and nothing of the workbench.

Both papers' packages share ``nets``, which knows none of the others.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("aif", "jacsup", "nets", "photos", "datamodules", "facet")
SHARED = {"aif": {"nets"}, "jacsup": {"nets"}, "datamodules": {"photos"}, "facet": {"photos"}}


def imported(file: Path) -> set[str]:
    """Our packages that a file imports, at any depth of the file."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names & set(PACKAGES)


@pytest.mark.parametrize("package", [name for name in PACKAGES if (ROOT / name).is_dir()])
def test_packages_know_only_themselves_and_what_they_share(package: str) -> None:
    files = list((ROOT / package).rglob("*.py"))
    assert files
    others = {str(file): imported(file) - {package} - SHARED.get(package, set()) for file in files}
    assert not {file: names for file, names in others.items() if names}


def test_the_rule_can_be_broken(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("def f():\n    from facet.judge import Judge\n    import aif.losses\n")
    assert imported(file) == {"facet", "aif"}
