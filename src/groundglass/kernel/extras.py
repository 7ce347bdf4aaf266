"""Which modules each extra installs: the one place where it is known whether an extra is there."""

from __future__ import annotations

from importlib.util import find_spec

MODULES: dict[str, tuple[str, ...]] = {
    "quickstart": ("skimage",),
    "heif": ("pillow_heif",),
    "jxl": ("pillow_jxl",),
    "archive": ("py7zr",),
    "models": ("torch", "transformers", "safetensors", "huggingface_hub", "onnxruntime"),
    "annotate": ("openai", "google.genai"),
}
"""Extra → the modules that code imports of it."""


def is_installed(extra: str) -> bool:
    """Whether every module of an extra can be imported; nothing is imported to find out.

    A name that is no extra of ours is taken as a module's.

    >>> is_installed("json"), is_installed("no_such_module")
    (True, False)
    """
    return all(_is_there(module) for module in MODULES.get(extra, (extra,)))


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of `google.genai`, where there is no `google`
        return False
