"""The result of a benchmark in sentences, for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundglass.ratings.benchmark import Benchmark
from groundglass.text.format import some


def headline(found: Benchmark) -> str:
    """The result in a sentence or two. It calls a score worse only where the difference is shown."""
    ranked = [row for row in found.scores if row.strength is not None]
    images = f"{some(len(found.images.mos), 'images')} with a MOS"
    if not ranked:
        return f"No score can be compared with the MOS of {some(len(found.images.mos), 'images')}."
    best = ranked[0]
    said = f"On {images}, '{best.score}' agrees best with people: SRCC {signed(best.srcc)}."
    if best.strength is not None and best.strength <= 0:
        said = f"On {images}, no score agrees with people in its own direction."
    elif best.srcc_ci95 and best.srcc_ci95[0] <= 0 <= best.srcc_ci95[1]:
        said += " That may be chance: its interval holds 0."
    if len(ranked) == 1 or best.strength is None or best.strength <= 0:
        return said
    if best.rank_group is None:
        return f"{said} Differences between scores were not tested."
    equal = [row.score for row in ranked[1:] if row.rank_group == 1]
    if not equal:
        return f"{said} {'The other one is' if len(ranked) == 2 else 'All others are'} shown to be worse."
    names = ", ".join(f"'{name}'" for name in equal[:3])
    more = f" and {len(equal) - 3} more" if len(equal) > 3 else ""
    return f"{said} {names}{more} {'is' if len(equal) == 1 else 'are'} not shown to be worse."


def ceiling_in_words(ceiling: Mapping[str, Any], images: int) -> str:
    """The agreement of people with each other; "" if no votes were given."""
    if "raters" not in ceiling:
        return ""
    if ceiling["split_half_srcc"] is None:
        return f"There is no human ceiling: {ceiling['reason']}."
    on = "" if ceiling["items"] == images else f"On {ceiling['items']:,} of the {images:,} images, one"
    low, high = ceiling["split_half_srcc_range"]
    said = (
        f"{on or 'One'} half of the {ceiling['raters']} raters agrees with the other half at SRCC "
        f"{signed(ceiling['split_half_srcc'])} ({signed(low)} to {signed(high)} in {ceiling['splits']} random splits)"
    )
    if ceiling["all_raters_srcc"] is not None:
        said += f"; two panels of this size would agree at about {signed(ceiling['all_raters_srcc'])}"
    if ceiling["one_rater_srcc"] is not None:
        said += f", and one rater agrees with all others at {signed(ceiling['one_rater_srcc'])}"
    return f"{said}."


def signed(value: float | None) -> str:
    """A correlation with its sign, three digits.

    >>> signed(0.25), signed(-0.6481), signed(None)
    ('+0.250', '-0.648', '–')
    """
    return "–" if value is None else f"{value:+.3f}"
