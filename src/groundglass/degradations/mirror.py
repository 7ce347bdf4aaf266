"""Mirroring: the copy that a search by hash alone misses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundglass.degradations.settings import Pixels


@dataclass(frozen=True)
class Mirror:
    """Left and right exchanged.

    across   whether it is done; neutral False
    """

    across: bool = False


def mirror(rgb: Pixels, settings: Mirror, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """The mirror image."""
    return (rgb[:, ::-1] if settings.across else rgb).copy()
