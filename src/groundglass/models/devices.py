"""Devices of networks: the devices that a recipe's word names, and one of them for each worker."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Sequence
from pathlib import Path

from groundglass.errors import MissingExtra, RecipeError
from groundglass.extras import is_installed
from groundglass.models.scorer import Place

DEVICES = ("auto", "cpu", "cuda", "cuda:0", "mps")
"""Words that a recipe may use; `cuda:` may have any number."""


def check_device(word: str) -> None:
    """Raises RecipeError for a word that is not a device; does not check whether this machine has it.

    >>> check_device("gpu")
    Traceback (most recent call last):
    groundglass.errors.RecipeError: there is no device 'gpu'
    """
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", word):
        raise RecipeError(f"there is no device '{word}'", f"use one of {', '.join(DEVICES)}")


def find_devices(word: str) -> list[str]:
    """The devices of this machine that a word names, at least one; "auto" is every GPU, or the CPU if there is none.

    Raises RecipeError for a device that this machine does not have. Imports torch, except for "cpu".

    >>> find_devices("cpu")
    ['cpu']
    """
    check_device(word)
    if word == "cpu":
        return ["cpu"]
    if not is_installed("torch"):
        raise MissingExtra(f"device: {word}", "models")
    import torch

    cuda = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    mps = ["mps"] if torch.backends.mps.is_available() else []
    if word == "auto":
        return cuda or mps or ["cpu"]
    found = [name for name in (*cuda, *mps) if name == word or name.partition(":")[0] == word]
    if not found:
        raise RecipeError(
            f"this machine has no {word}: torch finds {', '.join((*cuda, *mps)) or 'only the CPU'}",
            "device: auto uses what there is",
        )
    return found


def place_on(device: str, half: bool) -> Place:
    """A device with the dtype of a network there: 16 bits only on an accelerator, and if ``half`` says that it is safe.

    >>> place_on("cpu", half=True)
    Place(device='cpu', dtype='float32')
    """
    if not half or device == "cpu":
        return Place(device)
    import torch

    # bfloat16 has the range of float32; float16 overflows above 65,504.
    wide = device.startswith("cuda") and torch.cuda.is_bf16_supported()
    return Place(device, "bfloat16" if wide else "float16")


_held: list[int] = []


def claim(devices: Sequence[str], folder: Path) -> str:
    """One of several devices for this process: one that no other worker holds, or the first if all are held.

    A claim is a lock on a file in ``folder``. The system releases it when the process ends, also after a crash.
    """
    for device in devices if len(devices) > 1 else ():
        file = os.open(folder / f".{device.replace(':', '-')}.lock", os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            continue
        _held.append(file)
        return device
    return devices[0]
