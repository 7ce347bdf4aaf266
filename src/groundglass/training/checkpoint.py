"""The state of a stopped training, as one file that is there whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

NAME = "checkpoint.pt"


@dataclass(frozen=True)
class Checkpoint:
    """The state before an iteration; the learning rate follows from its number.

    job        name of the job's content, see `trainer.name_of`
    optimizer  `Adam.state_dict()`
    scaler     `GradScaler.state_dict()`, {} where losses are not scaled
    random     state of the generator that draws patches
    """

    job: str
    iteration: int
    network: dict[str, Tensor]
    optimizer: dict[str, Any]
    scaler: dict[str, Any]
    random: dict[str, Any]

    def write(self, folder: Path) -> None:
        """Replace the folder's checkpoint."""
        # JSON: the generator's state holds whole numbers of 128 bits.
        content = {**self.__dict__, "random": json.dumps(self.random)}
        write_whole(folder / NAME, lambda path: torch.save(content, path))

    def generator(self) -> np.random.Generator:
        """The generator as it was."""
        random = np.random.default_rng()
        random.bit_generator.state = self.random
        return random


def read_checkpoint(folder: Path, job: str) -> Checkpoint | None:
    """The folder's checkpoint, None where there is none.

    Raises ValueError where it is damaged or another job wrote it.
    """
    path = folder / NAME
    if not path.exists():
        return None
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        checkpoint = Checkpoint(**{**found, "random": json.loads(found["random"])})
    except Exception as error:
        raise ValueError(f"{path} cannot be read; delete it to train from the beginning") from error
    if checkpoint.job != job:
        raise ValueError(f"{path} is of another job; give this one another folder, or delete the file")
    return checkpoint


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Write beside the file, wait for the disk, then take its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    write(temporary)
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
