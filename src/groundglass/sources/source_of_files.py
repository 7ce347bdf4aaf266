"""Sources that find files: folders and archives. Files next to their images become columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa

from groundglass.sources.found_files import FoundFiles, named_counts
from groundglass.sources.sidecar_columns import mixed_in_words
from groundglass.sources.source import Brought, Home, SourceWithColumns
from groundglass.text.suggest import did_you_mean


class SourceOfFiles(SourceWithColumns):
    """A source that sorts files into images, files next to them, and other files."""

    def found(self) -> FoundFiles:
        """All content of the source. Raises RecipeError."""
        raise NotImplementedError

    def look(self) -> Brought:
        found, stated = self.found(), self.stated()
        there = found.columns.types
        notes = mixed_in_words(found.columns, stated)
        notes += [
            f"no image has '{name}' in a file next to it.{did_you_mean(name, there)}"
            for name in stated
            if name not in there
        ]
        if unfit := found.unfit(stated):
            asked = {f"meta.{name} ({(self.columns or {})[name]})": count for name, count in unfit.items()}
            notes.append(f"values that do not have the requested type are left empty: {named_counts(asked)}")
        brought = self.brought({**there, **stated}, stated)
        if stated and (unnamed := [name for name in there if name not in stated]):
            notes.append(f"columns left out, since `columns` does not name them: {', '.join(unnamed[:8])}")
        return replace(
            brought,
            notes=(*found.notes, *notes),
            skipped=found.skipped,
            unusable=dict.fromkeys(found.columns.unusable, "has a name that cannot be a column name"),
            listing=found.listing,
        )

    def listing(self, types: Mapping[str, str], home: Home) -> pa.Table:
        return self.found().listing(types)
