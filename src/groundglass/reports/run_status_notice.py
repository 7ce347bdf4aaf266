"""The notice at the top of a report if a run did not go well: what happened, and what to type."""

from __future__ import annotations

from dataclasses import dataclass

from groundglass.reports.facts import RunFacts
from groundglass.tables.step_record import StepRecord
from groundglass.text.format import command, some


@dataclass(frozen=True)
class Notice:
    """A heading, its explanation, and a command that helps ("" if none does)."""

    title: str
    text: str
    command: str = ""
    bad: bool = False


def notice_of(facts: RunFacts) -> Notice | None:
    """The notice of a run; None for a run that is done and kept something."""
    again = command("groundglass", "run", facts.recipe)
    # A stopped run comes first: all that follows would describe its unfinished rest.
    stopped = _stopped(facts, again)
    if stopped is not None:
        return stopped
    if facts.state == "running":
        return Notice(
            "Still running",
            "This page shows what was finished when it was written. Write it again to see more.",
        )
    if facts.lacking:
        return Notice(
            "Values and thumbnails are missing",
            _lacking_text(facts),
            command("groundglass", "report", facts.folder),
        )
    listed = sum(step.into for step in facts.steps if step.kind == "source")
    if not listed:
        return Notice(
            "No image came in", _empty_text(facts), command("groundglass", "plan", facts.recipe), bad=True
        )
    return _nothing_left(facts, listed)


def _stopped(facts: RunFacts, again: str) -> Notice | None:
    done = sum(step.seconds is not None for step in facts.steps)
    far = f"{done} of {some(len(facts.steps), 'steps')} were finished and are saved"
    if facts.state == "interrupted":
        return Notice("Interrupted", f"{far}. The same command goes on from there.", again)
    if facts.state == "waiting":
        advice = f" {facts.hint[:1].upper()}{facts.hint[1:]}." if facts.hint else ""
        return Notice("Waiting for votes", f"{facts.error.rstrip('.')}.{advice} {far}.", again)
    if facts.state == "failed":
        what = facts.error or "An error stopped it"
        advice = f" {facts.hint[:1].upper()}{facts.hint[1:]}." if facts.hint else ""
        return Notice("Stopped by an error", f"{what.rstrip('.')}.{advice} {far}.", again, bad=True)
    return None


def _lacking_text(facts: RunFacts) -> str:
    return (
        f"The store {facts.lacking} does not exist. It belongs next to the runs of a recipe; move it back there, "
        "then write this page again."
    )


def _empty_text(facts: RunFacts) -> str:
    sources = [step.label for step in facts.steps if step.kind == "source"]
    where = ", ".join(sources) if sources else "the recipe"
    return f"There is no file to read in {where}. Check the source's path and glob in {facts.recipe}."


def _nothing_left(facts: RunFacts, listed: int) -> Notice | None:
    readable = sum(step.out for step in facts.steps if step.kind == "source")
    if not readable:
        return Notice("No image could be read", _unread_text(facts, listed), _why(facts), bad=True)
    emptied = next((step for step in facts.steps if step.into and not step.out), None)
    if emptied is None:
        return None
    return Notice("Nothing was left", _emptied_text(emptied, facts.unit(emptied)), _why(facts), bad=True)


def _unread_text(facts: RunFacts, listed: int) -> str:
    reasons = {reason: many for step in facts.steps for reason, many in step.reasons.items()}
    listing = ", ".join(f"{reason.replace('_', ' ')} {many:,}" for reason, many in reasons.items())
    return f"All {some(listed, 'files')} failed: {listing}. The tab Failures lists them with the decoder's messages."


def _emptied_text(step: StepRecord, unit: str) -> str:
    judged = some(step.into, unit)
    hint = " Its view shows which threshold would keep some." if step.whole_rule else ""
    return f"The step {step.step} ({step.label}) kept none of {judged}.{hint}"


def _why(facts: RunFacts) -> str:
    if not len(facts.rows):
        return ""
    return command("groundglass", "why", facts.folder, facts.rows["uri"][0].as_py())
