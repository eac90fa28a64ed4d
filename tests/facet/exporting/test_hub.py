"""A model goes to a hub and comes back: through huggingface_hub, to a small hub on this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from small_hub import TOKEN, Hub, small_hub
from tiny import tiny

import facet
from facet import edit, export
from facet.errors import UserError
from facet.runs import Run
from facet.train import train

constants = pytest.importorskip("huggingface_hub.constants", reason="it comes with the extra hub")
GREY = Image.new("RGB", (16, 16), (90, 90, 90))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(train(tiny(tmp_path_factory.mktemp("hub"), "trainer.max_epochs=1")))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub in place of the real one, and a token for it; nothing of the user's is read."""
    with small_hub() as served:
        monkeypatch.setattr(constants, "ENDPOINT", served.address)
        path = constants.HUGGINGFACE_CO_URL_TEMPLATE.removeprefix("https://huggingface.co")
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", served.address + path)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # its store has a protocol of its own
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
        yield served


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    """Call a command in this process: its exit code and what it said."""
    monkeypatch.chdir(tmp_path)

    def called(*arguments: str, command: Any = export) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", [command.__name__, *arguments])
        with pytest.raises(SystemExit) as ended:
            command.main()
        return int(ended.value.code or 0), capfd.readouterr().err

    return called


@pytest.mark.whole
def test_a_model_goes_to_the_hub_and_comes_back(run: Run, hub: Hub, call: Any, tmp_path: Path) -> None:
    (tmp_path / "exported").mkdir()
    (tmp_path / "exported" / "diary.txt").write_text("nobody's business")
    code, said = call(f"run={run.path}", "to=hub", "hub=me/smiles")
    assert code == 0, said
    assert f"on the hub: {hub.address}/me/smiles" in said
    model = hub.models["me/smiles"]
    assert model.visibility == "private", "public only if that is said"
    expected = {"weights.safetensors", "judge.safetensors", "examples.png", "README.md"}
    assert set(model.files) == expected, "nothing else of the folder"
    for name, content in model.files.items():
        assert (tmp_path / "exported" / name).read_bytes() == content
    assert model.files["README.md"].startswith(b"---\nlibrary_name: facet\nlicense: mit\n")
    fetched, own = facet.load("me/smiles"), facet.load(run.path)
    assert fetched.edit(GREY, Smiling=1) == own.edit(GREY, Smiling=1)
    assert fetched.read(GREY) == own.read(GREY)
    assert call(f"run={run.path}", "to=hub", "hub=me/smiles", "public=true")[0] == 0, "again, over what is there"
    assert model.visibility == "private", "it stays as it is"


@pytest.mark.whole
def test_the_hub_and_the_token_are_those_of_the_environment(run: Run, tmp_path: Path) -> None:
    """In processes of their own: huggingface_hub reads the environment when it is imported."""
    with small_hub() as hub:
        places = {"HF_ENDPOINT": hub.address, "HF_TOKEN": TOKEN, "HF_HOME": str(tmp_path / "home")}
        environment = {**os.environ, **places, "HF_HUB_DISABLE_XET": "1"}
        export_it = ["-m", "facet.export", f"run={run.path}", "to=hub", "hub=me/smiles", f"out={tmp_path / 'out'}"]
        load_it = ["-c", "import facet; print(facet.load('me/smiles').attributes)"]
        ended = [
            subprocess.run([sys.executable, *each], env=environment, capture_output=True, text=True, check=False)
            for each in (export_it, load_it)
        ]
    assert [each.returncode for each in ended] == [0, 0], [each.stderr for each in ended]
    assert ended[1].stdout == "('Smiling',)\n"


@pytest.mark.whole
def test_public_is_said(run: Run, hub: Hub, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)  # the folder goes by another way then
    hub.large = False
    assert call(f"run={run.path}", "to=hub", "hub=me/open", "public=true")[0] == 0
    assert hub.models["me/open"].visibility == "public"
    monkeypatch.delenv("HF_TOKEN")
    assert facet.load("me/open").attributes == ("Smiling",)


@pytest.mark.whole
def test_what_the_hub_refuses_is_one_line_and_the_files_are_there(
    run: Run, hub: Hub, call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(name: str, told: str) -> None:
        code, said = call(f"run={run.path}", "to=hub", f"hub={name}", f"out={tmp_path / 'kept'}")
        last = said.strip().splitlines()[-1]
        assert code == 2, said
        assert last.startswith(f"facet-export: hub={name}: ")
        assert told in last
        assert last.endswith(f"; the files are in {tmp_path / 'kept'}")
        assert "Traceback" not in said
        assert (tmp_path / "kept" / "weights.safetensors").is_file()

    refused("you/smiles", "You don't have the rights to create a model under the namespace")
    hub.fails = "/commit/"
    refused("me/half", "it answers with status 500 (the hub is ill)")
    monkeypatch.setenv("HF_TOKEN", "hf_of_nobody")
    refused("me/smiles", "it doesn't know the token")
    with socket.create_server(("127.0.0.1", 0)) as free:
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setattr(constants, "ENDPOINT", nowhere)
    refused("me/smiles", f"{nowhere} can't be reached")


def test_mistakes_are_said_before_any_work(
    hub: Hub, call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(told: str, *arguments: str) -> None:
        code, said = call("run=nowhere", "to=hub", *arguments)
        assert (code, said.count("\n")) == (2, 1), said
        assert told in said
        assert not (tmp_path / "exported").exists()

    refused("hub=None: say the model's owner and name on the hub, such as hub=me/smiles")
    refused("hub=smiles: say the model's owner and name", "hub=smiles")
    refused("hub=me/-smiles", "hub=me/-smiles")
    monkeypatch.delenv("HF_TOKEN")
    refused("there is no token for the hub: run hf auth login, or set HF_TOKEN", "hub=me/smiles")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    refused("the hub needs huggingface_hub: pip install 'facet-lab[hub]'", "hub=me/smiles")
    with pytest.raises(UserError, match=r"pip install 'facet-lab\[hub\]'"):
        facet.load("me/smiles")


def test_a_model_that_can_not_be_fetched_is_one_line(
    hub: Hub, call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    GREY.save(tmp_path / "me.png")

    def refused(told: str) -> None:
        code, said = call("run=me/smiles", "image=me.png", "set.Smiling=1", command=edit)
        assert (code, said.count("\n")) == (2, 1), said
        assert said == f"facet-edit: me/smiles can't be fetched from the hub: {told}\n"

    refused("there is no such model, or it is private and the token may not see it")
    with socket.create_server(("127.0.0.1", 0)) as free:
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setattr(constants, "ENDPOINT", nowhere)
    refused(f"{nowhere} can't be reached")
