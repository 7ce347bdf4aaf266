"""`study pick`: images are picked by eye in the browser, saved at once, and the recipe takes the saved line."""

from __future__ import annotations

import io
import re
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from flow_tools import ENVIRONMENT, command, groundglass, heeds_control_c, picture, run_json
from PIL import Image

from browser_tools import wait
from patience import STOPS_A_HANG, wait_until

pytest.importorskip("starlette", reason="needs the extra studies")

from study_client import Client

RECIPE = """
name: held
steps:
  - source: {folder: photos}
    name: photos
  - measure: [sharpness]
  - select: {top_k: 3, by: tenengrad}
    name: best
  - hold_out: {validation: {next: 4, PICK}}
    name: eyes
"""
SAVED = "runs/held/0001/pick-eyes-validation.yaml"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for number in range(9):
        name = f"{number}<b>.png" if number == 4 else f"{number}.png"
        (tmp_path / "photos" / name).write_bytes(picture(96, 64, number))
    (tmp_path / "held.yaml").write_text(RECIPE.replace("PICK", "pick: 2"))
    run_json(tmp_path, "held.yaml")
    return tmp_path


class Picking:
    """A process of `study pick`."""

    def __init__(self, place: Path, port: int = 0) -> None:
        words = ("study", "pick", "held", "eyes", "--no-browser", "--port", str(port))
        self.process = subprocess.Popen(
            command(*words), cwd=place, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, preexec_fn=heeds_control_c,
        )  # fmt: skip
        self.link = self.process.stdout.readline().split()[-1]
        self.base = self.link.partition("/o/")[0]
        self.port = int(self.base.rpartition(":")[2])

    def end(self, how: signal.Signals = signal.SIGINT) -> str:
        self.process.send_signal(how)
        return self.process.communicate(timeout=STOPS_A_HANG)[0]


@pytest.fixture
def picking(place: Path):
    running: list[Picking] = []

    def start(port: int = 0) -> Picking:
        running.append(Picking(place, port))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)


def opened(reader, link: str, **settings):
    visitor = reader(**settings)
    visitor.page.goto(link)
    wait(visitor.page, "document.body.dataset.state === 'pick'")
    return visitor


def saved(place: Path) -> list[str]:
    file = place / SAVED
    return re.findall(r'"([^"]+)"', file.read_text()) if file.exists() else []


def test_picks_are_saved_at_once_survive_a_kill_and_are_held_out(place, picking, reader):
    server = picking()
    page = opened(reader, server.link).page
    assert page.locator("#count").inner_text() == "0 picked, 2 wanted"
    page.keyboard.press("Space")
    wait_until(lambda: len(saved(place)) == 1, "the first pick is on disk")
    server.end(signal.SIGKILL)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    wait(page, "document.getElementById('saved').textContent.includes('does not answer')")
    assert len(saved(place)) == 1
    again = picking(server.port)
    page = opened(reader, again.link).page
    assert page.locator("#count").inner_text() == "1 picked, 2 wanted"
    page.locator(".tile").nth(3).click()
    wait_until(lambda: len(saved(place)) == 2, "the second pick is on disk")
    printed = again.end()
    assert again.process.returncode == 0
    line = re.search(r"pick: \[.*\]", printed)[0]
    assert line in (place / SAVED).read_text()
    (place / "held.yaml").write_text(RECIPE.replace("PICK", line))
    assert run_json(place, "held.yaml")["steps"][-1]["held_out"] == 2


@pytest.mark.parametrize("ratio", [1, 1.5, 2])
def test_z_shows_the_pixels_of_the_file_one_to_one(place, picking, reader, ratio):
    visitor = opened(reader, picking().link, device_scale_factor=ratio)
    page = visitor.page
    page.keyboard.press("z")
    wait(page, "document.body.dataset.shown")
    name = page.locator(".tile").nth(0).get_attribute("title")
    screen = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    image = np.asarray(Image.open(place / "photos" / Path(name).name).convert("RGB"))
    high, wide = image.shape[:2]
    windows = np.lib.stride_tricks.sliding_window_view(screen, (high, wide, 3))[:, :, 0]
    corners = np.argwhere((windows[:, :, 0, 0] == image[0, 0]).all(axis=2))
    assert any((windows[y, x] == image).all() for y, x in corners)
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    assert page.evaluate("[...document.querySelectorAll('.tile')].indexOf(document.activeElement)") == 1
    wait_until(lambda: len(saved(place)) == 1, "the pick of the large view is on disk")
    assert visitor.said == []


def test_a_finger_picks_looks_and_goes_back(place, picking, reader):
    visitor = opened(
        reader, picking().link, viewport={"width": 400, "height": 800}, has_touch=True, is_mobile=True
    )
    page = visitor.page
    page.locator(".tile").nth(1).tap()
    wait_until(lambda: len(saved(place)) == 1, "the pick is on disk")
    page.locator("#look").tap()
    wait(page, "document.body.dataset.shown")
    page.locator("#choose").tap()
    wait_until(lambda: saved(place) == [], "the pick is taken back")
    page.locator("#look").tap()
    wait(page, "document.getElementById('viewer').hidden")
    page.locator(".tile").nth(0).tap()
    wait_until(lambda: len(saved(place)) == 1, "another pick is on disk")


def test_only_the_printed_link_opens_it_and_other_sites_change_nothing(place, picking):
    server = picking()
    stranger, owner = Client(server.base), Client(server.base)
    assert [stranger.get(path).status for path in ("/", "/api/pick", "/small/0", "/image/0")] == [401] * 4
    assert stranger.get("/o/wrong").status == 404
    owner.get(server.link.removeprefix(server.base))
    state = owner.get("/api/pick").json()
    owner.csrf = state["csrf"]
    ids = [image["id"] for image in state["images"]]
    assert owner.get("/image/4").status == 404
    assert owner.post("/api/pick", {"picked": ids[:1]}, Origin="https://elsewhere.example").status == 403
    assert owner.post("/api/pick", {"picked": ids[:1], "path": "/etc"}).status == 415
    assert owner.post("/api/pick", {"picked": ["../../x", ids[1]]}).status == 200
    assert saved(place) == [ids[1]]
    owner.csrf = "forged"
    assert owner.post("/api/pick", {"picked": []}).status == 403
    assert saved(place) == [ids[1]]


def test_an_image_that_is_gone_is_named_and_the_others_can_be_picked(place, picking, reader):
    server = picking()
    for file in (place / "photos").iterdir():
        if "<b>" in file.name:
            file.unlink()
    visitor = opened(reader, server.link)
    if visitor.page.locator(".tile[title*='<b>']").count():
        wait(visitor.page, "document.querySelector('.tile.gone')")
    assert visitor.page.locator("b").count() == 0


def test_the_page_without_a_server_asks_for_nothing_and_names_are_only_text(place, reader):
    done = groundglass(place, "study", "pick", "held", "eyes", "-o", "pick.html")
    assert "4 candidates for validation" in done.stdout
    visitor = reader()
    page = visitor.open(place / "pick.html")
    page.keyboard.press("Space")
    assert page.locator("#count").inner_text() == "1 picked, 2 wanted"
    assert page.locator("#line").inner_text().startswith('pick: ["')
    assert page.locator("b").count() == 0
    assert [url for url in visitor.asked if not url.startswith(("file:", "data:"))] == []
    assert visitor.said == []


@pytest.mark.parametrize(
    ("words", "says"),
    [(("held", "eye"), "Did you mean 'eyes'?"), (("held", "eyes", "--split", "tset"), "no split 'tset'")],
)
def test_an_unknown_step_or_split_is_refused(place, words, says):
    done = groundglass(place, "study", "pick", *words)
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr
