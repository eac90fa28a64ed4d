"""Where onnxruntime-web comes from: a folder, the cache, or npm; and one line where it can't."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from facet.errors import UserError
from facet.exporting.web import GLUE, VERSION, WASM, Runtime, runtime

FILES = {GLUE: b"export {}", WASM: b"\0asm"}
EXPECTED = Runtime(*FILES.values())


def package(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return folder


def npm(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """A program that is called npm, alone on the path."""
    folder.mkdir()
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.parametrize("place", ["", "dist", "package/dist", "node_modules/onnxruntime-web/dist"])
def test_a_folder_is_enough(place: str, tmp_path: Path) -> None:
    package(tmp_path / "given" / place)
    assert runtime(str(tmp_path / "given")) == EXPECTED


def test_a_folder_without_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"wasm={tmp_path} holds no .*: give the npm package onnxruntime-web"):
        runtime(str(tmp_path))


def test_without_npm_one_line_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("FACET_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UserError, match=r"needs npm, .*: install it .*, or give a folder .*wasm=FOLDER") as raised:
        runtime(None)
    assert "\n" not in str(raised.value)


def test_npm_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACET_CACHE", str(tmp_path / "cache"))
    with tarfile.open(tmp_path / "it.tgz", "w:gz") as archive:
        for name, content in FILES.items():
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    npm(monkeypatch, tmp_path / "bin", f"read all < /dev/null; echo $@ > {tmp_path}/said; /bin/cp {tmp_path}/it.tgz .")
    assert runtime(None) == EXPECTED
    assert f"onnxruntime-web@{VERSION}" in (tmp_path / "said").read_text()
    (tmp_path / "bin" / "npm").unlink()
    assert runtime(None) == EXPECTED


def test_npm_that_fails_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACET_CACHE", str(tmp_path / "cache"))
    npm(monkeypatch, tmp_path / "bin", "echo 'no network' >&2\necho more >&2\nexit 1")
    with pytest.raises(UserError, match=r"npm can't fetch onnxruntime-web .* \(no network\): try again") as raised:
        runtime(None)
    assert "\n" not in str(raised.value)
