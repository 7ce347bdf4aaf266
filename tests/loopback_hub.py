"""A model hub on this machine: the few answers that finding and fetching weights asks for."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "1f2e" * 10


class Hub:
    """One repository, ``tiny/net``, with a branch ``main``.

    files   name → content
    large   names that the hub keeps by their SHA-256 (LFS)
    stated  hashes that it states falsely
    slow    seconds before each answer
    asked   every path that was asked for
    """

    def __init__(self, files: dict[str, bytes], large: tuple[str, ...] = ()) -> None:
        self.files = files
        self.large = large
        self.stated: dict[str, str] = {}
        self.slow = 0.0
        self.asked: list[str] = []
        self.endpoint = ""

    def sha256(self, name: str) -> str:
        return self.stated.get(name) or hashlib.sha256(self.files[name]).hexdigest()

    def about(self) -> dict[str, object]:
        siblings: list[dict[str, object]] = []
        for name, data in self.files.items():
            entry: dict[str, object] = {"rfilename": name, "size": len(data), "blobId": "b" * 40}
            if name in self.large:
                entry["lfs"] = {"sha256": self.sha256(name), "size": len(data), "pointerSize": 130}
            siblings.append(entry)
        return {
            "id": "tiny/net",
            "sha": COMMIT,
            "siblings": siblings,
            "cardData": {"license": "apache-2.0"},
            "tags": [],
            "private": False,
            "downloads": 0,
        }


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """The hub at a port of its own, `hub.endpoint`."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def log_message(self, *_: object) -> None:
            pass

        def answer(self, with_body: bool) -> None:
            hub.asked.append(f"{self.command} {self.path}")
            time.sleep(hub.slow)
            path = self.path.split("?")[0]
            name = path.rpartition(f"/resolve/{COMMIT}/")[2]
            if path in (f"/api/models/tiny/net/revision/{which}" for which in ("main", COMMIT)):
                self.give(json.dumps(hub.about()).encode(), {"Content-Type": "application/json"}, with_body)
            elif path.startswith("/tiny/net/resolve/") and name in hub.files:
                self.give(hub.files[name], self.marks(name), with_body)
            else:
                code = "RevisionNotFound" if path.startswith("/api/models/tiny/net/") else "RepoNotFound"
                self.give(b"", {"X-Error-Code": code}, with_body, 404)

        def marks(self, name: str) -> dict[str, str]:
            etag = hashlib.sha256(hub.files[name]).hexdigest()
            return {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT}

        def give(self, data: bytes, headers: dict[str, str], with_body: bool, status: int = 200) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            if with_body:
                self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
