"""Every format that a release can be written in, written out. What reads, plans and writes a release goes by it."""

from __future__ import annotations

from groundglass.releases.writers.folder import FolderRelease
from groundglass.releases.writers.paired import PairedRelease
from groundglass.releases.writers.writer import Release

FORMATS: tuple[type[Release], ...] = (FolderRelease, PairedRelease)
"""The first is meant where a recipe does not say."""
