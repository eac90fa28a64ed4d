"""JSON and YAML, damaged: values of other types, keys taken away, doubled or renamed, without an end."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 0.5, 1e308, -0.0, float("nan"), float("inf"), float("-inf"), 10**30, -(10**400)),
    *(
        "",
        " ",
        "x",
        "nan",
        "1",
        "null",
        "train",
        "test",
        "Smiling",
        "x" * 5000,
        "a\nb",
        "a\0b",
        "é",
        "\x1b[31m",
        "\ud800",
    ),
    *(
        "<b>",
        "${x}",
        "${seed}",
        "${oc.env:HOME}",
        "${nothing:}",
        "${",
        "???",
        "../x",
        "/",
        "~",
        "~nobody/x",
        "-m",
        "@x",
    ),
    *(
        [],
        [[]],
        [None],
        [1, 2, 3],
        ["x"],
        ["x", 1],
        [{}],
        {},
        {"value": 1},
        {"": 1},
        {"x": {"y": []}},
        {"_target_": "x"},
    ),
    *(
        {"_target_": "datamodules.avatars.AvatarsDataModule"},
        {"_target_": 1},
        {"value": "x", "low": 0, "high": 1, "n": 1},
    ),
    *({"value": 0.5, "low": None, "high": [], "n": "x"}, {"value": 2.0, "low": 3.0, "high": -1.0, "n": -5}),
)


@st.composite
def trees(draw: st.DrawFn, valid: Any) -> Any:
    """A plain tree with one to four changes."""
    tree = json.loads(json.dumps(valid))
    for _ in range(draw(st.integers(1, 4))):
        tree = draw(_changed(tree))
    return tree


@st.composite
def _changed(draw: st.DrawFn, tree: Any) -> Any:
    """A tree with one place changed, any but as often in its upper parts as in its lower."""
    if not isinstance(tree, dict | list) or not tree or draw(st.integers(0, 11)) == 0:
        return draw(st.sampled_from(ODD_VALUES))
    keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    key = draw(st.sampled_from(keys))
    what = draw(st.integers(0, 11))
    if what == 0:
        del tree[key]
    elif what == 1 and isinstance(tree, dict):
        tree[draw(st.sampled_from(("", "x", "Smiling", "_target_", "value", "schema", "a.b", "${x}", "1")))] = tree[key]
    elif what == 1:
        tree.append(tree[key])
    elif what == 2:
        tree[key] = {"x": tree[key]}
    elif what == 3:
        tree[key] = [tree[key]]
    elif what == 4:
        tree[key] = draw(st.sampled_from(ODD_VALUES))
    elif what == 5:
        tree[key] = tree[draw(st.sampled_from(keys))]
    else:
        tree[key] = draw(_changed(json.loads(json.dumps(tree[key]))))
    return tree
