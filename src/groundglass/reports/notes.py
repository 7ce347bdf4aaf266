"""What a page says of itself where it does not show everything."""

from __future__ import annotations

from groundglass.kernel.words import thousands
from groundglass.reports.facts import RunFacts


def notes_of(facts: RunFacts) -> list[str]:
    """Sentences on what is not shown; none where everything is."""
    found: list[str] = []
    shown = len(facts.rows)
    if facts.total is not None and facts.total > shown:
        found.append(
            f"{thousands(shown)} of {thousands(facts.total)} images are shown: of all that left at one step in one way "
            f"the same share, but at least {facts.least} where there are as many. Steps, reasons and sources count all."
        )
    return [*found, *_thumbnails(facts), *facts.left_out]


def _thumbnails(facts: RunFacts) -> list[str]:
    ids, status = facts.rows["id"].to_pylist(), facts.rows["status"].to_pylist()
    usable = [key for key, fate in zip(ids, status, strict=True) if fate != "failed"]
    having = sum(key in facts.thumbnails for key in usable)
    if not having or having == len(usable):
        return []
    return [
        f"{thousands(having)} of them have a thumbnail; the others are counted, but there is nothing to show."
    ]
