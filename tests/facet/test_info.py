"""``facet-info``: versions, devices, data and runs, in lines that fit; whatever state a run is in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from many_runs import write_many
from small_celeba import small_celeba

from facet.info import command, machine
from facet.info.aligned import WIDTH, aligned, wrapped
from facet.info.data import data_sets
from facet.info.runs import find, headline
from facet.results import Result


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_many(tmp_path_factory.mktemp("many") / "runs")


def test_every_run_has_a_line(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs.parent)
    printed = list(command.lines(Path("runs")))
    shown = printed[printed.index("runs below runs") + 1 : -1]
    assert max(map(len, shown)) <= WIDTH
    of = {words[0]: words[1:] for line in shown if (words := line.split())}
    assert of["seed0-aaaaaaa0"][:4] == ["judged", "0", "embedded", "avatars"]
    assert of["seed0-aaaaaaa0"][-4:] == ["0.0040", "95.0%", "/", "94.0%"]
    assert of["seed0-bbbbbbbb"][-4:] == ["0.0133", "swaps", "ok", "0.500"]
    assert of["seed0-cccccccc"][-1] == "0.0112"
    assert of["seed0-dddddddd"][-4:] == ["mean", "of", "2:", "94.5%"]
    assert [of[name][0] for name in ("seed0-eeeeeeee", "seed1-ffffffff", "seed2-abababab", "seed10-acacacac")] == [
        *("finished", "running", "failed", "interrupted")
    ]
    assert of["damaged"][0] == "unreadable"
    assert any("config.yaml can't be used" in line for line in shown)
    assert any("ValueError: data.root=faces is not a directory" in line for line in shown)
    assert any("last logged" in line for line in shown)
    names = list(of)
    assert names.index("seed2-abababab") < names.index("seed10-acacacac"), "by number"


def test_without_any_run_it_says_so(tmp_path: Path) -> None:
    printed = list(command.lines(tmp_path / "nothing"))
    assert printed[-1] == "  none"


def test_results_that_do_not_belong_together_take_no_other_run_along(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Result.lines.func  # type: ignore[attr-defined]

    def lines(result: Result) -> Any:
        if result.directory.name == "seed1-aaaaaaa1":
            raise KeyError("edits")
        return whole(result)

    monkeypatch.setattr(Result, "lines", property(lines))
    broken = [run for run in find(runs) if run.broken]
    assert [run.name for run in broken] == ["damaged", "seed1-aaaaaaa1"]
    assert "KeyError" in broken[1].remark
    assert headline(broken[1]) == ("", "")


def test_keys_are_letters_and_differ(tmp_path: Path) -> None:
    for name in ("a-b/seed0", "a/b-seed0", "a b/seed0", "é"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "status.json").write_text("{")
    keys = [run.key for run in find(tmp_path)]
    assert len(set(keys)) == 4
    assert all(key.isascii() and key.replace("-", "").isalnum() for key in keys)


def test_torch_is_not_imported_where_there_is_no_gpu(runs: Path) -> None:
    if not (sys.platform == "linux" and machine.processors() == ["none"]):
        pytest.skip("there may be a GPU")
    code = (
        "import sys; from pathlib import Path; from facet.info.command import lines; "
        f"assert list(lines(Path({str(runs)!r}))); assert not {{'torch', 'matplotlib'}} & set(sys.modules)"
    )
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [(), ("runs=nowhere",), ("report=true", "runs=nowhere")])
def test_the_command_succeeds_without_any_run(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["facet-info", *arguments])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 0
    printed = capsys.readouterr()
    assert ("facet " in printed.out) == (not arguments or "report=true" not in arguments)
    assert (tmp_path / "reports" / "runs" / "index.html").is_file() == ("report=true" in arguments)


def test_a_page_that_can_not_be_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["facet-info", "report=true", "reports=file"])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 2
    assert "set reports=" in capsys.readouterr().err


# ---------------------------------------------------------------------- devices and data


def test_the_processor_is_described(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "cpuinfo").write_text("model name\t: Some CPU\nflags\t\t: sse avx avx2 avx512f avx512_bf16\n")
    (tmp_path / "proc" / "meminfo").write_text("MemAvailable:  8388608 kB\n")
    words = machine.processor(tmp_path)
    assert words[0] == "Some CPU"
    assert words[2:] == ["AVX-512", "bf16", "8.0 GiB of memory free"]
    assert machine.processor(tmp_path / "nothing")[-1].endswith("usable")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere torch is asked")
def test_without_a_device_there_is_no_gpu(tmp_path: Path) -> None:
    assert machine.processors(tmp_path) == ["none"]


def test_gpus_are_described() -> None:
    gpu = SimpleNamespace(name="NVIDIA H100", total_memory=80 * 2**30)
    cuda = SimpleNamespace(is_available=lambda: True, device_count=lambda: 1, get_device_properties=lambda i: gpu)
    mps = SimpleNamespace(mps=SimpleNamespace(is_available=lambda: False))
    assert machine._usable(SimpleNamespace(cuda=cuda, backends=mps)) == ["cuda:0 NVIDIA H100 with 80 GiB"]
    none = SimpleNamespace(is_available=lambda: False)
    assert machine._usable(SimpleNamespace(cuda=none, backends=mps)) == ["none that torch can use"]


def test_data_sets_are_found_by_the_names_of_their_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACET_CACHE", str(tmp_path / "cache"))
    rows = {row[0]: row[1:] for row in data_sets()}
    assert rows["avatars"] == ["drawn", f"no packed stores in {tmp_path / 'cache' / 'avatars'}"]
    assert rows["celeba"] == [f"not in {tmp_path / 'cache' / 'celeba'}", "no packed stores"]
    assert rows["mnist"][0] == f"not in {tmp_path / 'cache' / 'mnist'}"
    assert "data.root=" in rows["folder"][0]
    assert rows["FACET_DATA"] == ["not set"]
    monkeypatch.setenv("FACET_DATA", str(tmp_path / "data"))
    small_celeba(tmp_path / "data" / "celeba")
    (tmp_path / "data" / "mnist").mkdir()
    for of in ("train", "t10k"):
        for what in ("images-idx3", "labels-idx1"):
            (tmp_path / "data" / "mnist" / f"{of}-{what}-ubyte.gz").touch()
    (tmp_path / "cache" / "mnist" / "test-28px-0123").mkdir(parents=True)
    (tmp_path / "cache" / "mnist" / "test-28px-0123" / "store.json").touch()
    rows = {row[0]: row[1:] for row in data_sets()}
    assert rows["celeba"][0] == f"found in {tmp_path / 'data' / 'celeba'}"
    assert rows["mnist"] == [
        f"found in {tmp_path / 'data' / 'mnist'}",
        f"1 packed store in {tmp_path / 'cache' / 'mnist'}",
    ]


def test_columns_are_aligned_and_words_wrapped() -> None:
    rows = [["a", "bb", "c"], ["a long heading that widens nothing"], ["aaa", "b"]]
    assert aligned(rows) == ["a    bb  c", "a long heading that widens nothing", "aaa  b"]
    lines = wrapped([("facet", ["1.0 (revision x)"]), ("CPU", ["two words"] * 12)])
    assert lines[0] == "facet  1.0 (revision x)"
    assert max(map(len, lines)) <= WIDTH
    assert lines[2].startswith("       two words")
