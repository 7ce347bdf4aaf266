"""Studies for tests: databases of both kinds, a store with items, and a server in this process or as a real one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
from flow_tools import ENVIRONMENT, command, heeds_control_c

from groundglass import testing
from groundglass.recipes.study_model import StudyStep
from groundglass.studies.open_study import Study
from groundglass.studies.records import ItemRow
from groundglass.studies.store import Store
from groundglass.web.app import create_app
from groundglass.web.serve import address_of, config_of, listen
from groundglass.web.settings import Settings
from patience import STOPS_A_HANG, wait_until


def items_of(folder: Path, count: int, body: StudyStep, **first: Any) -> list[ItemRow]:
    """Items with real files: of each arm if there are `folders`. ``first`` are facts of the first item."""
    from groundglass.files.hashes import sha256_of

    folder.mkdir(parents=True, exist_ok=True)
    found: list[ItemRow] = []
    for at in range(count):
        for arm in body.folders or ("",):
            data = testing.png(testing.photo(48, 40, len(found)))
            path = folder / f"{arm}{at}.png"
            path.write_bytes(data)
            facts: dict[str, Any] = {
                "id": uuid.uuid4().hex, "place": len(found), "row": f"{arm}/{at}", "name": f"{arm}/{at}.png",
                "locator": os.fsencode(path).hex(), "sha256": sha256_of(data), "width": 48, "height": 40,
                "arm": arm, "content": str(at) if arm else "",
            }  # fmt: skip
            found.append(ItemRow(**(facts | (first if not found else {}))))
    return found


def make_study(folder: Path, url: str | None, count: int = 12, name: str = "faces", **keys: Any) -> Study:
    """A study with so many images (or contents), in SQLite if there is no URL."""
    first = keys.pop("first", {})
    body = StudyStep.model_validate(keys)
    folder.mkdir(parents=True, exist_ok=True)
    key = uuid.uuid4().hex
    store = Store(url or f"sqlite:///{folder / 'votes.sqlite'}", key)
    store.create(
        name, body.model_dump(mode="json"), 7, "0" * 64, items_of(folder / "files", count, body, **first)
    )
    return Study(name, folder, body, 7, "0" * 64, store)


@contextlib.contextmanager
def served(*studies: Study, settings: Settings | None = None) -> Iterator[str]:
    """The address of a real server in a thread of this process."""
    made = listen("127.0.0.1", 0)
    server = uvicorn.Server(config_of(create_app(studies, settings or Settings())))
    thread = threading.Thread(target=server.run, args=([made],), daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started, "the start of the server")
        yield address_of(made)
    finally:
        server.force_exit = server.should_exit = True
        thread.join(STOPS_A_HANG)
        made.close()


class ServerProcess:
    """`groundglass study serve` as a process that can be killed and started again on the same port."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder, self.arguments = folder, arguments
        self.base, self.owner, self._port = "", "", 0
        self.said: list[str] = []
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        words = ("study", "serve", *self.arguments, "--port", str(self._port), "--no-browser")
        self.process = subprocess.Popen(
            command(*words),
            cwd=self.folder,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=heeds_control_c,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("listening on"), (line, self.process.communicate()[1])
        self.base = line.split()[-1]
        self._port = int(self.base.rpartition(":")[2])
        # All lines are read here: `communicate` would miss those that are in the buffer already.
        self.said = [self.process.stdout.readline()]
        while "Ctrl-C" not in self.said[-1] and self.said[-1]:
            self.said.append(self.process.stdout.readline())
        self.owner = self.said[0].split()[-1]

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.communicate(timeout=STOPS_A_HANG)

    def stop(self) -> tuple[int, str, str]:
        """Ctrl-C: the exit code and all that it printed after that."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=STOPS_A_HANG)
        return self.process.returncode, out, err
