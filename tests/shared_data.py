"""Where the real photographs lie, when they are there."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"


def shared(*parts: str) -> Path:
    """A file or folder of the shared data; the test is skipped where it is absent."""
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs the shared test images: {'/'.join(parts)} is not there")
    return path


def shared_case(*parts: str) -> Path:
    """A file or folder of the shared cases; the test is skipped where it is absent."""
    path = DATA.parent.joinpath("cases", *parts)
    if not path.exists():
        pytest.skip(f"needs the shared cases: {'/'.join(parts)} is not there")
    return path
