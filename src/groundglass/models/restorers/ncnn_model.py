"""ncnn models, run on the CPU by the package `ncnn`, in one thread and in float32."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from groundglass.errors import ImageError, MissingExtra, RecipeError
from groundglass.extras import is_installed
from groundglass.models.restorers.bundled import Bundled
from groundglass.models.restorers.records import Levels, Network

MARGIN = 10
"""px of LQ around each tile, as Real-ESRGAN's own program: such networks fill up with zeros, which darkens borders."""
_SIDES = (96, 128)
"""px of two gray images. The sizes of the answers give the scale, and the margin that the network uses up."""


def check_installed(what: str) -> None:
    """Raises MissingExtra if ncnn is not installed."""
    if not is_installed("ncnn"):
        raise MissingExtra(what, "restorers")


def load_bundled(model: Bundled, param: Path, weights: Path) -> Network:
    """A bundled model in memory. Raises RecipeError if its files cannot be loaded."""
    run = _runner(param, weights)

    def on_nearest(seen: Levels) -> Levels:
        # Real-CUGAN's x4 network answers with a difference. Its last layers take a margin, so the image is cut as well.
        answer = run(seen)
        inner = seen[model.margin : -model.margin, model.margin : -model.margin]
        repeated = inner.repeat(model.scale, axis=0).repeat(model.scale, axis=1)
        return answer + repeated if answer.shape == repeated.shape else answer

    return Network(
        on_nearest if model.on_nearest else run,
        model.scale,
        multiple=model.multiple,
        margin=model.margin,
        valid=model.valid,
    )


def load_pair(param: Path, weights: Path) -> Network:
    """The model of two files. It is run on two small images, which show its scale and margin. Raises RecipeError."""
    run = _runner(param, weights)
    small, large = (run(np.full((side, side, 3), 0.5, np.float32)).shape for side in _SIDES)
    scale, rest = divmod(large[0] - small[0], _SIDES[1] - _SIDES[0])
    used, odd = divmod(scale * _SIDES[0] - small[0], 2 * max(scale, 1))
    fits = small[2:] == large[2:] == (3,) and scale >= 1 and not rest and not odd and used >= 0
    if not fits:
        shown = " and ".join("×".join(map(str, shape)) for shape in (small, large))
        raise RecipeError(
            f"{param} answers images of {_SIDES[0]} and {_SIDES[1]} px with {shown} numbers",
            "a restorer answers with H×W×3 numbers of one scale",
        )
    return Network(run, scale, multiple=4, margin=used or MARGIN, valid=used > 0)


def _runner(param: Path, weights: Path) -> Any:
    """A function from levels to levels."""
    ncnn: Any = import_module("ncnn")
    net = ncnn.Net()
    options = net.opt
    options.use_vulkan_compute = False
    options.num_threads = 1
    # 16 bits would make pixels depend on the processor.
    options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
    options.use_bf16_storage = False
    try:
        # Checked first: on a missing file ncnn writes to the terminal and goes on.
        first = param.read_bytes()[:7]
        size = weights.stat().st_size
    except OSError as error:
        raise RecipeError(
            f"cannot read {error.filename}: {error.strerror}", "an ncnn model is two files, .param and .bin"
        ) from error
    if first != b"7767517" or not size or net.load_param(str(param)) or net.load_model(str(weights)):
        raise RecipeError(f"{param} is not an ncnn model, or its .bin is damaged", "fetch both files again")
    inputs, outputs = net.input_names(), net.output_names()
    if len(inputs) != 1 or len(outputs) != 1:
        raise RecipeError(
            f"{param} has {len(inputs)} inputs and {len(outputs)} outputs", "a restorer has one of each"
        )

    def run(seen: Levels) -> Levels:
        # ncnn.Mat borrows this array's memory, so the array has a name that lives until the answer is copied: a
        # temporary array would be freed, and the network would read whatever is there.
        planes = np.ascontiguousarray(seen.transpose(2, 0, 1))
        with net.create_extractor() as asked:
            borrowed = ncnn.Mat(planes)
            failed = asked.input(inputs[0], borrowed)
            code, answer = asked.extract(outputs[0])
            if failed or code:
                raise ImageError("out_of_memory", f"ncnn cannot run the model here (code {failed or code})")
            found = np.array(answer, np.float32)
        if found.ndim != 3:
            raise ImageError("wrong_size", f"the model answers with {found.ndim} dimensions, not 3")
        return found.transpose(1, 2, 0)

    return run
