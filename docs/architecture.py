"""Draws ``docs/images/architecture.svg`` from the imports: ``python docs/architecture.py``.

A room is a package, or a part of ``facet``: a folder, the commands (the modules of ``[project.scripts]``), or the core,
which is the rest. A solid arrow means that some module of one room imports a module of another, anywhere in its text.
A dashed arrow means that ``conf/`` names a class of the package as a ``_target_``, which Hydra makes without an import.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "architecture.svg"
PACKAGES = [
    name
    for name in ("aif", "jacsup", "datamodules", "nets", "photos", "facet")
    if (ROOT / name / "__init__.py").is_file()
]
SCRIPTS: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
ORDER = (
    "measures",
    "callbacks",
    "benchmarks",
    "report",
    "for people",
)  # so that most arrows join neighbours; others come after these
FOR_PEOPLE = ("demonstration", "editing", "exporting", "info")  # small rooms that share a box
WORDS = {
    "commands": [" · ".join(list(SCRIPTS)[:6]), " · ".join(list(SCRIPTS)[6:])],
    "measures": ["edits, leakage, drift,", "swaps, Jacobians"],
    "callbacks": ["saving, averaging,", "edits while training"],
    "benchmarks": ["a step's time and", "memory, the floor"],
    "report": ["a page's tables,", "figures and texts"],
    "core": ["configs and their checks · runs and checkpoints · the judge · the protocols that methods meet"],
    "conf": ["what can be said on the command line; names classes as _target_, Hydra makes them"],
    "aif": ["IFcVAE-GAN and the systems", "that it is compared with"],
    "jacsup": ["students that grow under", "their teacher's Jacobian"],
    "datamodules": ["avatars, CelebA, MNIST,", "folders; the packed store"],
    "nets": ["what both papers' networks need of torch"],
    "photos": ["picture files and squares"],
    "for people": ["editing/ exporting/", "demonstration/ info/"],
}
INK, BLUE, AMBER, GREEN, VIOLET, GREY, ROSE = (
    "#24292f",
    "#2f5f9e",
    "#9a6700",
    "#2d7d46",
    "#6f42a0",
    "#57606a",
    "#b04a1f",
)
COLORS = {"aif": ROSE, "jacsup": GREEN, "datamodules": VIOLET, "nets": GREY, "photos": GREY, "conf": AMBER}
FILLS = {BLUE: "#e7f0fa", AMBER: "#fff4d6", GREEN: "#e5f5ea", VIOLET: "#f2ebfb", GREY: "#eef0f2", ROSE: "#fdece3"}


@dataclass(frozen=True)
class Box:
    """A room's place in the picture, in pixels."""

    name: str
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height


def room(module: str) -> str:
    """The room of a dotted name."""
    package, *rest = module.split(".")
    if package != "facet":
        return package
    if rest and (ROOT / "facet" / rest[0]).is_dir():
        return "for people" if rest[0] in FOR_PEOPLE else rest[0]
    commands = {target.split(":")[0].split(".")[1] for target in SCRIPTS.values()}
    return "commands" if rest and rest[0].split("_")[0] in commands else "core"


def imports(file: Path) -> Iterator[str]:
    """Dotted names of ours that a file imports, at any depth of the file."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in PACKAGES)


def edges() -> set[tuple[str, str]]:
    """(room, a room that it imports)."""
    found = set()
    for file in (file for package in PACKAGES for file in (ROOT / package).rglob("*.py")):
        here = room(".".join(file.relative_to(ROOT).with_suffix("").parts))
        found |= {(here, room(name)) for name in imports(file)}
    return {(here, there) for here, there in found if here != there}


def targets() -> set[str]:
    """Packages of which ``conf/`` names a class."""
    text = "\n".join(file.read_text("utf-8") for file in (ROOT / "conf").rglob("*.yaml"))
    return {name for name in re.findall(r"_target_: (\w+)\.", text) if name in PACKAGES}


def placed() -> dict[str, Box]:
    """Where every room stands: commands above facet's folders above its core; below conf/ the packages."""
    folders = {room(f"facet.{file.parent.name}") for file in (ROOT / "facet").glob("*/__init__.py")}
    middle = sorted(folders, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    gap = 26.0
    width = (844 - gap * (len(middle) - 1)) / len(middle)
    boxes = [Box("commands", 40, 46, 880, 70), Box("core", 40, 284, 880, 56), Box("conf", 20, 402, 920, 56)]
    boxes += [Box(name, 76 + i * (width + gap), 164, width, 70) for i, name in enumerate(middle)]
    boxes += [Box(name, 20 + i * 315, 514, 290, 76) for i, name in enumerate(("aif", "jacsup", "datamodules"))]
    if "nets" in PACKAGES:
        boxes.append(Box("nets", 20, 634, 605, 56))
    if "photos" in PACKAGES:
        boxes.append(Box("photos", 650, 634, 290, 56))
    return {box.name: box for box in boxes}


def line(points: list[tuple[float, float]], dashed: bool = False, both: bool = False) -> str:
    """An arrow along points, on a white shadow that parts it from what it crosses."""
    path = "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
    style = ' stroke-dasharray="5 4"' if dashed else ""
    ends = ' marker-end="url(#head)"' + (' marker-start="url(#head)"' if both else "")
    return (
        f'<path d="{path}" stroke="#ffffff" stroke-width="6"/>\n'
        f'<path d="{path}" stroke="{GREY}" stroke-width="1.6"{style}{ends}/>'
    )


def arrow(here: Box, there: Box, rooms: dict[str, Box], both: bool) -> str:
    """From one room to another: straight between neighbours, else above the row or down the left side."""
    if here.y == there.y:
        left, right = sorted((here, there), key=lambda box: box.x)
        between = [box for box in rooms.values() if box.y == here.y and left.x < box.x < right.x]
        if not between:
            ends = [(here.x, here.y + 35), (there.right, there.y + 35)]
            return line(ends if here is right else [(here.right, here.y + 35), (there.x, there.y + 35)], both=both)
        start, end = (here.x + 24, there.right - 24) if here is right else (here.right - 24, there.x + 24)
        return line([(start, here.y), (start, here.y - 22), (end, here.y - 22), (end, there.y)], both=both)
    upper, lower = sorted((here, there), key=lambda box: box.y)
    passed = [box for box in rooms.values() if upper.bottom < box.y and box.bottom < lower.y]
    aside = 58.0 if lower.x < 600 else 912.0  # down the side that the lower room is at
    x = aside if passed else min(here, there, key=lambda box: box.width).middle
    down = [(x, upper.bottom), (x, lower.y)]
    return line(down if here is upper else down[::-1], both=both)


def drawn_box(box: Box) -> str:
    """A room: its name, and a word on what it is for."""
    color = COLORS.get(box.name, BLUE)
    parts = [
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="8" '
        f'fill="{FILLS[color]}" stroke="{color}" stroke-width="1.4"/>'
    ]
    words = WORDS.get(box.name, [])
    top = box.y + box.height / 2 - (len(words) * 17) / 2 + 5
    name = f"{box.name}/" if box.name not in ("commands", "for people", "core") else box.name
    parts.append(text(box.middle, top, name, 16, color, bold=True))
    size = min(13, box.width / (0.56 * max(map(len, words), default=1)))  # a narrow box has small letters
    parts += [text(box.middle, top + 19 + 16 * i, word, size) for i, word in enumerate(words)]
    return "\n".join(parts)


def text(
    x: float, y: float, said: str, size: float, color: str = INK, bold: bool = False, anchor: str = "middle"
) -> str:
    """A line of text at its base line."""
    weight = ' font-weight="600"' if bold else ""
    style = f'font-size="{size:.3g}" fill="{color}" text-anchor="{anchor}"{weight}'
    return f'<text x="{x:g}" y="{y:g}" {style}>{escape(said)}</text>'


def drawn() -> str:
    """The picture as SVG, the same for the same imports."""
    rooms, found = placed(), edges()
    bottom = max(box.bottom for box in rooms.values()) + 44
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 {bottom:g}" width="960" height="{bottom:g}" '
        "font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\">",
        f'<defs><marker id="head" markerWidth="9" markerHeight="8" refX="8" refY="4" orient="auto-start-reverse">'
        f'<path d="M0 0 L9 4 L0 8 z" fill="{GREY}"/></marker></defs>',
        f'<rect width="960" height="{bottom:g}" fill="#ffffff"/>',
        f'<rect x="20" y="16" width="920" height="340" rx="12" fill="#f7fafd" stroke="{BLUE}" stroke-width="1.4"/>',
        text(40, 38, "facet/", 16, BLUE, bold=True, anchor="start"),
        text(96, 38, "the workbench: knows methods and data sets by protocols alone", 13, anchor="start"),
        '<g fill="none" stroke-linejoin="round">',
    ]
    parts += [
        arrow(rooms[here], rooms[there], rooms, (there, here) in found)
        for here, there in sorted(found)
        if (there, here) not in found or here < there
    ]
    named = targets()
    parts.append(line([(480, 356), (480, 402)], dashed=True, both="facet" in named))
    parts += [
        line([(rooms[name].middle, 458), (rooms[name].middle, 514)], dashed=True) for name in sorted(named - {"facet"})
    ]
    parts += ["</g>", *(drawn_box(box) for box in rooms.values())]
    parts += [
        '<g fill="none">',
        line([(40, bottom - 18), (84, bottom - 18)]),
        line([(190, bottom - 18), (234, bottom - 18)], dashed=True),
        "</g>",
        text(92, bottom - 14, "imports", 13, anchor="start"),
        text(242, bottom - 14, "_target_ in conf/: Hydra makes the object, nothing is imported", 13, anchor="start"),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(drawn(), encoding="utf-8")
