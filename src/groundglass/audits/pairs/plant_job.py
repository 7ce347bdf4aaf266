"""The audit's job for workers: judge a pair untouched, plant every defect into it in memory, and judge the results.

A pair is decoded, damaged, judged and forgotten; only its verdicts remain.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from groundglass.audits.pairs.defects import PAIR_DEFECTS, Image, Site
from groundglass.engines.shards import Summary
from groundglass.files.locators import read_listed
from groundglass.image.frame import open_frame
from groundglass.image.header import ImageLimits
from groundglass.measures.pairs.gates import Judged, cut_piece, pieces_of
from groundglass.measures.pairs.open_pair import ListedFile, Pair
from groundglass.measures.pairs.score_job import reason_and_detail, save_rows, schema_of
from groundglass.measures.pairs.verdict import gate_of, judge_pixels
from groundglass.random_streams import stream


@dataclass(frozen=True)
class PairToDamage:
    """An item: a pair, and the HQ file of another pair; None if there is no other."""

    pair: Pair
    other: ListedFile | None


@dataclass(frozen=True)
class PlantAndJudge:
    """Plants every defect into pairs that pass the gates; a finished shard is a part below ``folder``."""

    folder: Path
    limits: ImageLimits
    seed: int

    def one(self, item: PairToDamage) -> dict[str, Any]:
        """The verdict on the untouched pair and on each version, or a reason."""
        try:
            assert item.pair.sr is not None
            lq, hq = self._opened(item.pair.sr), self._opened(item.pair.hr)
            untouched = judge_pixels(lq, hq)
            row = {"number": item.pair.number, "verdict": untouched.verdict, "gates": _gates(untouched)}
            if untouched.verdict != "accepted":
                return row
            random = stream(self.seed, "audit", item.pair.name)
            piece = _sound_piece(lq, hq, random)
            del lq, hq  # a large pair is not kept while the other HQ is decoded
            return row | self._versions(item, piece, random)
        except Exception as error:  # a decoder may raise anything, and one bad file must not end the shard
            return self.lost(item, *reason_and_detail(error))

    def lost(self, item: PairToDamage, reason: str, detail: str) -> dict[str, Any]:
        """A row without a verdict."""
        return {"number": item.pair.number, "error": f"{reason}: {detail}" if detail else reason}

    def name(self, item: PairToDamage) -> str:
        """The pair's name."""
        return item.pair.name

    def save(self, results: Sequence[dict[str, Any]]) -> Summary:
        """One part of all rows."""
        columns: dict[str, type] = {"verdict": str, "gates": str, "pieces": int, "versions": str}
        return save_rows(results, schema_of(columns), self.folder)

    def _versions(
        self, item: PairToDamage, piece: tuple[Image, Image, int] | None, random: np.random.Generator
    ) -> dict[str, Any]:
        """The verdicts on all versions that could be made: defect, strength, verdict, gates."""
        if piece is None:
            return {"pieces": 0, "versions": "[]"}
        lq, hq, pieces = piece
        site = Site(lq, hq, self._other(item, hq.shape, random))
        found: list[tuple[str, str, str, list[str]]] = []
        for defect in PAIR_DEFECTS:
            for name, strength in defect.strengths:
                # The stream depends on nothing but these: a defect more in the list changes no other.
                own = stream(self.seed, "audit", item.pair.name, defect.name, name)
                false = defect.plant(site, strength, own)
                if false is not None:
                    judged = judge_pixels(lq, false)
                    found.append((defect.name, name, judged.verdict, json.loads(_gates(judged))))
        return {"pieces": pieces, "versions": json.dumps(found)}

    def _other(self, item: PairToDamage, shape: tuple[int, ...], random: np.random.Generator) -> Image | None:
        """A random part of the other HQ in the size of this one, if it is larger; None if it cannot be read."""
        if item.other is None:
            return None
        try:
            other = self._opened(item.other)
        except Exception:  # a file that cannot be read leaves this pair without another one
            return None
        place = [
            slice(start := int(random.integers(0, max(1, have - want + 1))), start + want)
            for have, want in zip(other.shape[:2], shape[:2], strict=True)
        ]
        return other[place[0], place[1]].copy()

    def _opened(self, file: ListedFile) -> Image:
        return open_frame(read_listed(file.path, file.bytes, file.mtime_ns), self.limits).rgb


def _gates(judged: Judged) -> str:
    """The gates that rejected a pair, as JSON."""
    gates = map(gate_of, judged.reasons) if judged.verdict == "rejected" else ()
    return json.dumps(list(dict.fromkeys(gates)))


def _sound_piece(lq: Image, hq: Image, random: np.random.Generator) -> tuple[Image, Image, int] | None:
    """A random piece of an accepted pair, as the gates cut it, that they accept alone; and how many pieces there are.

    A large pair is damaged in one piece, since one rejected piece rejects the whole. None if all lack structure.
    """
    pieces = list(pieces_of(*lq.shape[:2]))
    if len(pieces) == 1:
        return lq, hq, 1
    for n in random.permutation(len(pieces)):
        (small, large), *_ = cut_piece(lq, hq, *pieces[n])
        if judge_pixels(small, large).verdict == "accepted":
            return small.copy(), large.copy(), len(pieces)
    return None
