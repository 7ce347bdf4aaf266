"""The audit of pairs of LQ and HQ files, without a recipe."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from groundglass.audits.pairs.plant_job import PairToDamage, PlantAndJudge
from groundglass.audits.pairs.scorecard import PairScorecard, scorecard
from groundglass.engines.progress import Progress
from groundglass.engines.shards import Settings
from groundglass.errors import NothingProduced
from groundglass.image.header import ImageLimits
from groundglass.measures.pairs.open_pair import Pair
from groundglass.measures.pairs.score_job import read_rows
from groundglass.random_streams import stream
from groundglass.runs.check_pairs import match_folders, run_whole
from groundglass.runs.evaluate import SECONDS
from groundglass.text.format import some

SHARD = 2
"""Pairs of a shard: each takes as long as twenty that are only checked."""


def audit_pairs(
    lq: Path, hq: Path, sample: int, seed: int, workers: int, progress: Progress
) -> PairScorecard:
    """Plant known defects into a sample of the pairs of two folders, in memory, and count what the gates catch.

    Each drawn pair is judged untouched; those that pass get every defect. Raises RecipeError as `check_pairs`, and
    NothingProduced if no drawn pair passes the gates.
    """
    matched = match_folders(lq, hq)
    items = _drawn(matched.pairs, sample, seed)
    with tempfile.TemporaryDirectory(prefix="groundglass-") as name:
        folder = Path(name) / "versions"
        settings = Settings(workers=workers, seconds_per_image=4 * SECONDS, shard=SHARD, items="pairs")
        run_whole(PlantAndJudge(folder, ImageLimits(), seed), items, settings, progress)
        found = read_rows(folder)
    hung = {"verdict": None, "gates": "[]", "pieces": None, "versions": None}
    card = scorecard([found.get(item.pair.number, hung) for item in items], len(matched.pairs), seed)
    if not any(cell.caught.n for cell in card.cells):
        raise NothingProduced(
            f"none of the {card.drawn:,} drawn pairs passes the gates, so there is none to put defects into",
            "groundglass check-pairs without --audit says why",
        )
    lost = len(matched.rows) - len(matched.pairs)
    if lost:
        said = (
            f"{some(lost, 'files')} without a partner or unreadable: check-pairs without --audit names them"
        )
        card = replace(card, notes=(*card.notes, said))
    return card


def _drawn(pairs: list[Pair], sample: int, seed: int) -> list[PairToDamage]:
    """A random sample, each with another pair of all."""
    random = stream(seed, "audit", "pairs")
    order = random.permutation(len(pairs))
    drawn: list[PairToDamage] = []
    for place in order[:sample]:
        other = (int(place) + int(random.integers(1, max(2, len(pairs))))) % len(pairs)
        drawn.append(PairToDamage(pairs[place], None if other == place else pairs[other].hr))
    return drawn
