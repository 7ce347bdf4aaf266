"""Networks of PyTorch files, recognised by spandrel from their weights."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from groundglass.errors import MissingExtra, RecipeError
from groundglass.extras import is_installed
from groundglass.models.restorers.records import Levels, Network
from groundglass.models.restorers.torchvision_stand_in import torchvision_or_stand_in

ENDINGS = (".pth", ".pt", ".safetensors")


def check_installed(what: str) -> None:
    """Raises MissingExtra if torch or spandrel is not installed."""
    if not is_installed("torch"):
        raise MissingExtra(what, "models")
    if not is_installed("spandrel"):
        raise MissingExtra(what, "spandrel")


@lru_cache(maxsize=1)
def load_spandrel(path: Path, sha256: str, device: str) -> Network:  # noqa: ARG001
    """The network of a file, in float32. ``sha256`` makes a changed file another network in the cache.

    A pickle is read as tensors only, so it cannot run code. Raises RecipeError if spandrel does not recognise it, or if
    it is not a network from RGB to RGB.
    """
    import torch

    with torchvision_or_stand_in():
        library: Any = import_module("spandrel")
    state = library.canonicalize_state_dict(_state(path))
    try:
        model = library.ModelLoader(device=device).load_from_state_dict(state)
    except Exception as error:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise RecipeError(
            f"spandrel recognises no network in {path}: {said}",
            "it must hold the weights of one network of github.com/chaiNNer-org/spandrel; or export it to ONNX",
        ) from error
    if not isinstance(model, library.ImageModelDescriptor):
        raise RecipeError(f"{path} is a {model.architecture.name}, which fills holes", "give a restorer")
    if (model.input_channels, model.output_channels) != (3, 3):
        raise RecipeError(
            f"{path} makes {model.output_channels} channels of {model.input_channels}",
            "a restorer makes RGB of RGB",
        )
    model.eval().float()

    def run(seen: Levels) -> Levels:
        given = torch.from_numpy(np.ascontiguousarray(seen.transpose(2, 0, 1)))[None].to(device)
        with torch.inference_mode():
            # spandrel's own call: some networks need their levels shifted. It clips, and keeps NaN.
            answer = model(given)
        return answer[0].float().cpu().numpy().transpose(1, 2, 0)

    needs = model.size_requirements
    return Network(run, int(model.scale), multiple=needs.multiple_of, least=max(needs.minimum, 1))


def _state(path: Path) -> dict[str, Any]:
    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix.lower() == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        said = " ".join(str(error).split())[:200]
        raise RecipeError(
            f"cannot load {path}: {said}",
            "it is damaged, or a pickle that holds more than tensors; save its state dict as .safetensors",
        ) from error
