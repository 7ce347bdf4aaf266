"""Restoration networks behind one interface: finds what a recipe names, loads it, and restores images.

found = find_restorer(RestorerSettings("waifu2x-photo", scale=4))
restorer = open_restorer(found.settings)
hq = restorer.restore(lq)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from groundglass.errors import GroundglassError, ImageError, RecipeError
from groundglass.files.hash_cache import remembered_sha256
from groundglass.files.hashes import sha256_of
from groundglass.image.resize import resize
from groundglass.models.devices import check_device, find_devices
from groundglass.models.restorers import ncnn_model, onnx_model, pipeline_model, spandrel_model
from groundglass.models.restorers.bundled import BUNDLED, files_of
from groundglass.models.restorers.checks import check_image
from groundglass.models.restorers.records import Found, Network, Pixels, RestorerSettings
from groundglass.models.restorers.tiles import check_tiles, restore_tiled
from groundglass.models.safetensors_header import check_safetensors
from groundglass.text.suggest import did_you_mean

__all__ = ["Found", "Restorer", "RestorerSettings", "find_restorer", "open_restorer"]

TILE = 256
"""px of LQ that a network sees at once, if the recipe gives no tile. Not chosen by the machine: it decides pixels."""
MOST_SCALE = 16
BICUBIC = "bicubic"
_KERNEL = "matlab_bicubic"


class Restorer(Protocol):
    """A restorer in memory.

    scale    the factor of both sides
    record   everything that decides a pixel, as plain values; without paths and device
    licence  of the weights; "unknown" if nothing states it
    """

    @property
    def scale(self) -> int: ...
    @property
    def record(self) -> Mapping[str, Any]: ...
    @property
    def licence(self) -> str: ...

    def restore(self, rgb: Pixels) -> Pixels:
        """The restored image, (H·scale)×(W·scale)×3 uint8, of an H×W×3 uint8 image.

        Raises ImageError: `too_small`, `too_large`, `out_of_memory`; `blank`, `wrong_size` and `seams` if the
        model's answer is wrong.
        """
        ...


def find_restorer(settings: RestorerSettings) -> Found:
    """The restorer of a recipe: its files, hash, scale and record.

    Fast for "bicubic", bundled models and pipelines: nothing is loaded. The scale of a file that the recipe gives is
    only in the network, which is loaded for it and kept for `open_restorer`.
    Raises RecipeError if there is none, or if it cannot make the scale; NotHere or MissingExtra for missing packages.

    >>> find_restorer(RestorerSettings("bicubic", scale=3)).record
    {'kind': 'bicubic', 'kernel': 'matlab_bicubic', 'scale': 3}
    >>> find_restorer(RestorerSettings("waifu2x-foto"))
    Traceback (most recent call last):
    groundglass.errors.RecipeError: there is no model 'waifu2x-foto'. Did you mean 'waifu2x-photo'?
    """
    check_device(settings.device)
    _check_plain(settings)
    if settings.model == BICUBIC:
        return _find_bicubic(settings)
    path = Path(settings.model).expanduser()
    ending = path.suffix.lower()
    if settings.model not in BUNDLED and pipeline_model.names_a_pipeline(settings.model):
        found = pipeline_model.find_pipeline(settings)
    elif ending in (".param", ".bin"):
        found = _find_pair(settings, path)
    elif ending in spandrel_model.ENDINGS or ending == ".onnx":
        found = _find_file(settings, path, ending)
    else:
        found = _find_bundled(settings)
    check_tiles(found.tile, found.overlap)
    if found.kind == "ncnn" and settings.device not in ("auto", "cpu"):
        raise RecipeError(
            f"ncnn models run on the CPU, not on {settings.device}", "device: cpu, or leave it out"
        )
    return found


def open_restorer(settings: RestorerSettings) -> Restorer:
    """The restorer of a recipe, in memory.

    Raises the errors of `find_restorer`, and RecipeError if it cannot be loaded.

    >>> import numpy as np
    >>> open_restorer(RestorerSettings("bicubic", scale=2)).restore(np.zeros((10, 12, 3), np.uint8)).shape
    (20, 24, 3)
    """
    found = find_restorer(settings)
    if found.load is None:
        return _Bicubic(found.scale, found.record, found.licence)
    device = "cpu" if found.kind == "ncnn" else find_devices(settings.device)[0]
    return _Tiled(found.scale, found.record, found.licence, found.load(device), found)


@dataclass(frozen=True)
class _Bicubic:
    scale: int
    record: Mapping[str, Any]
    licence: str

    def restore(self, rgb: Pixels) -> Pixels:
        check_image(rgb, self.scale)
        return resize(rgb, rgb.shape[1] * self.scale, rgb.shape[0] * self.scale, _KERNEL)


@dataclass(frozen=True)
class _Tiled:
    scale: int
    record: Mapping[str, Any]
    licence: str
    network: Network
    found: Found

    def restore(self, rgb: Pixels) -> Pixels:
        check_image(rgb, self.scale)
        try:
            for _ in range(self.found.passes):
                rgb = restore_tiled(self.network, rgb, self.found.tile, self.found.overlap)
        except GroundglassError:
            raise
        # The libraries of networks may raise anything, and have no common class for a lack of memory.
        except Exception as error:
            said = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            memory = isinstance(error, MemoryError) or "memory" in said.lower()
            raise ImageError("out_of_memory" if memory else "generation_failed", said) from error
        return rgb


def _check_plain(settings: RestorerSettings) -> None:
    if settings.scale is not None and not 1 <= settings.scale <= MOST_SCALE:
        raise RecipeError(f"there is no scale {settings.scale}", f"scale: 1 to {MOST_SCALE}")
    if settings.tile < 0:
        raise RecipeError(f"there is no tile of {settings.tile} px", "tile_side: leave it out to choose one")
    if settings.steps is not None and settings.steps < 1:
        raise RecipeError(f"a pipeline cannot take {settings.steps} steps", "steps: 1 or more")
    if settings.strength is not None and not 0 < settings.strength <= 1:
        raise RecipeError(f"there is no strength {settings.strength:g}", "strength: above 0, up to 1")
    set_for_pipelines = {
        "prompt": settings.prompt,
        "seed": settings.seed,
        "steps": settings.steps,
        "strength": settings.strength,
        "guidance": settings.guidance,
    }
    given = [name for name, value in set_for_pipelines.items() if value not in ("", 0, None)]
    if given and not pipeline_model.names_a_pipeline(settings.model):
        raise RecipeError(f"{settings.model} takes no `{given[0]}`", "only diffusers pipelines do")


def _find_bicubic(settings: RestorerSettings) -> Found:
    if settings.scale is None:
        raise RecipeError("bicubic has no scale of its own", "scale: 4")
    record = {"kind": BICUBIC, "kernel": _KERNEL, "scale": settings.scale}
    return Found(BICUBIC, settings, settings.scale, record, "unneeded: it has no weights")


def _find_bundled(settings: RestorerSettings) -> Found:
    name = settings.model
    if name not in BUNDLED:
        raise RecipeError(
            f"there is no model '{name}'.{did_you_mean(name, [BICUBIC, *BUNDLED])}",
            "bicubic; a bundled model, such as realesrgan-x4plus or waifu2x-photo; a file; or a folder of a pipeline",
        )
    param, weights = files_of(name)
    ncnn_model.check_installed(f"model {name}")
    model = BUNDLED[name]
    return _found(
        "ncnn",
        settings,
        model.scale,
        (param, weights),
        lambda _: ncnn_model.load_bundled(model, param, weights),
        licence=model.origin.licence,
        overlap=model.overlap,
        more={"margin": model.margin},
    )


def _find_pair(settings: RestorerSettings, path: Path) -> Found:
    ncnn_model.check_installed(str(path))
    param, weights = path.with_suffix(".param"), path.with_suffix(".bin")
    for file in (param, weights):
        _check_there(file)
    network = ncnn_model.load_pair(param, weights)
    return _found(
        "ncnn",
        settings,
        network.scale,
        (param, weights),
        lambda _: network,
        more={"margin": network.margin, "multiple": network.multiple},
    )


def _find_file(settings: RestorerSettings, path: Path, ending: str) -> Found:
    _check_there(path)
    if ending == ".safetensors":
        check_safetensors(path)
    sha256 = remembered_sha256(path)
    kind, module = ("onnx", onnx_model) if ending == ".onnx" else ("spandrel", spandrel_model)
    module.check_installed(str(path))
    load = onnx_model.load_onnx if ending == ".onnx" else spandrel_model.load_spandrel
    network = load(path, sha256, find_devices(settings.device)[0])
    if network.side is not None and settings.tile not in (0, network.side):
        raise RecipeError(
            f"{path} takes tiles of {network.side} px only", f"tile_side: {network.side}, or leave it out"
        )
    return _found(
        kind, settings, network.scale, (path,), lambda device: load(path, sha256, device), tile=network.side
    )


def _found(
    kind: str,
    settings: RestorerSettings,
    native: int,
    paths: tuple[Path, ...],
    load: Any,
    *,
    licence: str = "unknown",
    tile: int | None = None,
    overlap: int = 0,
    more: Mapping[str, Any] | None = None,
) -> Found:
    """A found network with its record."""
    passes = _passes(settings, native)
    hashes = [remembered_sha256(path) for path in paths]
    side, beyond = tile or settings.tile or TILE, max(settings.overlap, overlap)
    record = {
        "kind": kind,
        "sha256": hashes[0] if len(hashes) == 1 else sha256_of("\n".join(hashes).encode()),
        "scale": native**passes,
        "passes": passes,
        "tile": side,
        "overlap": beyond,
        **(more or {}),
    }
    return Found(kind, settings, native**passes, record, licence, side, beyond, passes, load, paths)


def _passes(settings: RestorerSettings, native: int) -> int:
    """How often a network is applied for the scale that is asked for."""
    if settings.scale in (None, native):
        return 1
    passes = {native**count: count for count in range(1, 5) if native > 1 and native**count <= MOST_SCALE}
    if settings.scale not in passes:
        makes = " or ".join(map(str, passes)) or "1"
        raise RecipeError(
            f"{settings.model} makes x{native}, so x{settings.scale} is not possible", f"scale: {makes}"
        )
    return passes[settings.scale]


def _check_there(path: Path) -> None:
    if path.is_file():
        return
    near = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
    raise RecipeError(
        f"there is no file {path}.{did_you_mean(path.name, near)}", "give the path of the model"
    )
