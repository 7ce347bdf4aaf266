"""Notes on a page that does not show everything."""

from __future__ import annotations

from groundglass.reports.facts import RunFacts
from groundglass.text.format import thousands


def notes_of(facts: RunFacts) -> list[str]:
    """Sentences on what is not shown; none if everything is."""
    found: list[str] = []
    shown = len(facts.rows)
    if facts.total is not None and facts.total > shown:
        found.append(
            f"This page shows {thousands(shown)} of the {thousands(facts.total)} images of the run. They are drawn at "
            f"random from each group of images that left at the same step in the same way: the same share of every "
            f"group, but at least {facts.least} images, or the whole group if it is smaller. The counts of steps, "
            f"reasons and sources include all {thousands(facts.total)} images."
        )
    return [*found, *_thumbnails(facts), *facts.left_out]


def _thumbnails(facts: RunFacts) -> list[str]:
    ids, status = facts.rows["id"].to_pylist(), facts.rows["status"].to_pylist()
    usable = [key for key, fate in zip(ids, status, strict=True) if fate != "failed"]
    having = sum(key in facts.thumbnails for key in usable)
    if not having or having == len(usable):
        return []
    return [
        f"{thousands(having)} of these images have a thumbnail. The others are counted, but this page has no thumbnail "
        "of them."
    ]
