"""Directories of runs of all kinds and states, with invented results."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
from invented_runs import rate, results, write_run

CONFIG = """\
name: {name}
seed: {seed}
preset: embedded
ablation: none
data: {{_target_: datamodules.avatars.AvatarsDataModule}}
model: {{_target_: aif.ifcvae_gan.IFcVAEGAN}}
trainer: {{}}
callbacks: {{}}
"""


def write_many(runs: Path) -> Path:
    """Two judged runs of faces, digits, a VAE, ten attributes, and one in each other state; one is damaged."""
    for seed in (0, 1):
        write_run(runs / "ifcvae_gan" / f"seed{seed}-aaaaaaa{seed}", results("ours", seed, mse=0.004 + 0.001 * seed))
    write_digits(runs / "jacsup_digits" / "seed0-bbbbbbbb")
    write_vae(runs / "vae" / "seed0-cccccccc")
    write_several(runs / "ifcvae_gan_many" / "seed0-dddddddd")
    unjudged(runs / "ifcvae_gan/no_aux" / "seed0-eeeeeeee", "finished")
    unjudged(runs / "ifcvae_gan/no_aux" / "seed1-ffffffff", "running")
    unjudged(runs / "ifcvae_gan/no_aux" / "seed2-abababab", "failed", "ValueError: data.root=faces is not a directory")
    unjudged(runs / "ifcvae_gan/no_aux" / "seed10-acacacac", "interrupted", "stopped; run the same command to continue")
    (runs / "damaged").mkdir()
    (runs / "damaged" / "config.yaml").write_text("name: [")
    return runs


def unjudged(place: Path, status: str, error: str | None = None, seed: int = 0) -> None:
    """A run without results."""
    write_run(place, results("ours", seed))
    for name in ("results.json", "examples.npz"):
        (place / name).unlink()
    (place / "status.json").write_text(json.dumps({"status": status, "error": error}))
    (place / "config.yaml").write_text(CONFIG.format(name=place.parent.name, seed=seed))


def write_digits(place: Path) -> None:
    """A judged coder of digits with two stages, and what it decodes over its first two units."""
    content = results("chain", 0)
    fidelity = {"data": {"value": 0.1, "n": 900}, "canonical": {"value": 0.2, "n": 900}}
    stages = [
        {"code_size": size, "mse": {"value": 0.04 / size, "n": 10_000}, "swaps": rate(0.5, 1000),
         "ceiling": rate(0.6, 1000), **({"previous": fidelity, "original": fidelity} if size > 2 else {})}
        for size in (2, 3)
    ]  # fmt: skip
    digits: dict[str, Any] = {**content, "data": "mnist", "attribute_names": [], "measures": {"stages": stages}}
    digits["judge"] = {"key": "0", "n": 10_000, "accuracy": {"class": 0.99}}
    write_run(place, content)
    (place / "results.json").write_text(json.dumps(digits))
    noise = np.random.default_rng(0)
    drawn = {f"grid{size}": noise.integers(0, 256, (16, 1, 28, 28), np.uint8) for size in (2, 3)}
    classes = {f"classes{size}": np.arange(16, dtype=np.uint8) for size in (2, 3)}
    np.savez(place / "examples.npz", **drawn, **classes)


def write_vae(place: Path) -> None:
    """A judged coder without named attributes."""
    content = results("beta_vae", 0)
    measures = {key: content["measures"][key] for key in ("mse", "classifier")}
    write_run(place, content)
    (place / "results.json").write_text(json.dumps({**content, "attribute_names": [], "measures": measures}))
    (place / "examples.npz").unlink()


def write_several(place: Path) -> None:
    """A judged editor of two attributes."""
    content = copy.deepcopy(results("many", 0))
    for measure in ("reconstruction", "edits", "classifier", "leakage", "drift"):
        content["measures"][measure]["Eyeglasses"] = content["measures"][measure]["Smiling"]
    write_run(place, {**content, "attribute_names": ["Smiling", "Eyeglasses"]})
