"""The modules of each extra: the only place that checks whether an extra is installed and says how to install it."""

from __future__ import annotations

import shlex
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from groundglass.text.typed import python, short_path

ROOT = Path(__file__).resolve().parents[2]
"""The clone, if groundglass runs from one; else a folder of the environment."""

MODULES: dict[str, tuple[str, ...]] = {
    "quickstart": ("skimage",),
    "heif": ("pillow_heif",),
    "jxl": ("pillow_jxl",),
    "archive": ("py7zr",),
    "models": ("torch", "transformers", "safetensors", "huggingface_hub", "onnxruntime"),
    "annotate": ("httpx2",),
    "generate": (
        "diffusers",
        "accelerate",
        "torch",
        "transformers",
        "safetensors",
        "huggingface_hub",
        "httpx2",
    ),
    "studies": ("starlette", "uvicorn", "sqlalchemy", "pg8000"),
    "video": ("av",),
    "restorers": ("ncnn",),
    "spandrel": ("spandrel", "einops"),
}
"""Extra → its modules that our code imports."""


def is_installed(extra: str) -> bool:
    """Whether every module of an extra can be imported; nothing is imported to find out.

    A name that is not one of our extras is treated as the name of a module.

    >>> is_installed("json"), is_installed("no_such_module")
    (True, False)
    """
    return all(_is_there(module) for module in MODULES.get(extra, (extra,)))


def install_command(extra: str) -> str:
    """The command that installs an extra, for this kind of installation and this Python.

    spandrel is installed without its dependencies: torchvision, which it asks for, breaks other extras. In a clone the
    command is ``pip install -e '.[models]'``, elsewhere ``pip install 'groundglass[models]'``. If the shell's
    `pip` belongs to another Python, the command starts with the path of this environment's Python.
    """
    if extra == "spandrel":
        return install_without_dependencies(*MODULES[extra])
    return f"{_pip()} install {_requirement(extra)}"


def install_without_dependencies(*packages: str) -> str:
    """The command that installs packages, and nothing that they ask for."""
    return f"{_pip()} install --no-deps {' '.join(packages)}"


def _requirement(extra: str) -> str:
    """The requirement for pip: the path of the clone (its sources are the ones that run), else the package's name."""
    if not (ROOT / "pyproject.toml").is_file():
        return f"'groundglass[{extra}]'"
    return f"-e {shlex.quote(f'{short_path(ROOT)}[{extra}]')}"


def _pip() -> str:
    """`pip` if it belongs to this Python, else this Python with ``-m pip``."""
    found = shutil.which("pip")
    own = Path(sys.executable).parent
    return "pip" if found is not None and Path(found).parent == own else f"{python()} -m pip"


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        # Raised for a submodule of a package that is not installed.
        return False
