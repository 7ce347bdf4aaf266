"""Every source that a recipe may name, written out. What reads, plans and runs a recipe goes by it."""

from __future__ import annotations

from groundglass.sources.archive import Archive
from groundglass.sources.folder import Folder
from groundglass.sources.sample import Sample
from groundglass.sources.source import Source
from groundglass.sources.table import Table

SOURCES: tuple[type[Source], ...] = (Folder, Archive, Table, Sample)
