"""Shared by the console commands: Hydra's command line, one-line errors, and sweeps that continue after a failure."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import tempfile
import traceback
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig
from rich.console import Console

from facet.command_line import expand_homes, readable
from facet.completion import complete
from facet.configuration import config_directory, register
from facet.errors import ToldError, UserError, in_one_line
from facet.help import HELP, help_of
from facet.refusals import user_message
from facet.signals import ASKED, Stopped, handled
from facet.tab_completion import answer, asked
from facet.targets import allow
from facet.workers import NOTE, end_with_workers, is_worker, rest, stop_without_parent

USER, INTERNAL = 2, 1  # exit codes: the user's mistake, and ours
# Errors of launchers when a process was killed: joblib (it ends the other processes too), submitit, Ray (after retries)
KILLED = ("TerminatedWorkerError", "UncompletedJobError", "WorkerCrashedError")


def say(message: str, style: str | None = None) -> None:
    """Print a line to standard error."""
    Console(stderr=True, soft_wrap=True, highlight=False).print(in_one_line(message), style=style, markup=False)


def run_command(
    primary: str,
    task: Callable[[DictConfig], object],
    called: str | None = None,
    read: Callable[[Sequence[str]], list[str]] = list,
) -> None:
    """Run a command under Hydra and exit.

    Exit codes: 0; 2 after a line about the user's mistake; 1 after a traceback; 128 + the signal's number if a signal
    stopped the command (130 for Ctrl-C, 143 for SIGTERM). In a multirun every job is run, and the failed ones are
    listed at the end.

    Args:
        primary: the primary config's name.
        task: runs with the composed config. Only Hydra's sweeper (a search) reads what it returns.
        called: the command's name in messages and help; ``facet-<primary>`` if None.
        read: converts the command's arguments to Hydra's.
    """
    called = called or f"facet-{primary}"
    for stream in (sys.stdout, sys.stderr):  # a path may hold what no encoding can: Hydra's logging would fail over it
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if set(HELP) & set(sys.argv[1:]):
        print(help_of(called, primary))
        sys.exit(0)
    if asked():
        answer(primary)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises errors instead of printing them
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # torch asks Linux for large pages: steps are 2 to 5% faster
    register(primary)
    log = _place_of_log(called) / f".sweep-{uuid.uuid4().hex}"  # a file: launchers run jobs in other processes
    ended: list[int] = []  # the exit code of a single job

    def job(config: DictConfig) -> object:
        register(primary)  # again: this may be another process
        code, result = 0, None
        name = " ".join(HydraConfig.get().overrides.task)
        if is_worker() or NOTE in os.environ:
            stop_without_parent()
        if is_worker():
            os.environ["TERM"] = "dumb"  # the progress bars of several processes would overwrite one another
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            _note(log, name, None)
        try:
            expand_homes(config)
            complete(config)
            allow(config.get("allow") or (), HydraConfig.get().overrides.task)
            result = task(config)
        except Exception as error:  # reported here, so that Hydra neither prints it again nor ends the sweep
            code = report(primary, error, called)
        except SystemExit as error:
            if error.code == 1:  # from Lightning, on Ctrl-C before the first step; submitit uses other codes
                raise Stopped(signal.SIGINT) from error
            raise
        except (Stopped, KeyboardInterrupt) as error:
            if is_worker():
                rest(log, error if isinstance(error, Stopped) else Stopped(signal.SIGINT))
            raise
        if HydraConfig.get().mode != RunMode.MULTIRUN:
            ended.append(code)
            sys.exit(code)
        _note(log, name, code)
        return result

    code, killed = 0, False
    try:
        sys.argv[1:] = readable(read(sys.argv[1:]), sweep=in_sweep(sys.argv[1:]))
        with handled(end_with_workers(log), *ASKED):
            hydra.main(version_base="1.3", config_path=str(config_directory()), config_name=primary)(job)()
    except (Stopped, KeyboardInterrupt) as error:
        stopped = error if isinstance(error, Stopped) else Stopped(signal.SIGINT)
        say(f"stopped ({stopped}): run the same command to continue", "red")
        code = stopped.code
    except SystemExit as error:  # from a job, or from Hydra, which exits with 1 on a mistake in its own options
        code = ended[0] if ended else USER if error.code else 0
    except Exception as error:  # from Hydra, a sweeper or a launcher
        killed = type(error).__name__ in KILLED
        if killed:
            error = ToldError("a process of the sweep was killed: run the same command to continue")
        of_options = isinstance(error, ValueError | OSError) and user_message(primary, error) is None
        code = report(primary, UserError(" ".join(str(error).split())) if of_options else error, called)
    finally:  # removes the log, however the command ends
        of_jobs = _exit_code(log, killed)
    sys.exit(code or of_jobs)


def _place_of_log(called: str) -> Path:
    """The directory in which a sweep logs its jobs: the working directory, or the temporary one if it isn't writable.

    Other machines see the working directory. If it was deleted, relative paths mean nothing, and the command exits.
    """
    try:
        here = Path.cwd()
    except FileNotFoundError:
        say(f"{called}: the working directory is gone: change to another one", "red")
        sys.exit(USER)
    return here if os.access(here, os.W_OK, effective_ids=True) else Path(tempfile.gettempdir())


def _note(log: Path, name: str, code: int | None) -> None:
    """Log that a sweep's job has begun (code None), or its exit code."""
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps([name, code]) + "\n")


def _exit_code(log: Path, killed: bool) -> int:
    """The exit code of a sweep, after listing its failed jobs.

    0: all succeeded. 2: every job failed by the user's mistake. 1: any other failure.
    """
    lines = log.read_text("utf-8").splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    ends: dict[str, int | None] = dict(json.loads(line) for line in lines)
    for name in (name for name, code in ends.items() if killed and code is None):
        say(f"it was running: {name}", "red")
    jobs = [{"name": name, "code": code} for name, code in ends.items() if code is not None]
    failed = [job for job in jobs if job["code"]]
    if not failed:
        return 0
    say(f"{len(failed)} of the sweep's runs failed:", "red")
    for job in failed:
        say(f"  {job['name']}", "red")
    return USER if all(job["code"] == USER for job in jobs) else INTERNAL


def in_sweep(arguments: Sequence[str]) -> bool:
    """Whether the arguments ask for a sweep."""
    return bool({"-m", "--multirun"} & set(arguments))


def report(primary: str, error: Exception, called: str | None = None) -> int:
    """Print an error on standard error, a user's mistake in one line; returns the exit code."""
    if isinstance(error, ToldError):
        say(str(error), "red")
        return error.code
    line = user_message(primary, error)
    if line is None:
        traceback.print_exception(error)
        return INTERNAL
    say(f"{called or f'facet-{primary}'}: {line}", "red")
    return USER
