"""The values that `source_divergence` compares: the photographs' blockiness, and a profile of clean ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from groundglass.errors import RecipeError
from groundglass.plans.measure_folders import PROFILED
from groundglass.source_quality.clean_profile import QUALITIES, SHIPPED, is_profile, load_profile
from groundglass.source_quality.divergence import fault_of
from groundglass.sources.folder import existing_folder
from groundglass.tables.columns import ColumnPath, Scope

COME_ALONG = f"built-in profiles: {', '.join(SHIPPED)}"


def photographs_blockiness(scope: Scope) -> ColumnPath:
    """The column that holds the photographs' blockiness on their own grid, also for tiles and scaled images.

    Raises RecipeError if no step has measured it, or only with other settings than the profiles'.
    """
    columns = scope.of_generation(0).values()
    found = next(
        (column for column in columns if (column.key, column.column) == (PROFILED, "blockiness")), None
    )
    if found is not None:
        return "root", found.name
    raise RecipeError(
        "source_divergence needs the blockiness of the photos, and no step before this one measures it",
        _hint(scope, any(column.column == "blockiness" for column in columns)),
    )


def _hint(scope: Scope, otherwise: bool) -> str:
    if otherwise:
        return "profiles hold it without settings; add - measure: [{blockiness: {as: plain_}}]"
    if scope.generation:
        return "measure it before the first transform: - measure: [blockiness]"
    return "add a step before this one: - measure: [blockiness]"


def check_reference(text: str) -> None:
    """Raises RecipeError if a reference does not exist, or no source can be judged by it."""
    if is_profile(text):
        fault = fault_of(load_profile(text, PROFILED))
        if fault:
            raise RecipeError(f"{text} cannot be used as a reference: {fault}", COME_ALONG)
        return
    try:
        existing_folder(text)
    except RecipeError as error:
        raise RecipeError(error.message, f"name a folder or a profile; {COME_ALONG}") from error


def must_be_profiled(references: Iterable[str]) -> bool:
    """Whether a reference is a folder that has to be measured."""
    return any(not is_profile(reference) for reference in references)


def divergence_notes(
    references: Sequence[str], judged_by: Collection[str], blockiness: str
) -> tuple[str, ...]:
    """Notes on a select step that judges sources, given the columns that earlier rules read."""
    notes = [
        f"the photos of {reference} will be re-encoded at {len(QUALITIES) - 1} qualities and measured, once"
        for reference in references
        if not is_profile(reference)
    ]
    if references and blockiness in judged_by:
        notes.append(
            "an earlier step selects by blockiness: sources are judged by the images that it kept; put this step first"
        )
    return tuple(notes)
