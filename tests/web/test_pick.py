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
  - hold_out: {test: {count: 2}}
    name: more
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
    """A process of `study pick`, for the step eyes or another one."""

    def __init__(self, place: Path, port: int = 0, step: str = "eyes") -> None:
        words = ("study", "pick", "held", step, "--no-browser", "--port", str(port))
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

    def start(port: int = 0, step: str = "eyes") -> Picking:
        running.append(Picking(place, port, step))
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
    assert next(s for s in run_json(place, "held.yaml")["steps"] if s["step"] == "eyes")["held_out"] == 2


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
    owner.get(server.link.removeprefix(server.base))
    state = owner.get("/api/pick").json()
    small, large = (f"/{size}/{state['key']}/0" for size in ("small", "image"))
    assert [stranger.get(path).status for path in ("/", "/api/pick", small, large)] == [401] * 4
    assert [owner.get(path).status for path in (small, large)] == [200] * 2
    assert stranger.get("/o/wrong").status == 404
    owner.csrf = state["csrf"]
    ids = [image["id"] for image in state["images"]]
    for path in (
        f"/image/{state['key']}/4",
        f"/image/{state['key']}/-1",
        "/image/0",
        "/image/../../etc/passwd",
    ):
        assert owner.get(path).status == 404
    one = {"pick": ids[:1], "drop": []}
    assert owner.post("/api/pick", one, Origin="https://elsewhere.example").status == 403
    assert owner.post("/api/pick", one, Sec_Fetch_Site="cross-site").status == 403
    assert owner.get("/api/pick", Host="elsewhere.example").status == 400
    for wrong in (
        {"pick": ids[:1]},
        {**one, "path": "/etc"},
        {"pick": "x", "drop": []},
        {"pick": [1], "drop": []},
    ):
        assert owner.post("/api/pick", wrong).status == 415
    assert saved(place) == []
    assert owner.post("/api/pick", {"pick": ["../../x", ids[1]], "drop": []}).json() == {"picked": [ids[1]]}
    assert saved(place) == [ids[1]]
    owner.csrf = "forged"
    assert owner.post("/api/pick", {"pick": [], "drop": ids}).status == 403
    assert saved(place) == [ids[1]]


def test_two_tabs_keep_each_others_picks(place, picking, reader):
    first = opened(reader, picking().link)
    page, other = first.page, first.page.context.new_page()
    other.goto(page.url)
    wait(other, "document.body.dataset.state === 'pick'")
    for tab, at in ((page, 0), (other, 1), (page, 2)):
        before = len(saved(place))
        tab.locator(".tile").nth(at).click()
        wait_until(lambda before=before: len(saved(place)) == before + 1, "the pick is on disk")
    wait(page, "document.getElementById('count').textContent === '3 picked, 2 wanted'")
    other.locator(".tile").nth(1).click()
    wait_until(lambda: len(saved(place)) == 2, "only that pick is taken back")


def test_two_hold_outs_are_picked_in_one_browser_at_once(place, picking, reader):
    """Browsers share cookies, and perhaps kept images, between the ports of a machine."""
    eyes, more = picking(), picking(step="more")
    first = opened(reader, eyes.link)
    other = first.page.context.new_page()
    other.goto(more.link)
    wait(other, "document.body.dataset.state === 'pick'")
    first.page.locator(".tile").nth(0).click()
    wait_until(lambda: len(saved(place)) == 1, "the first page still saves")
    addresses = [page.locator(".tile img").nth(0).get_attribute("src") for page in (first.page, other)]
    assert addresses[0] != addresses[1]


def test_picks_that_could_not_be_saved_are_saved_after_a_new_start(place, picking, reader):
    server = picking()
    visitor = opened(reader, server.link)
    server.end(signal.SIGKILL)
    visitor.page.keyboard.press("Space")
    wait(visitor.page, "'late' in document.getElementById('saved').dataset")
    again = picking(server.port)
    wait(visitor.page, "document.getElementById('saved').textContent.includes('printed last')")
    assert saved(place) == []
    other = visitor.page.context.new_page()
    other.goto(again.link)
    wait_until(lambda: len(saved(place)) == 1, "the new link signs the waiting page in, too")


def test_a_folder_that_cannot_be_written_is_named_and_nothing_counts_as_saved(place, picking, reader):
    server = picking()
    page = opened(reader, server.link).page
    (place / SAVED).mkdir()  # also root, who may write into every folder, cannot write a file there
    page.keyboard.press("Space")
    wait(page, "'late' in document.getElementById('saved').dataset")
    assert "pick-eyes-validation.yaml" in page.locator("#saved").inner_text()
    (place / SAVED).rmdir()
    wait_until(lambda: len(saved(place)) == 1, "the page tried again")
    server.process.send_signal(signal.SIGINT)
    assert "pick-eyes-validation.yaml" in server.process.communicate(timeout=STOPS_A_HANG)[1]


@pytest.mark.parametrize("text", ["", "pick: all", 'pick: "x"', "pick: [1", "\xff"])
def test_a_damaged_list_of_picks_is_refused_and_not_overwritten(place, text):
    (place / SAVED).write_bytes(text.encode("latin-1"))
    done = groundglass(place, "study", "pick", "held", "eyes", "--no-browser")
    assert (done.returncode, "pick-eyes-validation.yaml" in done.stderr) == (2, True), done.stderr
    assert (place / SAVED).read_bytes() == text.encode("latin-1")


def test_an_image_that_is_gone_is_named_and_the_others_can_be_picked(place, picking, reader):
    (place / "held.yaml").write_text(RECIPE.replace("next: 4, PICK", "next: 6, pick: 2"))
    run_json(place, "held.yaml")
    server = picking()
    for file in (place / "photos").iterdir():
        if file.name != "0.png":
            file.unlink()
    page = opened(reader, server.link).page
    wait(page, "document.querySelectorAll('.tile.gone').length >= 5")
    assert page.locator("b").count() == 0
    gone = page.locator(".tile.gone").nth(0)
    assert "cannot be shown" in gone.inner_text()
    page.locator(".tile").nth(5).click()
    wait(page, "document.getElementById('saved').textContent === 'saved'")


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
