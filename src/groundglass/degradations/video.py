"""A frame of a compressed video, by the encoders in PyAV (the extra `video`): H.264, HEVC, VP9, AV1, MPEG-2, MPEG-4."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from groundglass.degradations.settings import Pixels, as_bytes, within
from groundglass.errors import GroundglassError, ImageError, MissingExtra, RecipeError
from groundglass.extras import is_installed
from groundglass.libraries import cv2

Codec = Literal["h264", "hevc", "vp9", "av1", "mpeg2", "mpeg4"]
Effort = Literal["fast", "medium", "slow"]
Planes = npt.NDArray[np.uint8]


class _Encoder(NamedTuple):
    """FFmpeg's names of an encoder and its decoder, and the encoder's options.

    scale     of its quality: best, worst, and the options that get the value
    efforts   one option, and its values for fast, medium and slow
    fixed     options that never change: one thread, whose result is always the same
    """

    encoder: str
    decoder: str
    scale: tuple[int, int, tuple[str, ...]]
    efforts: tuple[str, tuple[str, str, str]]
    fixed: dict[str, str]


_CRF, _QUANTISER = ("crf",), ("qmin", "qmax")
_OF_X264 = ("preset", ("veryfast", "medium", "slow"))
_OF_FFMPEG = ("mbd", ("simple", "bits", "rd"))
_X265 = {"x265-params": "pools=none:frame-threads=1:wpp=0:log-level=none"}
_GROUPS = {"g": "15", "bf": "2"}
_ENCODERS: dict[Codec, _Encoder] = {
    "h264": _Encoder("libx264", "h264", (0, 51, _CRF), _OF_X264, {}),
    "hevc": _Encoder("libx265", "hevc", (0, 51, _CRF), _OF_X264, _X265),
    "vp9": _Encoder(
        "libvpx-vp9", "vp9", (0, 63, _CRF), ("cpu-used", ("6", "4", "2")), {"b": "0", "row-mt": "0"}
    ),
    "av1": _Encoder(
        "libsvtav1", "libdav1d", (1, 63, _CRF), ("preset", ("9", "7", "5")), {"svtav1-params": "lp=1"}
    ),
    "mpeg2": _Encoder("mpeg2video", "mpeg2video", (1, 31, _QUANTISER), _OF_FFMPEG, _GROUPS),
    "mpeg4": _Encoder("mpeg4", "mpeg4", (1, 31, _QUANTISER), _OF_FFMPEG, _GROUPS),
}
_EFFORTS: tuple[Effort, ...] = ("fast", "medium", "slow")
_LEAST = 64
"""The smallest side that all encoders accept, px."""
_LONGEST, _MOST = 8190, 35_000_000
"""The largest side, which MPEG-4 states in 13 bits, and the largest image, px: a little more than 8K."""


@dataclass(frozen=True)
class Video:
    """A frame of a video: a clip in which the image moves a little is compressed, and its middle frame is taken.

    codec    of the clip, 8 bits, colours 4:2:0; neutral None: not compressed at all
    crf      constant rate factor, 0 (best) to 51 for h264 and hevc, 0 to 63 for vp9, 1 to 63 for av1; the quantiser,
             1 (best) to 31, for mpeg2 and mpeg4
    frames   of the clip, 1 to 60; a clip of one has a key frame only, which nothing predicts
    motion   of the image, px from frame to frame, 0 to 16, in a direction that is drawn
    effort   of the encoder
    """

    codec: Codec | None = None
    crf: int = 28
    frames: int = 5
    motion: float = 0.75
    effort: Effort = "medium"

    def __post_init__(self) -> None:
        if self.codec is not None and self.codec not in _ENCODERS:
            raise RecipeError(f"codec is {self.codec!r}, but must be one of {', '.join(_ENCODERS)}")
        best, worst, _ = (0, 63, ()) if self.codec is None else _ENCODERS[self.codec].scale
        within(f"crf of {self.codec}" if self.codec else "crf", self.crf, best, worst)
        within("frames", self.frames, 1, 60)
        within("motion", self.motion, 0, 16)
        if self.effort not in _EFFORTS:
            raise RecipeError(f"effort is {self.effort!r}, but must be one of {', '.join(_EFFORTS)}")


def video(rgb: Pixels, settings: Video, random: np.random.Generator) -> Pixels:
    """The pixels of the middle frame, which is the image itself before compression; the frames around it are shifted.

    Raises MissingExtra without PyAV, RecipeError if PyAV was built without the encoder, and ImageError ``too_large``
    above 8,190 px on a side or 35 million px.
    """
    turn = random.uniform(0, 2 * np.pi)
    if settings.codec is None:
        return rgb.copy()
    if not is_installed("video"):
        raise MissingExtra("the degradation 'video'", "video")
    height, width = rgb.shape[:2]
    if max(height, width) > _LONGEST or height * width > _MOST:
        raise ImageError(
            "too_large", f"{width} × {height} px; at most {_LONGEST} on a side and {_MOST:,} in all"
        )
    # Encoders of 4:2:0 need even sides. The edge is repeated, which costs fewest bits, and cut off again.
    sides = [max(_LEAST, side + side % 2) for side in (height, width)]
    # MPEG-2 cannot state a side whose last 12 bits are 0.
    sides = [side + 2 * (settings.codec == "mpeg2" and side % 4096 == 0) for side in sides]
    padded = np.pad(rgb, ((0, sides[0] - height), (0, sides[1] - width), (0, 0)), mode="edge")
    step = settings.motion * np.array([np.cos(turn), np.sin(turn)])
    middle = settings.frames // 2
    clip = (_planes(_shifted(padded, step * (number - middle))) for number in range(settings.frames))
    return np.ascontiguousarray(_rgb(_compressed(clip, settings, middle))[:height, :width])


def _shifted(rgb: Pixels, by: npt.NDArray[np.float64]) -> Pixels:
    if not by.any():
        return rgb
    matrix = np.array([[1, 0, by[0]], [0, 1, by[1]]])
    size = rgb.shape[1], rgb.shape[0]
    moved = cv2.warpAffine(rgb, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, np.uint8)


# BT.709 in the limited range, the usual colours of HD video. Our own arithmetic, because FFmpeg's has a way for each
# kind of processor, which may round differently.
_TO_YUV = np.array(
    [[46.559, 156.629, 15.812, 16], [-25.664, -86.336, 112, 128], [112, -101.730, -10.270, 128]], np.float32
) / np.array([[255, 255, 255, 1]], np.float32)
_TO_RGB = np.linalg.inv(np.vstack([_TO_YUV, [0, 0, 0, 1]]))[:3].astype(np.float32)


def _planes(rgb: Pixels) -> Planes:
    """Y above U above V, colours averaged over 2 × 2 px: the layout that PyAV calls yuv420p.

    >>> _planes(np.full((2, 4, 3), 255, np.uint8)).tolist()
    [[235, 235, 235, 235], [235, 235, 235, 235], [128, 128, 128, 128]]
    """
    height, width = rgb.shape[:2]
    luma = np.empty((height, width), np.uint8)
    colours = np.empty((2, height // 2, width // 2), np.uint8)
    for rows in _bands(height):
        yuv = np.asarray(cv2.transform(rgb[rows].astype(np.float32), _TO_YUV))
        luma[rows] = as_bytes(yuv[..., 0])
        half = slice(rows.start // 2, rows.stop // 2)
        for plane, channel in zip(colours, (yuv[..., 1], yuv[..., 2]), strict=True):
            size = width // 2, half.stop - half.start
            plane[half] = as_bytes(cv2.resize(channel, size, interpolation=cv2.INTER_AREA))
    return np.concatenate([luma.ravel(), colours.ravel()]).reshape(height * 3 // 2, width)


def _rgb(planes: Planes) -> Pixels:
    height, width = planes.shape[0] * 2 // 3, planes.shape[1]
    colours = planes[height:].reshape(2, height // 2, width // 2)
    wide = [cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR) for one in colours]
    yuv = cv2.merge([np.ascontiguousarray(planes[:height]), *wide])
    for rows in _bands(height):
        yuv[rows] = as_bytes(np.asarray(cv2.transform(yuv[rows].astype(np.float32), _TO_RGB)))
    return np.asarray(yuv, np.uint8)


def _bands(height: int) -> Iterator[slice]:
    """An even number of rows at a time: floats of a whole image would need four times its memory."""
    return (slice(top, min(top + 256, height)) for top in range(0, height, 256))


def _compressed(clip: Iterable[Planes], settings: Video, wanted: int) -> Planes:
    """One frame of the clip after encoding and decoding, by its number."""
    assert settings.codec is not None
    av: Any = import_module("av")
    one = _ENCODERS[settings.codec]
    effort, values = one.efforts
    options = one.fixed | {effort: values[_EFFORTS.index(settings.effort)]}
    options |= dict.fromkeys(one.scale[2], str(settings.crf))
    # SVT-AV1 describes itself on stderr, unless this variable says that only errors matter.
    os.environ.setdefault("SVT_LOG", "1")
    try:
        encoder = av.CodecContext.create(one.encoder, "w")
        decoder = av.CodecContext.create(one.decoder, "r")
    except av.codec.codec.UnknownCodecError as error:
        raise RecipeError(
            f"the PyAV of this machine has no codec {error}", "pip install --force-reinstall av"
        ) from error
    encoder.pix_fmt, encoder.options = "yuv420p", options
    encoder.framerate, encoder.thread_count, decoder.thread_count = 25, 1, 1
    try:
        packets: list[Any] = []
        for number, planes in enumerate(clip):
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            if number == 0:
                encoder.width, encoder.height = frame.width, frame.height
            frame.pts = number
            packets += encoder.encode(frame)
        packets += encoder.encode(None)
        count, kept = 0, None
        for packet in [*packets, None]:
            for frame in decoder.decode(packet):
                kept = frame if count == wanted else kept
                count += 1
    except av.error.FFmpegError as error:
        raise ImageError("too_large", f"{settings.codec} cannot hold it: {error}") from error
    if kept is None or count != settings.frames:
        raise GroundglassError(f"{settings.codec} gave {count} frames for a clip of {settings.frames}")
    return np.asarray(kept.to_ndarray(format="yuv420p"), np.uint8)
