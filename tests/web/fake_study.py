"""A study server for tests of the screen: the pages and the HTTP interface of the real one, with trials in memory."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from groundglass.web import screen
from patience import wait_until

SIDES = {"pairwise": ("left", "right"), "pair_accept": ("lq", "hq")}
KINDS = {"pairwise": "left_right", "pair_accept": "lq_hq"}


def png(pixels: np.ndarray) -> bytes:
    """An RGB image as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def noise(seed: int, width: int = 320, height: int = 240) -> np.ndarray:
    """Every pixel differs from its neighbours, so a wrong scale or place cannot go unseen."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@dataclass
class FakeStudy:
    """What the server answers. ``images`` makes the PNG of a trial's image from its number and side."""

    protocol: str = "acr"
    trials: int = 6
    training: int = 0
    question: str | None = None
    name: str = "demo"
    dimensions: tuple[str, ...] = ("quality",)
    reasons: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    pause: int = 100
    prompt: str | None = None
    images: Callable[[int, str], bytes] = lambda number, side: png(
        noise(number * 2 + (side in ("right", "hq")))
    )
    size: tuple[int, int] = (320, 240)
    refuse: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    votes: list[dict[str, Any]] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    displays: list[dict[str, Any]] = field(default_factory=list)
    board: Mapping[str, Any] = field(default_factory=dict)
    revoked: list[str] = field(default_factory=list)
    invited: int = 0
    asked: list[str] = field(default_factory=list)

    def counting(self) -> dict[str, dict[str, Any]]:
        return {vote["trial"]: vote for vote in self.votes if vote["id"] not in self.undone}

    def trial(self, number: int) -> dict[str, Any]:
        sides = SIDES.get(self.protocol, ("single",))
        width, height = self.size
        images = [
            {"side": side, "url": f"/image/{number}-{side}", "width": width, "height": height}
            for side in sides
        ]
        return {
            "trial": f"t{number}",
            "kind": KINDS.get(self.protocol, "single"),
            "training": number <= self.training,
            "number": number,
            "total": self.trials,
            "images": images,
            "prompt": self.prompt,
        }

    def left(self) -> list[dict[str, Any]]:
        done = self.counting()
        return [self.trial(number) for number in range(1, self.trials + 1) if f"t{number}" not in done]

    def session(self) -> dict[str, Any]:
        study = {
            "id": self.name, "name": self.name, "protocol": self.protocol, "question": self.question,
            "dimensions": list(self.dimensions), "reasons": list(self.reasons), "pause": self.pause, "dwell": 0.5,
            "scale": {"low": 1 if self.protocol == "acr" else 0, "high": 5 if self.protocol == "acr" else 100,
                      "labels": list(self.labels)},
            "training": self.training,
        }  # fmt: skip
        done = len(self.counting())
        return {
            "csrf": "c",
            "rater": "r07",
            "study": study,
            "done": done,
            "total": self.trials,
            "version": "1",
        }


def refusal(status: int, code: str, sentence: str) -> JSONResponse:
    return JSONResponse({"error": sentence, "code": code}, status)


class FakeServer:
    """Runs a `FakeStudy` on a port of its own; it can be stopped and started again on the same port."""

    def __init__(self, study: FakeStudy) -> None:
        self.study = study
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = uvicorn.Config(
            self.app(), port=self.port, log_level="error", lifespan="off", timeout_graceful_shutdown=1
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        wait_until(lambda: self.server.started, "the server listens")

    def stop(self) -> None:
        self.server.should_exit = self.server.force_exit = True
        self.thread.join()

    def app(self) -> Guard:
        routes = [
            Route("/", lambda _: HTMLResponse(screen.rating_page())),
            Route("/i/{token}", lambda _: RedirectResponse("/", 303)),
            Route("/board", lambda _: HTMLResponse(screen.board_page())),
            Route("/static/{name}", static),
            Route("/image/{name}", self.image),
            Route("/api/session", lambda _: JSONResponse(self.study.session())),
            Route("/api/next", self.next),
            Route("/api/votes", self.vote, methods=["POST"]),
            Route("/api/undo", self.undo, methods=["POST"]),
            Route("/api/display", self.display, methods=["POST"]),
            Route(
                "/api/board",
                lambda _: JSONResponse({**self.study.board, "csrf": "c", "updated": 1_800_000_000}),
            ),
            Route("/api/board/invite", self.invite, methods=["POST"]),
            Route("/api/board/revoke", self.revoke, methods=["POST"]),
        ]
        return Guard(Starlette(routes=routes), self)

    async def image(self, request: Request) -> Response:
        number, _, side = request.path_params["name"].partition("-")
        headers = {"Cache-Control": "private, max-age=3600, immutable"}
        return Response(self.study.images(int(number), side), media_type="image/png", headers=headers)

    async def next(self, request: Request) -> JSONResponse:
        left = self.study.left()
        if not left:
            return JSONResponse({"done": True, "answered": len(self.study.counting()), "why": "all_rated"})
        ahead = int(request.query_params.get("ahead", 0))
        return JSONResponse({**left[0], "ahead": left[1 : 1 + ahead]})

    async def vote(self, request: Request) -> JSONResponse:
        vote = await request.json()
        known = [one for one in self.study.votes if one["id"] == vote["id"]]
        if known:
            if known[0] != vote:
                return refusal(409, "other_content", "This vote has another content.")
            return JSONResponse({"ok": True, "vote": vote["id"], "again": True, "feedback": None})
        if vote["trial"] in self.study.counting():
            return refusal(409, "answered", "This trial is answered.")
        self.study.votes.append(vote)
        training = int(vote["trial"][1:]) <= self.study.training
        feedback = {
            "right": vote["score"] in (4, 5),
            "low": 4,
            "high": 5,
            "sentence": "Sharp and clean: 4 or 5.",
        }
        return JSONResponse({"ok": True, "vote": vote["id"], "feedback": feedback if training else None})

    async def undo(self, request: Request) -> JSONResponse:
        body = await request.json()
        counting = list(self.study.counting().values())
        if not counting or counting[-1]["id"] != body["vote"]:
            return refusal(409, "not_last", "It is not the last answer.")
        self.study.undone.append(body["vote"])
        return JSONResponse({"ok": True, "trial": self.study.trial(int(counting[-1]["trial"][1:]))})

    async def display(self, request: Request) -> JSONResponse:
        self.study.displays.append(await request.json())
        return JSONResponse({"ok": True})

    async def invite(self, request: Request) -> JSONResponse:
        body = await request.json()
        self.study.invited += body["raters"]
        links = [{"rater": f"r{n:02}", "link": f"{{base}}/i/token{n}"} for n in range(1, body["raters"] + 1)]
        return JSONResponse({"links": links})

    async def revoke(self, request: Request) -> JSONResponse:
        self.study.revoked.append((await request.json())["rater"])
        return JSONResponse({"ok": True})


async def static(request: Request) -> Response:
    found = screen.static_file(request.path_params["name"])
    if found is None:
        return Response(status_code=404)
    return Response(found.content, media_type=found.media, headers={"Cache-Control": "no-cache"})


class Guard:
    """The policy on every answer, the CSRF token on every POST, and the refusals that a test asks for."""

    def __init__(self, app: Starlette, server: FakeServer) -> None:
        self.app, self.server = app, server

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request = Request(scope)
        self.server.study.asked.append(request.url.path)
        refused = self.server.study.refuse.get(request.url.path)
        if refused is None and request.method == "POST" and request.headers.get("x-csrf-token") != "c":
            refused = (403, "csrf", "The token is missing.")

        async def guarded(message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"], (b"content-security-policy", screen.POLICY.encode()),
                ]  # fmt: skip
            await send(message)

        return await (refusal(*refused) if refused else self.app)(scope, receive, guarded)
