"""Which modules each extra installs: the one place where it is known whether an extra is there, and how to get it."""

from __future__ import annotations

import shlex
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from groundglass.text.typed import python, short_path

ROOT = Path(__file__).resolve().parents[3]
"""The clone, where groundglass runs from one; else a folder of an environment."""

MODULES: dict[str, tuple[str, ...]] = {
    "quickstart": ("skimage",),
    "heif": ("pillow_heif",),
    "jxl": ("pillow_jxl",),
    "archive": ("py7zr",),
    "models": ("torch", "transformers", "safetensors", "huggingface_hub", "onnxruntime"),
    "annotate": ("httpx2",),
}
"""Extra → the modules that code imports of it."""


def is_installed(extra: str) -> bool:
    """Whether every module of an extra can be imported; nothing is imported to find out.

    A name that is not one of our extras is taken as a module's.

    >>> is_installed("json"), is_installed("no_such_module")
    (True, False)
    """
    return all(_is_there(module) for module in MODULES.get(extra, (extra,)))


def install_command(extra: str) -> str:
    """What to type for an extra, fitting how groundglass was installed and which Python it runs in.

    In a clone ``pip install -e '.[models]'``, elsewhere ``pip install 'groundglass[models]'``; with the environment's
    own Python before it where the shell's `pip` is another one's.
    """
    return f"{_pip()} install {_requirement(extra)}"


def _requirement(extra: str) -> str:
    """What pip is asked for: a clone (its sources are what runs) by its path, else the package by its name."""
    if not (ROOT / "pyproject.toml").is_file():
        return f"'groundglass[{extra}]'"
    return f"-e {shlex.quote(f'{short_path(ROOT)}[{extra}]')}"


def _pip() -> str:
    """`pip` where that is this Python's own, else this Python with ``-m pip``."""
    found = shutil.which("pip")
    own = Path(sys.executable).parent
    return "pip" if found is not None and Path(found).parent == own else f"{python()} -m pip"


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a module within a package that is not there
        return False
