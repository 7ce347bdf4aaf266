"""The files of a diffusers pipeline and the arguments of its class, read without importing diffusers."""

from __future__ import annotations

import ast
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

INDEX = "model_index.json"
OWN = frozenset({"prompt", "generator", "output_type", "return_dict", "num_images_per_prompt", "self"})
"""Arguments that groundglass sets itself."""
_WEIGHTS = ("diffusion_pytorch_model", "model", "pytorch_model")


def patterns_of(variant: str | None, allow_pickle: bool) -> tuple[str, ...]:
    """The files of a pipeline that are loaded; a hub's repository often has the same weights in several forms."""
    ending = f".{variant}" if variant else ""
    kinds = (".safetensors", ".bin") if allow_pickle else (".safetensors",)
    names = [
        f"{stem}{part}"
        for stem in _WEIGHTS
        for part in (ending, f"{ending}-?????-of-?????", f"-?????-of-?????{ending}")
    ]
    return (
        INDEX,
        *(f"*/{name}{kind}" for name in dict.fromkeys(names) for kind in kinds),
        "*/*.json",
        "*/*.txt",
        "*/*.model",
        "*/*.jinja",
    )


@lru_cache(maxsize=64)
def arguments_of(kind: str) -> frozenset[str] | None:
    """The arguments of a pipeline's class in the installed diffusers; None if they cannot be read from its source.

    >>> arguments_of("NoSuchPipeline") is None
    True
    """
    spec = find_spec("diffusers")
    for place in (spec.submodule_search_locations if spec else None) or ():
        for file in sorted(Path(place).glob("pipelines/**/pipeline*.py")):
            text = file.read_text(encoding="utf-8")
            if f"class {kind}(" in text:
                return _of_class(ast.parse(text), kind)
    return None


def _of_class(module: ast.Module, kind: str) -> frozenset[str] | None:
    for node in module.body:
        if isinstance(node, ast.ClassDef) and node.name == kind:
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and part.name == "__call__":
                    return frozenset(one.arg for one in (*part.args.args, *part.args.kwonlyargs)) - OWN
    return None
