"""Networks exported to ONNX that make an RGB image of an RGB image, levels 0 to 1, N×3×H×W."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from groundglass.errors import MissingExtra, RecipeError
from groundglass.extras import is_installed
from groundglass.models.architectures.onnx import Exported, describe, open_exported
from groundglass.models.restorers.records import Levels, Network
from groundglass.models.scorer import Place

_SIDE = 64
"""px of the image that shows the scale, if a file takes any size."""


def check_installed(what: str) -> None:
    """Raises MissingExtra if onnxruntime is not installed."""
    if not is_installed("onnxruntime"):
        raise MissingExtra(what, "models")


@lru_cache(maxsize=2)
def load_onnx(path: Path, sha256: str, device: str) -> Network:  # noqa: ARG001
    """The network of a file. ``sha256`` makes a changed file another network in the cache.

    It is run once on a small grey image, which shows its scale. Raises RecipeError if it does not run or is not a
    restorer.
    """
    exported = open_exported(path, Place(device))
    if exported.dtype == np.uint8:
        raise RecipeError(f"{path} takes whole levels", "export it with levels 0 to 1, as float")
    if exported.height != exported.width:
        raise RecipeError(
            f"{path} takes {exported.width or 'any'} x {exported.height or 'any'} px",
            "export it for squares, or for any size",
        )
    outputs = exported.session.get_outputs()
    if len(outputs) != 1:
        listed = "; ".join(describe(one) for one in outputs)
        raise RecipeError(f"{path} has {len(outputs)} outputs: {listed}", "a restorer answers with one image")
    side = exported.height or _SIDE
    try:
        answer = _asked(exported, np.full((side, side, 3), 0.5, np.float32))
    except Exception as error:  # onnxruntime's errors have no common base class
        said = " ".join(str(error).split())[:200]
        raise RecipeError(
            f"{path} does not run on {side} x {side} px: {said}", "export it for squares, or for any size"
        ) from error
    scale = answer.shape[0] // side if answer.ndim == 3 else 0
    if not scale or answer.shape != (side * scale, side * scale, 3):
        shown = "×".join(map(str, answer.shape))
        raise RecipeError(
            f"{path} answers {side}×{side} px with {shown} numbers",
            "a restorer answers with H×W×3 numbers of one scale",
        )
    # A network for any size is often a U-Net; 8 px suit most, and cost others little.
    return Network(lambda seen: _asked(exported, seen), scale, multiple=8, side=exported.height)


def _asked(exported: Exported, seen: Levels) -> Levels:
    given = seen[None] if exported.last else seen.transpose(2, 0, 1)[None]
    given = np.repeat(given, exported.batch or 1, axis=0)
    answer = exported.session.run(None, {exported.name: np.ascontiguousarray(given, exported.dtype)})[0]
    first = np.asarray(answer, np.float32)[0]
    return first if exported.last or first.ndim != 3 else first.transpose(1, 2, 0)
