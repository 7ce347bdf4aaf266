"""A select step that chooses its threshold: each candidate's rows, a proof, and the verdicts of the chosen rule.

A search is made once: its result is in the store under a hash of everything that decides it. So a second run, and a
plan after the first, use the same threshold without training again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from groundglass import __version__
from groundglass.files.atomic import write_text
from groundglass.measures.measure_job import ask_of
from groundglass.notices import notice
from groundglass.plans.chosen_thetas import FACT
from groundglass.plans.judge import pool_of, rule_of
from groundglass.plans.planner import PlannedStep
from groundglass.plans.state import State
from groundglass.proofs.arms import trained_rows
from groundglass.proofs.instant.measure import MOMENTS
from groundglass.proofs.preset import INSTANT
from groundglass.proofs.result_folder import PROOF
from groundglass.proofs.scored import SCORED, scored_in_folders, scored_rows
from groundglass.proofs.threshold_found import NOT_COMPARED, Found, read_found
from groundglass.proofs.threshold_search import Candidate, Search, in_halves, prepare_search, search
from groundglass.proofs.trained import MIDDLE, base_path
from groundglass.proofs.units import forget_pools, ready_for_instant, ready_for_training
from groundglass.selections.rule import Judged
from groundglass.selections.theta import Theta, from_loose_to_strict, threshold_atom, with_theta
from groundglass.selections.where import Where, where
from groundglass.sources.folder import list_folders
from groundglass.tables.parquet import only
from groundglass.tables.thresholds import limits_of, says_no_more

FOLDER = "thetas"
"""Of the store: a file for each search that was made."""


def theta_of(planned: PlannedStep) -> Theta | None:
    """The candidates of a select step's threshold, if it has any."""
    rule = rule_of(planned)
    return rule.theta if isinstance(rule, Where) else None


def candidates_of(state: State, planned: PlannedStep, rows: pa.Table) -> tuple[Candidate, ...]:
    """The rows that each candidate keeps, from the loosest to the strictest."""
    rule, theta = rule_of(planned), theta_of(planned)
    assert isinstance(rule, Where)
    assert theta is not None
    table = pool_of(state, planned, rows)
    found: list[Candidate] = []
    for value in from_loose_to_strict(rule.where, theta.candidates):
        verdicts = where(table, with_theta(rule.where, value))
        found.append(Candidate(value, only(rows, verdicts["id"].filter(verdicts["kept"]))))
    return tuple(found)


def theta_rows(state: State, planned: PlannedStep, rows: pa.Table) -> Judged:
    """The verdicts of the rule with the threshold that a proof chooses, or has chosen on the same images before."""
    theta = theta_of(planned)
    assert theta is not None
    candidates = candidates_of(state, planned, rows)
    place = _kept_at(state, planned, theta, candidates)
    found = _read(place)
    if found is None:
        found = _searched(state, planned, theta, candidates)
        write_text(json.dumps(found.plain(), ensure_ascii=False) + "\n", place)
    return judged_at(state, planned, rows, found)


def known_theta(state: State, planned: PlannedStep, rows: pa.Table) -> Judged | None:
    """The same if the search was made before, else None."""
    theta = theta_of(planned)
    assert theta is not None
    found = _read(_kept_at(state, planned, theta, candidates_of(state, planned, rows)))
    return None if found is None else judged_at(state, planned, rows, found)


def judged_at(state: State, planned: PlannedStep, rows: pa.Table, found: Found) -> Judged:
    """The verdicts of the rule with one threshold; the reason of a dropped row says where the number comes from."""
    rule = rule_of(planned)
    assert isinstance(rule, Where)
    text = with_theta(rule.where, found.theta)
    atom = threshold_atom(rule.where, found.theta)
    remarks = {} if atom is None else {atom.text: found.remark}
    verdicts = where(pool_of(state, planned, rows), text, remarks)
    facts = {"rule": "where", "exact": says_no_more(text), FACT: found.plain()}
    return Judged(verdicts, tuple(limits_of(text)), found.sentences(), facts)


def label_at(planned: PlannedStep, judged: Judged) -> str:
    """The rule that was used, in a few words."""
    rule, found = rule_of(planned), read_found(judged.facts[FACT])
    assert isinstance(rule, Where)
    return f"{with_theta(rule.where, found.theta)} ({found.remark})"


def _searched(state: State, planned: PlannedStep, theta: Theta, candidates: Sequence[Candidate]) -> Found:
    """The proof. Moments are in the store, trainings in the run's folder, so that a stopped search goes on."""
    about = prepare_search(candidates, theta.images, bool(theta.score_on))
    if not about.candidates:
        return Found(candidates[0].theta, NOT_COMPARED, theta.preset, about.points)
    trains = theta.preset != INSTANT.name
    scored, picks = in_halves(_scored(state, about, theta))
    place = state.run.folder.path / PROOF / planned.step.name / "trainings"
    if trains:
        ready = ready_for_training(state, about.trial, scored, theta.preset, place)
    else:
        ready = ready_for_instant(state, about.trial, scored)
    found = search(about, ready, picks, theta.preset, state.run.seed, planned.step.name)
    if trains:
        forget_pools(place)
    return found


def _scored(state: State, about: Search, theta: Theta) -> list[bytes]:
    measure = SCORED if theta.preset == INSTANT.name else MIDDLE
    if about.trial.scored is None:
        scored, notes = scored_in_folders(state, theta.score_on, measure, trained_rows(about.trial))
        for note in notes:
            notice(note)
        return scored
    return scored_rows(state, about.trial.scored, measure)


def _kept_at(state: State, planned: PlannedStep, theta: Theta, candidates: Sequence[Candidate]) -> Path:
    """The file of a search: its name is a hash of all that decides the result."""
    summed = hashlib.sha256()
    facts = [
        __version__,
        ask_of(MOMENTS, {}).key,
        theta.preset,
        theta.images,
        state.run.seed,
        planned.step.name,
    ]
    summed.update(json.dumps(facts).encode())
    if theta.preset != INSTANT.name:
        summed.update(base_path(theta.preset).read_bytes())
    for each in candidates:
        ids = ["" if value is None else value for value in each.rows.sort_by("id")["id"].to_pylist()]
        summed.update("\n".join(["", repr(each.theta), *ids]).encode())
    loosest = candidates[0].rows.sort_by("id").select(["sha256", "region", "root"]).to_pylist()
    listed = (
        list_folders(theta.score_on).select(["uri", "bytes", "mtime_ns"]).to_pylist()
        if theta.score_on
        else []
    )
    summed.update(json.dumps([loosest, listed]).encode())
    return state.run.store_folder / FOLDER / f"{summed.hexdigest()[:20]}.json"


def _read(place: Path) -> Found | None:
    try:
        return read_found(json.loads(place.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError):
        return None
