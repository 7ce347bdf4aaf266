"""Every reason says what it means and what to do."""

from __future__ import annotations

from groundglass.errors import REASONS, REMEDIES


def test_every_reason_has_a_remedy_and_no_other_word_has() -> None:
    assert list(REMEDIES) == list(REASONS)
