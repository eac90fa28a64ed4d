"""The worked examples of docs/own-method.md, word by word, in a copy of the repository."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "own-method.md").read_text("utf-8")
FILE = re.compile(r"^`([\w/.]+)`:\n\n```(?:python|yaml)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMANDS = [
    line for block in re.findall(r"^```sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL) for line in block.splitlines()
]
CHECK = """
import sys, shlex
from facet.configuration import check, compose_config
from facet.help import help_of
from facet.identity import identity
from facet.page_arguments import for_pages
from facet.page_runs import training
from facet.pages import chosen
for line in sys.argv[1:]:
    name, *words = shlex.split(line)
    if name == "facet-reproduce":
        asked = compose_config("reproduce", for_pages("reproduce")(words))
        check(asked, "reproduce", {}, words)
        for page in chosen(asked.pages):
            for row in page.rows.values():
                check(compose_config("train", training(row, asked.seeds[0], asked, page)), "train", {}, words)
        continue
    primary = "dataset" if name == "facet-data" else "train"
    words = words[1:] if name == "facet-data" else words
    if "--help" in words:
        sys.argv[1:] = words
        assert "code_size: 32  # length of the code" in help_of(name, primary)
        continue
    config = compose_config(primary, words)
    check(config, primary, {}, words)
    if primary == "train":
        print(identity(config), config.name, config.preset, config.data.batch_size, config.data.get("resolution"))
"""
TRAIN = """
from facet.configuration import compose_config
from facet.evaluate import evaluate
from facet.page_arguments import for_pages
from facet.report.command import report
from facet.train import train
small = ["data.size_of_splits=120", "data.resolution=16", "data.batch_size=20", "data.workers=1"]
small += ["data.images_per_epoch=null"]
short = ["trainer.max_epochs=1", "model.code_size=4", "trainer.precision=32-true"]
quiet = ["logger=csv", "callbacks.progress=null"]
run = train(compose_config("train", ["model=autoencoder", "data=squares", "preset=larger", *small, *short, *quiet]))
evaluate(compose_config("evaluate", [f"run={run}"]))
asked = ["model.code_size=4", "preset=larger", "data=squares", *small, short[0], short[2], "callbacks.progress=null"]
report(compose_config("report", for_pages("report")(["autoencoders", "logger=csv", *asked])))
print(run)
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository with what the page adds to it."""
    place = tmp_path_factory.mktemp("copy")
    for name in ("aif", "jacsup", "nets", "photos", "datamodules", "facet", "conf"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    files = FILE.findall(TEXT)
    assert [name for name, _ in files] == [
        *("aif/baselines/autoencoder.py", "conf/model/autoencoder.yaml"),
        *("datamodules/squares.py", "conf/data/squares.yaml", "conf/preset/larger.yaml"),
        "conf/page/autoencoders.yaml",
    ]
    for name, text in files:
        assert not (place / name).exists(), "nothing else is touched"
        (place / name).write_text(text, "utf-8")
    return place


def ran(copy: Path, code: str, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(copy), "FACET_DATA": str(copy / "data")}
    found = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=copy, env=environment, capture_output=True, text=True, timeout=600
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.mark.whole
def test_every_command_composes_and_is_checked(copy: Path) -> None:
    assert len(COMMANDS) == 11
    said = [shlex.split(command)[0] for command in COMMANDS]
    assert set(said) == {"facet-train", "facet-data", "facet-reproduce"}
    runs = [line.split() for line in ran(copy, CHECK, *COMMANDS).splitlines()]
    assert [run[1:] for run in runs] == [
        ["autoencoder", "embedded", "64", "32"],
        ["autoencoder", "paper", "64", "64"],
        ["ifcvae_gan", "embedded", "32", "32"],
        ["autoencoder", "embedded", "64", "32"],
        ["ifcvae_gan", "larger", "128", "32"],
        ["autoencoder", "larger", "128", "32"],
        ["ifcvae_gan/high_kl", "larger", "128", "32"],
    ]
    assert len({run[0] for run in runs}) == len(runs)


@pytest.mark.whole
def test_every_method_and_every_ablation_takes_the_preset(copy: Path) -> None:
    """A preset of five lines: methods that have no batch to enlarge don't matter, there is none."""
    models = [f"facet-train preset=larger model={file.stem}" for file in sorted((copy / "conf/model").glob("*.yaml"))]
    ablations = [file.stem for file in sorted((copy / "conf/ablation").glob("*.yaml"))]
    own = dict.fromkeys(("no_jacobian", "from_scratch"), "jacsup_digits") | {"as_the_teacher": "jacsup_faces"}
    lines = [f"facet-train preset=larger model={own.get(name, 'ifcvae_gan')} ablation={name}" for name in ablations]
    found = ran(copy, CHECK, *models, *lines).splitlines()
    assert [line.split()[3] for line in found] == ["128"] * (len(models) + len(lines))


@pytest.mark.whole
def test_the_method_trains_on_the_data_set_and_is_judged(copy: Path) -> None:
    run = Path(ran(copy, TRAIN).splitlines()[-1])
    assert '"mse"' in (copy / run / "results.json").read_text("utf-8")
    page = (copy / "reports/autoencoders/index.html").read_text("utf-8")
    assert "the autoencoder’s 0." in page
    assert "IFcVAE-GAN, seed 0: never run" in page


def test_the_method_has_less_than_a_hundred_lines() -> None:
    method = [text for name, text in FILE.findall(TEXT) if "autoencoder." in name]
    assert len(method) == 2
    assert sum(len(text.splitlines()) for text in method) < 100


def test_ten_questions_take_two_files_at_most() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    part = contributing.split("## Ten questions")[1].split("\n## ")[0]
    lines = re.findall(r"^\| (?!where|---)(.*?) \| (.*?) \|$", part, re.MULTILINE)
    assert len(lines) == 10
    for question, answer in lines:
        files = re.findall(r"`([\w/.]+)`", answer)
        sections = re.findall(r"\[\"([\w ]+)\"\]\(docs/own-method\.md#([\w-]+)\)", answer)
        assert 1 <= len(files) + len(sections) <= 2, question
        assert all((ROOT / file).is_file() for file in files), question
        for title, anchor in sections:
            assert f"## {title}\n" in TEXT, question
            assert anchor == title.lower().replace(" ", "-"), question
