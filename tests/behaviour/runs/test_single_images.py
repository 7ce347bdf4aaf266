"""Single images: one at which a worker stands still costs the others nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from groundglass import testing
from groundglass.engines.progress import Silent
from groundglass.errors import REASONS, Unfinished
from groundglass.measures.measure_job import Look
from groundglass.runs import single_images
from groundglass.runs.single_images import measure_files


@pytest.fixture
def stuck_at_b(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine, when a blocked disk keeps a worker at b.png while it measures."""
    real = single_images.run_job

    def until_b(job: Any, items: Sequence[Any], *told: Any) -> Any:
        if not isinstance(job, Look):
            return real(job, items, *told)
        real(job, [item for item in items if not job.name(item).endswith("b.png")], *told)
        raise Unfinished(
            "a worker made no progress for over 1200 s, twice, on b.png", "check whether the disk responds"
        )

    monkeypatch.setattr(single_images, "run_job", until_b)


@pytest.mark.usefixtures("stuck_at_b")
def test_the_others_have_their_values_and_the_stuck_one_a_reason(tmp_path: Path):
    for seed, name in enumerate("abc"):
        (tmp_path / f"{name}.png").write_bytes(testing.png(testing.photo(80, 60, seed)))
    paths = [tmp_path / f"{name}.png" for name in "abc"]
    taken = measure_files(paths, ["sharpness"], 1, Silent())
    assert [row["error"] for row in taken.rows] == [None, "unfinished", None]
    assert [row["laplacian_variance"] is None for row in taken.rows] == [False, True, False]
    assert taken.stuck is not None
    assert taken.stuck.exit_code == 4
    assert taken.nothing == ""
    assert "unfinished" in REASONS
