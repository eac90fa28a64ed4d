"""Several processes at work: the same answers as one, errors told, nothing left behind."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datamodules import workers
from datamodules.workers import run_jobs

DRAW = "datamodules.avatar_drawing:draw_run"
SETTINGS: dict[str, Any] = {"split": "train", "resolution": 32, "seed": 0, "images_per_identity": 4, "correlation": 0.0}


def jobs(length: int, stop: int, **more: Any) -> list[dict[str, Any]]:
    return [{"start": i, "stop": i + length, **SETTINGS, **more} for i in range(0, stop, length)]


def test_the_number_of_processes_changes_nothing() -> None:
    alone = list(run_jobs(DRAW, jobs(5, 20, changes="Smiling"), 1))
    together = list(run_jobs(DRAW, jobs(5, 20, changes="Smiling"), 3))
    assert len(alone) == 4
    for (images, labels), (same_images, same_labels) in zip(alone, together, strict=True):
        assert images.dtype == same_images.dtype == np.uint8
        assert np.array_equal(images, same_images)
        assert np.array_equal(labels, same_labels)


@pytest.mark.parametrize("processes", [1, 2])
def test_what_a_function_refuses_is_said_in_its_own_words(processes: int, tmp_path: Path) -> None:
    settings = {"kind": "directory", "path": str(tmp_path), "crop": "aif", "resolution": 8, "channels": 3}
    with pytest.raises(ValueError, match=r"gone.jpg is listed, but .* has no such image"):
        list(run_jobs("datamodules.photos:decode_run", [{"names": ["gone.jpg"], **settings}] * 3, processes))


def test_a_process_that_fails_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="ended early"):
        list(run_jobs(DRAW, jobs(1, 3, images_per_identity=0), 2))
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_stopping_early_ends_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def remembered(*args: Any, **kwargs: Any) -> "subprocess.Popen[bytes]":
        started.append(start(*args, **kwargs))
        return started[-1]

    monkeypatch.setattr("subprocess.Popen", remembered)
    drawn = run_jobs(DRAW, jobs(2, 40), 2)
    next(drawn)
    drawn.close()  # type: ignore[attr-defined]
    assert len(started) == 2
    assert all(process.returncode is not None for process in started)


def test_a_process_loads_no_torch_and_nothing_from_where_it_runs(tmp_path: Path) -> None:
    (tmp_path / "datamodules.py").write_text("raise SystemExit('the wrong package')")
    script = f"""
import os, sys
sys.path.insert(0, {str(Path(workers.__file__).parents[1])!r})
from datamodules.workers import run_jobs
os.chdir({str(tmp_path)!r})
print(len(list(run_jobs({DRAW!r}, {jobs(1, 3)!r}, 2))), "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("3 False\n", "")
