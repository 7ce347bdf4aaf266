"""A stand-in for the package pyiqa, for tests only: its interface as far as it is used, and metrics of one line."""

from __future__ import annotations

from typing import Any

__version__ = "0.0.fake"


def create_metric(metric_name: str, as_loss: bool = False, device: Any = None) -> Any:
    """A metric by name: takes n×3×h×w with levels 0 to 1, gives n×1."""
    import torch

    metrics: dict[str, Any] = {
        "brightness": lambda pictures: pictures.mean(dim=(1, 2, 3)),
        "darkness": lambda pictures: 1 - pictures.mean(dim=(1, 2, 3)),
        "crops": lambda pictures: torch.rand(len(pictures)),
    }
    return lambda pictures: metrics[metric_name](pictures)[:, None]
