"""The owner's board: tables that stay current without flickering, links, revoking, and texts that stay texts."""

from __future__ import annotations

import pytest

from browser_tools import wait
from patience import wait_until

NASTY = '<img src=x onerror="window.hacked=1">.png'


def item(number: int, votes: int = 3, score: float | None = 3.0, ci95=(2.5, 3.5), name: str = "") -> dict:
    return {
        "item": f"i{number}",
        "row": f"{number:020x}",
        "name": name or f"photos/{number}.jpg",
        "votes": votes,
        "score": score,
        "ci95": ci95,
    }


def rater(name: str, **facts) -> dict:
    plain = {"votes": 3, "correlation": 0.8, "repeat": 0.9, "seconds": 2.5, "left": None, "flags": {}}
    return {"rater": name, "state": "active", "last": 1_700_000_000, **plain, **facts}


def board(**facts) -> dict:
    made = {
        "study": {"name": "faces", "protocol": "acr", "question": "How good?"},
        "progress": {"items": 3, "votes": 9, "wanted": 15, "raters": 2},
        "items": [item(1, 5, 4.0), item(2, 1, None, None), item(3, 3, 2.0)],
        "raters": [rater("r01"), rater("r02", flags={"too_fast": 4}, state="revoked")],
        "agreement": {"krippendorff_alpha": 0.61},
    }
    return {**made, **facts}


def opened(serve, reader, **facts):
    server = serve(board=board(**facts))
    one = reader()
    one.page.goto(f"{server.url}/board")
    wait(one.page, "'ready' in document.documentElement.dataset")
    return one, server


def cells(page, table: str) -> list[list[str]]:
    rows = page.locator(f"#{table} tbody tr").all()
    return [[cell.inner_text() for cell in row.locator("td").all()] for row in rows]


def test_it_shows_raters_and_images(serve, reader):
    one, _ = opened(serve, reader)
    page = one.page
    assert page.locator("#headline").inner_text() == "9 of 15 votes"
    first, second = cells(page, "raters")
    assert first[:5] == ["r01", "3", "0.80", "0.90", "2.5"]
    assert second[6:8] == ["too fast 4", "revoked"]
    assert [row[:4] for row in cells(page, "items")] == [
        ["photos/2.jpg", "1", "–", "–"],
        ["photos/3.jpg", "3", "2.00", "2.50 – 3.50"],
        ["photos/1.jpg", "5", "4.00", "2.50 – 3.50"],
    ]
    page.select_option("#order", "high")
    assert [row[0] for row in cells(page, "items")] == ["photos/1.jpg", "photos/3.jpg", "photos/2.jpg"]
    assert page.locator("#chart-scores circle").count() == 2
    assert one.said == []


def test_it_stays_current_and_changes_nothing_else(serve, reader):
    one, server = opened(serve, reader)
    page = one.page
    page.evaluate(
        """() => {
          window.changes = [];
          new MutationObserver(all => { for (const one of all) window.changes.push(one.type); }).observe(
            document.querySelector('#raters'), { subtree: true, childList: true, characterData: true });
        }"""
    )
    server.study.board = board(
        raters=[rater("r01", votes=4), rater("r02", flags={"too_fast": 4}, state="revoked")]
    )
    wait_until(lambda: cells(page, "raters")[0][1] == "4", "the new vote appears")
    assert len(page.evaluate("window.changes")) == 1


def test_new_links_are_shown_once_and_can_be_copied(serve, reader):
    one, server = opened(serve, reader)
    page = one.page
    page.fill("#invite-count", "3")
    page.get_by_role("button", name="Make links").click()
    wait(page, "document.querySelectorAll('#links-list li').length === 3")
    assert page.locator("#links-list code").first.inner_text() == f"{server.url}/i/token1"
    page.locator("#links-list button").first.click()
    wait(page, "document.querySelector('#links-list button').innerText === 'Copied'")
    page.get_by_role("button", name="Done").click()
    assert not page.locator("#links").is_visible()
    assert server.study.invited == 3


def test_revoking_asks_first(serve, reader):
    one, server = opened(serve, reader)
    page = one.page
    page.get_by_role("button", name="Revoke the link of r01").click()
    page.keyboard.press("Enter")  # the focus is on the harmless button
    assert server.study.revoked == []
    page.get_by_role("button", name="Revoke the link of r01").click()
    page.locator("#confirm-yes").click()
    wait_until(lambda: server.study.revoked == ["r01"], "the link is revoked")
    assert page.get_by_role("button", name="Revoke the link of r02").count() == 0


def test_a_server_that_is_gone_is_said_and_the_figures_stay(serve, reader):
    one, server = opened(serve, reader)
    server.stop()
    wait(one.page, "document.querySelector('#updated').innerText.includes('offline')")
    assert one.page.locator("#headline").inner_text() == "9 of 15 votes"
    server.start()
    wait(one.page, "document.querySelector('#updated').innerText.startsWith('live')")


def test_names_stay_texts(serve, reader):
    one, _ = opened(
        serve, reader, items=[item(1, name=NASTY)], raters=[rater(NASTY, flags={NASTY: 1}, state=NASTY)],
        study={"name": NASTY, "protocol": "acr", "question": NASTY}, agreement={NASTY: 0.5},
    )  # fmt: skip
    assert one.page.locator("#items td").first.evaluate("node => node.textContent") == NASTY
    assert one.page.locator("img").count() == 0
    assert one.page.evaluate("window.hacked") is None


def test_thousands_of_images_come_by_the_hundred(serve, reader):
    one, _ = opened(serve, reader, items=[item(number) for number in range(2500)])
    assert one.page.locator("#items tbody tr").count() == 100
    one.page.get_by_role("button", name="Show 100 more of 2,500").click()
    assert one.page.locator("#items tbody tr").count() == 200


def test_a_study_without_votes_and_raters(serve, reader):
    one, _ = opened(
        serve, reader, items=[item(1, 0, None, None)], raters=[], agreement={"krippendorff_alpha": None},
        progress={"items": 1, "votes": 0, "wanted": None, "raters": 0},
    )  # fmt: skip
    assert "Nobody is invited yet" in one.page.locator("#raters-empty").inner_text()
    assert one.page.locator("#headline").inner_text() == "0 votes"
    assert one.said == []


def test_agreement_notes_and_win_rates_have_words(serve, reader):
    arm = {"one": "old", "other": "new", "rate": 0.25, "ci95": [0.1, 0.4], "votes": 40, "contents": 20}
    one, server = opened(
        serve, reader, arms=[arm], notes=[f"r07 is left out {NASTY}"],
        agreement={"krippendorff_alpha": 0.61, "sharp edges split_half_srcc": 0.9, "icc_2_1": None},
    )  # fmt: skip
    labels = [label.inner_text() for label in one.page.locator("#facts dt").all()]
    assert labels[2:] == ["Krippendorff’s α", "sharp edges Split-half SRCC"]
    assert cells(one.page, "arms") == [["old", "new", "25 %", "10 % – 40 %", "40", "20"]]
    assert one.page.locator("#notes").inner_text() == f"r07 is left out {NASTY}"
    server.study.board = board()
    wait(
        one.page, "document.querySelector('#arms-section').hidden && document.querySelector('#notes').hidden"
    )
    assert one.said == []


@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_of_the_board_is_beside_the_screen(serve, reader, width: int):
    server = serve(board=board(items=[item(at, name=f"photos/{'x' * 200}.jpg") for at in range(30)]))
    page = reader(viewport={"width": width, "height": 800}).page
    page.goto(f"{server.url}/board")
    wait(page, "'ready' in document.documentElement.dataset")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
