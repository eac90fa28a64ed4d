"""``facet-demo``: a local page on which a model's attributes are edited with sliders."""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
import tempfile
import threading
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Le
from omegaconf import DictConfig

from facet import packaged
from facet.commands import run_command, say
from facet.configuration import check
from facet.errors import UserError
from facet.signals import Stopped

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Settings:
    """facet-demo: opens a page on which you edit pictures with sliders, with one model or several side by side. For
    example: facet-demo run=runs/ifcvae_gan/seed0-1a2b3c4d. Instead of run=, model= names models that come with Facet,
    such as model=mnist-best or model=[avatars-ten,avatars-best]; without both, these are all models of drawn faces.
    """

    run: str | tuple[str, ...] | None = None  # run directories or weights.safetensors files, such as [a,b] for two
    host: str = "127.0.0.1"  # this machine alone; 0.0.0.0 lets others in
    port: Annotated[int, Ge(1), Le(65535)] = 7860  # of the address that the browser opens
    browser: bool = True  # whether the page is opened, if this machine has a screen and a browser
    groups: ClassVar[dict[str, str | None]] = {}


def main() -> None:
    """The console command."""
    run_command("demo", demo, read=packaged.as_runs)


def demo(config: DictConfig) -> None:
    """Serve the page until Ctrl-C.

    Raises:
        UserError: no such model, Gradio is missing, or the port is taken.
    """
    check(config, "demo")
    sources = sources_of(config)
    check_free(config.host, config.port)
    with tempfile.TemporaryDirectory(prefix="facet-demo-") as files:
        prepare(Path(files))
        try:
            import gradio  # noqa: F401
        except ImportError as error:
            raise UserError("the demo needs Gradio: pip install 'facet-lab[demo]'") from error
        import torch

        from facet.demonstration.columns import columns_of
        from facet.demonstration.page import Page

        torch.set_num_threads(max(1, torch.get_num_threads() // 2))  # the other half is for the browser
        blocks = Page(columns_of(sources)).build()
        try:
            address = serve(blocks, config.host, config.port)
            say(f"the demo: {address} (Ctrl-C ends it)")
            if config.browser:
                show(address)
            if config.host not in LOOPBACK:
                say("everyone who reaches this machine can open it", "yellow")
            threading.Event().wait()
        except (Stopped, KeyboardInterrupt) as stopped:
            if isinstance(stopped, Stopped) and stopped.signum != signal.SIGINT:
                raise
        finally:
            blocks.close(verbose=False)


SHOWN = ("avatars-ten", "avatars-jacsup", "avatars-best")
"""The models that are shown if none is named: all of the same data, since all see one picture."""


def sources_of(config: DictConfig) -> list[str]:
    """The models to show."""
    run = [config.run] if isinstance(config.run, str) else list(config.run or ())
    if len(run) == 1 and run[0].startswith("[") and run[0].endswith("]") and not Path(run[0]).exists():
        run = [each.strip() for each in run[0][1:-1].split(",")]  # the command line takes it for a path
    return run or [str(packaged.folder(name)) for name in SHOWN]


def show(address: str) -> None:
    """Open an address in a browser, if this machine has a screen: a browser of a terminal would take the terminal."""
    if sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")):
        webbrowser.open(address)


def check_free(host: str, port: int) -> None:
    """Refuse an address on which nothing can be served.

    Raises:
        UserError: the port is taken, or the host isn't this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        raise UserError(refused(host, port, error)) from error


def refused(host: str, port: int, error: OSError) -> str:
    """The message for an address that can't be served."""
    if error.errno == errno.EADDRINUSE:
        return f"port={port} is taken: try port={port + 1 if port < 65535 else 7860}"
    return f"host={host} port={port} can't be used: {error.strerror or error}"


def prepare(files: Path) -> None:
    """Tell Gradio, before it is imported, to stay on this machine.

    Args:
        files: where it may put files.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["GRADIO_TEMP_DIR"] = str(files)
    for name in ("no_proxy", "NO_PROXY"):  # Gradio asks its own page whether it is there
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), *LOOPBACK]))


def serve(blocks: Any, host: str, port: int) -> str:
    """Start to serve a page; returns its address.

    Raises:
        UserError: the port was taken meanwhile.
    """
    from facet.demonstration.page import CSS, LARGEST_FILE, theme

    blocks.queue(default_concurrency_limit=4)
    quiet: dict[str, Any] = {"share": False, "quiet": True, "run_history": False, "enable_monitoring": False}
    off: dict[str, Any] = {"footer_links": [], "ssr_mode": False, "mcp_server": False, "pwa": False, "inline": False}
    try:
        _, address, _ = blocks.launch(
            server_name=host,
            server_port=port,
            prevent_thread_lock=True,
            max_file_size=LARGEST_FILE,
            state_session_capacity=100,
            theme=theme(),
            css_paths=CSS,
            **quiet,
            **off,
        )
    except OSError as error:
        raise UserError(refused(host, port, error)) from error
    return str(address)


if __name__ == "__main__":
    main()
