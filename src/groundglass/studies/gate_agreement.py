"""Human verdicts as ground truth for the gates of a run: how often each gate drops what people would drop."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.plans.run_folder import RunFolder, load_record
from groundglass.plans.run_tables import read_tables
from groundglass.ratings.shares import wilson
from groundglass.recipes.study_model import StudyStep
from groundglass.studies.results import StudyResults, score_study
from groundglass.tables.step_record import StepRecord

if TYPE_CHECKING:
    from groundglass.studies.open_study import Study


@dataclass(frozen=True)
class GateAgreement:
    """A gate against people, on the images that it judged and that people rated.

    judged       these images; the next counts are of them
    bad          images that people would drop
    dropped      images that the gate dropped
    both         images that both would drop
    precision    share of the dropped images that people would drop too; None if it dropped none
    recall       share of the bad images that it dropped; None if there are none
    false_alarm  share of the images that people would keep that it dropped; None if there are none
    """

    gate: str
    label: str
    judged: int
    bad: int
    dropped: int
    both: int
    precision: float | None
    precision_ci95: tuple[float, float] | None
    recall: float | None
    recall_ci95: tuple[float, float] | None
    false_alarm: float | None
    false_alarm_ci95: tuple[float, float] | None


@dataclass(frozen=True)
class HumanAudit:
    """All gates of a run against the verdicts of a study, and the images about which people were undecided."""

    run: str
    study: str
    rated: int
    bad: int
    undecided: int
    gates: tuple[GateAgreement, ...]
    notes: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def human_verdicts(body: StudyStep, results: StudyResults, below: float | None = None) -> dict[str, bool]:
    """Row → whether people would drop it; rows without votes, and ties, are left out.

    ``below`` is the score under which an image is bad, for votes on a scale. Raises RecipeError if the study compares
    images or folders, or has a scale and no ``below``.
    """
    if body.folders or body.protocol == "pairwise":
        raise RecipeError(
            f"a study with the protocol {body.protocol}{' of folders' if body.folders else ''} judges no single images",
            "use a study with the protocol accept, acr or slider",
        )
    if body.protocol == "accept":
        return {item.row: item.score < 0.5 for item in results.items if item.score not in (None, 0.5)}
    low, high = body.scale or (0.0, 1.0)
    if below is None or not low < below <= high:
        raise RecipeError(
            f"say which scores are bad, from {low:g} to {high:g}",
            f"for example --bad-below {(low + high) / 2:g}",
        )
    return {item.row: item.score < below for item in results.items if item.score is not None}


def audit_by_people(study: Study, below: float | None = None) -> HumanAudit:
    """Compare every selection of a run with the verdicts of one of its studies.

    A gate that judged photos is compared on tiles too, by the photo that each comes from.
    """
    with study.store as store:
        results = score_study(study.body, store.items(), store.votes(), study.seed)
    bad = human_verdicts(study.body, results, below)
    if not bad:
        raise RecipeError(
            f"the study {study.name} has no verdicts yet", "let people vote first: groundglass study serve"
        )
    folder = RunFolder(study.run)
    record = load_record(folder)
    tables = read_tables(folder, record)
    roots = dict(zip(tables.rows["id"].to_pylist(), tables.rows["root"].to_pylist(), strict=True))
    gates = compare_gates(bad, study.name, record.steps, tables.verdicts, roots)
    return HumanAudit(
        str(folder.path),
        study.name,
        len(bad),
        sum(bad.values()),
        len(results.items) - len(bad),
        tuple(gates),
        tuple(_notes(study, gates)),
    )


def compare_gates(
    bad: Mapping[str, bool],
    study: str,
    steps: Iterable[StepRecord],
    verdicts: Mapping[str, pa.Table],
    roots: Mapping[str, str],
) -> list[GateAgreement]:
    """The selections of a run against human verdicts; not those by the scores of this study.

    bad       row → whether people would drop it
    verdicts  of each selection
    roots     row → the photo that it comes from
    """
    return [
        _agreement(step.step, step.label, bad, kept_by(verdicts[step.step]), roots)
        for step in steps
        if step.kind == "select" and step.step in verdicts and not is_by_study(step.label, study)
    ]


def kept_by(verdicts: pa.Table) -> dict[str, bool]:
    """Row → whether a selection kept it."""
    return dict(zip(verdicts["id"].to_pylist(), verdicts["kept"].to_pylist(), strict=True))


def is_by_study(label: str, study: str) -> bool:
    """Whether a selection is by the scores of the study itself: it agrees with them by construction.

    >>> [is_by_study(label, "a") for label in ("a: score >= 3", "a.score >= 3 and x < 2", "meta.size > 5")]
    [True, True, False]
    """
    return label.startswith(f"{study}: ") or bool(re.search(rf"(?<![\w.'\"-]){re.escape(study)}\.", label))


def _agreement(
    gate: str, label: str, bad: Mapping[str, bool], kept: Mapping[str, bool], roots: Mapping[str, str]
) -> GateAgreement:
    pairs = [
        (is_bad, not kept[row if row in kept else roots[row]])
        for row, is_bad in bad.items()
        if row in kept or roots.get(row) in kept
    ]
    wrong = sum(is_bad for is_bad, _ in pairs)
    dropped = sum(gone for _, gone in pairs)
    both = sum(is_bad and gone for is_bad, gone in pairs)
    good = len(pairs) - wrong
    return GateAgreement(
        gate,
        label,
        len(pairs),
        wrong,
        dropped,
        both,
        both / dropped if dropped else None,
        wilson(both, dropped) if dropped else None,
        both / wrong if wrong else None,
        wilson(both, wrong) if wrong else None,
        (dropped - both) / good if good else None,
        wilson(dropped - both, good) if good else None,
    )


def _notes(study: Study, gates: list[GateAgreement]) -> list[str]:
    notes: list[str] = []
    if study.body.dropped_by is not None:
        notes.append(
            f"the study rated only images that {study.body.dropped_by} dropped: its precision is known, but its recall "
            "is not"
        )
    blind = [gate.gate for gate in gates if gate.judged and not gate.dropped]
    if blind and study.body.dropped_by is None:
        notes.append(
            f"no rated image was dropped by {', '.join(blind)}: a study of the images that went into a gate would show "
            "more; give it a study step before that gate"
        )
    return notes
