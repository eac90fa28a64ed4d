"""A small Hugging Face hub on this machine's loopback: models are made, uploaded and fetched by huggingface_hub."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

OWNER, TOKEN = "me", "hf_of_me"


@dataclass
class Model:
    """A model on the hub: its files by name."""

    visibility: str
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def commit(self) -> str:
        """Changes with the files."""
        return hashlib.sha1(b"".join(f"{name}".encode() + self.files[name] for name in sorted(self.files))).hexdigest()


@dataclass
class Hub:
    """The hub's models by id, and what large files were uploaded to its store, by their SHA-256.

    ``fails`` is a part of a path that is answered with status 500. ``large`` says whether safetensors count as large.
    """

    address: str = ""
    models: dict[str, Model] = field(default_factory=dict)
    store: dict[str, bytes] = field(default_factory=dict)
    fails: str | None = None
    large: bool = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: Any) -> None:
        """Nothing: tests look at what the command says."""

    def do_POST(self) -> None:
        body = self._body()
        path = self.path.partition("?")[0]
        if self.hub.fails and self.hub.fails in path:
            self._json({"error": "the hub is ill"}, 500)
        elif path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif not self._is_owner():
            self._json({"error": "Invalid username or password."}, 401)
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif made := re.fullmatch(r"/api/models/(.+)/preupload/main", path):
            files = [{**file, "uploadMode": self._mode(file["path"])} for file in json.loads(body)["files"]]
            self._json({"files": [{**file, "shouldIgnore": False, "oid": None} for file in files]})
        elif made := re.fullmatch(r"/(.+)\.git/info/lfs/objects/batch", path):
            objects = json.loads(body)["objects"]
            place = f"{self.hub.address}/store"
            uploads = [{**each, "actions": {"upload": {"href": f"{place}/{each['oid']}"}}} for each in objects]
            self._json({"transfer": "basic", "objects": uploads})
        elif made := re.fullmatch(r"/api/models/(.+)/commit/main", path):
            self._commit(made[1], [json.loads(line) for line in body.splitlines() if line.strip()])
        else:
            self._json({"error": f"no {path}"}, 404)

    def do_PUT(self) -> None:
        self.hub.store[self.path.rsplit("/", 1)[-1]] = self._body()
        self._json({})

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/[^/]+)?", path):
            if model := self._seen(found[1]):
                self._json(self._tree(model) if found[2] == "tree" else self._info(found[1], model))
        elif (found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", path)) and (model := self._seen(found[1])):
            self._answer(200, model.files[found[2]], {"X-Repo-Commit": model.commit, "ETag": f'"{found[2]}"'})

    def do_HEAD(self) -> None:
        self.do_GET()

    def _create(self, wanted: dict[str, Any]) -> None:
        name = f"{wanted['organization']}/{wanted['name']}"
        known = {"url": f"{self.hub.address}/{name}"}
        if wanted["organization"] != OWNER:
            told = f'You don\'t have the rights to create a model under the namespace "{wanted["organization"]}"'
            self._json({"error": told}, 403)
        elif name in self.hub.models:
            self._json({"error": "You already created this model repo", **known}, 409)
        else:
            self.hub.models[name] = Model(wanted.get("visibility", "public"))
            self._json(known)

    def _commit(self, name: str, lines: list[dict[str, Any]]) -> None:
        files = self.hub.models[name].files
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.store[value["oid"]]
        commit = self.hub.models[name].commit
        self._json({"commitUrl": f"{self.hub.address}/{name}/commit/{commit}", "commitOid": commit, "success": True})

    def _seen(self, name: str) -> Model | None:
        model = self.hub.models.get(name)
        if model is None or (model.visibility == "private" and not self._is_owner()):
            self._answer(404, b'{"error": "Repository not found"}', {"X-Error-Code": "RepoNotFound"})
            return None
        return model

    def _info(self, name: str, model: Model) -> dict[str, Any]:
        siblings = [{"rfilename": file} for file in model.files]
        return {"id": name, "modelId": name, "sha": model.commit, "siblings": siblings, "tags": [], "downloads": 0}

    def _tree(self, model: Model) -> list[dict[str, Any]]:
        return [
            {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
            for name, content in model.files.items()
        ]

    def _mode(self, name: str) -> str:
        return "lfs" if self.hub.large and name.endswith(".safetensors") else "regular"

    def _is_owner(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _json(self, content: Any, status: int = 200) -> None:
        self._answer(status, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@contextmanager
def small_hub() -> Iterator[Hub]:
    """Serve a hub without models; ``me`` owns it, with the token ``TOKEN``."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
