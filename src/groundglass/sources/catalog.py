"""All sources that a recipe may name. Reading, planning and running a recipe use this list."""

from __future__ import annotations

from groundglass.sources.archive import Archive
from groundglass.sources.folder import Folder
from groundglass.sources.generate import Generate
from groundglass.sources.sample import Sample
from groundglass.sources.source import Source
from groundglass.sources.table import Table

SOURCES: tuple[type[Source], ...] = (Folder, Archive, Table, Sample, Generate)
