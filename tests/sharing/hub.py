"""A Hub on this computer: the endpoints with which huggingface_hub makes and fills a repository.

What is pushed lies in a folder, `models/ORG/NAME` or `datasets/ORG/NAME`.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

TOKEN = "hf_test"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Weights come by the protocol for large files, all else in the commit."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.folder = folder
        self.private: dict[str, bool] = {}
        self.messages: list[str] = []
        self.large: dict[str, bytes] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    """What the Hub answers."""

    server: Hub

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        _, _, kind, name = self.path.split("?")[0].split("/", 3)
        repository = f"{kind}/{name}"
        if repository not in self.server.private:
            self.answer(404, {"error": "Repository not found"})
            return
        private = self.server.private[repository]
        self.answer(200, {"id": name, "modelId": name, "private": private, "sha": COMMIT, "siblings": []})

    def do_PUT(self) -> None:
        content = self.content()
        self.server.large[hashlib.sha256(content).hexdigest()] = content
        self.answer(200, {})

    def do_POST(self) -> None:
        content = self.content()
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.answer(401, {"error": "Invalid username or password."})
        elif self.path == "/api/validate-yaml":
            self.answer(200, {"errors": [], "warnings": []})
        elif self.path == "/api/repos/create":
            self.create(json.loads(content))
        elif self.path.endswith("/info/lfs/objects/batch"):
            objects = [self.upload(one) for one in json.loads(content)["objects"]]
            self.answer(200, {"transfer": "basic", "objects": objects})
        elif "/preupload/" in self.path:
            files = [
                {
                    "path": one["path"],
                    "uploadMode": "lfs" if one["path"].endswith(".safetensors") else "regular",
                    "shouldIgnore": False,
                    "oid": None,
                }
                for one in json.loads(content)["files"]
            ]
            self.answer(200, {"files": files})
        else:
            assert "/commit/" in self.path, self.path
            self.commit(content)

    def create(self, asked: dict[str, Any]) -> None:
        kind = f"{asked.get('type') or 'model'}s"
        name = f"{asked['organization']}/{asked['name']}"
        if asked["organization"] != "org":
            self.answer(403, {"error": f"You don't have the rights to create a {kind[:-1]} there"})
            return
        there = f"{kind}/{name}" in self.server.private
        self.server.private.setdefault(
            f"{kind}/{name}", asked.get("visibility") == "private" or bool(asked.get("private"))
        )
        prefix = "datasets/" if kind == "datasets" else ""
        self.answer(409 if there else 200, {"url": f"{self.server.address}/{prefix}{name}", "id": name})

    def upload(self, asked: dict[str, Any]) -> dict[str, Any]:
        return asked | {"actions": {"upload": {"href": f"{self.server.address}/upload/{asked['oid']}"}}}

    def commit(self, content: bytes) -> None:
        _, _, kind, owner, name, _ = self.path.split("/", 5)
        folder = self.server.folder / kind / owner / name
        for line in content.splitlines():
            part = json.loads(line)
            value = part["value"]
            match part["key"]:
                case "header":
                    self.server.messages.append(value["summary"])
                case "file":
                    self.keep(folder / value["path"], base64.b64decode(value["content"]))
                case "lfsFile":
                    self.keep(folder / value["path"], self.server.large[value["oid"]])
        url = f"{self.server.address}/{owner}/{name}/commit/{COMMIT}"
        self.answer(200, {"success": True, "commitOid": COMMIT, "commitUrl": url, "hookOutput": ""})

    @staticmethod
    def keep(path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def content(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        found = b""
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def served(folder: Path) -> Iterator[Hub]:
    """A Hub while the block runs."""
    hub = Hub(folder)
    thread = Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()
