"""Any no-reference metric of pyiqa, if the user installed it; it is not part of groundglass, nor of any extra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from groundglass.catalog import Column, Measure, Network, Parameter, Settled, Value
from groundglass.errors import RecipeError
from groundglass.models.loaded import ask_network
from groundglass.models.scorer import Place, Prepared, Scorer
from groundglass.models.weights import Weights
from groundglass.text.suggest import did_you_mean

if TYPE_CHECKING:
    from groundglass.image.frame import Frame

LICENCE = "PolyForm-Noncommercial-1.0.0"
MORE_THAN_AN_IMAGE = ("fid", "inception_score", "clipscore")
"""Metrics that pyiqa calls no-reference, but that need a set of images or a text."""


def pyiqa(frame: Frame, **parameters: Value) -> dict[str, Value]:
    """The score that a metric of the package pyiqa gives an image.

    ``metric`` is its name there: musiq, maniqa, topiq_nr, niqe … The better direction and the range come from
    pyiqa's own table. Give each its own column: ``as: musiq_`` makes it ``musiq_pyiqa``. An image goes in
    at its own size, one at a time, its levels 0 to 1; random numbers (for some metrics' crops) start the same for each.

    pyiqa is licensed for non-commercial use only, and so are several of its networks: this is an adapter to your
    own installation. pyiqa fetches its networks itself; values are stored under the metric's name and
    pyiqa's version, since the networks' hashes are not known before.

    Raises RecipeError where pyiqa is not installed, and for a metric that it does not have or that needs more than
    one image.

    Source: Chen and Mo, "IQA-PyTorch", github.com/chaofengc/IQA-PyTorch; the metric's own paper.

    >>> bounds("~0, 100")
    (None, 100.0)
    """
    return ask_network(MEASURE, frame, parameters)


def bounds(text: str) -> tuple[float | None, float | None]:
    """The limits that pyiqa states for a metric; None where it states "about", or none.

    >>> bounds("0, 1"), bounds("")
    ((0.0, 1.0), (None, None))
    """
    words = [word.strip() for word in text.split(",")]
    return (_bound(words[0]), _bound(words[1])) if len(words) == 2 else (None, None)


def _bound(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def find() -> Weights:
    """The installed package. Raises RecipeError where it is not installed."""
    return Weights("pyiqa", str(_package().__version__), Path(), (), licence=LICENCE)


def _package() -> Any:
    import importlib

    try:
        return importlib.import_module("pyiqa")
    except ModuleNotFoundError as error:
        raise RecipeError(
            f"pyiqa needs a package that is not installed: {error.name}",
            "pip install pyiqa  (for non-commercial use only; it is not part of groundglass)",
        ) from error


def settle(weights: Weights, *, metric: str = "") -> Settled:
    """The column by pyiqa's table, and pyiqa's version in the key."""
    about = _about(metric)
    low, high = bounds(str(about.get("score_range", "")))
    better = "lower" if about.get("lower_better") else "higher"
    column = Column(
        "", low, high, better, f"pyiqa's {metric}; it gives the range as {about.get('score_range', '?')}"
    )
    return Settled({"metric": metric}, {"metric": metric, "pyiqa": weights.revision}, {"pyiqa": column})


def _about(metric: str) -> Mapping[str, Any]:
    import importlib

    known: Mapping[str, Mapping[str, Any]] = importlib.import_module(
        "pyiqa.default_model_configs"
    ).DEFAULT_CONFIGS
    fitting = [
        name
        for name, about in known.items()
        if about["metric_mode"] == "NR" and name not in MORE_THAN_AN_IMAGE
    ]
    if metric in fitting:
        return known[metric]
    if metric in known:
        raise RecipeError(
            f"pyiqa's '{metric}' needs more than one image", "choose a no-reference metric, such as musiq"
        )
    raise RecipeError(
        f"pyiqa has no metric '{metric}'.{did_you_mean(metric, fitting)}"
        if metric
        else "the metric is not given",
        "metric: musiq; pyiqa.list_models() has them all",
    )


def load(weights: Path, place: Place, metric: str) -> Scorer:  # noqa: ARG001
    """The metric, in memory; pyiqa fetches its weights if they are missing."""
    network = _package().create_metric(metric, device=place.device)

    def prepared(frame: Frame) -> Prepared:
        return Prepared((frame.rgb.transpose(2, 0, 1) / np.float32(255)).astype(np.float32))

    def score(pixels: NDArray[Any], about: Sequence[Any]) -> list[dict[str, Value]]:  # noqa: ARG001
        import torch

        # Each image starts with the same seed, so that its value does not depend on the order of images.
        torch.manual_seed(0)
        with torch.inference_mode():
            answer = network(torch.from_numpy(np.ascontiguousarray(pixels)).to(place.device))
        return [{"pyiqa": number} for number in answer.reshape(len(pixels)).double().cpu().tolist()]

    return Scorer(prepared, score, batch=1)


MEASURE = Measure(
    name="pyiqa",
    version=1,
    compute=pyiqa,
    columns={"pyiqa": Column("", None, None, "neither", "the score of a metric of pyiqa")},
    reference="Chen and Mo, IQA-PyTorch; the metric's own paper",
    parameters={"metric": Parameter("", "its name there, such as musiq or niqe; needed")},
    network=Network(
        load,
        licence=LICENCE,
        notice="the package, and networks that it fetches, are licensed for non-commercial use only",
        settle=settle,
        find=find,
    ),
)
"""Its record in the catalog."""
