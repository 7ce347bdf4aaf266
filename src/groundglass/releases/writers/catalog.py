"""All formats that a release can be written in. Reading, planning and writing a release use this list."""

from __future__ import annotations

from groundglass.releases.writers.folder import FolderRelease
from groundglass.releases.writers.paired import PairedRelease
from groundglass.releases.writers.ratings import ChallengeRelease, RatingsRelease
from groundglass.releases.writers.writer import Release

FORMATS: tuple[type[Release], ...] = (FolderRelease, PairedRelease, RatingsRelease, ChallengeRelease)
"""The first is the default."""
