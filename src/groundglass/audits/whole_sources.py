"""Whole sources for an audit: for each that passed a gate on sources, enough photographs to judge it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from groundglass.audits.gates import Gate, sources_of, table_of
from groundglass.audits.replay_run import Chain, Passage, ancestors_before, chains_of
from groundglass.random_streams import stream
from groundglass.source_quality.divergence import LEAST

MOST = 12
"""The most sources to try; of more, so many are drawn at random."""


@dataclass(frozen=True)
class WholeSources:
    """Photographs of sources that a gate kept.

    of      photograph's id → its source
    scarce  sources with fewer than `LEAST` passing photographs, too few to estimate a quality
    """

    chains: tuple[Chain, ...]
    of: Mapping[str, str]
    scarce: tuple[str, ...]

    @property
    def closed(self) -> str:
        """Why the gate cannot be audited; "" if it can."""
        if self.chains:
            return ""
        return f"no source has the {LEAST} passing photos that are needed to judge a whole source"


def draw_sources(passage: Passage, gate: Gate, sample: int, seed: int) -> WholeSources:
    """At most `MOST` sources, and of each ``sample`` photographs (at least `LEAST`), drawn at random."""
    rows = ancestors_before(passage, gate.name)
    members: defaultdict[str, set[str]] = defaultdict(set)
    names = sources_of(gate, table_of(gate, rows, passage.state.tables))
    for name, photograph in zip(names, rows["root"].to_pylist(), strict=True):
        members[name].add(photograph)
    enough = _drawn([name for name, ids in members.items() if len(ids) >= LEAST], MOST, seed, "sources")
    of = {one: name for name in enough for one in _drawn(members[name], max(sample, LEAST), seed, name)}
    scarce = tuple(sorted(name for name, ids in members.items() if len(ids) < LEAST))
    return WholeSources(tuple(chains_of(passage, sorted(of), seed)), of, scarce)


def _drawn(names: set[str] | list[str], most: int, seed: int, what: str) -> list[str]:
    ordered = sorted(names)
    places = stream(seed, "audit", "source", what).permutation(len(ordered))[:most]
    return [ordered[place] for place in sorted(places)]
