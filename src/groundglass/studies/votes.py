"""Votes and undoings, as changes of a study. Each has a UUID of the browser: sent twice, it is done once."""

from __future__ import annotations

import time

from sqlalchemy import insert, select, update

from groundglass import __version__
from groundglass.recipes.study_model import StudyStep
from groundglass.studies.answers import feedback_of, flags_of
from groundglass.studies.progress import Change
from groundglass.studies.records import Receipt, Refused, Session, Trial, Vote
from groundglass.studies.schema import VOTES
from groundglass.studies.trials import as_shown, hand_out, rater_of, total_of


def record_vote(change: Change, session: Session, vote: Vote, body: StudyStep) -> Receipt:
    """Add a vote. Raises Refused as `Store.vote` does."""
    connection, progress = change
    rater = rater_of(progress, session)
    if vote.id in progress.votes:
        return _receipt_again(change, session, vote)
    trial = progress.trials.get(vote.trial)
    if trial is None or trial.rater != rater.id:
        raise Refused("no_such_trial")
    if trial.vote is not None:
        raise Refused("answered")
    row = {
        "id": vote.id, "study": progress.study, "trial": trial.id, "rater": rater.id,
        "session": session.number, "score": vote.score, "reasons": list(vote.reasons),
        "comment": vote.comment, "received": time.time(), **vote.seen, "app_version": __version__,
        "flags": flags_of(progress.design, trial.draft, vote, body), "undone_by": None,
        "turn": progress.turn,
    }  # fmt: skip
    connection.execute(insert(VOTES), row)
    before = len(progress.open_trials(rater))
    progress.apply_vote(row)
    # The trial that takes its place is handed out in the same transaction: one wait for the disk, not two.
    hand_out(change, rater, before)
    return Receipt(vote.id, False, feedback_of(progress.design, trial.draft, vote.score))


def _receipt_again(change: Change, session: Session, vote: Vote) -> Receipt:
    """The receipt of a vote that was sent before. Raises Refused ``other_content`` if that was another one."""
    connection, progress = change
    row = connection.execute(select(VOTES).where(VOTES.c.id == vote.id)).mappings().one()
    before = (row["trial"], row["rater"], row["score"], row["reasons"], row["comment"])
    if before != (vote.trial, session.rater, vote.score, list(vote.reasons), vote.comment):
        raise Refused("other_content")
    feedback = feedback_of(progress.design, progress.trials[vote.trial].draft, vote.score)
    return Receipt(vote.id, True, feedback)


def take_back(change: Change, session: Session, undoing: str, vote: str) -> Trial:
    """Undo the rater's last vote. Raises Refused as `Store.undo` does."""
    connection, progress = change
    rater = rater_of(progress, session)
    if undoing in progress.undoings:
        trial = progress.trials[progress.votes[vote][0]] if vote in progress.votes else None
        if progress.undoings[undoing] != vote or trial is None or trial.rater != rater.id:
            raise Refused("other_content")
        return as_shown(progress, trial, total_of(progress, rater))
    if next(reversed(rater.voted), None) != vote:
        raise Refused("not_last")
    trial = progress.trials[progress.votes[vote][0]]
    if trial.draft.kind == "train":
        raise Refused("not_last")
    change_of_vote = {"undone_by": undoing, "turn": progress.turn}
    connection.execute(update(VOTES).where(VOTES.c.id == vote).values(change_of_vote))
    progress.apply_vote(connection.execute(select(VOTES).where(VOTES.c.id == vote)).mappings().one())
    return as_shown(progress, trial, total_of(progress, rater))
