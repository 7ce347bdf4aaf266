"""Networks of the transformers library, loaded from a folder, and never with made-up weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from groundglass.errors import RecipeError
from groundglass.models.scorer import Place
from groundglass.text.suggest import did_you_mean

TABLES = ("tokenizer.json", "vocab.json", "vocab.txt", "spiece.model", "tokenizer.model")
"""Files of which a folder has one where it has a tokenizer."""


def model_type(folder: str | Path, known: Collection[str]) -> str:
    """The kind of network that a folder's ``config.json`` names: one of ``known``.

    Raises RecipeError where the file is missing or unreadable, or names another kind.
    """
    from transformers import AutoConfig

    try:
        kind: str = AutoConfig.from_pretrained(str(folder), local_files_only=True).model_type
    except (OSError, ValueError, KeyError) as error:
        raise RecipeError(
            f"{folder} is no folder of a transformers network: {_first_line(error)}",
            "it must hold config.json and model.safetensors",
        ) from error
    if kind not in known:
        raise RecipeError(
            f"{folder} holds a network of the kind '{kind}', which is not asked here.{did_you_mean(kind, known)}",
            f"known here: {', '.join(sorted(known))}",
        )
    return kind


def load_pretrained(auto: str, folder: str | Path, place: Place, dtype: str = "float32") -> Any:
    """The network of a folder, ready to be asked: evaluation mode, on its device, in float32.

    ``auto`` is the name of transformers' class, such as "AutoModelForMaskGeneration"; with ``dtype`` "auto" the
    numbers stay as the weights have them. transformers fills weights that are missing with random ones and only
    warns; here that is an error. Whether a pickle may be in the folder was decided where it was found
    (`groundglass.models.find_weights`); no code in it is run.

    Raises RecipeError where files are missing, damaged, or do not fit each other.
    """
    import transformers

    transformers.logging.disable_progress_bar()
    try:
        loaded = getattr(transformers, auto).from_pretrained(
            str(folder), local_files_only=True, output_loading_info=True, dtype=dtype
        )
    except Exception as error:  # whatever a damaged file makes the libraries raise
        raise RecipeError(
            f"the network in {folder} cannot be loaded: {_first_line(error)}",
            "fetch the folder anew",
        ) from error
    network, found = loaded
    _check_complete(folder, found)
    return network.to(place.device).eval()


def load_tokenizer(folder: str | Path) -> Any:
    """What makes words into the numbers that a folder's network takes.

    Raises RecipeError where the folder holds none (transformers would make one that knows no word), or a damaged one.
    """
    from transformers import AutoTokenizer

    hint = f"the folder needs one of {', '.join(TABLES)}"
    if not any((Path(folder) / name).is_file() for name in TABLES):
        raise RecipeError(f"{folder} has no tokenizer", hint)
    try:
        return AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:  # whatever a damaged table makes the libraries raise
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
            "take config.json and model.safetensors of one and the same network",
        )


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
