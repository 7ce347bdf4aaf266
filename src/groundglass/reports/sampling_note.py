"""Notes on a page that does not show everything."""

from __future__ import annotations

from groundglass.reports.borrowed_thumbnails import shown_by
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
    shown, own = shown_by(facts) >= 0, set(facts.thumbnails)
    usable = [place for place, fate in enumerate(status) if fate != "failed"]
    having = sum(ids[place] in own for place in usable)
    borrowed = sum(bool(shown[place]) for place in usable) - having
    if not having + borrowed or having == len(usable):
        return []
    said = f"{thousands(having)} of these images have a thumbnail"
    if borrowed:
        said += f" of their own; {thousands(borrowed)} more are shown as a part of the image that they were cut from"
    if having + borrowed == len(usable):
        return [f"{said}."]
    return [f"{said}. The others are counted, but this page has no thumbnail of them."]
