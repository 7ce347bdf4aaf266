"""Images that servers edit: the request, and whether an answer shows the image that was sent, at any size."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import ImageError
from groundglass.files.hashes import sha256_of
from groundglass.generators.image_reply import ImageRequest
from groundglass.generators.judge import judge
from groundglass.generators.made import task_key
from groundglass.generators.settings import Value, size_of
from groundglass.image.encode import encode_png
from groundglass.image.frame import open_frame
from groundglass.image.region import Box
from groundglass.image.resize import resize
from groundglass.models.restorers.checks import check_answer, levels_of

Pixels = NDArray[np.uint8]
MOST_CUT = 0.02
"""The largest difference of two aspect ratios for which an answer is cut; with a larger one, it is refused."""
KERNEL = "matlab_bicubic"
"""The kernel that brings an answer to its size."""
RATIO = re.compile(r"([1-9][0-9]{0,3}):([1-9][0-9]{0,3})")
_one_at_a_time = Lock()


def edit_key(service: str, model: str, prompt: str, settings: Mapping[str, Value], image: str) -> str:
    """The key of an answer: of all that is sent. The scale is not in it, so another scale uses the same answers.

    ``image`` names the image that is sent.

    >>> edit_key("openai", "m", "sharp", {}, "a") == edit_key("openai", "m", "sharp", {}, "b")
    False
    """
    return task_key(f"edit {service}:{model} {image}", prompt, settings, 0)


def cut_to(answer: tuple[int, int], wanted: tuple[int, int]) -> Box | None:
    """The middle part of an answer that has the aspect ratio of the image that was sent; sizes are width and height.

    None if the ratios differ by more than `MOST_CUT`.

    >>> cut_to((1536, 1024), (60, 40)), cut_to((1000, 1010), (64, 64)), cut_to((1024, 1024), (60, 40))
    (Box(x=0, y=0, width=1536, height=1024), Box(x=0, y=5, width=1000, height=1000), None)
    """
    if off_by(answer, wanted) > MOST_CUT:
        return None
    (width, height), (w, h) = answer, wanted
    cut = (min(width, round(height * w / h)), min(height, round(width * h / w)))
    return Box((width - cut[0]) // 2, (height - cut[1]) // 2, *cut)


def off_by(answer: tuple[int, int], wanted: tuple[int, int]) -> float:
    """How much two aspect ratios differ: .02 means that the wider one is 2 % wider.

    >>> round(off_by((102, 100), (50, 50)), 3)
    0.02
    """
    ratio = answer[0] * wanted[1] / (answer[1] * wanted[0])
    return max(ratio, 1 / ratio) - 1


def cannot_fit(settings: Mapping[str, Value], wanted: tuple[int, int]) -> bool:
    """Whether the settings ask for another aspect ratio than that of an image: its answer would be paid for in vain.

    >>> cannot_fit({"size": "1024x1024"}, (60, 40)), cannot_fit({"aspect_ratio": "3:2"}, (60, 40))
    (True, False)
    """
    if (size := size_of(settings.get("size"))) is not None:
        return off_by(size, wanted) > MOST_CUT
    found = RATIO.fullmatch(str(settings.get("aspect_ratio", "")))
    # Models keep to a ratio only roughly.
    return found is not None and off_by((int(found[1]), int(found[2])), wanted) > 2 * MOST_CUT


@dataclass(frozen=True)
class Answer:
    """An answer, brought to its size.

    size    of the answer, width and height in px
    part    of it that was used
    copied  whether it has exactly the pixels that were sent
    """

    rgb: Pixels
    sha256: str
    size: tuple[int, int]
    part: Box
    copied: bool

    def plain(self) -> dict[str, str | bool]:
        """Its facts, as plain values."""
        facts: dict[str, str | bool] = {"sha256": self.sha256, "size": f"{self.size[0]}x{self.size[1]}"}
        if self.part[2:] != self.size:
            facts["cut_to"] = f"{self.part.width}x{self.part.height}"
        return facts | ({"unchanged": True} if self.copied else {})


class EditTask:
    """One image to be edited by a server; its answer is kept in ``answer`` as soon as it is judged to be usable."""

    def __init__(
        self, key: str, prompt: str, settings: Mapping[str, Value], image: Pixels, scale: int
    ) -> None:
        self.key = key
        self.answer: Answer | None = None
        self._prompt, self._settings, self._image, self._scale = prompt, settings, image, scale

    def request(self) -> ImageRequest:
        """The request: the prompt, and the image as PNG."""
        return ImageRequest(self._prompt, None, self._settings, image=encode_png(self._image))

    def judge(self, content: bytes) -> tuple[str, str, str]:
        """The ending that fits the bytes; and why they are not the image that was sent, restored."""
        self.answer = None
        ending, error, detail = judge(content, None)
        if error:
            return ending, error, detail
        try:
            # Many threads ask servers; together their images may not fit into the memory.
            with _one_at_a_time:
                self.answer = self._fitted(content)
        except (ImageError, MemoryError) as fault:
            reason = fault.reason if isinstance(fault, ImageError) else "out_of_memory"
            return ending, reason, getattr(fault, "detail", "")
        return ending, "", ""

    def _fitted(self, content: bytes) -> Answer:
        """The answer cut and resized. Raises ImageError: `wrong_size`, `blank`, and those of decoding."""
        rgb = open_frame(content).rgb
        height, width = self._image.shape[:2]
        size = rgb.shape[1], rgb.shape[0]
        part = cut_to(size, (width, height))
        if part is None:
            said = f"{size[0]}x{size[1]}, not the aspect ratio of {width}x{height}: more than {MOST_CUT:.0%} apart"
            raise ImageError("wrong_size", said)
        used = np.ascontiguousarray(rgb[part.y : part.y + part.height, part.x : part.x + part.width])
        check_answer(levels_of(resize(used, width, height, KERNEL)), levels_of(self._image))
        copied = used.shape == self._image.shape and bool((used == self._image).all())
        fitted = resize(used, width * self._scale, height * self._scale, KERNEL)
        return Answer(fitted, sha256_of(content), size, part, copied)
