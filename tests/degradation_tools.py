"""Degradations that need an extra are tested where it is installed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from groundglass.degradations.catalog import DISTORTIONS
from groundglass.extras import is_installed

needs_video = pytest.mark.skipif(not is_installed("video"), reason="the extra 'video' is not installed")


def with_their_extras(names: Iterable[str]) -> list[Any]:
    """Parameters of a test: a name whose extra is not installed is skipped, with the reason."""
    return [pytest.param(name, marks=needs_video) if DISTORTIONS[name].extra else name for name in names]
