"""All access to a model hub: lists files and fetches them into the usual cache. Respects HF_ENDPOINT and HF_HOME."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from groundglass.errors import GroundglassError, MissingExtra, RecipeError, UnreachableError
from groundglass.extras import is_installed
from groundglass.files.atomic import write_text
from groundglass.files.hash_cache import cache_folder, remembered_sha256
from groundglass.models.safetensors_header import weight_file
from groundglass.models.weights import OnHub, WeightFile, Weights, choose_files, refuse_pickle
from groundglass.text.suggest import did_you_mean

PATIENCE = 10.0
"""Seconds that a hub may take to answer."""
GIVE_A_FOLDER = "give a folder with the weights: weights: PATH"
"""Part of the hint of a hub that does not answer."""


@dataclass(frozen=True)
class Listing:
    """The files of a repository at one commit: name → (bytes, SHA-256 or "" if the hub does not state it)."""

    commit: str
    files: dict[str, tuple[int, str]]
    licence: str = ""


def find_on_hub(place: OnHub, patterns: tuple[str, ...], allow_pickle: bool) -> Weights:
    """Weights of a hub: cached files are hashed, and for the others the hub's stated hashes are used.

    The hub is not asked about a full commit that was listed before. Small files without a stated hash are fetched at
    once.
    """
    if not is_installed("huggingface_hub"):
        raise MissingExtra(f"weights of a hub ({place})", "models")
    listing = _listing(place)
    folder = _snapshot(place.repository, listing.commit)
    names = _wanted(place, listing, patterns, allow_pickle)
    files = tuple(_file(place, listing, folder, name) for name in names)
    absent = tuple(file for file in files if not (folder / file.name).exists())
    path = folder if patterns and not place.file else folder / names[0]
    return Weights(place.repository, listing.commit, path, files, absent, listing.licence)


def fetch(weights: Weights, each: Callable[[WeightFile], None] = lambda _: None) -> None:
    """Fetch absent files into the hub's cache; ``each`` is called with every file before it is fetched.

    Raises UnreachableError if the hub does not answer, or if a file differs from the stated hash.
    """
    folder = _snapshot(weights.origin, weights.revision)
    for file in weights.absent:
        each(file)
        _download(weights.origin, weights.revision, file.name)
        _check_hash(folder / file.name, file.sha256)


def _wanted(place: OnHub, listing: Listing, patterns: tuple[str, ...], allow_pickle: bool) -> list[str]:
    if not place.file:
        return choose_files(list(listing.files), patterns, str(place), allow_pickle)
    if place.file not in listing.files:
        raise RecipeError(
            f"{place.repository} holds no {place.file}.{did_you_mean(place.file, listing.files)}",
            f"it holds {', '.join(sorted(listing.files)[:8])}",
        )
    refuse_pickle(str(place), allow_pickle)
    return [place.file]


def _file(place: OnHub, listing: Listing, folder: Path, name: str) -> WeightFile:
    size, stated = listing.files[name]
    if not stated and not (folder / name).exists():
        _download(place.repository, listing.commit, name)
    if not (folder / name).exists():
        return WeightFile(name, size, stated)
    if stated:
        _check_hash(folder / name, stated)
    return weight_file(folder, name)


def _check_hash(path: Path, stated: str) -> None:
    if remembered_sha256(path) != stated:
        raise UnreachableError(
            f"{path} differs from what the hub states: its SHA-256 does not match",
            f"delete it and try again: rm {path}",
        )


def _listing(place: OnHub) -> Listing:
    """The files of a revision: as listed before for a full commit, else from the hub, or from the cache without it."""
    # A full commit never changes, so an earlier answer stays true; a branch or tag may move.
    exact = re.fullmatch("[0-9a-f]{40}", place.revision) is not None
    known = _remembered(place.repository, place.revision) if exact else None
    if known is not None:
        return known
    try:
        listing = _asked(place)
    except UnreachableError:
        found = _of_cache(place)
        if found is None:
            raise
        return found
    # Also under the commit, so that a recipe that names the commit later does not need the hub.
    for revision in {place.revision, listing.commit}:
        _remember(place.repository, revision, listing)
    return listing


def _asked(place: OnHub) -> Listing:
    from huggingface_hub import HfApi

    with _in_our_words(str(place)):
        about = HfApi().model_info(
            place.repository, revision=place.revision, files_metadata=True, timeout=PATIENCE
        )
    files = {
        file.rfilename: (file.size or 0, file.lfs.sha256 if file.lfs else "") for file in about.siblings or ()
    }
    return Listing(about.sha or place.revision, files, _licence(about))


def _licence(about: Any) -> str:
    stated = getattr(about.card_data, "license", None) if about.card_data else None
    return ", ".join(stated) if isinstance(stated, list) else str(stated or "")


def _remembered(repository: str, revision: str) -> Listing | None:
    """The hub's last answer about this revision."""
    with suppress(OSError, ValueError, TypeError, LookupError):
        kept = json.loads(_note(repository, revision).read_text(encoding="utf-8"))
        files = {name: (size, sha256) for name, (size, sha256) in kept["files"].items()}
        return Listing(kept["commit"], files, kept["licence"])
    return None


def _remember(repository: str, revision: str, listing: Listing) -> None:
    note = _note(repository, revision)
    with suppress(UnreachableError, OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        write_text(json.dumps(asdict(listing)), note)


def _note(repository: str, revision: str) -> Path:
    return cache_folder() / "hub" / f"{repository.replace('/', '--')}@{revision}.json"


def _of_cache(place: OnHub) -> Listing | None:
    """The files of a revision without asking the hub: by its last answer, or by the files in the cache."""
    known = _remembered(place.repository, place.revision)
    if known is not None:
        return known
    reference = _repository_folder(place.repository) / "refs" / place.revision
    commit = reference.read_text(encoding="utf-8").strip() if reference.is_file() else place.revision
    folder = _snapshot(place.repository, commit)
    files = {
        path.relative_to(folder).as_posix(): (path.stat().st_size, "")
        for path in folder.rglob("*")
        if path.is_file()
    }
    return Listing(commit, files) if files else None


def _snapshot(repository: str, commit: str) -> Path:
    return _repository_folder(repository) / "snapshots" / commit


def _repository_folder(repository: str) -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"


def _download(repository: str, commit: str, name: str) -> None:
    from huggingface_hub import hf_hub_download

    with _in_our_words(f"{repository}@{commit[:12]}/{name}"):
        hf_hub_download(repository, name, revision=commit, etag_timeout=PATIENCE)


@contextmanager
def _in_our_words(what: str) -> Generator[None]:
    """Turns the hub's errors into ours: a wrong name is an error of the recipe, anything else means unreachable."""
    from huggingface_hub import constants, errors

    try:
        yield
    except GroundglassError:
        raise
    except errors.GatedRepoError as error:
        raise RecipeError(
            f"{what}: its licence must be accepted on the hub first", "accept it there, then: hf auth login"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise RecipeError(f"{what}: there is no such revision", "the hub's page lists them") from error
    except errors.RepositoryNotFoundError as error:
        raise RecipeError(
            f"{what}: the hub has no such repository, or it is private", "check the name; hf auth login"
        ) from error
    except Exception as error:
        # LocalEntryNotFoundError is a subclass: the file is not cached, and the hub is unreachable.
        not_here = isinstance(error, errors.LocalEntryNotFoundError)
        if isinstance(error, errors.EntryNotFoundError) and not not_here:
            raise RecipeError(f"{what}: there is no such file", "the hub's page lists them") from error
        said = str(error).strip().partition("\n")[0] or type(error).__name__
        raise UnreachableError(
            f"{what}: cannot be fetched from {constants.ENDPOINT}: {said}",
            f"try again later, or {GIVE_A_FOLDER}",
        ) from error
