"""The server of studies against bad input and attack: what a hostile page, rater or stranger may send."""

from __future__ import annotations

import json
import re
import socket
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from groundglass.studies.open_study import Study
from groundglass.web import settings as limits
from groundglass.web.guards import HEADERS
from groundglass.web.own_names import reached_by
from groundglass.web.replies import Stop
from groundglass.web.requests import cookie_name
from groundglass.web.service import Service
from groundglass.web.settings import Settings
from patience import STOPS_A_HANG
from study_client import Client
from study_servers import make_study, served

EVIL = "<img src=x onerror=alert(1)>\"'=1+1"


@pytest.fixture(scope="module")
def log() -> list[str]:
    return []


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    made = make_study(
        tmp_path_factory.mktemp("study"), None, count=40, prompt="meta.prompt", votes=1000,
        first={"prompt": EVIL, "name": EVIL, "row": EVIL},
    )  # fmt: skip
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def base(study: Study, log: list[str]) -> Iterator[str]:
    with served(study, settings=Settings(log=log.append)) as address:
        yield address


@pytest.fixture
def rater(base: str, study: Study) -> Client:
    made = Client(base)
    made.open(f"/i/{study.store.invite(1)[0][1]}")
    return made


@pytest.fixture
def owner(base: str, study: Study) -> Client:
    made = Client(base)
    made.open(f"/o/{study.store.new_owner_token()}")
    return made


def rows(study: Study) -> int:
    return study.store.votes().num_rows


def raw(base: str, data: bytes, finish: bool = True) -> bytes:
    """All that the server answers to these bytes until it closes the connection."""
    parts = urlsplit(base)
    with socket.create_connection((parts.hostname, parts.port), timeout=STOPS_A_HANG) as made:
        made.sendall(data)
        if finish:
            made.shutdown(socket.SHUT_WR)
        found = b""
        while part := made.recv(65536):
            found += part
        return found


PATHS = [
    "/image/../../etc/passwd", "/image/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/static/../app.py", "/static/..%2fapp.py",
    "/static/%00", "/image/" + "a" * 5000, "/static/screen.py", "//etc/passwd", "/image/C:%5cwindows",
    "/i/../../x", "/board/export.exe", "/board/export.csv/../../x", "/healthz/", "/.env", "/votes.sqlite",
    "/api/nothing", "/image/" + "0" * 32 + "0", "/image/%ff%fe", "/image/" + "0" * 33 + "'--",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_to_a_file(rater: Client, path: str):
    reply = rater.get(path)
    assert reply.status in (403, 404), reply.body[:200]
    assert b"root:" not in reply.body
    assert b"import" not in reply.body
    assert b"SQLite" not in reply.body


def test_every_reply_has_the_security_headers(base: str, rater: Client, owner: Client):
    methods = ("GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "TRACE")
    paths = ("/", "/healthz", "/i/x", "/api/votes", "/nothing", "/static/rate.css", "/board")
    replies = [Client(base).ask(method, path) for method in methods for path in paths]
    trial = rater.next()
    replies += [
        rater.get("/"),
        rater.get(trial["images"][0]["url"]),
        rater.get("/api/session"),
        rater.vote("x", 9),
    ]
    replies += [owner.get("/board"), owner.get("/api/board")]
    for reply in replies:
        for name, value in HEADERS.items():
            assert reply.headers[name] == value
        assert "Server" not in reply.headers
        assert "Access-Control-Allow-Origin" not in reply.headers
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    invalid = raw(base, b"NONSENSE\r\n\r\n").lower()
    assert b"content-security-policy" in invalid
    assert b" 400 " in invalid


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(base: str, study: Study):
    ((_, token),) = study.store.invite(1)
    reply = Client(base).get(f"/i/{token}")
    cookie = reply.headers["Set-Cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie
    assert token.lower() not in cookie
    assert reply.headers["Location"] == "/"
    assert token not in str(reply.headers)


def test_behind_https_the_cookie_is_secure_and_the_public_name_is_accepted(tmp_path: Path):
    study = make_study(tmp_path, None, count=2)
    with served(study, settings=Settings("https://rate.example.org")) as base:
        ((_, token),) = study.store.invite(1)
        stranger = Client(base)
        reply = stranger.get(f"/i/{token}", Host="rate.example.org")
        assert "secure" in reply.headers["Set-Cookie"].lower()
        assert reply.headers["Strict-Transport-Security"]
        stranger.csrf = stranger.get("/api/session", Host="rate.example.org").json()["csrf"]
        trial = stranger.get("/api/next", Host="rate.example.org").json()["trial"]
        own = {"Host": "rate.example.org", "Origin": "https://rate.example.org"}
        assert stranger.vote(trial, 3).status == 200
        assert stranger.post("/api/display", {"read": ""}, **own).status == 200
    study.store.close()


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "",
        "a b",
        "[::1",
        "localhost, evil",
        "evil@127.0.0.1",
    ],
)
def test_another_host_name_is_refused(base: str, host: str):
    # A page of evil.example may let its own name point at 127.0.0.1, and read what is there.
    reply = Client(base).get("/healthz", Host=host)
    assert reply.status == 400


def test_the_machines_own_names_are_accepted_if_it_serves_its_network():
    assert not Settings().is_own_host("mypc.fritz.box:8000")
    assert Settings(names=("mypc.fritz.box",)).is_own_host("MyPC.fritz.box:8000")
    names, urls = reached_by("0.0.0.0", 8000)
    assert all(Settings(names=names).is_own_host(urlsplit(url).netloc) for url in urls)
    assert not any("127.0.0.1" in url or "::" in url for url in urls)


def test_links_for_others_name_an_address_that_they_can_reach(tmp_path: Path):
    study = make_study(tmp_path, None, count=3)
    with served(study, settings=Settings(reach="http://192.0.2.7:8000")) as base:
        owner = Client(base)
        owner.open(f"/o/{study.store.new_owner_token()}")
        (made,) = owner.post("/api/board/invite", {"raters": 1}).json()["links"]
        assert made["link"].startswith("http://192.0.2.7:8000/i/")
    study.store.close()


def test_two_host_headers_are_refused(base: str):
    assert b" 400 " in raw(base, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Origin": "https://ëvil"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"X-CSRF-Token": "wrong"},
        {"X-CSRF-Token": ""},
    ],
)
def test_other_sites_cannot_vote(rater: Client, study: Study, headers: dict[str, str]):
    before, trial = rows(study), rater.next()["trial"]
    content = json.dumps({"id": str(uuid.uuid4()), "trial": trial, "score": 3}).encode()
    plain = {"Content-Type": "application/json", "X-CSRF-Token": rater.csrf} | headers
    reply = rater.ask(
        "POST",
        "/api/votes",
        content,
        {name: value.encode().decode("latin-1") for name, value in plain.items()},
    )
    assert (reply.status, reply.code in ("origin", "csrf")) == (403, True)
    assert rows(study) == before


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_a_form_of_another_site_is_no_vote(rater: Client, study: Study, kind: str):
    before = rows(study)
    content = {"id": str(uuid.uuid4()), "trial": rater.next()["trial"], "score": 3}
    assert rater.post("/api/votes", content, Content_Type=kind).status == 415
    assert rows(study) == before


BODIES = [
    b"", b"{", b"[]", b"null", b"3", b'"x"', b"\xff\xfe", b'{"id": NaN}', b"[" * 30_000, b'{"a":1,"a":2}',
    b'{"a":' * 9000, b'{"n":' + b"9" * 9000 + b"}",
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES)
def test_a_body_that_is_not_an_object_is_refused(rater: Client, body: bytes):
    reply = rater.ask(
        "POST", "/api/votes", body, {"Content-Type": "application/json", "X-CSRF-Token": rater.csrf}
    )
    assert reply.status == 415


WRONG: list[tuple[str, Any]] = [
    ("id", "x"), ("id", None), ("id", 7), ("id", "../../../../../../../../../../../etc"), ("id", "{" + "0" * 36 + "}"),
    ("trial", None), ("trial", 5), ("trial", ["a"]), ("trial", "x" * 100),
    ("score", None), ("score", 0), ("score", 6), ("score", 3.5), ("score", "3"), ("score", True), ("score", [3]),
    ("score", {"$gt": 0}), ("score", 10**400), ("score", -1), ("score", "3; DROP TABLE votes"),
    ("reasons", ["blurred"]), ("reasons", "x"), ("reasons", [1]), ("comment", 5), ("comment", "x" * 4001),
    ("comment", ["x"]),
    ("dwell", "1"), ("dwell", -1), ("dwell", 10**400), ("flips", 1.5), ("flips", -1), ("flips", 10**9),
    ("zoom_max", "x"), ("mode", "<b>"), ("mode", "x" * 50), ("mode", 5), ("viewport", [1]), ("viewport", ["a", "b"]),
    ("viewport", {"w": 1}), ("dpr", 1e9), ("display_scale", []), ("t_shown", "now"), ("t_answer", 1e300),
    ("rater", "r01"), ("undone_by", "x"), ("__proto__", {}), ("flags", []), ("kind", "rate"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_every_wrong_value_is_refused_with_its_key(rater: Client, study: Study, key: str, value: Any):
    before = rows(study)
    sent = {"id": str(uuid.uuid4()), "trial": rater.next()["trial"], "score": 3} | {key: value}
    reply = rater.post("/api/votes", sent)
    assert reply.status == 422, reply.body
    assert reply.json()["key"] == key
    assert rows(study) == before


def test_clocks_may_be_wrong_and_are_recorded(rater: Client, study: Study):
    reply = rater.vote(rater.next()["trial"], 3, t_shown=9e14, t_answer=0, dwell=0.7)
    assert reply.status == 200
    last = study.store.votes().to_pylist()[-1]
    assert (last["t_shown"], last["t_answer"], last["dwell"]) == (9e14, 0, 0.7)
    assert 0 < last["received"] - last["assigned"] < STOPS_A_HANG


@pytest.mark.parametrize("declared", [True, False])
def test_a_comment_of_ten_megabytes_is_refused_before_it_is_read(base: str, rater: Client, declared: bool):
    size = 10_000_000
    cookie = "; ".join(f"{name}={value}" for name, value in rater.cookies.items())
    length = f"Content-Length: {size}" if declared else "Transfer-Encoding: chunked"
    head = (
        f"POST /api/votes HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\nX-CSRF-Token: {rater.csrf}\r\n"
        f"Content-Type: application/json\r\n{length}\r\n\r\n"
    ).encode()
    part = b"" if declared else b"%x\r\n%b\r\n" % (limits.BODY + 1, b"a" * (limits.BODY + 1))
    reply = raw(base, head + part, finish=False)
    assert b" 413 " in reply.split(b"\r\n")[0]
    assert json.loads(reply.split(b"\r\n\r\n")[1])["code"] == "too_large"


def test_headers_without_end_are_refused(base: str):
    reply = raw(base, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * (4 * limits.HEAD), finish=False)
    assert b" 400 " in reply or b" 431 " in reply


def test_a_body_that_never_comes_does_not_hold_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import groundglass.web.requests as requests
    import groundglass.web.serve as serve

    monkeypatch.setattr(requests, "BODY_SECONDS", 0.05)
    monkeypatch.setattr(serve, "HEAD_SECONDS", 0.05)
    study = make_study(tmp_path, None, count=2)
    with served(study) as base:
        lines = [
            "POST /api/votes HTTP/1.1",
            "Host: 127.0.0.1",
            "Content-Type: application/json",
            "Content-Length: 99",
        ]
        head = "\r\n".join([*lines, "", "{"]).encode()
        assert b" 408 " in raw(base, head, finish=False)
        assert raw(base, b"", finish=False) == b""
        assert raw(base, b"GET / HTT", finish=False) == b""
        assert Client(base).get("/healthz").status == 200
    study.store.close()


def test_links_that_do_not_exist_are_404_and_many_of_them_429(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import groundglass.web.app as app

    monkeypatch.setattr(app, "MISSES_AT_ONCE", 5.0)
    monkeypatch.setattr(app, "MISSES_A_SECOND", 1e-6)
    study = make_study(tmp_path, None, count=2)
    ((name, token),) = study.store.invite(1)
    with served(study) as base:
        said = [Client(base).get(f"/i/guess{at}").status for at in range(8)]
        assert said == [404] * 5 + [429] * 3
        assert Client(base).get(f"/i/{token}").status == 303  # a real link is not a guess
        study.store.revoke(name)
        assert Client(base).get(f"/i/{token}").status == 403
        ((_, old),) = study.store.invite(1, expires=1.0)
        reply = Client(base).get(f"/i/{old}", Accept="text/html")
        assert reply.status == 410
        assert b"expired" in reply.body
        owner = study.store.new_owner_token()
        assert Client(base).get(f"/i/{owner}").code in ("unknown", "too_many")
    study.store.close()


def test_too_many_changes_are_429(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import groundglass.web.app as app

    monkeypatch.setattr(app, "VOTES_AT_ONCE", 3.0)
    monkeypatch.setattr(app, "VOTES_A_SECOND", 1e-6)
    study = make_study(tmp_path, None, count=2)
    with served(study) as base:
        rater = Client(base)
        rater.open(f"/i/{study.store.invite(1)[0][1]}")
        replies = [rater.post("/api/display", {"read": "a"}) for _ in range(5)]
        assert [one.status for one in replies] == [200] * 3 + [429] * 2
        assert replies[-1].headers["Retry-After"]
    study.store.close()


def test_nobody_without_a_cookie_gets_anything(base: str, rater: Client):
    image = rater.next()["images"][0]["url"]
    stranger = Client(base)
    for path in ("/api/session", "/api/next", "/api/board", "/board/export.csv", image):
        assert stranger.get(path).status == 401
    for path in ("/api/votes", "/api/undo", "/api/display", "/api/board/invite", "/api/board/revoke"):
        assert stranger.post(path, {}).status == 401
    forged = Client(base, dict.fromkeys(rater.cookies, "A" * 22), rater.csrf)
    assert forged.get("/api/next").status == 401
    page = stranger.get("/", Accept="text/html")
    assert page.status == 401
    assert b"link" in page.body


def test_a_withdrawn_rater_is_out_at_once(base: str, study: Study):
    ((name, token),) = study.store.invite(1)
    rater = Client(base)
    rater.open(f"/i/{token}")
    trial = rater.next()
    study.store.revoke(name)
    for path in ("/api/session", "/api/next", trial["images"][0]["url"], "/"):
        assert rater.get(path).status == 403
    assert rater.vote(trial["trial"], 3).code == "revoked"


def test_raters_do_not_see_the_board_and_owners_do_not_rate(rater: Client, owner: Client, study: Study):
    for path in ("/board", "/api/board", "/board/export.csv"):
        assert rater.get(path).status == 403
    for path, sent in (("/api/board/invite", {"raters": 1}), ("/api/board/revoke", {"rater": "r01"})):
        assert rater.post(path, sent).status == 403
    assert owner.get("/api/next").status == 403
    before = rows(study)
    assert owner.vote(rater.next()["trial"], 3).status == 403
    assert rows(study) == before


def test_no_rater_sees_or_changes_what_another_did(base: str, rater: Client, study: Study):
    other = Client(base)
    other.open(f"/i/{study.store.invite(1)[0][1]}")
    mine, theirs = rater.next(), other.next()
    assert other.get(mine["images"][0]["url"]).status == 404
    assert other.vote(mine["trial"], 3).status == 404
    voted = rater.vote(mine["trial"], 3).json()["vote"]
    assert other.post("/api/undo", {"id": str(uuid.uuid4()), "vote": voted}).status == 409
    again = {"id": voted, "trial": theirs["trial"], "score": 3}
    assert other.post("/api/votes", again).code == "other_content"
    seen = json.dumps([other.get("/api/session").json(), other.next(3)])
    assert voted not in seen
    assert mine["trial"] not in seen


def test_a_rater_cannot_see_which_trials_are_checks(tmp_path: Path):
    study = make_study(tmp_path, None, count=40, checks={"training": 1, "trap": 0.3, "repeat": 0.3})
    with served(study) as base:
        rater = Client(base)
        rater.open(f"/i/{study.store.invite(1)[0][1]}")
        shapes: set[str] = set()
        urls: set[str] = set()
        while "trial" in (trial := rater.next()):
            reply = rater.vote(trial["trial"], 5)
            assert trial["training"] or reply.json()["feedback"] is None
            urls |= {image["url"] for image in trial["images"]}
            numbers = {"trial": "", "number": 0, "total": 0, "ahead": [], "training": False}
            shapes.add(json.dumps({**trial, **numbers, "images": len(trial["images"])}, sort_keys=True))
        kinds = set(study.store.votes()["kind"].to_pylist())
        assert {"trap", "repeat", "rate"} <= kinds
        assert len(shapes) == 1
        assert len(urls) == study.store.votes().num_rows  # a repeat has another address than the first time
    study.store.close()


def test_names_prompts_and_comments_are_only_ever_data(rater: Client, owner: Client, study: Study):
    found = None
    while found != EVIL:  # each rater gets every image, this one at a random place
        trial = rater.next()
        assert "trial" in trial, "no image has the prompt"
        found = trial["prompt"]
        assert rater.vote(trial["trial"], 3, comment=EVIL).status == 200
    for page in (rater.get("/", Accept="text/html"), owner.get("/board", Accept="text/html")):
        assert page.headers["Content-Type"].startswith("text/html")
        assert b"onerror" not in page.body
        assert not re.search(rb"<script(?![^>]*\bsrc=)|\son\w+=|javascript:|\sstyle=", page.body)
    board = owner.get("/api/board")
    assert board.headers["Content-Type"] == "application/json"
    assert EVIL in [item["name"] for item in board.json()["items"]]
    missing = rater.get(f"/nothing/{EVIL.replace(' ', '%20')}", Accept="text/html")
    assert b"onerror" not in missing.body


def test_images_have_no_metadata_and_no_names(rater: Client):
    reply = rater.get(rater.next()["images"][0]["url"])
    assert reply.headers["Content-Type"] == "image/png"
    assert "Content-Disposition" not in reply.headers
    assert set(re.findall(rb"(IHDR|tEXt|iTXt|zTXt|eXIf|iCCP|tIME|pHYs|IDAT|IEND)", reply.body)) == {
        b"IHDR",
        b"IDAT",
        b"IEND",
    }


def test_an_error_shows_no_detail_and_the_log_shows_no_token(
    base: str, rater: Client, study: Study, log: list[str], monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("a secret of the inside")

    monkeypatch.setattr(Service, "rater", broken)
    for accept in ("text/html", "application/json"):
        reply = rater.get("/api/session", Accept=accept)
        assert reply.status == 500
        assert b"secret" not in reply.body
        assert b"Traceback" not in reply.body
        assert b".py" not in reply.body
    assert any("a secret of the inside" in line for line in log)
    ((_, token),) = study.store.invite(1)
    Client(base).get(f"/i/{token}")
    Client(base).get("/nothing%0a200%20GET%20/forged")
    written = "\n".join(log)
    assert token not in written
    assert "/i/…" in written
    assert "\n200 GET /forged" not in written
    assert all(value not in written for value in (*rater.cookies.values(), rater.csrf))


def test_head_opens_no_session_and_options_says_nothing(base: str, study: Study):
    ((name, token),) = study.store.invite(1)
    head = Client(base).ask("HEAD", f"/i/{token}")
    assert "Set-Cookie" not in head.headers
    assert [row["state"] for row in study.store.raters().to_pylist() if row["rater"] == name] == [
        "not opened"
    ]
    assert Client(base).ask("OPTIONS", "/api/votes").status == 405
    assert Client(base).ask("TRACE", "/").status in (400, 405)


def test_one_browser_may_rate_in_two_studies_at_once(tmp_path: Path):
    """Two tabs of one browser: the token of the page says which study it is."""
    one, other = (make_study(tmp_path / name, None, count=3, name=name) for name in ("one", "other"))
    with served(one, other) as base:
        first, second = Client(base), Client(base)
        first.open(f"/i/{one.store.invite(1)[0][1]}")
        second.cookies = first.cookies
        second.open(f"/i/{other.store.invite(1)[0][1]}")
        assert set(first.cookies) == {cookie_name(one, "r"), cookie_name(other, "r")}
        for tab in (first, second):
            trial = tab.get("/api/next", X_CSRF_Token=tab.csrf).json()
            assert tab.get(trial["images"][0]["url"]).status == 200
            assert tab.vote(trial["trial"], 3).status == 200
        names = [
            tab.get("/api/session", X_CSRF_Token=tab.csrf).json()["study"]["name"] for tab in (first, second)
        ]
        assert names == ["one", "other"]
        assert (rows(one), rows(other)) == (1, 1)
    one.store.close()
    other.store.close()


def test_a_file_that_cannot_be_read_stops_nobody(tmp_path: Path):
    study = make_study(tmp_path, None, count=6, votes=1, checks={"training": 0})
    for path in sorted((tmp_path / "files").iterdir())[:2]:
        path.write_bytes(path.read_bytes()[:200])
    with served(study) as base:
        rater = Client(base)
        rater.open(f"/i/{study.store.invite(1)[0][1]}")
        votes, gone = 0, 0
        while "trial" in (trial := rater.next(2)):
            shown = rater.get(trial["images"][0]["url"])
            if shown.status == 200:
                votes += rater.vote(trial["trial"], 3).status == 200
            else:
                assert (shown.status, shown.code) == (410, "image")
                gone += 1
        assert (votes, gone) == (4, 2)
    study.store.close()


def test_images_are_shown_also_if_their_copies_cannot_be_kept(tmp_path: Path):
    study = make_study(tmp_path, None, count=2, checks={"training": 0})
    (tmp_path / "images").write_bytes(b"")  # a file where the folder of copies would be
    with served(study) as base:
        rater = Client(base)
        rater.open(f"/i/{study.store.invite(1)[0][1]}")
        shown = rater.get(rater.next()["images"][0]["url"])
        assert (shown.status, shown.headers["Content-Type"]) == (200, "image/png")
    study.store.close()


def test_a_database_that_cannot_be_written_confirms_no_vote(tmp_path: Path):
    study = make_study(tmp_path, None, count=3, checks={"training": 0})
    with served(study) as base:
        rater = Client(base)
        rater.open(f"/i/{study.store.invite(1)[0][1]}")
        vote = {"id": str(uuid.uuid4()), "trial": rater.next()["trial"], "score": 4}
        file = sqlite3.connect(tmp_path / "votes.sqlite")
        file.execute("CREATE TRIGGER full BEFORE INSERT ON votes BEGIN SELECT no_such_function(); END")
        refused = rater.post("/api/votes", vote)
        assert (refused.status, refused.code, refused.headers["Retry-After"]) == (503, "database", "2")
        file.execute("DROP TRIGGER full")
        file.close()
        assert study.store.votes().num_rows == 0
        assert rater.post("/api/votes", vote).json() == {"ok": True, "vote": vote["id"], "feedback": None}
    study.store.close()


def test_the_owner_invites_and_withdraws(base: str, owner: Client):
    made = owner.post("/api/board/invite", {"raters": 2, "days": 3}).json()["links"]
    assert all(one["link"].startswith(f"{base}/i/") and one["expires"] for one in made)
    rater = Client(base)
    rater.open(made[0]["link"])
    assert owner.post("/api/board/revoke", {"rater": made[0]["rater"]}).status == 200
    assert rater.get("/api/next").status == 403
    for sent in (
        {},
        {"raters": 0},
        {"raters": 10**9},
        {"raters": "2"},
        {"raters": 1, "days": -1},
        {"raters": 1, "x": 1},
    ):
        assert owner.post("/api/board/invite", sent).status == 422
    for sent in ({}, {"rater": 3}, {"rater": "r'; --"}, {"rater": "r01", "x": 1}):
        assert owner.post("/api/board/revoke", sent).status == 422


def test_every_code_has_a_status_and_a_sentence():
    from groundglass.studies.records import REFUSALS
    from groundglass.web.replies import SENTENCES, STATUS

    assert set(STATUS) - {"recipe"} == set(REFUSALS) | set(SENTENCES)
    with pytest.raises(KeyError):
        Stop("never heard of")
