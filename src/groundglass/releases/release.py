"""The release: plan the names, write the images, then lists, card, checksums and archive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass.engines.progress import Progress, Silent
from groundglass.engines.run import run_job
from groundglass.engines.shards import Settings
from groundglass.files.atomic import write_bytes, write_text
from groundglass.image.frame import Makes
from groundglass.image.header import ImageLimits
from groundglass.releases.archive import archive_path, write_archive
from groundglass.releases.card import write_card
from groundglass.releases.card_notes import Notes
from groundglass.releases.file_layout import plan_files, written_ending
from groundglass.releases.journal import (
    PARTS,
    claimed,
    close,
    content_key,
    read_journal,
    remove_strays,
    resume,
)
from groundglass.releases.licences import check_licences
from groundglass.releases.manifest import (
    high_rows,
    list_files,
    make_manifest,
    meta_columns,
    score_columns,
    write_checksums,
    write_failures,
    write_manifest,
    write_scores,
)
from groundglass.releases.metadata import (
    Beside,
    beside_notes,
    caption_texts,
    kind_of,
    metadata_of,
    write_captions,
    write_metadata,
)
from groundglass.releases.trainer_patches import released_note
from groundglass.releases.write_job import Write
from groundglass.releases.writers.writer import Release
from groundglass.tables.parquet import compute


@dataclass(frozen=True)
class ReleaseContext:
    """The values that a release gets from its run.

    name       of the recipe: title of the card and top folder of the archive
    recipe     text of recipe.yaml; "" leaves it out
    lock       text of recipe.lock; "" leaves it out
    notes      facts for the card; those of the written files are added to them
    lists      makes further files from the manifest, by name; they are written next to the images
    lists_key  a key of what these files are made from
    answers    the manifest's columns of models' answers
    ranked_by  (column, "higher" or "lower") that scores.csv is sorted by; None keeps the order of the rows
    settings   settings of the engine
    limits     limits of a photo's size
    makes      makes the images of regions that a step made
    progress   receives the engine's progress
    """

    name: str
    recipe: str = ""
    lock: str = ""
    notes: Notes = field(default_factory=Notes)
    lists: Callable[[pa.Table], Mapping[str, bytes]] | None = None
    lists_key: str = ""
    answers: tuple[str, ...] = ()
    ranked_by: tuple[str, str] | None = None
    settings: Settings = field(default_factory=Settings)
    limits: ImageLimits = field(default_factory=ImageLimits)
    makes: Makes | None = None
    progress: Progress = field(default_factory=Silent)


@dataclass(frozen=True)
class Failure:
    """A planned image that could not be written; its ``file`` name stays unused."""

    id: str
    file: str
    reason: str
    detail: str


@dataclass(frozen=True)
class ReleaseFacts:
    """The content of a finished release.

    images    HR images by split
    files     number of all image files, HR and LR, without lists and card
    bytes     size of these files
    resumed   images that an earlier, interrupted attempt had already written
    licences  HR images by licence; "" is unknown
    notes     remarks for the user on the written files
    """

    folder: Path
    archive: Path | None
    images: Mapping[str, int]
    files: int
    bytes: int
    failed: tuple[Failure, ...]
    resumed: int
    licences: Mapping[str, int]
    notes: tuple[str, ...] = ()


def write_release(folder: Path, rows: pa.Table, step: Release, context: ReleaseContext) -> ReleaseFacts:
    """Write the images of ``rows``, in their order, as a release into ``folder``, which must be new or empty.

    ``rows`` has ``id, root, source, uri, sha256, region, width, height, path`` (bytes), and may have
    ``parent``, ``split``, ``licence``, ``author`` and ``file_format``; columns that came with the images are
    ``meta.x``, and every other column is a score. Names are assigned
    before the first image is written; one that fails (vanished, changed, truncated …) is listed in ``failed.csv``
    and its name stays unused. If called again after an interruption, with the same rows and settings, it
    continues.

    Raises RecipeError for settings, licences or a folder that cannot be used, UnreachableError if the disk
    is full, and the engine's error if it is interrupted.
    """
    # Refuse what can be refused before the folder is touched.
    step.check()
    if step.captions:
        caption_texts(rows, step.captions)
    check_licences(_licences_by_source(rows), step.allow_unknown_licence)
    photographs = plan_files(rows, step)
    archive = archive_path(folder, step.archive) if step.archive else None
    with claimed(folder, content_key(rows, step, f"{context.name}{context.lists_key}"), archive):
        pending, resumed = resume(folder, photographs)
        job = Write(folder, folder / PARTS, written_ending(step), context.limits, context.makes)
        # In this order, neighbours in an archive or table are read together.
        pending.sort(key=lambda item: item.path)
        run_job(job, pending, context.settings, context.progress)
        written, failed = read_journal(folder)
        remove_strays(folder, photographs, (row["file"] for row in written))
        manifest = make_manifest(rows, written)
        beside = metadata_of(manifest, context.answers)
        _write_lists(folder, rows, manifest, beside, failed, step, context)
        if archive is not None and step.archive is not None:
            write_archive(folder, [*list_files(folder), "SHA256SUMS"], step.archive, context.name)
        close(folder)
    failures = tuple(Failure(row["id"], row["file"], row["error"], row["detail"] or "") for row in failed)
    return facts_of(folder, archive, manifest, failures, resumed, step, context.answers)


def _licences_by_source(rows: pa.Table) -> dict[str, str | None]:
    """One licence per source; a source with several is listed once for each."""
    sources = rows["source"].to_pylist()
    licences = rows["licence"].to_pylist() if "licence" in rows.column_names else [None] * rows.num_rows
    pairs = sorted(set(zip(sources, licences, strict=True)), key=str)
    several = {source for source, count in Counter(source for source, _ in pairs).items() if count > 1}
    return {f"{source} ({licence})" if source in several else source: licence for source, licence in pairs}


def _write_lists(
    folder: Path,
    rows: pa.Table,
    manifest: pa.Table,
    beside: Beside,
    failed: Sequence[Mapping[str, Any]],
    step: Release,
    context: ReleaseContext,
) -> None:
    """All files besides the images. The checksums come last, since they cover all of them."""
    write_manifest(manifest, folder)
    write_failures(failed, rows, folder)
    step.write_lists(folder, manifest)
    write_metadata(beside, folder, kind_of(beside, step.metadata))
    if step.captions:
        write_captions(manifest, folder, step.captions)
    if step.scores:
        columns = (*meta_columns(rows), *score_columns(rows).values())
        write_scores(manifest, folder, columns, context.ranked_by)
    if step.card:
        notes = replace(
            context.notes,
            beside=beside,
            failed=len(failed),
            small=released_note(manifest, step),
            recipe=bool(context.recipe),
            lock=bool(context.lock),
        )
        write_card(folder, manifest, step, context.name, notes)
    for name, text in (("recipe.yaml", context.recipe), ("recipe.lock", context.lock)):
        if text:
            write_text(text, folder / name)
    for name, data in (context.lists(manifest) if context.lists is not None else {}).items():
        write_bytes(data, folder / name)
    write_checksums(manifest, folder)


def facts_of(
    folder: Path,
    archive: Path | None,
    manifest: pa.Table,
    failed: tuple[Failure, ...],
    resumed: int,
    step: Release,
    answers: Sequence[str] = (),
) -> ReleaseFacts:
    """The facts in a manifest; ``answers`` are its columns of models' answers."""
    high = high_rows(manifest).select(["split", "licence"]).to_pylist()
    return ReleaseFacts(
        folder=folder,
        archive=archive,
        images=dict(Counter(row["split"] for row in high)),
        files=manifest.num_rows,
        bytes=compute.sum(manifest["bytes"]).as_py() or 0,
        failed=failed,
        resumed=resumed,
        licences=dict(Counter(row["licence"] or "" for row in high)),
        notes=(*released_note(manifest, step), *beside_notes(manifest, answers, step)),
    )
