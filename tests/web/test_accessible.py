"""The pages of the application for people who see, hear or move otherwise: names, contrast, focus, fingers, motion."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

pytest.importorskip("starlette", reason="needs the extra studies")

from browser_tools import wait
from patience import wait_until

CONTROLS = "button, input, select, textarea, a[href], [role=option], [tabindex='0']"
NAMELESS = """(controls) => [...document.querySelectorAll(controls)].filter((node) => {
  if (!node.checkVisibility() || node.closest("[inert], [aria-hidden=true]")) return false;
  const by = node.getAttribute("aria-labelledby");
  const labels = [...(node.labels ?? [])].map((label) => label.textContent).join("");
  const text = node.matches("input, select, textarea") ? labels : node.textContent;
  const named = by ? document.getElementById(by)?.textContent : node.getAttribute("aria-label") || text || labels;
  return !named?.trim();
}).map((node) => node.outerHTML.slice(0, 120))"""
PROTOCOLS = ("acr", "slider", "pairwise", "accept", "pair_accept")
BOARD = {
    "study": {"name": "faces", "protocol": "acr"}, "agreement": {},
    "progress": {"items": 1, "votes": 3, "wanted": 5, "raters": 1},
    "items": [{"item": "i", "row": "r", "name": "a.png", "votes": 3, "score": 3.0, "ci95": [2, 4]}],
    "raters": [{"rater": "r01", "votes": 3, "correlation": None, "repeat": None, "seconds": 1.0, "left": None,
                "flags": {}, "state": "active", "last": None}],
}  # fmt: skip


def rules(css: str) -> dict[str, dict[str, str]]:
    """Selector → its colours, of the last rule with that selector; `@media` rules count as rules of their own."""
    found: dict[str, dict[str, str]] = {}
    for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", re.sub(r"/\*.*?\*/", "", css, flags=re.S)):
        colours = dict(re.findall(r"(--[\w-]+):\s*(#[0-9a-f]{3,6})", body))
        if colours:
            found[" ".join(selector.split())] = colours
    return found


def text_of(package: str, name: str) -> str:
    return files(package).joinpath("static", name).read_text(encoding="utf-8")


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else re.sub("(.)", r"\1\1", colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [":root", ':root[data-theme="light"]'])
@pytest.mark.parametrize("text", ["--text", "--muted", "--kept", "--dropped", "--unknown", "--accent"])
@pytest.mark.parametrize("ground", ["--ground", "--panel"])
def test_every_text_on_the_pages_can_be_read(theme, text, ground):
    colours = rules(text_of("groundglass.pages", "tokens.css"))[theme]
    assert contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("style", ["rate.css", "pick.css"])
@pytest.mark.parametrize("theme", ["body", ':root[data-theme="light"] body'])
@pytest.mark.parametrize(
    ("text", "ground"), [("--bar-text", "--bar"), ("--bar-muted", "--bar"), ("--bar-text", "--bar-line")]
)
def test_the_bar_next_to_the_image_can_be_read(style, theme, text, ground):
    colours = rules(text_of("groundglass.web", style))[theme]
    assert contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_control_of_the_rating_page_has_a_name(rate, protocol):
    more = {"reasons": ("blurred", "noisy")} if protocol in ("accept", "pair_accept") else {}
    rater, _ = rate(protocol=protocol, **more)
    assert rater.page.evaluate(NAMELESS, CONTROLS) == []
    if more:
        rater.press("d")
        assert rater.page.evaluate(NAMELESS, CONTROLS) == []
        rater.press("Escape")
    rater.press("?")
    assert rater.page.evaluate(NAMELESS, CONTROLS) == []
    rater.press("Escape", "c")
    assert rater.page.evaluate(NAMELESS, CONTROLS) == []


def test_every_control_of_the_begin_page_and_the_board_has_a_name(serve, reader):
    server = serve(board=BOARD)
    page = reader().page
    page.goto(server.url)
    wait(page, "document.body.dataset.state === 'begin'")
    assert page.evaluate(NAMELESS, CONTROLS) == []
    assert (
        page.evaluate("document.querySelectorAll('main:not([inert] *), [role=main]:not([inert] *)').length")
        == 1
    )
    page.goto(f"{server.url}/board")
    wait(page, "'ready' in document.documentElement.dataset")
    assert page.evaluate(NAMELESS, CONTROLS) == []


def test_a_new_image_and_a_notice_are_spoken(rate):
    rater, _ = rate()
    wait_until(
        lambda: "Image 1 of 6" in rater.page.locator("#spoken").text_content(), "the first image is spoken"
    )
    rater.press("3").sees("t2")
    wait_until(
        lambda: "Image 2 of 6" in rater.page.locator("#spoken").text_content(), "the next image is spoken"
    )
    assert rater.page.evaluate("document.querySelector('#note').getAttribute('role')") == "status"


def test_tab_goes_from_the_image_to_the_answers_to_the_tools_and_never_behind_a_page(rate, reader, serve):
    rater, _ = rate(protocol="pairwise")
    seen = []
    for _ in range(9):
        rater.press("Tab")
        seen.append(
            rater.page.evaluate("document.activeElement.closest('[id]')?.id || document.activeElement.id")
        )
    order = [
        name
        for at, name in enumerate(seen)
        if name in ("answers", "tools", "smooth", "zoom") and name not in seen[:at]
    ]
    assert order[:2] == ["answers", "tools"], seen
    page = reader().page
    page.goto(serve().url)
    wait(page, "document.body.dataset.state === 'begin'")
    for _ in range(20):
        page.keyboard.press("Tab")
        assert not page.evaluate("document.activeElement.closest('#work')")


def test_a_finger_answers_flips_and_moves_on(serve, reader):
    server = serve(protocol="pairwise")
    page = reader(viewport={"width": 400, "height": 800}, has_touch=True, is_mobile=True).page
    page.goto(server.url)
    wait(page, "document.body.dataset.state === 'begin'")
    page.get_by_role("button", name="Begin").tap()
    wait(page, "document.body.dataset.trial === 't1'")
    assert page.locator("#seen").text_content() == "A"
    page.locator("#canvas").tap()
    wait(page, "document.getElementById('seen').textContent === 'B'")
    page.get_by_role("button", name="B is better (key B)").tap()
    wait(page, "document.body.dataset.trial === 't2'")
    wait_until(lambda: server.study.votes, "the vote of the finger arrives")
    vote = server.study.votes[0]
    assert (vote["score"], vote["flips"]) == ("right", 1)


def test_what_fingers_press_is_large_enough_on_a_phone(serve, reader):
    for protocol in PROTOCOLS:
        page = reader(viewport={"width": 400, "height": 800}, has_touch=True, is_mobile=True).page
        page.goto(serve(protocol=protocol).url)
        wait(page, "document.body.dataset.state === 'begin'")
        page.keyboard.press("Enter")
        wait(page, "document.body.dataset.trial === 't1'")
        small = page.evaluate(
            """() => [...document.querySelectorAll('#bar button, #sliders button')].filter((one) => {
              const box = one.getBoundingClientRect();
              return box.width && (box.width < 24 || box.height < 24);
            }).map((one) => one.outerHTML.slice(0, 80))"""
        )
        assert small == []
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 400


def test_nothing_moves_if_somebody_wants_no_motion(serve, reader):
    page = reader(reduced_motion="reduce").page
    page.goto(serve(protocol="pairwise").url)
    wait(page, "document.body.dataset.state === 'begin'")
    page.keyboard.press("Enter")
    wait(page, "document.body.dataset.trial === 't1'")
    page.keyboard.press("?")
    assert page.evaluate("document.getElementById('legend').open && document.getAnimations().length") == 0
