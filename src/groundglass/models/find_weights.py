"""Finds weights on a hub, in a folder or as one file; hashes them and checks what needs no network library."""

from __future__ import annotations

from pathlib import Path

from groundglass.errors import NotHere, RecipeError
from groundglass.models import hub
from groundglass.models.safetensors_header import HUB_HINT, weight_file
from groundglass.models.weights import (
    Weights,
    choose_files,
    parse_hub,
    refuse_pickle,
)


def find_weights(text: str, patterns: tuple[str, ...] = (), allow_pickle: bool = False) -> Weights:
    """The weights that a recipe names: "OWNER/NAME@REVISION[/FILE]", or a file or folder on this machine.

    Nothing large is fetched: files that are not here yet are listed in `absent`, for `groundglass.models.hub.fetch`.
    Raises RecipeError if there are none, if a file is damaged, or if it is a pickle and ``allow_pickle`` is false;
    UnreachableError if the hub is needed and does not answer.
    """
    if not text:
        raise RecipeError("no weights are given", f"weights: … {HUB_HINT}")
    path = Path(text).expanduser()
    if path.exists():
        return _here(path, patterns, allow_pickle)
    place = parse_hub(text)
    if place is None:
        raise NotHere(f"there are no weights {text}", HUB_HINT)

    return hub.find_on_hub(place, patterns, allow_pickle)


def _here(path: Path, patterns: tuple[str, ...], allow_pickle: bool) -> Weights:
    if path.is_dir():
        names = [found.relative_to(path).as_posix() for found in path.rglob("*") if found.is_file()]
        files = tuple(
            weight_file(path, name) for name in choose_files(names, patterns, str(path), allow_pickle)
        )
        return Weights(
            path.resolve().name, "", path.resolve() if patterns else path.resolve() / files[0].name, files
        )
    if patterns:
        raise RecipeError(
            f"{path} is a file; this network needs a folder with {', '.join(patterns)}",
            "name the folder of the file",
        )
    refuse_pickle(str(path), allow_pickle)
    return Weights(path.name, "", path.resolve(), (weight_file(path.parent, path.name),))
