"""What people write on a command line, as Hydra then understands it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from facet.command_line import expand_homes, how_to_say, parsed, readable
from facet.configuration import compose_config
from facet.errors import UserError


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")


def understood(argument: str, sweep: bool = False) -> Any:
    """The value that Hydra takes from an argument, a list where it sweeps."""
    (line,) = readable([argument], sweep)
    override = parsed(line)
    assert override is not None, line
    if override.is_sweep_override():
        return [element.text if hasattr(element, "text") else element for element in override._value.list]  # type: ignore[union-attr]
    return override.value()


@pytest.mark.parametrize(
    "key",
    ["data.root", "data.labels", "data.store", "runs", "run_dir", "run", "reports", "model.initial", "+plain.root"],
)
def test_homes_in_every_path(key: str) -> None:
    assert understood(f"{key}=~/celeba") == "/home/ada/celeba"
    assert understood(f"{key}=~") == "/home/ada"
    assert understood(f"{key}='~/my faces'") == "/home/ada/my faces"
    assert understood(f"{key}=~root/x") == str(Path("~root/x").expanduser())


ODD = ["/a b", "/runs[x]=1", "/größe", "/it's", 'say "x"', "/a,b", "/a{b}", "/a(b)", "/a#b;c&d!", "a\\", "[a]"]
FAMILIAR = ["123", "1e3", "true", "runs/*/seed?", "/a:b", "${oc.env:HOME}/x"]


@pytest.mark.parametrize("path", [*ODD, *FAMILIAR])
def test_paths_are_taken_as_they_are(path: str) -> None:
    assert understood(f"data.root={path}") == path


def test_what_is_no_path_is_left_to_hydra() -> None:
    untouched = [
        "name=a b",
        "seed=1",
        "attributes=[A,B]",
        "~data.root",
        "-m",
        "data.root=null",
        "data.root='/a b'",
        "foo",
    ]
    assert readable(untouched) == untouched
    assert readable(["seed=0,1", "experiment=a,b"], sweep=True) == ["seed=0,1", "experiment=a,b"]
    assert understood("trainer.profiler=~/x") == "/home/ada/x"


def test_paths_of_a_sweep() -> None:
    assert understood("data.root=~/a,~/b c,/ä", sweep=True) == ["/home/ada/a", "/home/ada/b c", "/ä"]
    assert understood("data.root=~/a,'~/b,c'", sweep=True) == ["/home/ada/a", "/home/ada/b,c"]
    assert understood("data.root=/a,/b", sweep=True) == ["/a", "/b"]


def test_a_home_of_nobody() -> None:
    with pytest.raises(UserError, match=r"~nobody-here/x: there is no home directory of ~nobody-here"):
        readable(["data.root=~nobody-here/x"])


def test_homes_in_overrides_and_in_files() -> None:
    config = compose_config("train", ["data.root=~/a b", "runs=~"])
    assert (config.data.root, config.runs) == ("/home/ada/a b", "/home/ada")
    file = OmegaConf.create({"data": {"root": "~/a", "store": "${data.root}"}, "runs": "~", "name": "~", "run": None})
    expand_homes(file)
    assert file == {
        "data": {"root": "/home/ada/a", "store": "/home/ada/a"},
        "runs": "/home/ada",
        "name": "~",
        "run": None,
    }
    assert OmegaConf.is_interpolation(file.data, "store")


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("name=a=b", """'name="a=b"'"""),
        ("name=größe", """'name="größe"'"""),
        ("attributes=[lächelnd,Smiling]", """'attributes=["lächelnd",Smiling]'"""),
        ("attributes=[Smiling,", "'attributes=[Smiling, …]'"),
        ("Smiling]", "write KEY=VALUE"),
        ("model.x={a", "{ without }"),
    ],
)
def test_how_to_say_what_hydra_refuses(argument: str, said: str) -> None:
    assert parsed(argument) is None
    line = how_to_say(argument)
    assert line.startswith(f"{argument}: ")
    assert said in line
    assert "\n" not in line
