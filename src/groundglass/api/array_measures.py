"""One function for each measure that needs pixels and no network, written out so that editors complete them.

Each gives the columns of `measure`, and raises what `measure` raises. Ranges and units: docs/reference/measures.md.
"""

from __future__ import annotations

from typing import Literal

from groundglass.api.hints import shows_hints
from groundglass.api.images import ImageLike
from groundglass.api.measure import Values, measure


@shows_hints
def blockiness(image: ImageLike, /, *, search_phases: bool = False) -> Values:
    """Traces of JPEG compression: ``blockiness`` is 0 without, about 10 at quality 95, 45 at 85 and 160 at 50.

    The 8×8 grid of an array is taken to begin at its first pixel. If a JPEG was cropped before it became this array,
    ``search_phases`` tries all 64 places of the grid, and ``phase_x``, ``phase_y`` say which one it found.

    Raises NoValue: ``too_small`` below 36 px, ``flat`` if a subband has no texture.

    >>> from groundglass import testing
    >>> found = blockiness(testing.photo(256, 256))
    >>> found["blockiness"] < 5, found["phase_x"]
    (True, None)
    """
    return measure(image, "blockiness", search_phases=search_phases)


@shows_hints
def sharpness(image: ImageLike, /, *, flat_below: float = 800.0) -> Values:
    """Edge strength: ``laplacian_variance``, ``tenengrad`` (both grow with noise, too) and ``flat_share``, 0 to 1.

    A 240 px patch is flat if its Sobel magnitude varies less than ``flat_below``.

    >>> from groundglass import testing
    >>> sharpness(testing.flat(64, 48))
    {'laplacian_variance': 0.0, 'tenengrad': 0.0, 'flat_share': 1.0}
    """
    return measure(image, "sharpness", flat_below=flat_below)


@shows_hints
def noise(image: ImageLike, /) -> Values:
    """``noise_sigma``: the standard deviation of the noise in flat places, in grey levels.

    Raises NoValue: ``too_small`` below 36 px, ``flat`` if every block is clipped.

    >>> from groundglass import testing
    >>> noise(testing.flat(64, 48))
    {'noise_sigma': 0.0}
    """
    return measure(image, "noise")


@shows_hints
def exposure(image: ImageLike, /, *, dark: int = 4, bright: int = 251) -> Values:
    """Shares of clipped pixels (``clipped_dark``, ``clipped_bright``, ``clipped_channel``), ``mean_luma`` and
    ``contrast``. Luma of at most ``dark`` and at least ``bright`` counts as clipped.

    >>> import numpy as np
    >>> exposure(np.zeros((48, 64), np.uint8))["clipped_dark"]
    1.0
    """
    return measure(image, "exposure", dark=dark, bright=bright)


@shows_hints
def colour(image: ImageLike, /, *, grey_below: float = 0.001, toned_below: float = 0.2) -> Values:
    """``colourfulness``, ``saturation``, ``tint_strength``, and whether the image ``is_grey`` or ``is_toned``.

    >>> import numpy as np
    >>> colour(np.full((48, 64), 100, np.uint8))["is_grey"]
    True
    """
    return measure(image, "colour", grey_below=grey_below, toned_below=toned_below)


@shows_hints
def complexity(image: ImageLike, /) -> Values:
    """How much there is to learn from: ``entropy`` (bit), ``gradient_energy``, ``compression_ratio``, and contrast,
    energy, entropy and correlation of the grey-level co-occurrence matrix (``glcm_…``).

    >>> from groundglass import testing
    >>> complexity(testing.photo(96, 64))["entropy"] > 4
    True
    """
    return measure(image, "complexity")


@shows_hints
def borders(image: ImageLike, /, *, tolerance: int = 8) -> Values:
    """Letterbox, pillarbox and frames: ``border_top``, ``_bottom``, ``_left``, ``_right`` (px) and ``border_share``.

    >>> import numpy as np
    >>> from groundglass import testing
    >>> boxed = np.pad(testing.photo(96, 64), ((8, 8), (0, 0), (0, 0)))
    >>> borders(boxed)["border_top"]
    8
    """
    return measure(image, "borders", tolerance=tolerance)


@shows_hints
def encoded_bytes(
    pixels: ImageLike, /, *, image: Literal["png", "webp"] = "png", multiple: int = 1
) -> Values:
    """``encoded_bytes``: the size of the lossless file that a release would write. ``image`` is the release's own
    setting; sides are cut to a multiple of ``multiple`` px.

    >>> from groundglass import testing
    >>> encoded_bytes(testing.flat(64, 64))["encoded_bytes"] < encoded_bytes(testing.photo(64, 64))["encoded_bytes"]
    True
    """
    return measure(pixels, "encoded_bytes", image=image, multiple=multiple)


@shows_hints
def fingerprint(image: ImageLike, /) -> Values:
    """Perceptual hashes of the image, its mirror image and its turned image: ``phash``, ``phash_mirror``,
    ``phash_flipped``, ``phash_detail``. They are made to be compared, by ``deduplicate: near``.

    >>> from groundglass import testing
    >>> photo = testing.photo(96, 64)
    >>> fingerprint(photo)["phash_mirror"] == fingerprint(photo[:, ::-1])["phash"]
    True
    """
    return measure(image, "fingerprint")


@shows_hints
def pixels(image: ImageLike, /) -> Values:
    """``pixels_sha256``: a hash of the decoded pixels, equal for files that differ only in how they are encoded.

    >>> from groundglass import testing
    >>> photo = testing.photo(96, 64)
    >>> pixels(photo) == pixels(testing.png(photo))
    True
    """
    return measure(image, "pixels")


@shows_hints
def leaks(image: ImageLike, /, *, against: str = "all") -> Values:
    """The test image that an image shows, whole or in part: ``leak_of``, ``leak_relation``, ``leak_score`` …; all are
    None if it shows none. ``against`` names test sets or files of fingerprints, with commas between.

    >>> from groundglass import testing
    >>> leaks(testing.photo(320, 240))["leak_of"] is None
    True
    """
    return measure(image, "leaks", against=against)


@shows_hints
def objects_fast(image: ImageLike, /, *, contrast: float = 1.5) -> Values:
    """``objects_fast``: how many regions an image has between its edges at 256 px; it ranks like a count of objects.
    An edge must rise ``contrast`` above the inside of its region.

    >>> from groundglass import testing
    >>> objects_fast(testing.flat(96, 64))["objects_fast"] <= objects_fast(testing.photo(96, 64))["objects_fast"]
    True
    """
    return measure(image, "objects_fast", contrast=contrast)


@shows_hints
def resolution(image: ImageLike, /) -> Values:
    """Whether an image was upscaled: ``resolution_state`` is native, upscaled or unknown; ``effective_scale`` is the
    true resolution over the present one, with its 90 % interval, None where unknown; ``upscaled_score`` is 0 to 1.

    Raises NoValue: ``too_small`` below 64 px, ``flat``.

    >>> from groundglass import testing
    >>> resolution(testing.noise(256, 256))["resolution_state"]
    'unknown'
    """
    return measure(image, "resolution")


@shows_hints
def naturalness(image: ImageLike, /, *, reference: str = "") -> Values:
    """``naturalness``: the distance of an image's statistics from those of clean photos; lower is more natural.
    ``reference`` is a profile of your own (``groundglass fit-naturalness``).

    Raises NoValue: ``too_small``, ``flat``.

    >>> from groundglass import testing
    >>> photo = testing.photo(256, 256)
    >>> naturalness(photo)["naturalness"] > 0
    True
    """
    return measure(image, "naturalness", reference=reference)


@shows_hints
def text_and_graphics(image: ImageLike, /) -> Values:
    """``graphics_score`` (drawn rather than photographed), ``text_share`` and ``overlay_share``, each 0 to 1.

    >>> from groundglass import testing
    >>> 0 <= text_and_graphics(testing.photo(256, 256))["graphics_score"] <= 1
    True
    """
    return measure(image, "text_and_graphics")
