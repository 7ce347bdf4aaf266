"""The quality of folders as sources, compared with a profile of clean photographs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from groundglass.measures.blockiness.blockiness import MEASURE as BLOCKINESS
from groundglass.plans.measure_folders import Workshop, measure_folder
from groundglass.source_quality.clean_profile import Profile
from groundglass.source_quality.divergence import SourceQuality, source_quality
from groundglass.source_quality.kernel_density import sample_of


@dataclass(frozen=True)
class JudgedSource:
    """A folder, its quality, and how many of its files have no blockiness."""

    source: str
    quality: SourceQuality
    failed: int

    def plain(self) -> dict[str, Any]:
        """The form that `groundglass source-quality --json` prints."""
        return {"source": self.source, **self.quality.plain(), "failed": self.failed}


def judge_folder(folder: str, profile: Profile, workshop: Workshop) -> JudgedSource:
    """Measure the blockiness of a folder's images and estimate the quality of the whole folder.

    Raises RecipeError if the folder does not exist; a bad image only counts as failed.
    """
    rows = measure_folder(folder, BLOCKINESS, f"measure {folder}", workshop)
    values = sample_of(rows["blockiness"].drop_null().to_numpy())
    return JudgedSource(folder, source_quality(values, profile, name=folder), rows.num_rows - values.size)
