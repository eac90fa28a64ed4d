"""Command lines: of every command, settings that are right, misspelt, of other types, or no settings at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from fuzzing.harness import FoundError, Kind, exit_code
from fuzzing.mutations import damaged
from fuzzing.sheets import LETTERS
from hydra.core.global_hydra import GlobalHydra
from hypothesis import strategies as st

from facet import dashboard, dataset, edit, evaluate, export, train
from facet.configuration import choices, config_directory
from facet.report import command as report

COMMANDS: dict[str, tuple[str, Callable[[], object]]] = {
    "facet-train": ("train", train.main),
    "facet-evaluate": ("evaluate", evaluate.main),
    "facet-report": ("report", report.main),
    "facet-data info": ("dataset", dataset.main),
    "facet-dashboard": ("dashboard", dashboard.main),
    "facet-edit": ("edit", edit.main),
    "facet-export": ("export", export.main),
}


def listed(text: str) -> list[str]:
    """Words parted by blanks."""
    return text.split()


KEYS = (
    *listed("seed attributes name runs run_dir force save_minutes objective run split measures faces seeds overrides"),
    *listed("image set.Smiling align face paste out"),
    *listed("reports title commands experiments data.root data.labels data.store data.resolution data.batch_size"),
    *listed("data.rates data.label_noise"),
    *listed("data.train_size data.workers data.limit data.crop data._target_ model model.weights.kl model.weights.gan"),
    *listed("model.encoder.kind model.initial model._target_ networks.width networks.latent_dim networks.kind"),
    *listed("optimizers.lr trainer trainer.max_epochs trainer.precision trainer.devices trainer.accelerator data"),
    *listed("callbacks.progress callbacks.edits.faces callbacks.growth.sizes logger.mode logger.entity hydra.job.name"),
    *listed("hydra.mode hydra.sweep.dir hydra.run.dir hydra.verbose hydra/launcher hydra/sweeper hydra.searchpath"),
)
GROUPS = sorted(place.name for place in config_directory().iterdir() if place.is_dir())
VALUES = (
    *listed("0 1 -1 2 16 64 1e3 0.5 nan inf -inf 1e400 null None true False yes x a,b 0,1 1,2,3 [] [0] [0,1] '' 'a a'"),
    *("9" * 30, "9" * 5000, "", '""', "a b", "['a b']", "['a', \"b\"]", "x" * 300, "é", "𝔘", "\x1b[31m", "a\nb"),
    *listed("[a a] {} {a:1} {a: [[1]] [Smiling] [Smiling,Male] Smiling [Smilling] ~ ~/x ~nobody/x / /proc/x . .."),
    *listed("x/../y runs ? * [x]* ${seed} ${x} ${ ${oc.env:HOME} ${oc.env:NOTHING} ${count:1} ${part:0,0} ??? $(x)"),
    *listed("range(1,3) interval(0,1) choice(1,2) glob(*) glob(x int(1) str(1) sort(1) tag(x,1) a=b cpu gpu ddp `x`"),
    *listed("csv wandb all drift test val train 32-true bf16-mixed device datamodules x.y aif.ifcvae_gan.X 1.x"),
    *listed("datamodules.heads.HeadsDataModule {Smiling:.28} {Male:2}"),
    *listed("datamodules.folder.FolderDataModule datamodules.mnist.MNISTDataModule builtins.print"),
    "[" * 500,
)
WORDS = (
    *listed(
        "-m --multirun --help -h --hydra-help --version --cfg job --cfg=hydra --info all --resolve --package -p -c"
    ),
    *listed("-cn -cp -cd --config-name=x --config-dir=/nowhere --run --shell-completion -sc install=bash -x -- -"),
    *listed("--experimental-rerun = == + ~ ~data ~model.weights.kl ~data.root=1 ++ @ data@x=avatars data@:x=y"),
    *("experiment", "seed", "seed =1", "a b=c", "", " "),
)


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A command and its arguments."""
    arguments = draw(st.lists(_arguments(), max_size=4))
    if draw(st.integers(0, 5)) == 0:
        arguments.insert(0, "-m")
    return draw(st.sampled_from(("facet-train", *COMMANDS))), arguments


@st.composite
def _arguments(draw: st.DrawFn) -> str:
    match draw(st.integers(0, 9)):
        case 0:
            return draw(st.sampled_from(WORDS))
        case 1 | 2 | 3:
            group = draw(st.sampled_from(GROUPS))
            return f"{group}={draw(st.sampled_from(choices(group)) | st.sampled_from(VALUES))}"
        case 4:
            text = draw(damaged(b"data.root=/x"))[:2000].decode("utf-8", "surrogateescape")
            return text.replace("\0", "")  # which no argument can hold
    before = draw(st.sampled_from(("", "", "", "", "+", "++", "~")))
    key = draw(st.sampled_from(KEYS) | st.sampled_from(KEYS).map(lambda key: key[:-1] + "x"))
    value = draw(
        st.one_of(
            st.sampled_from(VALUES), st.sampled_from(VALUES), st.integers().map(str), st.text(LETTERS, max_size=8)
        )
    )
    return f"{before}{key}={value}".replace("\0", "")


def _attempt(given: tuple[str, list[str]], place: Path) -> int:
    """The command itself, up to where it would train, judge, draw or send something."""
    called, arguments = given
    primary, main = COMMANDS[called]
    was, home = Path.cwd(), {"HOME": str(place / "home")}
    (place / "here").mkdir()
    os.chdir(place / "here")
    nothing: Any = lambda *given, **settings: None  # noqa: E731
    try:
        with (
            patch.object(sys, "argv", [*called.split(), *arguments]),
            patch.dict(os.environ, home),
            patch("facet.train._train", nothing),
            patch("facet.train.objective", nothing),
            patch("facet.train.train_apart", nothing),
            patch("facet.evaluate.judge_run", nothing),
            patch("facet.dashboard.layout", nothing),
            patch("datamodules.mnist._download", nothing),
            patch("datamodules.celeba._download", nothing),
        ):
            code = exit_code(primary, main)
    finally:
        os.chdir(was)
        GlobalHydra.instance().clear()
    if left := [
        file for file in (place / "here").rglob(".*") if file.is_file()
    ]:  # what is written before it is renamed
        raise FoundError(f"left behind: {left}")
    return code


KINDS = (Kind("command lines", lines(), _attempt, few=6),)
