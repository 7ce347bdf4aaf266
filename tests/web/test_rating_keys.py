"""The rating page is worked by keys alone, for every protocol, and its votes say what was seen."""

from __future__ import annotations

import uuid

import pytest

from browser_tools import wait
from patience import wait_until


def votes(server, count: int) -> list[dict]:
    return wait_until(
        lambda: len(server.study.votes) >= count and server.study.votes, f"{count} votes arrive"
    )


def test_five_grades(rate):
    rater, server = rate(trials=6)
    for place, key in enumerate("51243"):
        rater.press(key).sees(f"t{place + 2}")
    assert [vote["score"] for vote in votes(server, 5)] == [5, 1, 2, 4, 3]
    assert [vote["trial"] for vote in server.study.votes] == ["t1", "t2", "t3", "t4", "t5"]
    rater.press("4").state("end")
    assert len(votes(server, 6)) == 6
    assert rater.reader.said == []


def test_a_slider_takes_tens_and_single_steps(rate):
    rater, server = rate(protocol="slider", trials=2)
    rater.press("Enter")
    wait(rater.page, "!document.querySelector('#note').hidden")  # no value is set yet
    rater.press("7", "ArrowRight", "ArrowRight", "ArrowLeft", "Enter").sees("t2")
    assert rater.text("#sliders output") == "–"
    rater.press("0", "Enter").state("end")
    assert [vote["score"] for vote in votes(server, 2)] == [71, 0]


def test_several_sliders(rate):
    rater, server = rate(protocol="slider", trials=2, dimensions=("quality", "alignment"), prompt="a red cat")
    assert "a red cat" in rater.text("#prompt")
    rater.press("7", "Enter")
    assert rater.page.locator(".slider[data-active] label").inner_text() == "alignment"
    assert server.study.votes == []
    rater.press("3", "ArrowUp", "8", "ArrowDown", "ArrowRight", "Enter").sees("t2")
    assert votes(server, 1)[0]["score"] == {"quality": 80, "alignment": 31}
    rater.press("Tab", "Tab")  # the focus enters the sliders too, and a digit goes to the one that has it
    wait(rater.page, "document.activeElement.id === 'slider-1' || document.activeElement.id === 'slider-0'")


def test_the_better_of_two(rate):
    rater, server = rate(protocol="pairwise", trials=4)
    rater.press("a").sees("t2")
    rater.press("b").sees("t3")
    rater.press("=").sees("t4")
    rater.press("Space", "Space", "Space", "A").state("end")
    got = votes(server, 4)
    assert [vote["score"] for vote in got] == ["left", "right", "tie", "left"]
    assert [vote["flips"] for vote in got] == [0, 0, 0, 3]


def test_keep_and_drop_with_reasons(rate):
    rater, server = rate(protocol="accept", trials=5, reasons=("blurred", "text", "dull"))
    rater.press("k").sees("t2")
    rater.press("d", "2").sees("t3")
    rater.press("d", "Enter").sees("t4")
    rater.press("d", "Shift+Digit1", "Shift+Digit3", "Enter").sees("t5")
    rater.press("d", "Escape", "1", "k").state("end")
    got = votes(server, 5)
    assert [vote["score"] for vote in got] == ["keep", "drop", "drop", "drop", "keep"]
    assert [vote.get("reasons", []) for vote in got] == [[], ["text"], [], ["blurred", "dull"], []]


def test_a_pair_of_low_and_high_quality(rate):
    rater, server = rate(protocol="pair_accept", trials=2)
    assert rater.text("#seen") == "Low quality"
    rater.press("Space")
    assert rater.text("#seen") == "High quality"
    rater.page.keyboard.down("Shift")
    assert rater.text("#seen") == "Low quality"
    rater.page.keyboard.up("Shift")
    assert rater.text("#seen") == "High quality"
    rater.press("d").sees("t2")  # without reasons, D is enough
    rater.press("k").state("end")
    assert [vote["score"] for vote in votes(server, 2)] == ["drop", "keep"]


def test_a_vote_says_how_the_image_was_seen(rate):
    rater, server = rate({"device_scale_factor": 1.5, "viewport": {"width": 900, "height": 700}}, trials=2)
    rater.press("+", "+")
    wait(rater.page, "document.querySelector('#zoom-text').innerText === '200 %'")
    rater.press("2").sees("t2")
    vote = votes(server, 1)[0]
    assert uuid.UUID(vote["id"]).version == 4
    assert vote["viewport"] == [900, 700]
    assert (vote["dpr"], vote["mode"], vote["flips"]) == (1.5, "flip", 0)
    assert vote["zoom_max"] == pytest.approx(2)
    assert 0 <= vote["dwell"] <= vote["t_answer"] - vote["t_shown"] + 0.1
    assert wait_until(lambda: server.study.displays, "the display is sent")[0]["dpr"] == 1.5


def test_how_the_display_was_read_is_sent(serve, reader):
    from study_pages import Rater

    server = serve()
    rater = Rater(reader(), server.url).open()
    rater.page.locator("input[name=read-dark][value='3']").check(force=True)
    rater.press("Enter").sees("t1")
    assert wait_until(lambda: server.study.displays, "the display is sent")[0]["read"] == (
        "dark 3 of 4, light not answered"
    )


def test_a_key_that_is_held_down_answers_one_image(rate):
    rater, server = rate(trials=5)
    for _ in range(10):  # pressing a key that is down is what a keyboard repeats
        rater.page.keyboard.down("3")
    rater.page.keyboard.up("3")
    rater.sees("t2").press("4").sees("t3")
    assert [vote["score"] for vote in votes(server, 2)] == [3, 4]


def test_keys_of_the_browser_are_not_answers(rate):
    rater, server = rate(trials=3)
    rater.press("Control+1", "Alt+2", "Meta+3", "x", "4").sees("t2")
    assert [vote["score"] for vote in votes(server, 1)] == [4]


def test_a_comment_goes_with_its_vote_only(rate):
    rater, server = rate(trials=3)
    rater.press("c")
    rater.page.keyboard.type("1 a bit soft? z")
    assert server.study.votes == []  # the keys of the page rest while somebody writes
    rater.press("Enter", "3").sees("t2")
    rater.press("2").sees("t3")
    assert [vote.get("comment") for vote in votes(server, 2)] == ["1 a bit soft? z", None]


def test_the_legend_opens_and_closes_by_its_key(rate):
    rater, server = rate(protocol="pairwise", trials=2)
    rater.press("?")
    wait(rater.page, "document.querySelector('#legend').open")
    assert "flip to the other image" in rater.text("#legend")
    rater.press("a", "?")
    wait(rater.page, "!document.querySelector('#legend').open")
    rater.press("b").state("trial").sees("t2")
    assert [vote["score"] for vote in votes(server, 1)] == ["right"]


def test_a_mouse_can_do_it_too(rate):
    rater, server = rate(trials=3)
    rater.page.get_by_role("button", name="good (key 4)").click()
    rater.sees("t2").press("2").sees("t3")  # the focus went back: the key means the image
    assert [vote["score"] for vote in votes(server, 2)] == [4, 2]


def test_the_feedback_of_a_practice_trial_takes_the_place_of_its_reasons(rate):
    rater, _ = rate(protocol="accept", trials=3, training=1, reasons=("blurred", "text"))
    rater.press("d", "2")
    wait(rater.page, "!document.getElementById('feedback').hidden")
    assert rater.page.locator("#reasons").is_hidden()
    rater.press("Enter").sees("t2")


def test_practice_gives_feedback_and_cannot_be_undone(rate):
    rater, server = rate(trials=3, training=2)
    rater.press("2")
    wait(rater.page, "!document.querySelector('#feedback').hidden")
    assert "Sharp and clean: 4 or 5." in rater.text("#feedback")
    rater.press("5", "Backspace")
    assert [vote["trial"] for vote in server.study.votes] == ["t1"]
    rater.press("Enter").sees("t2").press("4")
    wait(rater.page, "document.querySelector('#feedback').dataset.right === 'true'")
    rater.press("Space").sees("t3")
    assert "Practice is over" in rater.text("#note")


def test_a_break_is_offered(rate):
    rater, server = rate(trials=5, pause=2)
    rater.press("3").sees("t2").press("3").state("break")
    assert "2 answers" in rater.text("#screen h1")
    rater.press("5", "Enter").sees("t3")
    rater.press("4").sees("t4")
    assert [vote["score"] for vote in votes(server, 3)] == [3, 3, 4]


def test_buttons_and_images_have_names(rate):
    rater, _ = rate(protocol="pairwise", trials=2)
    nameless = rater.page.evaluate(
        "[...document.querySelectorAll('button')].filter(one => !one.innerText.trim() && !one.ariaLabel).length"
    )
    assert nameless == 0
    assert rater.page.locator("#canvas").get_attribute("aria-label") == "Image A, 1:1"
    assert "Image 1 of 2. Which image is better?" in rater.page.locator("#spoken").text_content()
