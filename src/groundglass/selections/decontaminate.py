"""Drop photos that show an image of a test set."""

from __future__ import annotations

from typing import Annotated, ClassVar

import pyarrow as pa
from pydantic import Field

from groundglass.selections.rule import Catches, Given, Judged, Lookup, Needs, Rule, Taken
from groundglass.settings.field_types import Names
from groundglass.tables.verdicts import Path, compute, errors, values, verdicts

COLUMNS = ("leak_of", "leak_relation", "leak_mirrored", "leak_overlap", "leak_matches")
"""The columns of the measure `leaks` that verdicts are made from."""
WORDS = {"same": "shows", "contains": "contains", "inside": "is part of", "overlaps": "shares a part with"}
"""The first words of a reason, by `leak_relation`."""


class Decontaminate(Rule):
    """Drop the rows of photos that show a test image, as found by the measure `leaks`."""

    keys: ClassVar = ("decontaminate",)
    reference: ClassVar = (
        "the measure `leaks`, against test sets that come with groundglass or files of fingerprints"
    )
    example: ClassVar = "{decontaminate: all}"
    catches: ClassVar[Catches] = "leak"

    decontaminate: Annotated[
        Names,
        Field(
            min_length=1,
            description="drop photos that show images of these test sets or fingerprint files; or `all`",
        ),
    ]

    def needs(self, lookup: Lookup) -> Needs:
        leaks = Taken("leaks", {"against": self.decontaminate}, "photographs")
        return Needs(taken=(leaks,), reads=tuple(("root", name) for name in COLUMNS))

    def judge(self, pool: pa.Table, given: Given) -> Judged:
        return Judged(decontaminate(pool, ("root",)))

    def label(self) -> str:
        return f"no test image of {'known sets' if 'all' in self.decontaminate else ', '.join(self.decontaminate)}"

    def only_alone(self) -> tuple[str, str] | None:
        return "decontaminate", "use a separate step: it judges each photo alone"


def decontaminate(pool: pa.Table, of: Path = ()) -> pa.Table:
    """Drop the rows of photos that show a test image, as found by the measure `leaks`.

    ``of`` is the place of these columns in the pool: ``("root",)`` for the columns of a tile's photo. All tiles of
    a photo that leaks are dropped, wherever the test image is. A row that could not be measured is dropped as failed.
    Returns `groundglass.tables.verdicts.VERDICTS`, margins null. Raises RecipeError if the columns are missing.

    >>> pool = pa.table({"id": ["a", "b"], "leak_of": ["Set5/woman", None], "leak_relation": ["contains", None],
    ...     "leak_mirrored": [False, None], "leak_overlap": [1.0, None], "leak_matches": [62, None]})
    >>> decontaminate(pool)["reason"].to_pylist()
    ['contains Set5/woman (62 matches, overlap 100 %)', None]
    """
    found = {name: values(pool, (*of, name)) for name in COLUMNS}
    why = errors(pool, (*of, "leak_of"))
    failed = compute.is_valid(why)
    leaked = compute.is_valid(found["leak_of"])
    unknown = compute.binary_join_element_wise("no leak_of: ", why, "")
    reason = compute.if_else(failed, unknown, _reason(found, pool.num_rows))
    kept = compute.invert(compute.or_(failed, leaked))
    return verdicts(pool, kept, failed, reason)


def _reason(found: dict[str, pa.ChunkedArray], count: int) -> pa.ChunkedArray:
    """The reason for each row that leaks; null for the others."""
    relation = compute.fill_null(found["leak_relation"], "same")
    begin = relation
    for word, said in WORDS.items():
        begin = compute.if_else(compute.equal(relation, word), said, begin)
    mirrored = compute.if_else(compute.fill_null(found["leak_mirrored"], False), " mirrored (", " (")
    matches = compute.cast(compute.fill_null(found["leak_matches"], 0), pa.string())
    by = compute.if_else(
        compute.equal(matches, "0"),
        "whole image",
        compute.binary_join_element_wise(matches, " matches", ""),
    )
    share = compute.round(compute.multiply(compute.fill_null(found["leak_overlap"], 1.0), 100.0))
    percent = compute.cast(compute.cast(share, pa.int64()), pa.string())
    named = compute.binary_join_element_wise(begin, " ", found["leak_of"], mirrored, by, ", overlap ", "")
    return compute.binary_join_element_wise(named, percent, " %)", "") if count else found["leak_of"]
