"""Facts of a dataset card that are not in the manifest: steps, measures, networks, results of studies and others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from groundglass.models.weights import NetworkNote
from groundglass.releases.metadata import Beside
from groundglass.tables.step_record import StepRecord


@dataclass(frozen=True)
class MeasureNote:
    """One measure that was used, with the threshold that a selection set for it, in words."""

    name: str
    version: int
    threshold: str = ""
    reference: str = ""


@dataclass(frozen=True)
class GeneratorNote:
    """One generator of images: its model, weights and licences, and the settings that were drawn for each image.

    licence   of its weights
    images    the licence of its images
    settings  in words; "" if the recipe gives none
    """

    name: str
    model: str
    sha256: str
    licence: str
    images: str
    settings: str = ""


@dataclass(frozen=True)
class AuditNote:
    """The result of an audit: the share of versions with a known fault that the gates caught, fault by fault.

    step     of the recipe
    asked    number of photos that received faults
    alarms   share of their sound versions that the gates dropped
    faults   (fault in words, recall, its 95 % interval) in the audit's order
    """

    step: str
    asked: int
    alarms: float
    faults: tuple[tuple[str, float, tuple[float, float]], ...]


@dataclass(frozen=True)
class GateNote:
    """A gate against people: shares of the images that people would drop, and would keep, that the gate dropped."""

    gate: str
    judged: int
    recall: float | None
    recall_ci95: tuple[float, float] | None
    false_alarm: float | None
    false_alarm_ci95: tuple[float, float] | None


@dataclass(frozen=True)
class StudyNote:
    """People who rated images of the run.

    agreement  (name of the number, its value)
    flagged    raters with a flag; ``flags`` has how often each was set
    rejected   raters whose votes do not count in the scores
    gates      the gates against people; empty if their scores say not which images are bad
    """

    step: str
    protocol: str
    images: int
    votes: int
    raters: int
    agreement: tuple[tuple[str, float], ...] = ()
    flagged: int = 0
    flags: tuple[tuple[str, int], ...] = ()
    rejected: int = 0
    gates: tuple[GateNote, ...] = ()


@dataclass(frozen=True)
class ProofNote:
    """The result of a proof: whether training on the selection gives better results.

    step      of the recipe
    sentence  the answer, without a full stop
    about     preset, and the images that results were scored on
    rows      (comparison, effect in dB, 95 % interval, smallest effect that could be shown, verdict) as text
    notes     what should be known of it, each a sentence
    """

    step: str
    sentence: str
    about: str
    rows: tuple[tuple[str, str, str, str, str], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class BenchmarkNote:
    """The result of a benchmark: how far measures agree with people on these images.

    step      of the recipe
    sentence  the answer, without a full stop
    about     what was compared with what
    rows      (score, group, SRCC, 95 % interval, KRCC, PLCC, failed images) as text, in the order of rank
    notes     what should be known of it, each a sentence
    """

    step: str
    sentence: str
    about: str
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Notes:
    """Facts of the card that are not in the manifest.

    beside   the metadata files next to the images
    failed   number of planned images that could not be written
    small    the images that are too small for trainers, in a sentence
    recipe   whether recipe.yaml is in the release
    lock     whether recipe.lock is in the release
    made     a sentence for each step that made images
    replays  whether `groundglass degrade --replay` makes some of them again
    warnings  the number of photos with each file warning: words of `groundglass.image.header.WARNINGS`
    """

    funnel: tuple[StepRecord, ...] = ()
    measures: tuple[MeasureNote, ...] = ()
    networks: tuple[NetworkNote, ...] = ()
    generators: tuple[GeneratorNote, ...] = ()
    audits: tuple[AuditNote, ...] = ()
    studies: tuple[StudyNote, ...] = ()
    proofs: tuple[ProofNote, ...] = ()
    benchmarks: tuple[BenchmarkNote, ...] = ()
    beside: Beside | None = None
    failed: int = 0
    small: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    replays: bool = False
    recipe: bool = False
    lock: bool = False
    warnings: Mapping[str, int] = field(default_factory=dict)
