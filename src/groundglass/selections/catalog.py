"""Every rule that a recipe's `select` may name, written out."""

from __future__ import annotations

from groundglass.kernel.record import Parameter, Selection
from groundglass.selections.decontaminate import decontaminate
from groundglass.selections.deduplicate import DEFAULT_DISTANCE, deduplicate
from groundglass.selections.intersect import intersect
from groundglass.selections.lists import drop, keep
from groundglass.selections.quantile import quantile
from groundglass.selections.quota import quota
from groundglass.selections.source_divergence import LEAST, source_divergence
from groundglass.selections.top_k import top_k
from groundglass.selections.where import where

_BY = Parameter(None, "the column of numbers to rank by; must be given")
_ORDER = Parameter(None, "which way is better, 'higher' or 'lower'; default: the measure's own direction")
_PER = Parameter(None, "the column that groups rows; each group is judged by itself")

SELECTIONS: dict[str, Selection] = {
    rule.name: rule
    for rule in (
        Selection(
            "where",
            where,
            {
                "cascade": Parameter(
                    None,
                    "by, recall, budget, measure: measure only where the column `by` leaves doubt",
                )
            },
            False,
            False,
            "DuckDB scalar expressions; cascade: Clopper and Pearson, 1934, and Learn then test, 2021",
        ),
        Selection(
            "quantile",
            quantile,
            {"by": _BY, "order": _ORDER, "per": _PER},
            True,
            True,
            "Hyndman and Fan, Sample quantiles in statistical packages, 1996, definition 7",
        ),
        Selection(
            "top_k", top_k, {"by": _BY, "order": _ORDER, "per": _PER}, True, True, "ranks; equal values by id"
        ),
        Selection(
            "quota",
            quota,
            {
                "by": _BY,
                "order": _ORDER,
                "per": Parameter(None, "the column that groups rows; must be given"),
            },
            True,
            True,
            "ranks within strata; equal values by id",
        ),
        Selection(
            "intersect", intersect, {}, True, False, "both heads of 4KLSDB's quality gate, on one pool"
        ),
        Selection(
            "deduplicate",
            deduplicate,
            {
                "distance": Parameter(
                    DEFAULT_DISTANCE, "bits that hashes of near-duplicates may differ in", "bit", 0, 32
                ),
                "by": Parameter(
                    None,
                    "the column that says which of the duplicates stays; default: the largest, least compressed one",
                ),
                "order": _ORDER,
            },
            True,
            False,
            "Norouzi, Punjani, Fleet, Fast search in Hamming space with multi-index hashing, 2012",
        ),
        Selection(
            "decontaminate",
            decontaminate,
            {},
            False,
            False,
            "the measure `leaks`, against test sets that come with groundglass or files of fingerprints",
        ),
        Selection(
            "source_divergence",
            source_divergence,
            {
                "reference": Parameter(
                    None,
                    "a profile, a folder of photographs that were never compressed, or df2k; must be given",
                ),
                "least": Parameter(LEAST, "the least quality of a source", "", 0, 1),
                "unknown": Parameter(
                    "keep", "what becomes of sources that no quality can be given of: keep or drop"
                ),
                "per": Parameter("source", "the column that says which source a row is of"),
            },
            True,
            False,
            "DiverSeg (ECCV 2024), its released source selection",
        ),
        Selection("keep", keep, {}, False, False, "a text file of ids, uris or sha256"),
        Selection("drop", drop, {}, False, False, "a text file of ids, uris or sha256"),
    )
}
"""Rules by the key that a recipe gives them."""
