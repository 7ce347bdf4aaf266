"""Networks of the transformers library, loaded from a folder, never with random weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from groundglass.errors import RecipeError
from groundglass.models.scorer import Place
from groundglass.text.suggest import did_you_mean

TABLES = ("tokenizer.json", "vocab.json", "vocab.txt", "spiece.model", "tokenizer.model")
"""A folder with a tokenizer has one of these files."""


def model_type(folder: str | Path, known: Collection[str]) -> str:
    """The kind of network that a folder's ``config.json`` names: one of ``known``.

    Raises RecipeError if the file is missing or unreadable, or names another kind.
    """
    from transformers import AutoConfig

    try:
        kind: str = AutoConfig.from_pretrained(str(folder), local_files_only=True).model_type
    except (OSError, ValueError, KeyError) as error:
        raise RecipeError(
            f"{folder} is not the folder of a transformers network: {_first_line(error)}",
            "it must hold config.json and model.safetensors",
        ) from error
    if kind not in known:
        raise RecipeError(
            f"{folder} holds a network of the kind '{kind}', which is not supported here.{did_you_mean(kind, known)}",
            f"supported here: {', '.join(sorted(known))}",
        )
    return kind


def load_pretrained(auto: str, folder: str | Path, place: Place, dtype: str = "float32") -> Any:
    """The network of a folder, ready to use: evaluation mode, on its device, in float32.

    ``auto`` is the name of transformers' class, such as "AutoModelForMaskGeneration"; with ``dtype`` "auto" the
    weights keep their own dtype. transformers fills missing weights with random numbers and only warns; here that is
    an error. Whether the folder may hold a pickle was decided when it was found (`groundglass.models.find_weights`);
    no code in it is run.

    Raises RecipeError if files are missing, damaged, or do not fit each other.
    """
    import transformers

    # Its progress bar would run into ours.
    transformers.logging.disable_progress_bar()
    try:
        loaded = getattr(transformers, auto).from_pretrained(
            str(folder), local_files_only=True, output_loading_info=True, dtype=dtype
        )
    # A damaged file can make the libraries raise anything.
    except Exception as error:
        raise RecipeError(
            f"the network in {folder} cannot be loaded: {_first_line(error)}",
            "fetch the folder again",
        ) from error
    network, found = loaded
    _check_complete(folder, found)
    return network.to(place.device).eval()


def load_tokenizer(folder: str | Path) -> Any:
    """The tokenizer of a folder, which turns words into the numbers that the network takes.

    Raises RecipeError if the folder has none (transformers would make one with an empty vocabulary), or a damaged one.
    """
    from transformers import AutoTokenizer

    hint = f"the folder needs one of {', '.join(TABLES)}"
    if not any((Path(folder) / name).is_file() for name in TABLES):
        raise RecipeError(f"{folder} has no tokenizer", hint)
    try:
        return AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    # A damaged table can make the libraries raise anything.
    except Exception as error:
        said = " ".join(str(error).split())
        if "sentencepiece" in said.lower() or "protobuf" in said.lower():
            hint = "pip install sentencepiece protobuf"
        raise RecipeError(f"the tokenizer in {folder} cannot be loaded: {said[:200]}", hint) from error


def _check_complete(folder: str | Path, found: Mapping[str, Any]) -> None:
    absent = [str(name) for name in sorted(found.get("missing_keys") or (), key=str)]
    absent += [str(name) for name in sorted(found.get("mismatched_keys") or (), key=str)]
    if absent:
        raise RecipeError(
            f"the weights in {folder} do not fit its config.json: {len(absent)} are missing or of another shape, "
            f"the first is {absent[0]}",
            "take config.json and model.safetensors from the same network",
        )


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
