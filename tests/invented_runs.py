"""Run directories with invented results, with the files that ``facet-train`` and ``facet-evaluate`` write."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from facet.measures.intervals import wilson

OTHERS = ("Eyeglasses", "Mustache", "Wearing_Hat", "Black_Hair")


def rate(value: float, n: int) -> dict[str, float]:
    """A rate in the form of ``results.json``."""
    return wilson(min(n, round(value * n)), n).as_dict()


def results(row: str, seed: int, **given: Any) -> dict[str, Any]:
    """Contents of ``results.json``; ``given``: off, on, reconstruction (on, off), mse, leak (ẑ, μ), classifier, judge,
    n."""
    n = given.get("n", 1500)
    off, on = given.get("off", 0.95), given.get("on", 0.96)
    kept = given.get("reconstruction", (0.97, 0.96))
    sample, mean = given.get("leak", (0.05, 0.3))

    def probe(bits: float) -> dict[str, float]:
        auc = {"linear_auc": 0.5 + 0.4 * bits, "mlp_auc": 0.5 + 0.5 * bits}
        return {"bits": bits, "linear_bits": 0.7 * bits, "mlp_bits": bits, **auc, "entropy_bits": 0.998, "n": 2 * n}

    cells = {"on_from_on": on, "on_from_off": on - 0.02, "off_from_on": off, "off_from_off": off + 0.02}
    full = {cell: rate(value, n) for cell, value in cells.items()}
    full |= {"on": rate(on - 0.01, 2 * n), "off": rate(off + 0.01, 2 * n)}
    flips = {name: rate(0.004 * (i + 1), 2 * n) for i, name in enumerate(OTHERS)}
    counterfactual = {"mse": 0.0121, "ssim": 0.91, "mse_inside": 0.031, "mse_outside": 0.0112}
    predicted = {"accuracy": rate(0.97, 2 * n), "balanced_accuracy": 0.97, "f1": 0.969}
    accuracies = {"Smiling": given.get("judge", 0.996), **{name: 0.999 - 0.002 * i for i, name in enumerate(OTHERS)}}
    kept_of_faces = {"cosine": {"value": 0.9, "n": 2 * n}, "factors": rate(given.get("factors", 0.98), 2 * n)}
    return {
        "schema": 2,
        "experiment": f"aif/table1/{row}",
        "row": row,
        "seed": seed,
        "preset": "embedded",
        "data": "avatars",
        "ablation": "none",
        "attribute_names": ["Smiling"],
        "judge": {"key": "5f3a9c01d2e4", "n": 2 * n, "accuracy": accuracies},
        "measures": {
            "mse": {"value": given.get("mse", 0.0112), "n": 2 * n},
            "reconstruction": {"Smiling": {"on": rate(kept[0], n), "off": rate(kept[1], n)}},
            "edits": {"Smiling": {"paper": {"on": rate(on, n), "off": rate(off, n)}, "full": full}},
            "classifier": {"Smiling": predicted} if given.get("classifier", True) else None,
            "leakage": {"Smiling": {"sample": probe(sample), "mean": probe(mean)}},
            "drift": {"Smiling": {"on": flips, "off": flips, "mean": 0.01}},
            "identity": {"Smiling": kept_of_faces},
            "identity_of_reconstruction": kept_of_faces,
            "distance": {"Smiling": 0.31},
            "distance_of_reconstruction": 0.12,
            "counterfactual": {
                "Smiling": {kind: {"value": value, "n": 2 * n} for kind, value in counterfactual.items()},
            },
        },
        "training": {
            "steps": 2600,
            "images_seen": 166_400,
            "seconds": 402.5,
            "parameters": {"encoder": 812_345, "decoder": 790_000, "discriminator": 640_001, "auxiliary": 90_500},
            "extra": {},
        },
        "versions": {"python": "3.11.7", "torch": "2.15.0", "pytorch-lightning": "2.6.6"},
        "revision": "3f2a91c07b",
        "data_fingerprint": "c0ffee1234567890",
    }


def write_run(directory: Path, content: dict[str, Any], faces: np.ndarray | None = None, points: int = 20) -> Path:
    """Write a finished and evaluated run."""
    directory.mkdir(parents=True)
    (directory / "status.json").write_text(json.dumps({"status": "finished", "error": None}))
    (directory / "results.json").write_text(json.dumps(content))
    faces = np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32), np.uint8) if faces is None else faces
    np.savez(directory / "examples.npz", original=faces, reconstruction=faces, off=faces, on=faces)
    measures = content["measures"]
    final = {
        "val/mse": measures["mse"]["value"],
        "val/edit_off": measures["edits"]["Smiling"]["paper"]["off"]["value"],
        "val/edit_on": measures["edits"]["Smiling"]["paper"]["on"]["value"],
        "val/reconstruction_on": measures["reconstruction"]["Smiling"]["on"]["value"],
        "val/auxiliary_confusion": 0.98,
    }
    final = {name: value for name, value in final.items() if value is not None}
    noise = np.random.default_rng(content["seed"])
    with (directory / "metrics.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["epoch", "step", "train/reconstruction", "train/auxiliary", *final])
        writer.writeheader()
        for i in range(1, points + 1):
            step, loss = 2600 * i // points, 0.5 + 0.3 / i + 0.005 * noise.normal()
            writer.writerow({"epoch": i, "step": step, "train/reconstruction": loss, "train/auxiliary": 0.69})
            now = {name: value + (0.4 * value + 0.02 * noise.normal()) / i**1.5 * (-1 if "edit" in name else 1)
                   for name, value in final.items()} if i < points else final  # fmt: skip
            writer.writerow({"epoch": i, "step": step, **now})
    return directory
