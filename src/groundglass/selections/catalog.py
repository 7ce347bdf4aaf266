"""All rules that a recipe's `select` may name. Reading, planning, running and auditing a recipe use this list."""

from __future__ import annotations

from groundglass.selections.decontaminate import Decontaminate
from groundglass.selections.deduplicate import Deduplicate
from groundglass.selections.intersect import Intersect
from groundglass.selections.keep_drop_lists import KeepDrop
from groundglass.selections.quantile import Quantile
from groundglass.selections.quota import Quota
from groundglass.selections.rule import Rule
from groundglass.selections.source_divergence import SourceDivergence
from groundglass.selections.top_k import TopK
from groundglass.selections.where import Where

SELECTIONS: tuple[type[Rule], ...] = (
    Where,
    Quantile,
    TopK,
    Quota,
    Intersect,
    Deduplicate,
    Decontaminate,
    SourceDivergence,
    KeepDrop,
)
