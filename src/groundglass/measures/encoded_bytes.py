"""Encoded bytes: the size of the file that a release would write of an image or tile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundglass.catalog import Column, Measure, Parameter, Value
from groundglass.image.encode import encode_lossless

if TYPE_CHECKING:
    from groundglass.image.frame import Frame


def encoded_bytes(frame: Frame, image: str = "png", multiple: int = 1) -> dict[str, Value]:
    """The bytes of an image or tile once it is written as a lossless file, exactly as `release` writes it.

    Among tiles of one size, the smallest files hold the least: flat sky, blur, black. Noise makes files larger, so
    a large file is not always a good tile. ``image`` is the release's own setting, and ``multiple`` the scale of its
    low-resolution images (of several, the smallest number that all of them divide): sides are cut to a multiple of it.

    A photo that a release copies as it is (``image: original``) keeps the `bytes` of `header`. The same pixels may
    come out a few bytes larger or smaller with another version of OpenCV or Pillow.

    Raises NoValue ``too_small`` where a side is shorter than ``multiple``, and ImageError ``write_failed`` where the
    format cannot hold the image, such as WebP sides over 16,383 px.

    In a recipe: after ``- transform: {tile: 512}``, ``- measure: [encoded_bytes]`` and then
    ``- select: {quantile: 10%, by: encoded_bytes}`` drop the tenth with the smallest files.

    Source: the sizes of files by which users of upscalers sort their tiles; ISO/IEC 15948 (PNG).

    >>> from groundglass import testing
    >>> from groundglass.image.frame import open_frame
    >>> flat, photo = (open_frame(testing.png(tile)) for tile in (testing.flat(64, 64), testing.photo(64, 64)))
    >>> encoded_bytes(flat)["encoded_bytes"] < encoded_bytes(photo)["encoded_bytes"]
    True
    """
    frame.check_side(multiple)
    height, width = (side - side % multiple for side in frame.rgb.shape[:2])
    return {"encoded_bytes": len(encode_lossless(frame.rgb[:height, :width], image))}


MEASURE = Measure(
    name="encoded_bytes",
    version=1,
    compute=encoded_bytes,
    columns={"encoded_bytes": Column("B", 1, None, "higher", "size of the file that a release writes", int)},
    reference="ISO/IEC 15948 (PNG); files sorted by size, as guides for upscalers do",
    parameters={
        "image": Parameter("png", "as the release's own: png or webp", words=("png", "webp")),
        "multiple": Parameter(1, "sides are cut to a multiple of it, as for low-resolution pairs", "px", 1),
    },
)
"""Its record in the catalog."""
