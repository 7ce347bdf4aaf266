"""The records of studies: what the database keeps, what a rater gets, and what a rater sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from groundglass.errors import GroundglassError

COUNTED = ("rate", "pair", "review")
"""The kinds of trials whose votes count for an image; the others train or check the rater."""
Kind = Literal["rate", "pair", "review", "train", "trap", "gold", "bias", "repeat"]
Score = float | str | Mapping[str, float]
"""A number (acr, slider), a number for each dimension, or a word of `CHOICES` or `VERDICTS`."""
CHOICES: Mapping[str, float] = {"left": 1.0, "right": 0.0, "tie": 0.5}
"""The words of a comparison, as the left image's share of the win."""
VERDICTS: Mapping[str, float] = {"keep": 1.0, "drop": 0.0}
"""The words of a verdict, as votes to keep."""


@dataclass(frozen=True)
class ItemRow:
    """An image of a study, as `groundglass.studies.schema.ITEMS` keeps it; the fields are explained there."""

    id: str
    place: int
    row: str
    name: str
    locator: str
    sha256: str
    width: int
    height: int
    region: str = ""
    arm: str = ""
    content: str = ""
    prompt: str | None = None
    role: str = "rate"
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Session:
    """A browser that opened a link. ``rater`` is the rater's id, None for the owner; ``name`` is the rater's, as r07.

    state  open, revoked or expired
    """

    id: str
    rater: str | None
    name: str
    csrf: str
    number: int
    created: float
    state: Literal["open", "revoked", "expired"] = "open"


@dataclass(frozen=True)
class TrialImage:
    """One image of a trial: where it is shown (single, left, right, lq, hq), its opaque id, and its size in px."""

    side: str
    id: str
    width: int
    height: int


@dataclass(frozen=True)
class Trial:
    """A trial as the rater gets it: nothing in it says whether it is a check.

    layout  single, left_right or lq_hq
    number  the rater's first trial is 1
    """

    id: str
    layout: str
    training: bool
    number: int
    total: int | None
    images: tuple[TrialImage, ...]
    prompt: str | None


@dataclass(frozen=True)
class Standing:
    """How far a rater is. ``why`` is None while there are trials, else all_rated, cap or sitting.

    minutes  after a sitting: until the rater may go on; else None
    """

    done: int
    total: int | None
    why: str | None
    minutes: int | None = None


@dataclass(frozen=True)
class Vote:
    """An answer to a trial. Times are the browser's; everything but id, trial and score may be missing."""

    id: str
    trial: str
    score: Score
    reasons: tuple[str, ...] = ()
    comment: str = ""
    seen: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """t_shown, t_answer, dwell, flips, zoom_max, mode, viewport, dpr, display_scale."""


@dataclass(frozen=True)
class Receipt:
    """A vote that is on disk. ``again``: it was there before; ``feedback`` is that of a training trial."""

    vote: str
    again: bool
    feedback: dict[str, Any] | None


@dataclass(frozen=True)
class Shown:
    """The image behind an opaque id, and whether its damaged copy is shown."""

    item: ItemRow
    damaged: bool


def storable(text: str) -> str:
    r"""A text without zero bytes and halves of characters, which databases refuse.

    >>> storable("a\x00b\ud800")
    'a�b�'
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd")


REFUSALS: dict[str, str] = {
    "no_such_trial": "this trial is not yours, or it does not exist",
    "answered": "this trial has a vote already",
    "other_content": "another vote was sent under this id",
    "not_last": "only your last vote can be taken back, and no training trial",
    "revoked": "this link was withdrawn by the owner of the study",
    "expired": "this link has expired",
    "unknown": "this link does not exist: copy it again from the message that brought it",
    "not_a_rater": "the owner of a study does not rate in it; open a rater's link",
    "wrong": "a value is not what the study expects",
}
"""Every reason why a study refuses a request, as a sentence for the rater."""


class Refused(GroundglassError):
    """A study refuses a request. ``code`` is a word of `REFUSALS`; ``key`` names the value that is wrong.

    >>> str(Refused("answered"))
    'this trial has a vote already'
    """

    def __init__(self, code: str, sentence: str = "", key: str = "") -> None:
        super().__init__(sentence or REFUSALS[code])
        self.args = (code, sentence, key)
        self.code = code
        self.key = key
