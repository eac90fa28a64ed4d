"""Every command in README, CONTRIBUTING, docs and scripts composes and finds its data; every target is there."""

from __future__ import annotations

import ast
import importlib.util
import itertools
import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_celeba import small_celeba

from facet.build import make
from facet.command_line import parsed, readable
from facet.commands import in_sweep
from facet.configuration import check, compose_config
from facet.help import HELP, help_of
from facet.packaged import as_runs
from facet.page_arguments import for_pages
from facet.page_runs import training
from facet.pages import chosen

ROOT = Path(__file__).parents[1]
# Not docs/log/: what was run once, whose settings and targets may be gone
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LONG = 100  # jobs of a sweep, of which the first and the last are looked at
PRIMARY = {
    "facet-train": "train",
    "facet-evaluate": "evaluate",
    "facet-report": "report",
    "facet-dashboard": "dashboard",
    "facet-demo": "demo",
    "facet-edit": "edit",
    "facet-info": "info",
    "facet-export": "export",
}
VERBS = {
    "facet-data": dict.fromkeys(("info", "build", "verify"), "dataset"),
    "facet-bench": {"data": "bench", "steps": "bench_steps"},
}
COMMAND = re.compile(r"(?:time )?(?:[A-Z_]+=\S* )*(?:\.venv/bin/)?(?:facet-[a-z]+|make|python|pip)\b(?!-)")


def fenced(page: Path) -> Iterator[tuple[str, str]]:
    """(what a fenced block is said to hold, its text); not Sphinx's own, such as ``{toctree}``."""
    blocks = re.findall(r"^```(\S*)\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    yield from ((kind, text) for kind, text in blocks if not kind.startswith("{"))


def documented() -> list[str]:
    """Every command, once: lines of fenced blocks, and whole commands in the text."""
    found = [
        line
        for script in sorted((ROOT / "scripts").glob("*.sh"))
        for line in script.read_text("utf-8").splitlines()
        if COMMAND.match(line)
    ]
    for page in PAGES:
        for kind, text in fenced(page):
            found += [line for line in text.splitlines() if not kind and COMMAND.match(line)]
        text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        found += [" ".join(said.split()) for said in re.findall(r"`([^`]+)`", text) if COMMAND.match(said)]
    return sorted({line for said in found if len((line := re.sub(r"\s+# .*", "", said)).split()) > 1})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home directory with what the pages speak of: ``~/celeba`` and ``~/faces``."""
    home = tmp_path_factory.mktemp("home")
    faces = small_celeba(home / "celeba") / "img_align_celeba"
    (home / "faces").symlink_to(faces)
    splits = itertools.cycle(("train", "val", "test"))
    lines = [f"{file.name},{i % 2},{i % 5 % 2},{next(splits)}" for i, file in enumerate(sorted(faces.iterdir()))]
    (faces / "labels.csv").write_text("\n".join(["file,Smiling,Wearing_Hat,split", *lines]) + "\n")
    return home


@pytest.mark.parametrize("command", documented())
def test_a_command_works(command: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(home))
    words = shlex.split(command.replace("…", "ETC"))
    words = words[words[0] == "time" :]
    settings = dict(word.split("=", 1) for word in itertools.takewhile(lambda word: re.match("[A-Z_]+=", word), words))
    attempt(words[len(settings) :], settings)


def attempt(words: list[str], settings: dict[str, str]) -> None:
    """Compose and check what a command would do."""
    name, *arguments = words
    if name == "make":
        attempt_target(arguments, settings)
    elif name == "pip":
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
        assert set(re.findall(r"facet-lab\[([\w,]+)\]", " ".join(arguments))) <= set(extras)
    elif name == "python" and arguments[0] == "-c":
        code = ast.parse(arguments[1])
        code.body = [statement for statement in code.body if isinstance(statement, ast.Import | ast.ImportFrom)]
        exec(compile(code, "python -c", "exec"), {})  # all of it would draw tens of thousands of faces
    elif name == "python" and arguments[0].endswith(".py"):
        assert (ROOT / arguments[0]).is_file(), arguments
    elif name == "python":
        assert arguments[0] == "-m", arguments
        assert importlib.util.find_spec(arguments[1]), arguments
        if arguments[2:] and not arguments[1].startswith("tests."):  # which take settings of their own
            attempt(arguments[2:], settings)
    elif name == "facet-reproduce":
        attempt_run("reproduce", arguments)
        config = compose_config("reproduce", for_pages("reproduce")([word for word in arguments if word != "ETC"]))
        for page in chosen(config.pages):
            row = next(iter(page.rows.values()))  # tests/facet/test_configuration.py checks every row
            attempt_run("train", list(training(row, 0, config, page)))
    elif name in VERBS:
        attempt_run(VERBS[name][arguments[0]], arguments[1:])
    else:
        attempt_run(PRIMARY[name], arguments)


def attempt_target(arguments: list[str], settings: dict[str, str]) -> None:
    """A target of make, and every command that it would run."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")} | settings
    done = subprocess.run(
        ["make", "-n", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    lines = re.sub(r"\\\n\s*", "", done.stdout).splitlines()
    for part in {part.strip() for line in lines for part in re.split(r";|&&", line)}:
        if words := re.search(r"python3? -m facet\.reproduce (.*)", part):
            attempt(["facet-reproduce", *shlex.split(words[1])], settings)


def attempt_run(primary: str, arguments: list[str]) -> None:
    """A command's arguments, as its door takes them; of a sweep every job."""
    if set(HELP) & set(arguments):
        assert help_of("facet", primary)
        return
    printed = {"--cfg", "job", "--resolve"} if "--cfg" in arguments else set()
    given = [word for word in arguments if word not in {"ETC", *printed}]
    if primary in ("evaluate", "report", "reproduce"):
        given = for_pages(primary)(given)
    if primary in ("edit", "demo"):
        given = as_runs(given)
    sweep = in_sweep(given)
    lines = [word for word in readable(given, sweep) if word != "-m"]
    understood = [override for line in lines if (override := parsed(line))]
    assert len(understood) == len(lines), lines
    several = [
        [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]
        if override.is_sweep_override()
        else [line]
        for line, override in zip(lines, understood, strict=True)
    ]
    jobs = list(itertools.product(*several))
    assert len(jobs) == 1 or sweep, f"{arguments}: several values without -m"
    for job in jobs if len(jobs) < LONG else (jobs[0], jobs[-1]):
        config = compose_config(primary, job)
        check(config, primary, overrides=job)
        if "data" in config:
            data = make(config.data)
            if Path(str(config.data.root)).is_dir():
                assert all(data.size(split) for split in ("train", "val", "test"))


def test_commands_are_found() -> None:
    commands = documented()
    assert len(commands) > 60
    assert {COMMAND.match(line)[0].split()[-1] for line in commands} >= {*PRIMARY, *VERBS, "facet-reproduce", "make"}  # type: ignore[index]
    assert "facet-train data=celeba data.root=~/celeba" in commands


def test_every_block_is_of_a_known_kind() -> None:
    """So that nobody hides a command from this test: a block is of commands, of Python, or of no command at all."""
    for page in PAGES:
        for kind, text in fenced(page):
            if kind == "python":
                compile(text, page.name, "exec")
            else:
                lines = [line for line in text.splitlines() if line.strip()]
                commands = [line for line in lines if COMMAND.match(line)]
                assert len(commands) in (0, len(lines)), f"{page.name}: {set(lines) - set(commands)}"


@pytest.mark.parametrize(
    "command",
    [
        "facet-train experiment=jacsup/bst",
        "facet-train data=celeba data.rot=~/celeba",
        "facet-train data=folder data.root=~/nowhere",
        "facet-train seed=0,1",
        "facet-train attributes=[Smilling]",
        "facet-train name=a=b",
        "facet-data inform data=avatars",
        "make reproduce-table9",
        'make reproduce-table1 EXTRA="modle.x=1"',
    ],
)
def test_a_line_that_cannot_work_is_found(command: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BaseException):  # noqa: B017, PT011 - whatever says so
        test_a_command_works(command, home, monkeypatch)
