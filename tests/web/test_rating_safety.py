"""No answer is lost or doubled, whatever happens to the page, the connection or the server; and texts stay texts."""

from __future__ import annotations

import json

import pytest
from study_pages import Rater

from browser_tools import wait
from patience import wait_until

NASTY = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


def scores(server) -> dict[str, object]:
    return {trial: vote["score"] for trial, vote in server.study.counting().items()}


def arrive(server, wanted: dict[str, object]) -> None:
    wait_until(lambda: scores(server) == wanted, f"the votes {wanted}")


def kept(rater: Rater) -> int:
    return rater.page.evaluate(
        "Object.keys(localStorage).filter(key => key.startsWith('groundglass.kept')).length"
    )


def prefetched(rater: Rater) -> None:
    """Until the images of five trials arrived."""
    images = "performance.getEntriesByType('resource').filter(one => one.name.includes('/image/'))"
    wait(rater.page, f"{images}.length >= 5 && {images}.every(one => one.responseEnd > 0)")


def test_offline_votes_are_kept_and_sent_when_the_server_is_back(rate):
    rater, server = rate(trials=9)
    prefetched(rater)
    rater.page.context.set_offline(True)
    rater.press("1").sees("t2").press("2").sees("t3").press("3").sees("t4")
    wait(rater.page, "!document.querySelector('#offline').hidden")
    wait(rater.page, "document.querySelector('#offline').innerText.includes('3 votes kept')")
    assert scores(server) == {}
    assert kept(rater) == 3
    rater.page.context.set_offline(False)
    arrive(server, {"t1": 1, "t2": 2, "t3": 3})
    wait(rater.page, "document.querySelector('#offline').hidden")
    assert kept(rater) == 0
    rater.press("4").sees("t5")
    arrive(server, {"t1": 1, "t2": 2, "t3": 3, "t4": 4})


def test_a_page_that_runs_out_of_images_waits_and_goes_on(rate):
    rater, server = rate(trials=9)
    prefetched(rater)
    server.stop()
    for number in range(2, 6):
        rater.press("3").sees(f"t{number}")
    rater.press("3")
    wait(rater.page, "document.querySelector('#offline').innerText.includes('5 votes kept')")
    rater.press("4")  # there is nothing to answer: the last image has its answer
    server.start()
    rater.sees("t6")
    arrive(server, {f"t{number}": 3 for number in range(1, 6)})


def test_a_reload_loses_nothing(rate):
    rater, server = rate(trials=5)
    prefetched(rater)
    server.stop()
    rater.press("1").sees("t2").press("2").sees("t3")
    assert kept(rater) == 2
    server.start()
    rater.page.reload()
    rater.state("begin")
    arrive(server, {"t1": 1, "t2": 2})
    rater.press("Enter").sees("t3")
    assert len(server.study.votes) == 2


def test_an_answer_whose_acknowledgement_is_lost_is_one_vote(rate):
    rater, server = rate(trials=4)
    lost = []

    def lose(route) -> None:
        if lost:
            route.continue_()
        else:
            lost.append(route.fetch())  # it arrives, but the reply does not
            route.abort()

    rater.page.route("**/api/votes", lose)
    rater.press("4").sees("t2")
    wait_until(lambda: kept(rater) == 0, "the vote is acknowledged")
    assert server.study.asked.count("/api/votes") == 2
    assert [vote["score"] for vote in server.study.votes] == [4]


def test_a_busy_server_is_asked_again(rate):
    rater, server = rate(trials=3)
    server.study.refuse["/api/votes"] = (503, "database", "The database does not answer.")
    rater.press("2").sees("t2")
    wait(rater.page, "!document.querySelector('#offline').hidden")
    del server.study.refuse["/api/votes"]
    arrive(server, {"t1": 2})


def test_undo_brings_the_last_image_back(rate):
    rater, server = rate(trials=4)
    rater.press("1").sees("t2").press("2").sees("t3")
    arrive(server, {"t1": 1, "t2": 2})
    rater.press("Backspace").sees("t2").press("Backspace").sees("t1")
    arrive(server, {})
    rater.press("5").sees("t2").press("4").sees("t3")
    arrive(server, {"t1": 5, "t2": 4})
    assert len(server.study.votes) == 4
    assert len(set(server.study.undone)) == 2


def test_an_answer_that_was_not_sent_yet_is_simply_taken_back(rate):
    rater, server = rate(trials=4)
    server.study.refuse["/api/votes"] = (503, "database", "The database does not answer.")
    rater.press("1").sees("t2")
    wait(rater.page, "!document.querySelector('#offline').hidden")
    rater.press("2").sees("t3").press("Backspace").sees("t2").press("5").sees("t3")
    del server.study.refuse["/api/votes"]
    arrive(server, {"t1": 1, "t2": 5})
    assert server.study.undone == []


def test_undo_works_after_a_reload_and_on_the_last_page(rate):
    rater, server = rate(trials=2)
    rater.press("1").sees("t2").press("2").state("end")
    assert "You gave 2 answers" in rater.text("#screen")
    rater.press("Backspace").sees("t2").press("3").state("end")
    arrive(server, {"t1": 1, "t2": 3})
    rater.page.reload()
    rater.state("begin").press("Enter").state("end")
    rater.press("Backspace").sees("t2").press("4").state("end")
    arrive(server, {"t1": 1, "t2": 4})


def test_two_tabs_answer_each_image_once(rate):
    rater, server = rate(trials=5)
    second = Rater(rater.reader, server.url)
    second.page = rater.page.context.new_page()
    second.begin("t1")
    rater.press("3").sees("t2")
    second.sees("t2")
    assert "answered in another tab" in second.text("#note")
    second.press("4").sees("t3")
    rater.sees("t3").press("5").sees("t4")
    arrive(server, {"t1": 3, "t2": 4, "t3": 5})
    assert len(server.study.votes) == 3


def test_another_device_that_was_quicker_is_not_overruled(rate, reader):
    rater, server = rate(trials=4)
    other = Rater(reader(), server.url).begin("t1")
    other.press("1").sees("t2")
    arrive(server, {"t1": 1})
    rater.press("5")
    wait(rater.page, "document.querySelector('#note').innerText.includes('already answered')")
    rater.sees("t2").press("4").sees("t3")
    arrive(server, {"t1": 1, "t2": 4})


def test_a_refused_vote_comes_back_with_its_reason(rate):
    rater, server = rate(trials=3)
    server.study.refuse["/api/votes"] = (422, "wrong", "'score' must be a whole number from 1 to 5")
    rater.press("2")
    wait(rater.page, "document.querySelector('#note').innerText.includes('must be a whole number')")
    del server.study.refuse["/api/votes"]
    wait_until(lambda: rater.press("3") and "t1" in scores(server), "the image comes back and is answered")


def test_an_old_token_is_renewed(rate):
    rater, server = rate(trials=3)
    rater.page.evaluate("import('/static/api.js').then(api => { api.useToken('old'); })")
    rater.press("4").sees("t2")
    arrive(server, {"t1": 4})


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [(403, "revoked", "This link was closed"), (403, "expired", "This link has expired"),
     (401, "no_session", "Open your link again")],
)  # fmt: skip
def test_a_link_that_ends_says_so_and_keeps_the_answer(rate, status, code, says):
    rater, server = rate(trials=3)
    server.study.refuse["/api/votes"] = (status, code, "No.")
    rater.press("2")
    wait(rater.page, f"document.querySelector('#screen').innerText.includes({json.dumps(says)})")
    assert "1 vote" in rater.text("#screen")
    assert kept(rater) == 1
    server.study.refuse.clear()
    rater.page.reload()
    rater.state("begin")
    arrive(server, {"t1": 2})


def test_an_image_that_cannot_be_shown_gives_way_to_another(rate):
    gone = (410, "image", "This image cannot be read.")
    rater, server = rate(trials=3, refuse={"/image/2-single": gone})
    rater.press("3").sees("t3")
    assert "Another one takes its place" in rater.text("#note")
    rater.press("4").state("retry")  # the server insists: it gives that trial out again
    assert "cannot be shown" in rater.text("#screen")
    server.study.refuse.clear()
    rater.press("Enter").sees("t2").press("2").state("end")
    arrive(server, {"t1": 3, "t3": 4, "t2": 2})


def test_a_server_that_is_not_there_yet_is_waited_for(serve, reader):
    server = serve(trials=2)
    server.study.refuse["/api/session"] = (503, "database", "The database does not answer.")
    one = reader()
    one.page.goto(server.url)
    wait(one.page, "document.body.dataset.state === 'offline'")
    server.study.refuse.clear()
    wait(one.page, "document.body.dataset.state === 'begin'")


def test_texts_of_the_study_stay_texts(rate):
    rater, server = rate(
        protocol="slider", trials=2, name=NASTY, question=NASTY, prompt=NASTY, dimensions=(NASTY, "b"),
        labels=(NASTY, "z"),
    )  # fmt: skip
    assert rater.page.locator("#prompt-text").evaluate("node => node.textContent") == NASTY
    assert rater.page.locator("#question").evaluate("node => node.textContent") == NASTY
    rater.press("c")
    rater.page.keyboard.type(NASTY)
    rater.press("Enter", "7", "ArrowDown", "3", "Enter").sees("t2")
    arrive(server, {"t1": {NASTY: 70, "b": 30}})
    assert server.study.votes[0]["comment"] == NASTY
    rater.press("?")
    assert rater.page.evaluate("window.hacked") is None
    assert rater.page.locator("img, script:not([src])").count() == 0


def test_sentences_of_the_server_stay_texts(rate):
    rater, server = rate(protocol="accept", trials=2, reasons=(NASTY,))
    server.study.refuse["/api/votes"] = (422, "wrong", NASTY)
    rater.press("d", "1")
    wait(rater.page, "document.querySelector('#note').innerText.includes('window.hacked')")
    assert rater.page.evaluate("window.hacked") is None


def test_a_page_without_storage_still_rates(serve, reader):
    server = serve(trials=3)
    one = reader()
    one.page.add_init_script(
        "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }"
    )
    rater = Rater(one, server.url).begin()
    rater.press("2").sees("t2")
    arrive(server, {"t1": 2})
    assert "stores nothing" in rater.text("#note")


def test_the_page_asks_only_its_own_server(rate):
    rater, server = rate(trials=2)
    rater.press("4").sees("t2").press("3").state("end")
    assert all(url.startswith((server.url, "blob:")) for url in rater.reader.asked)
    assert rater.reader.said == []


def test_nothing_moves_where_the_user_wants_no_motion(rate):
    rater, _ = rate({"reduced_motion": "reduce"}, trials=2)
    rater.press("?")
    wait(rater.page, "document.querySelector('#legend').open")
    assert rater.page.evaluate("document.getAnimations().length") == 0
