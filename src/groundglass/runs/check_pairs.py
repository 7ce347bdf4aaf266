"""Pairs of LQ and HQ files checked, without a recipe."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundglass.engines.progress import Progress
from groundglass.engines.run import run_job
from groundglass.engines.shards import Job, Settings
from groundglass.errors import Interrupted, RecipeError, Unfinished
from groundglass.image.header import ImageLimits
from groundglass.measures.pairs.check_job import CheckPairs, alike
from groundglass.measures.pairs.score_job import read_rows
from groundglass.runs.evaluate import SECONDS, Matched, match
from groundglass.similarity.test_images.known_sets import resolve, words_of
from groundglass.text.format import some

SWAPPED, BETTER = 0.9, 0.1
"""Correlation of thumbnails that another HQ file needs, and by how much it must exceed the pair's own."""
MOST_COMPARED = 2_000
"""Pairs with another scene that are compared with all HQ files."""


@dataclass(frozen=True)
class Checked:
    """The pairs, and what is true of all.

    pairs   one for each HQ file, and for each LQ file without an HQ file: name, lq, hq, verdict, reasons, notes, and
            the gates' values (None if there is none)
    notes   sentences about the folders
    """

    pairs: list[dict[str, Any]]
    notes: tuple[str, ...]


def check_pairs(lq: Path, hq: Path, against: str, workers: int, progress: Progress) -> Checked:
    """Judge each pair of two folders or two files. A file that cannot be read, or has no partner, is unknown.

    Raises RecipeError if a folder does not exist or holds no image, if only one of the two is a folder, or for an
    unknown word in ``against``.
    """
    if against:
        resolve(words_of(against))
    matched = match_folders(lq, hq)
    with tempfile.TemporaryDirectory(prefix="groundglass-") as name:
        folder = Path(name) / "pairs"
        job = CheckPairs(folder, ImageLimits(), against)
        settings = Settings(workers=workers, seconds_per_image=SECONDS)
        run_whole(job, matched.pairs, settings, progress)
        found = read_rows(folder)
    pairs = [_named(row, matched.rows[number], found.get(number)) for number, row in enumerate(matched.rows)]
    judged = {number: found[number] for number in found if found[number]["verdict"]}
    _add_duplicates(pairs, judged)
    _add_swapped_names(pairs, judged)
    _add_ratios(pairs, judged)
    return Checked(pairs, _notes(pairs))


def run_whole(job: Job, items: Sequence[Any], settings: Settings, progress: Progress) -> None:
    """Do a job whose results are only kept for this command. An item on which a worker hung has no row."""
    try:
        run_job(job, items, settings, progress)
    except Unfinished:
        pass
    except Interrupted as error:
        raise Interrupted("stopped, and nothing was written", "the same command starts again") from error


def match_folders(lq: Path, hq: Path) -> Matched:
    """The pairs of two folders or files. Raises RecipeError as `check_pairs`."""
    if lq.resolve() == hq.resolve():
        raise RecipeError(
            f"LQ and HQ are both {lq}", "name the folder of LQ images first, then that of HQ images"
        )
    return match(hq, lq, 1)


def _named(row: dict[str, Any], listed: dict[str, Any], found: dict[str, Any] | None) -> dict[str, Any]:
    """A pair as the command prints it."""
    pair: dict[str, Any] = {"name": row["uri"] or row["sr"], "lq": row["sr"], "hq": row["uri"]}
    if found is None or found["error"]:
        error = listed["error"] or (found["error"] if found else "unfinished: a worker hung on it")
        said = error.replace("SR file", "LQ file").replace("HR file", "HQ file")
        said = said.replace(": HR:", ": HQ:").replace(": SR:", ": LQ:")
        return pair | {"verdict": "unknown", "reasons": [said], "notes": [], **dict.fromkeys(VALUES)}
    values = json.loads(found["values"])
    return pair | {
        "verdict": found["verdict"],
        "reasons": json.loads(found["reasons"]),
        "notes": json.loads(found["notes"]),
        **{name: _short(values.get(name)) for name in VALUES},
    }


VALUES = (
    "shift",
    "colour_residual",
    "hallucinated_share",
    "rotation",
    "correlation",
    "dense_residual",
    "cast",
    "blur",
    "excess",
    "unlike",
    "down_psnr",
    "structure_shift",
    "already_clean",
    "texture_gain",
    "added_detail",
    "box",
)
"""The gates' values that a pair has as keys."""


def _short(value: Any) -> Any:
    """Four digits; JSON has no infinity."""
    if not isinstance(value, float):
        return value
    return float(f"{value:.4g}") if abs(value) != float("inf") and value == value else None


def _reject(pair: dict[str, Any], reason: str) -> None:
    pair["verdict"] = "rejected"
    pair["reasons"].insert(0, reason)


def _add_duplicates(pairs: list[dict[str, Any]], judged: dict[int, dict[str, Any]]) -> None:
    """Later pairs with the pixels of an earlier one are rejected; near-duplicates are noted."""
    for side, column in (("HQ", "hq_pixels"), ("LQ", "lq_pixels")):
        first: dict[str, int] = {}
        for number, row in sorted(judged.items()):
            earlier = first.setdefault(row[column], number)
            if earlier != number:
                _reject(
                    pairs[number],
                    f"duplicate: {side} has the same pixels as {pairs[earlier][side.lower()]}",
                )
    _note_near_duplicates(pairs, judged)


def _note_near_duplicates(pairs: list[dict[str, Any]], judged: dict[int, dict[str, Any]]) -> None:
    import numpy as np
    import pyarrow as pa

    from groundglass.similarity.near_duplicates import near_duplicate_clusters
    from groundglass.similarity.orientations import of_images

    numbers = [number for number, row in sorted(judged.items()) if row["phash"]]
    if len(numbers) < 2:
        return
    plain, mirror, flipped, detail = zip(*(json.loads(judged[n]["phash"]) for n in numbers), strict=True)
    columns = {
        name: pa.chunked_array([pa.array([int(value) for value in values], pa.uint64())])
        for name, values in (("phash", plain), ("phash_mirror", mirror), ("phash_flipped", flipped))
    }
    hashes, details = of_images(
        {**columns, "phash_detail": pa.chunked_array([pa.array(detail, pa.string())])}
    )
    labels = near_duplicate_clusters(np.asarray(hashes[0]), hashes[1:], details=details)
    for place, label in enumerate(labels.tolist()):
        one, other = numbers[place], numbers[label]
        if one != other and judged[one]["hq_pixels"] != judged[other]["hq_pixels"]:
            pairs[one]["notes"].append(f"HQ is a near-duplicate of {pairs[other]['hq']}")


def _add_swapped_names(pairs: list[dict[str, Any]], judged: dict[int, dict[str, Any]]) -> None:
    """Pairs of two scenes, if LQ fits another HQ file."""
    lost = [n for n in judged if any("another scene" in reason for reason in pairs[n]["reasons"])]
    for number in sorted(lost)[:MOST_COMPARED]:
        ours = judged[number]["lq_thumbnail"]
        fits = {other: alike(ours, row["hq_thumbnail"]) for other, row in judged.items()}
        best = max(fits, key=lambda other: fits[other])
        if fits[best] > max(SWAPPED, fits[number] + BETTER):
            said = f"LQ fits {pairs[best]['hq']} (correlation {fits[best]:.2f}), not this HQ ({fits[number]:.2f})"
            _reject(pairs[number], f"names: {said}")


def _add_ratios(pairs: list[dict[str, Any]], judged: dict[int, dict[str, Any]]) -> None:
    """Pairs whose ratio of sizes is not that of most pairs."""
    ratios = {number: round(row["ratio"], 1) for number, row in judged.items()}
    if len(ratios) < 3:
        return
    usual, count = Counter(ratios.values()).most_common(1)[0]
    if 2 * count <= len(ratios):
        return
    for number, ratio in ratios.items():
        if abs(ratio - usual) > 0.1:
            _reject(pairs[number], f"size: HQ is {ratio:g} times LQ, but {usual:g} times in most pairs")


def _notes(pairs: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    notes = [
        "invented texture that averages out at the size of LQ is invisible to all gates",
        "down_psnr is a floor, never a score: the restorer that changes least has the highest",
    ]
    larger = sum(any("LQ is larger than HQ" in reason for reason in pair["reasons"]) for pair in pairs)
    if larger and 2 * larger >= len(pairs):
        notes.append(f"in {some(larger, 'pairs')} LQ is larger than HQ: name the folder of LQ images first")
    return tuple(notes)
