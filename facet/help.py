"""``--help`` of a command: its keys as their file has them, and the choices of every group."""

from __future__ import annotations

from facet.configuration import choices, config_directory, primary_keys

HELP = ("-h", "--help")


def help_of(called: str, primary: str) -> str:
    """What may be said to a command.

    Args:
        called: as it is called, such as ``facet-train``.
        primary: its primary config's name.
    """
    root = config_directory()
    lines = [f"{called} KEY=VALUE …      (-m: a sweep over values parted by commas; --hydra-help: Hydra's own options)"]
    lines += ["", (root / f"{primary}.yaml").read_text("utf-8").split("\nhydra:")[0].strip(), "", "Choices:", ""]
    for group in primary_keys(primary):
        if found := choices(group):
            lines.append(f"{group}= {' '.join(found)}")
    return "\n".join(lines)
