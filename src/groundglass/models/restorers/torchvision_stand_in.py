"""The three names that spandrel takes from torchvision, for machines where torchvision cannot be imported.

PyPI's torchvision cannot be imported beside a CPU build of torch, and breaks transformers and diffusers where it is
installed (`constraints.txt`). The stand-in exists only while spandrel is imported: transformers looks for torchvision
by name, and must not find this one.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from enum import Enum
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

_NAMES = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")


class InterpolationMode(Enum):
    """torchvision's words for filters."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"


def normalize(tensor: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> Tensor:
    """Each channel of a (…×C×H×W) tensor minus its mean, divided by its standard deviation."""
    import torch

    if not inplace:
        tensor = tensor.clone()
    shift, scale = (torch.as_tensor(each, dtype=tensor.dtype, device=tensor.device) for each in (mean, std))
    return tensor.sub_(shift.view(-1, 1, 1)).div_(scale.view(-1, 1, 1))


def rotate(*_: Any, **__: Any) -> Any:
    """Only LaMa uses it, which fills holes and is not a restorer. Raises NotImplementedError."""
    raise NotImplementedError("this network rotates images with torchvision, which is not installed")


@contextmanager
def torchvision_or_stand_in() -> Generator[None]:
    """Inside the block `torchvision.transforms.functional` can be imported: the real one if there is one."""
    try:
        import_module(_NAMES[-1])
    # Beside another build of torch it raises RuntimeError.
    except Exception:
        before = {name: sys.modules.pop(name) for name in _NAMES if name in sys.modules}
        made = {name: ModuleType(name) for name in _NAMES}
        made[_NAMES[0]].__dict__["transforms"] = made[_NAMES[1]]
        made[_NAMES[1]].__dict__["functional"] = made[_NAMES[2]]
        made[_NAMES[2]].__dict__.update(
            {each.__name__: each for each in (InterpolationMode, normalize, rotate)}
        )
        sys.modules.update(made)
        try:
            yield
        finally:
            for name in _NAMES:
                sys.modules.pop(name, None)
            sys.modules.update(before)
        return
    yield
