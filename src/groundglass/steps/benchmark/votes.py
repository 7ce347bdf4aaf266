"""The votes behind a MOS that a study of the same run gave."""

from __future__ import annotations

from collections.abc import Mapping

from groundglass.plans.state import State
from groundglass.ratings.votes import Votes
from groundglass.recipes.study_model import StudyStep
from groundglass.studies.open_study import is_whole, make_study
from groundglass.studies.results import score_study, units_of
from groundglass.studies.vote_values import counted, scale_votes

ON_A_SCALE = ("acr", "slider")


def votes_behind(
    state: State, study: str, body: StudyStep, column: str, names: Mapping[str, str]
) -> Votes | None:
    """The votes on the rows of a benchmark, of raters that the study's scores use; None without votes on a scale.

    column  the score's name in the study, such as alignment
    names   the name of each row by its id
    """
    if body.protocol not in ON_A_SCALE or not is_whole(state.run.folder, study):
        return None
    made = make_study(state.run.folder, study, body, state.run.seed, None, list)
    with made.store as store:
        items, votes = store.items(), store.votes()
    rejected = {rater.rater for rater in score_study(body, items, votes, made.seed).raters if rater.rejected}
    rows = items.to_pylist()
    units = [unit for unit in units_of(body, rows) if unit.row in names]
    counts = [vote for vote in counted(votes) if vote["rater"] not in rejected]
    place = {row["id"]: at for at, row in enumerate(rows)}
    number = {unit.items[0]: at for at, unit in enumerate(units)}
    dimension = column if column in body.dimensions else body.dimensions[0]
    found = scale_votes([names[unit.row] for unit in units], counts, place, number, dimension)
    return found if len(found.score) else None
