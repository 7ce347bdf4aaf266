"""The page of a study: every mark is where its number is, nothing that does not count looks as if it did."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass.ratings.scores import Scores, score_comparisons, score_votes
from groundglass.ratings.strata import votes_by_stratum
from groundglass.ratings.votes import comparisons_from_wins, votes_from_matrix
from groundglass.reports.charts_svg import Axis
from groundglass.reports.study_charts import (
    Dot,
    axis_around,
    interval_strip,
    ordered_items,
    scatter,
    whole_number_bars,
)
from groundglass.reports.study_page import FEW_ITEMS, StudyView, view_study, write_study

SVG = "{http://www.w3.org/2000/svg}"
NASTY = "<script>window.hacked = 1</script>"


def scored(items: int = 12, raters: int = 9, seed: int = 0) -> Scores:
    random = np.random.default_rng(seed)
    truth = random.uniform(1, 5, items)
    matrix = np.clip(truth[:, None] + random.normal(0, 0.5, (items, raters)), 1, 5)
    matrix[:, 0] = random.uniform(1, 5, items)
    return score_votes(votes_from_matrix(matrix))


def rows(view: StudyView):
    return [row for group in view.groups for row in group.rows]


def share(node: ET.Element, name: str) -> float:
    return float(node.get(name, "").removesuffix("%")) / 100


@given(st.floats(-100, 100), st.floats(0, 50), st.floats(0, 50))
def test_a_strip_has_its_mark_at_the_value_and_its_line_from_end_to_end(value, below, above):
    ends = (value - below, value + above)
    axis = axis_around(np.array([*ends, value]))
    drawn = ET.fromstring(interval_strip(value, ends, axis, "title"))
    line = next(node for node in drawn.iter(f"{SVG}line") if node.get("class") == "whisker")
    dot = next(drawn.iter(f"{SVG}circle"))
    assert share(dot, "cx") == pytest.approx(axis.place(value), abs=1e-3)
    assert share(line, "x1") == pytest.approx(axis.place(ends[0]), abs=1e-3)
    assert share(line, "x2") == pytest.approx(axis.place(ends[1]), abs=1e-3)
    assert 0 < share(line, "x1") <= share(dot, "cx") + 1e-9
    assert share(dot, "cx") <= share(line, "x2") + 1e-9 < 1


def test_few_items_have_a_row_each_in_the_order_of_their_scores():
    found = scored()
    view = view_study(found, "votes.csv")
    assert [row.place for row in rows(view)] == list(range(1, 13))
    numbers = [float(row.score) for row in rows(view)]
    assert numbers == sorted(numbers, reverse=True)
    assert not view.histogram
    assert not view.ordered


def test_many_items_have_a_histogram_and_their_ends():
    found = scored(items=FEW_ITEMS + 60)
    view = view_study(found, "votes.csv")
    assert view.histogram
    assert view.ordered
    assert [row.place for row in rows(view)] == [*range(1, 11), *range(91, 101)]
    assert "80 items between" in view.groups[1].gap


def test_every_rater_is_in_the_plot_and_the_rejected_ones_are_crosses():
    found = scored(items=60)
    assert [rater.rejected for rater in found.raters] == [True] + [False] * 8
    drawn = ET.fromstring(view_study(found, "votes.csv").rater_plot)
    kinds = [node.get("class") for node in drawn.iter(f"{SVG}g")]
    assert kinds.count("cross") == 1
    assert kinds.count("disc") == 8
    said = next(
        node.findtext(f"{SVG}title") for node in drawn.iter(f"{SVG}g") if node.get("class") == "cross"
    )
    assert said.startswith("0: bias")
    assert said.endswith("rejected")
    assert view_study(found, "votes.csv").raters[0].rejected


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0, 5)), min_size=2, max_size=40))
def test_labels_cover_no_mark_and_no_other_label(places):
    dots = [Dot(x, y, "title", f"rater {at}") for at, (x, y) in enumerate(places)]
    across, up = Axis(-6, 6), Axis(0, 6)
    drawn = ET.fromstring(scatter(dots, across, up, "title"))
    boxes = []
    for node in drawn.iter(f"{SVG}svg"):
        text = node.find(f"{SVG}text")
        if text is None or "y" not in node.attrib or not node.get("y", "").endswith("%"):
            continue
        wide = 0.02 * len(text.text or "")
        x, y = share(node, "x"), share(node, "y")
        left, right = (x + 0.02, x + wide) if text.get("text-anchor") == "start" else (x - wide, x - 0.02)
        boxes.append((left, right, y))
    for left, right, y in boxes:
        marks = [(across.place(dot.x), 1 - up.place(dot.y)) for dot in dots]
        assert not any(left < px < right and abs(py - y) < 0.04 for px, py in marks)
    for at, (left, right, y) in enumerate(boxes):
        assert not any(left < r and right > start and abs(py - y) < 0.05 for start, r, py in boxes[:at])


def test_the_curve_of_ordered_items_falls_and_stays_in_its_band():
    random = np.random.default_rng(2)
    score = random.uniform(1, 5, 3000)
    axis = Axis(0, 6)
    drawn = ET.fromstring(ordered_items(score, score - 0.3, score + 0.3, axis, "title"))
    curve = next(node.get("d") for node in drawn.iter(f"{SVG}path") if node.get("class") == "curve")
    heights = [float(y) for _, y in re.findall(r"([\d.]+) ([\d.]+)", curve)]
    assert heights == sorted(heights)
    assert len(heights) < 500
    band = next(node.get("d") for node in drawn.iter(f"{SVG}path") if node.get("class") == "band")
    ends = [float(y) for _, y in re.findall(r"([\d.]+) ([\d.]+)", band)]
    tops, bottoms = ends[: len(heights)], ends[len(heights) :][::-1]
    assert all(top < y < bottom for top, y, bottom in zip(tops, heights, bottoms, strict=True))


def test_bars_of_votes_have_the_heights_of_their_counts():
    drawn = ET.fromstring(whole_number_bars({3: 10, 4: 40, 7: 1}, "title"))
    bars = list(drawn.iter(f"{SVG}rect"))
    assert [bar.findtext(f"{SVG}title") for bar in bars] == [
        "3 votes: 10 items", "4 votes: 40 items", "7 votes: 1 item",
    ]  # fmt: skip
    heights = [float(bar.get("height", "0")) for bar in bars]
    assert heights[1] == pytest.approx(4 * heights[0], abs=0.05)
    assert 0 < heights[2] < heights[0]


def test_an_item_without_a_vote_is_on_the_page_and_has_no_mark():
    votes = votes_from_matrix([[5, 4, 5], [1, 2, 1], [np.nan] * 3, [3, 3, 3]])
    view = view_study(score_votes(votes, "mos"), "votes.csv")
    assert view.groups[-1].heading == "1 item without a score"
    (lost,) = view.groups[-1].rows
    assert (lost.name, lost.score, lost.interval, lost.votes) == ("2", "–", "–", 0)
    assert "<circle" not in lost.strip


def test_comparisons_are_in_jod_and_have_their_win_rates():
    wins = [[0, 30, 30], [10, 0, 20], [10, 20, 0]]
    comparisons = comparisons_from_wins(wins, ("a", "b", "c"))
    found = score_comparisons(comparisons)
    view = view_study(found, "pairs.csv", comparisons=comparisons)
    assert view.unit == "JOD"
    best = rows(view)[0]
    assert best.name == "a"
    assert best.score == f"{found.items[0].jod:+.2f}"
    assert f"{found.items[0].jod:+.2f} JOD" in view.headline
    assert [cell and cell.text for cell in view.matrix[0].cells] == [None, "75", "75"]
    assert view.matrix[0].cells[1].title == "a won 30 of 40 against b"
    assert view.matrix[1].cells[2].text == "50"
    assert view.rater_plot == ""


def test_parts_are_apart_and_have_no_common_chart():
    wins = np.zeros((60, 60))
    for first in range(0, 60, 30):
        wins[first : first + 30, first : first + 30] = 3
    np.fill_diagonal(wins, 0)
    comparisons = comparisons_from_wins(wins)
    view = view_study(score_comparisons(comparisons), "pairs.csv", comparisons=comparisons)
    assert [group.heading for group in view.groups] == ["Part 1", "", "Part 2", ""]
    assert view.histogram == view.ordered == ""
    assert view.matrix == ()
    assert "highest" not in view.headline


def test_strata_are_rows_with_the_least_agreement_first():
    random = np.random.default_rng(1)
    truth = random.uniform(1, 5, 40)
    spread = np.where(np.arange(40) < 20, 0.2, 1.5)
    votes = votes_from_matrix(truth[:, None] + random.normal(0, 1, (40, 6)) * spread[:, None])
    names = np.where(votes.item < 20, "clear", "noisy").tolist()
    strata = votes_by_stratum(votes, names, [False] * 6)
    view = view_study(score_votes(votes), "votes.csv", strata=strata, grouped="kind")
    assert [row.name for row in view.strata] == ["noisy", "clear"]
    assert view.strata[1].agreement == f"{strata[0].agreement:.3f}"


def test_the_page_is_one_file_and_names_are_only_text(tmp_path):
    found = scored()
    found = replace(
        found,
        items=(replace(found.items[0], item=NASTY), *found.items[1:]),
        raters=(replace(found.raters[0], rater=NASTY), *found.raters[1:]),
    )
    write_study(view_study(found, NASTY, (NASTY,), grouped=NASTY, sha256="abc"), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert NASTY not in text
    assert "&lt;script&gt;" in text
    assert not re.search(r'(?:src|href)="', text)
    assert "sha256 abc" in text


def test_one_item_and_one_rater_have_a_page(tmp_path):
    for matrix in ([[3.0]], [[3.0, 4.0]], [[3.0], [4.0]], [[4.0, 4.0], [4.0, 4.0]]):
        view = view_study(score_votes(votes_from_matrix(matrix)), "votes.csv")
        write_study(view, tmp_path / "page.html")
        assert len(rows(view)) == len(matrix)
