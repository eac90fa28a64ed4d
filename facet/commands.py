"""What the console commands share: Hydra's command line, errors in one line, and sweeps that go on past a failure."""

from __future__ import annotations

import json
import os
import re
import sys
import traceback
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, InstantiationException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from rich.console import Console

from facet.configuration import compose_config, config_directory, register_resolvers
from facet.errors import ToldError, UserError, nearest

USER, INTERNAL, STOPPED = 2, 1, 130  # exit codes: the user's mistake, ours, and Ctrl-C


def say(message: str, style: str | None = None) -> None:
    """A line to standard error."""
    Console(stderr=True, soft_wrap=True, highlight=False).print(message, style=style, markup=False)


def run_command(primary: str, task: Callable[[DictConfig], object], called: str | None = None) -> None:
    """Run a command under Hydra and exit: 0, 2 after a line about the user's mistake, 1 after a traceback, 130 stopped.

    In a multirun every job is tried; those that failed are listed at the end. What a task returns is handed to Hydra's
    sweeper (a search), and nobody else.
    """
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands errors on instead of printing them
    sys.argv[1:] = for_every_job(sys.argv[1:])
    register_resolvers()
    log = Path.cwd() / f".sweep-{uuid.uuid4().hex}"  # in a file, because launchers run jobs in processes of their own

    def job(config: DictConfig) -> object:
        register_resolvers()  # again: in another process
        code, result = 0, None
        try:
            result = task(config)
        except Exception as error:  # told here, so that Hydra neither prints it again nor ends a sweep
            code = report(primary, error, called)
        if HydraConfig.get().mode != RunMode.MULTIRUN:
            sys.exit(code)
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"code": code, "name": " ".join(HydraConfig.get().overrides.task)}) + "\n")
        return result

    code = 0
    try:
        hydra.main(version_base="1.3", config_path=str(config_directory()), config_name=primary)(job)()
    except KeyboardInterrupt:
        say("stopped", "red")
        code = STOPPED
    except Exception as error:
        code = report(primary, error, called)
    finally:  # whoever ended the process
        of_jobs = _exit_code(log)
    sys.exit(code or of_jobs)


def _exit_code(log: Path) -> int:
    """0 if all of a sweep's jobs went well; else their list, and 2 if nothing could run, 1 if something failed."""
    jobs = [json.loads(line) for line in log.read_text("utf-8").splitlines()] if log.exists() else []
    log.unlink(missing_ok=True)
    failed = [job for job in jobs if job["code"]]
    if not failed:
        return 0
    say(f"{len(failed)} of the sweep's runs failed:", "red")
    for job in failed:
        say(f"  {job['name']}", "red")
    return USER if all(job["code"] == USER for job in jobs) else INTERNAL


def for_every_job(arguments: Sequence[str]) -> list[str]:
    """A sweep's arguments, so that a setting may be one which only a swept group brings (``experiment=a,b``).

    Hydra composes a sweep once without what is swept, and would refuse it there. With ``++`` it doesn't, and each job's
    own check (:func:`facet.configuration.check`) refuses what the job doesn't know.
    """
    if not {"-m", "--multirun"} & set(arguments):
        return list(arguments)
    return [lenient(argument) for argument in arguments]


def lenient(argument: str) -> str:
    """A setting with ``++``, so that Hydra composes it wherever it may belong; anything else as it is."""
    setting = re.compile(r"(?!hydra\.)[a-z_]+\.[\w.]+=")
    return f"++{argument}" if setting.match(argument) else argument


def report(primary: str, error: Exception, called: str | None = None) -> int:
    """Tell an error on standard error, the user's in one line, and give the exit code."""
    if isinstance(error, ToldError):
        say(str(error), "red")
        return error.code
    line = user_message(primary, error)
    if line is None:
        traceback.print_exception(error)
        return INTERNAL
    say(f"{called or f'facet-{primary}'}: {line}", "red")
    return USER


def user_message(primary: str, error: Exception) -> str | None:
    """The one line for a user's mistake; None if the mistake is ours."""
    if isinstance(error, UserError):
        return str(error)
    text = str(error)
    if isinstance(error, InstantiationException):
        return None  # a constructor of ours failed; what it refuses is a UserError already
    if isinstance(error, HydraException | OmegaConfBaseException):
        match = re.search(r"Could not override '([^']+)'", text)
        if match:
            return f"unknown config key {match[1]}; nearest: {nearest(match[1], _keys(primary))}"
        match = re.search(r"Could not find '([^']+)/([^'/]+)'", text)
        if match:
            choices = re.findall(r"^\t(\S+)$", text, re.MULTILINE)
            return f"{match[1]}={match[2]}: no such choice; nearest: {nearest(match[2], choices)}"
        return " ".join(text.split())
    return None


def _keys(primary: str) -> list[str]:
    """Every key of the primary config with the groups chosen on the command line, dotted."""

    def walk(node: object, path: str) -> list[str]:
        if not isinstance(node, dict):
            return [path]
        return [path] * bool(path) + [k for key, v in node.items() for k in walk(v, f"{path}.{key}".lstrip("."))]

    chosen = [word for word in sys.argv[1:] if re.fullmatch(r"[a-z_]+=[\w/-]+", word)]  # experiment=jacsup/chain
    try:
        config = compose_config(primary, chosen)
    except (HydraException, OmegaConfBaseException):  # one of them is what can't be understood
        config = compose_config(primary, [])
    return walk(OmegaConf.to_container(config, resolve=False), "")
