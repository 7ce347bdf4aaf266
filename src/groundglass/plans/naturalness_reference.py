"""The reference that `naturalness` measures by: a file, or a folder of clean photos that is fitted once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundglass.catalog import settings_key
from groundglass.errors import RecipeError
from groundglass.files.hashes import sha256_of
from groundglass.measures.measure_job import Ask, ask_of
from groundglass.measures.naturalness.model import PICTURES, SharpSums, fit_gaussian
from groundglass.measures.naturalness.naturalness import MEASURE as NATURALNESS
from groundglass.measures.naturalness.naturalness import PROFILED
from groundglass.measures.naturalness.profile import NaturalProfile, load_natural, save_natural
from groundglass.measures.naturalness.reference_patches import SHARP_PATCHES
from groundglass.plans.measure_folders import Workshop, measure_folder
from groundglass.plans.state import State
from groundglass.sources.folder import list_folders
from groundglass.tables.parquet import bytes_to_path

if TYPE_CHECKING:
    from groundglass.measures.naturalness.model import SharpSums
    from groundglass.measures.naturalness.profile import NaturalProfile


def naturalness_ask(reference: str) -> Ask:
    """The measure with this reference. Its values are stored under a hash of the reference's content, not its name.

    Raises RecipeError if the reference does not exist, is of another version, or is a folder of too few files.

    >>> naturalness_ask("").key
    'naturalness-2'
    """
    if not reference:
        return ask_of(NATURALNESS, {})
    path = Path(reference).expanduser().absolute()
    digest = _folder_digest(path) if path.is_dir() else _file_digest(path)
    key = settings_key(NATURALNESS.name, NATURALNESS.version, {"reference": digest})
    return Ask(NATURALNESS.name, key, (("reference", str(path)),), NATURALNESS)


def _file_digest(path: Path) -> str:
    return load_natural(path, PROFILED).digest


def _folder_digest(folder: Path) -> str:
    """A hash of the contents of a folder's files, whatever their names: they are read, not decoded."""
    listing = list_folders([str(folder)])
    paths = listing.filter(listing["error"].is_null())["path"].to_pylist()
    if len(paths) < PICTURES:
        raise RecipeError(
            f"the folder {folder} has {len(paths):,} files, too few for a reference",
            f"name a folder of {PICTURES} clean photos or more, or leave `reference` out: a fitted one is built in",
        )
    try:
        contents = {sha256_of(bytes_to_path(path).read_bytes()) for path in paths}
    except OSError as error:
        raise RecipeError(f"cannot read {error.filename}: {error.strerror}", "allow it: chmod u+r") from error
    return hashlib.sha256("\n".join(sorted(contents)).encode()).hexdigest()


def fitted(state: State, asks: Iterable[Ask]) -> tuple[Ask, ...]:
    """The same asks; a folder to fit is replaced by the file of its fit, which is in the run's store."""
    return tuple(_fitted(state, ask) for ask in asks)


def _fitted(state: State, ask: Ask) -> Ask:
    folder = str(dict(ask.settings).get("reference", ""))
    # Without a reference the path would be "", which is a folder too: the working folder.
    if ask.measure != NATURALNESS.name or not folder or not Path(folder).is_dir():
        return ask

    file = state.run.store_folder / "naturalness" / f"{ask.key}.json"
    if not file.exists():
        shop = Workshop(state.run.store_folder, state.run.settings, state.run.limits, state.run.progress)
        save_natural(fit_folder(folder, shop), file)
    return replace(ask, settings=(("reference", str(file)),))


def fit_folder(folder: str, workshop: Workshop, name: str = "", made_from: str = "") -> NaturalProfile:
    """Fit a reference to the sharp patches of every image below a folder; one content counts once.

    Images that cannot be used, are under 192 px or have no texture do not count. The same images give the same
    profile, whatever their names. Raises RecipeError if they are too few.
    """
    rows = measure_folder(folder, SHARP_PATCHES, f"fit {folder}", workshop)
    good = rows.filter(rows["error"].is_null())
    try:
        gaussian = fit_gaussian(_sums(row) for row in good.to_pylist())
    except RecipeError as error:
        raise RecipeError(f"{folder}: {error.message} ({rows.num_rows:,} were tried)", error.hint) from error
    said = made_from or f"{good.num_rows:,} photos of {Path(folder).resolve().name}"
    return NaturalProfile(name or Path(folder).resolve().name, PROFILED, gaussian, said)


def _sums(row: Mapping[str, Any]) -> SharpSums:
    import numpy as np

    total = np.frombuffer(row["total"], "<f8")
    return SharpSums(row["patches"], total, np.frombuffer(row["products"], "<f8").reshape(total.size, -1))
