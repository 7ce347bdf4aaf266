"""The pair of an image that a step made and the image it was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from groundglass.errors import NoValue
from groundglass.image.region import made_in

if TYPE_CHECKING:
    from groundglass.image.frame import Frame


class MadePair(NamedTuple):
    """The two images of a pair; HQ is as large as LQ or larger."""

    lq: Frame
    hq: Frame


def made_pair(frame: Frame) -> MadePair:
    """A degraded image is the LQ of its pair, and a restored one the HQ; the other is the image it was made from.

    Raises NoValue ``no_pair`` if the last step of the image's region did not make it.
    """
    origin, found = frame.made_from, made_in(frame.region)
    if origin is None or found is None:
        raise NoValue("no_pair")
    return MadePair(frame, origin) if found[1].by == "degraded" else MadePair(origin, frame)
