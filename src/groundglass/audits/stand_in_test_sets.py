"""Test sets for an audit: the pixels of the real ones are not available, so photographs of the sample replace them.

The sample is cut in two, and each half serves as a test set once. Leaks are made from its images; a leak inside a
larger image is placed into a photograph of the other half. The run's own search then looks for them in the gate's own
lists and in that of the half: this gives the recall. False alarms are counted on the clean photographs against the
gate's own lists alone, because two frames of one scene in a sample are not a false alarm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from groundglass.audits.defect_job import Listed
from groundglass.audits.gates import Gate, longer
from groundglass.engines.progress import Progress
from groundglass.engines.run import run_job
from groundglass.engines.shards import Settings
from groundglass.image.header import ImageLimits
from groundglass.measures.leak_fingerprint import KNOWN_BY
from groundglass.measures.measure_job import Ask, Look, Photograph, ask_of
from groundglass.similarity.test_images.fingerprints import write_prints
from groundglass.tables.measure_store import MeasureStore

SET = "sample"
"""The name of the made test set: a reason reads ``shows sample/photo.png``."""


@dataclass(frozen=True)
class Halves:
    """The half of each photograph, and the fingerprints of each half.

    of      photograph's id → 0 or 1
    other   photograph's id → the photograph of the other half that it is placed into; None if there is no other
    files   the fingerprints of each half
    """

    of: Mapping[str, int] = field(default_factory=dict)
    other: Mapping[str, str | None] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def search(self, gate: Gate, half: int) -> Ask:
        """A gate's search, against its own lists and one half."""
        return longer(gate.planned.asks[0], str(self.files[half]))

    def searches(self, gate: Gate) -> tuple[Ask, ...]:
        """The same for every half, and against the gate's own lists alone."""
        halves = (self.search(gate, half) for half in range(len(self.files)))
        return (*halves, longer(gate.planned.asks[0]))


NO_HALVES = Halves()


@dataclass(frozen=True)
class Bench:
    """The place and the settings of an audit: a folder that is deleted afterwards, and the engine's settings."""

    folder: Path
    settings: Settings
    limits: ImageLimits
    progress: Callable[[str], Progress]


def halve(photographs: Sequence[tuple[str, str, Listed]], bench: Bench) -> Halves:
    """The halves of a sample, given id, uri and file of each photograph; their order decides the half of each."""
    known = _known_by([listed for _, _, listed in photographs], bench)
    ids = [one for one, _, _ in photographs]
    files: list[Path] = []
    for half in (0, 1):
        rows = [
            {**known[listed.sha256], "set": SET, "name": uri}
            for _, uri, listed in photographs[half::2]
            if listed.sha256 in known
        ]
        files.append(bench.folder / f"half-{half}.fingerprints")
        write_prints(rows, files[-1])
    others = {one: _other(ids, place) for place, one in enumerate(ids)}
    return Halves({one: place % 2 for place, one in enumerate(ids)}, others, tuple(files))


def _other(ids: Sequence[str], place: int) -> str | None:
    """The neighbour in the other half.

    >>> [_other(["a", "b", "c"], place) for place in range(3)], _other(["a"], 0)
    (['b', 'a', 'b'], None)
    """
    neighbour = place + 1 if place % 2 == 0 and place + 1 < len(ids) else place - 1
    return ids[neighbour] if neighbour >= 0 else None


def _known_by(files: Sequence[Listed], bench: Bench) -> Mapping[str, Mapping[str, object]]:
    """The fingerprint of each photograph, by its sha256."""
    ask = ask_of(KNOWN_BY, {})
    store = MeasureStore(bench.folder / "known")
    store.prepare(ask.key, KNOWN_BY.columns)
    items = [
        Photograph(one.path, one.sha256, one.bytes or 0, one.mtime_ns or 0, (("", (0,)),)) for one in files
    ]
    run_job(
        Look((ask,), store.root, bench.limits), items, bench.settings, bench.progress("audit: a test set")
    )
    return {row["sha256"]: row for row in store.read(ask.key).to_pylist()}
