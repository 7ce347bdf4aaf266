"""A study's result in words, for the command line and the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundglass.text.format import plain_line, some

if TYPE_CHECKING:
    from groundglass.ratings.scores import Scores

AGREEMENT = {
    "krippendorff_alpha": "Krippendorff's α",
    "icc_2_1": "ICC(2,1)",
    "icc_2_k": "ICC(2,k)",
    "split_half_srcc": "split-half SRCC",
    "fleiss_kappa": "Fleiss' κ",
}


def headline(found: Scores) -> str:
    """The result in a sentence or two: the best item, and how many items have a score."""
    return f"{best_item(found)} {counts(found)}".strip()


def best_item(found: Scores, jod: bool = False) -> str:
    """The item with the highest score, in a sentence; "" if there is no order of all items.

    It is only called best if its interval begins above the second one's end. ``jod`` gives its score in JOD.
    """
    scored = sorted(
        (row for row in found.items if row.score is not None), key=lambda row: -(row.score or 0.0)
    )
    if len(scored) < 2 or not found.in_one_piece:
        return ""
    first, second = scored[:2]
    value = f"{first.jod:+.2f} JOD" if jod else f"{first.score:.2f}"
    if (first.score or 0.0) - (scored[-1].score or 0.0) < 1e-9:
        return f"All items with a score have the same one, {value}."
    best = f"'{short_name(first.item)}' has the highest score, {value}"
    if first.ci95 and second.ci95 and first.ci95[0] > second.ci95[1]:
        return f"{best}, clearly above the second."
    return f"{best}, but '{short_name(second.item)}' may be as good."


def counts(found: Scores) -> str:
    """How many items have a score, and from how many votes, in a sentence."""
    scored = sum(row.score is not None for row in found.items)
    verb = "has" if scored == 1 else "have"
    said = f"{scored:,} of {some(len(found.items), 'items')} {verb} a score, from {_counted(found)}"
    rejected = sum(rater.rejected for rater in found.raters)
    if rejected:
        said += f", {rejected} of whom {'do' if rejected > 1 else 'does'} not count"
    return f"{said}."


def _counted(found: Scores) -> str:
    if found.raters:
        votes = sum(rater.votes for rater in found.raters)
        return f"{some(votes, 'votes')} of {some(len(found.raters), 'raters')}"
    return some(sum(row.votes for row in found.items) // 2, "comparisons")


def short_name(name: str, width: int = 28) -> str:
    """The end of a long name: what separates the names of images is usually there.

    >>> short_name("photos/lake/2024/05/red_boat_at_noon.png")
    '…024/05/red_boat_at_noon.png'
    """
    plain = plain_line(name)
    return plain if len(plain) <= width else f"…{plain[1 - width :]}"


def agreement_in_words(found: Scores) -> str:
    """The coefficients that could be computed, in one line; "" without any."""
    said = [
        f"{word} {found.agreement[key]:.3f}"
        for key, word in AGREEMENT.items()
        if found.agreement.get(key) is not None
    ]
    return f"agreement: {', '.join(said)}" if said else ""
