"""What configs may make: a run directory of somebody else's starts nothing, and plug-ins do when they are allowed."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf
from tiny import tiny

from facet import targets
from facet.configuration import check, compose_config, config_directory
from facet.errors import UserError
from facet.evaluate import evaluate
from facet.identity import resolved, run_directory
from facet.making import make
from facet.records import read_config

EVIL = "import pathlib\npathlib.Path({mark!r}).touch()\ndef evil(*args, **kwargs):\n    return None\n"
ASKED = compose_config("evaluate", [])
CALLS: dict[str, dict[str, Any]] = {
    "hub": {"_target_": "torch.hub.load", "repo_or_dir": ".", "source": "local", "model": "evil"},
    "load": {"_target_": "torch.load", "f": "evil.pt", "weights_only": False},
    "ours-imported-it": {"_target_": "facet.build.torch.hub.load", "repo_or_dir": ".", "source": "local"},
    "function-of-ours": {"_target_": "datamodules.workers.run_jobs", "function": "evil:evil", "jobs": [{}]},
    "by-name": {"_target_": "hydra.utils.get_method", "path": "evil.evil"},
    "by-class": {"_target_": "hydra.utils.get_class", "path": "evil.evil"},
    "partial": {"_target_": "evil.evil", "_partial_": True},
    "arguments": {"_target_": "torch.optim.Adam", "_partial_": True, "_args_": [{"_target_": "evil.evil"}]},
    "in-a-list": {"_target_": "aif.networks.Encoder", "resolution": [{"deep": {"_target_": "evil.evil"}}]},
    "not-recursive": {"_target_": "aif.networks.Encoder", "_recursive_": False, "width": {"_target_": "evil.evil"}},
    "private": {"_target_": "facet.curves._File", "path": "/x", "batches": 0},
    "a-path": {"_target_": "aif./evil.evil"},
    "a-class-of-nothing": {"_target_": {"_target_": "evil.evil"}},
}


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A run's config; beside the run lie modules that leave a mark if they are imported."""
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints" / "last.ckpt").write_bytes(b"not looked at before the config")
    for place in (run, tmp_path):
        for name in ("evil", "hubconf", "aif", "torch"):
            (place / f"{name}.py").write_text(EVIL.format(mark=str(tmp_path / "mark")))
    monkeypatch.chdir(run)
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "evil.py").write_text(EVIL.format(mark=str(tmp_path / "mark")))
    return resolved(tiny(tmp_path))


def judged(root: Path, config: dict[str, Any]) -> None:
    (root / "run" / "config.yaml").write_text(yaml.safe_dump(config))
    evaluate(OmegaConf.merge(ASKED, {"run": str(root / "run")}))  # type: ignore[arg-type]


def test_a_run_of_somebody_elses_calls_nothing(stored: dict[str, Any], tmp_path: Path) -> None:
    for call in CALLS.values():
        with pytest.raises(UserError, match=r"config\.yaml.* config key model|config\.yaml.* model\._target_"):
            judged(tmp_path, {**stored, "model": call})
        with pytest.raises(UserError, match=r"config\.yaml.* config key model\.encoder"):
            judged(tmp_path, {**stored, "model": {**stored["model"], "encoder": call}})
    with pytest.raises(UserError, match=r"config key data\._target_: torch\.hub\.load is refused"):
        judged(tmp_path, {**stored, "data": CALLS["hub"]})
    assert not (tmp_path / "mark").exists()
    assert "evil" not in sys.modules


def test_nothing_is_made_of_such_a_node_either(stored: dict[str, Any], tmp_path: Path) -> None:
    """Whoever hands it over: the check before is for the sake of a better message."""
    for call in CALLS.values():
        node = OmegaConf.create({"model": {**stored["model"], "encoder": call}}).model
        with pytest.raises(UserError, match=r"config key model\.encoder.*_target_: .*(refused|can't be imported)"):
            make(node)
    assert not (tmp_path / "mark").exists()


def test_an_interpolated_target_is_looked_at_as_what_it_comes_to(stored: dict[str, Any], tmp_path: Path) -> None:
    config = OmegaConf.create({"name": "evil.evil", "model": {**stored["model"], "encoder": {"_target_": "${name}"}}})
    with pytest.raises(UserError, match=r"model\.encoder\._target_: evil\.evil is refused"):
        make(config.model)


ODD = {
    "name: ${oc.env:HOME}": r"line \d+: an interpolation",
    r"name: \${oc.env:HOME}": r"line \d+: an interpolation",
    "${oc.env:HOME}: 1": r"line \d+: an interpolation",
    "name: !!python/object/apply:os.system [touch mark]": r"line \d+: a tag",
    "a: &a [1, 1]\nb: &b [*a, *a]\nc: [*b, *b]": r"line \d+: a reference",
    "a: &a {b: 1}\nc: {<<: *a}": r"line \d+: a reference",
    "name: " + "[" * 5000 + "]" * 5000: "more than 30 levels",
    "name: a\nname: b": "duplicate key",
    "--- {}\n--- {}": "a single document",
    "- 1": "valid dict",
    "nothing": "Field required",
    "": "Field required",
    "seed: " + "9" * 5000: "limit",
    "name: a\nseed: true": "seed: Input should be a valid integer",
    "name: [a": "expected",
    "name: \0": "special characters",
    "#" * 2**20 + "\n": "that such a file may have",
}


def test_a_config_that_no_training_wrote_is_one_line(tmp_path: Path) -> None:
    for text, told in ODD.items():
        (tmp_path / "config.yaml").write_text(text)
        with pytest.raises(UserError, match=rf"config\.yaml can't be used: .*{told}") as raised:
            read_config(tmp_path / "config.yaml")
        assert "\n" not in str(raised.value)


def test_whatever_our_configs_name_may_be_made() -> None:
    texts = [file.read_text("utf-8") for file in config_directory().rglob("*.yaml")]
    named = {target for text in texts for target in re.findall(r"_target_: (\S+)", text)}
    assert len(named) > 30
    assert not [target for target in named if not targets.is_allowed(target)]


def test_what_is_listed_of_libraries_is_there() -> None:
    from hydra.utils import get_object

    assert all(isinstance(get_object(name), type) for name in targets.LIBRARIES)
    assert all(callable(get_object(name)) for name in targets.FUNCTIONS)


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with a network of its own, re-exported at its top, and a name of a library's."""
    (tmp_path / "plugged").mkdir()
    (tmp_path / "plugged" / "__init__.py").write_text("from plugged.networks import Wide\n")
    imports = "import torch\nfrom torch.hub import load\nfrom aif.networks import Encoder\n"
    (tmp_path / "plugged" / "networks.py").write_text(f"{imports}class Wide(Encoder):\n    pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(targets, "_others", ())


@pytest.mark.usefixtures("plug_in")
def test_a_plug_in_is_made_of_what_is_its_own(tmp_path: Path) -> None:
    config = tiny(tmp_path, "model.encoder._target_=plugged.Wide")
    with pytest.raises(
        UserError, match=r"plugged\.Wide is refused.*add allow=\[plugged\.Wide\], or its package, on the command line"
    ):
        check(config, overrides=())
    for allowed in ("plugged", "plugged.Wide"):
        targets.allow([allowed], [f"allow=[{allowed}]"])
        check(config, overrides=())
        assert type(make(config.model).encoder).__name__ == "Wide"
    targets.allow(["plugged"], ["allow=[plugged]"])
    for others in ("plugged.networks.load", "plugged.networks.torch.hub.load", "pluggedtoo.Wide"):
        assert not targets.is_allowed(others)


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "a//b", ".", "a\nb"])
def test_a_runs_name_leads_nowhere_else(name: str, tmp_path: Path) -> None:
    config = tiny(tmp_path)
    config.name = name
    with pytest.raises(UserError, match=r"name=.*it must be a path below runs="):
        run_directory(config)


def test_only_the_command_line_allows(tmp_path: Path, stored: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="allow= is set in a config file"):
        targets.allow(["os"], ["experiment=mine"])
    stored |= {"allow": ["evil"]}
    stored["model"] = {"_target_": "evil.evil"}
    with pytest.raises(UserError, match="evil is refused"):
        judged(tmp_path, stored)
    assert "allow" not in resolved(tiny(tmp_path, "allow=[evil]")), "nor is it stored"
