"""The audit of pairs: each defect is what it says, and the scorecard counts what was caught."""

from __future__ import annotations

import json
from typing import Any

import cv2
import numpy as np
import pytest

from groundglass.audits.pairs import plants
from groundglass.audits.pairs.defects import PAIR_DEFECTS, Site
from groundglass.audits.pairs.scorecard import scorecard
from groundglass.measures.pairs.faithful_fit import reduced
from groundglass.ratings.shares import wilson


def scene(seed: int) -> Any:
    random = np.random.default_rng(seed)
    planes = sum(cv2.GaussianBlur(random.normal(0, 30 * s, (320, 384, 3)), (0, 0), s) for s in (1, 2, 5, 12))
    return np.clip(planes * 0.4 + 128, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def site() -> Site:
    hq = scene(1)
    lq = np.round(reduced(cv2.GaussianBlur(hq, (0, 0), 1.5), 96, 80)).astype(np.uint8)
    return Site(lq, hq, scene(2))


def random() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.mark.parametrize("defect", PAIR_DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_changes_hq_more_with_its_strength_and_leaves_the_original_alone(site: Site, defect: Any):
    before = site.hq.copy()
    versions = [defect.plant(site, strength, random()) for _, strength in defect.strengths]
    assert np.array_equal(site.hq, before)
    changes = [float(np.abs(version.astype(int) - before).mean()) for version in versions]
    assert all(version.shape == before.shape and version.dtype == np.uint8 for version in versions)
    assert changes[0] > 0
    if defect.name != "copy":  # sharpening brings a copy nearer to HQ, and is no less a copy
        assert changes == sorted(changes)


@pytest.mark.parametrize("total", [4, 6, 8])
def test_a_planted_cast_has_its_size_in_total(site: Site, total: float):
    own = Site(site.lq, plants.tinted(site.hq, np.array([2.0, 1.0, -1.0])), None)
    false = plants.cast_in_total(own.hq, own.lq, random(), total)
    assert float(np.linalg.norm(plants.cast_between(own.lq, false))) == pytest.approx(total, abs=0.2)


@pytest.mark.parametrize("seed", range(5))
def test_patches_and_letters_stay_off_the_edges_that_no_gate_judges(site: Site, seed: int):
    chance = np.random.default_rng(seed)
    assert site.other is not None
    for false in (
        plants.pasted(site.hq, site.other, 48, chance)[0],
        plants.lettered(site.hq, 32, chance)[0],
    ):
        rows, columns = np.nonzero((false != site.hq).any(axis=2))
        assert min(rows.min(), columns.min(), 319 - rows.max(), 383 - columns.max()) >= plants.BORDER


def test_sizes_follow_the_scale(site: Site):
    half = Site(cv2.resize(site.lq, (192, 160)), site.hq, site.other)
    assert (site.px(32), half.px(32)) == (32, 16)


def test_without_another_pair_or_room_a_defect_is_not_planted(site: Site):
    by_name = {defect.name: defect for defect in PAIR_DEFECTS}
    alone = Site(site.lq, site.hq, None)
    assert by_name["another image"].plant(alone, 1, random()) is None
    assert by_name["texture"].plant(alone, 32, random()) is None
    small = Site(site.lq[:32, :32], site.hq[:128, :128], site.other)
    assert by_name["text"].plant(small, 32, random()) is None


def row(verdict: str, gates: list[str], *versions: tuple[str, str, list[str]], pieces: int = 1) -> Any:
    made = [(defect, strength, "rejected" if by else "accepted", by) for defect, strength, by in versions]
    return {
        "verdict": verdict,
        "gates": json.dumps(gates),
        "pieces": pieces,
        "versions": json.dumps(made) if verdict == "accepted" else None,
    }


def test_the_scorecard_counts_each_gate_and_what_no_gate_catches():
    rows = [
        row("accepted", [], ("shift", "1 px", []), ("shift", "2 px", ["geometry"]), ("blur", "σ 1 px", [])),
        row(
            "accepted",
            [],
            ("shift", "1 px", ["geometry"]),
            ("shift", "2 px", ["geometry", "local"]),
            ("blur", "σ 1 px", []),
        ),
        row("accepted", [], ("shift", "1 px", []), ("shift", "2 px", ["local"]), ("blur", "σ 1 px", [])),
        row("rejected", ["cast"]),
        row("unknown", []),
    ]
    card = scorecard(rows, 9, 3)
    assert (card.pairs, card.drawn, card.unknown, card.seed) == (9, 5, 1, 3)
    assert (card.false_alarms.count, card.false_alarms.n) == (1, 4)
    assert card.false_alarms.ci95 == wilson(1, 4)
    assert [(gate.gate, gate.rejected.count) for gate in card.alarms] == [("cast", 1)]
    cells = {cell.name: cell for cell in card.cells}
    two = cells["shift, 2 px"]
    assert (two.caught.count, two.caught.n, two.caught.share) == (3, 3, 1.0)
    assert [(g.gate, g.rejected.count, g.alone) for g in two.gates] == [("geometry", 2, 1), ("local", 2, 1)]
    assert card.missed == ("blur, σ 1 px", "shift, 1 px")
    assert any("only 3 accepted pairs" in note for note in card.notes)
    assert any(note.startswith("not planted") and "text, 16 px" in note for note in card.notes)
    json.dumps(card.plain())


def test_a_pair_that_a_worker_hung_on_is_unknown():
    hung = {"verdict": None, "gates": "[]", "pieces": None, "versions": None}
    card = scorecard([row("accepted", [], ("shift", "1 px", ["geometry"]), pieces=4), hung], 2, 0)
    assert card.unknown == 1
    assert any("in one of their pieces" in note for note in card.notes)
