"""Colours that a file states in numbers instead of by an ICC profile: code points (ITU-T H.273, called CICP or
nclx), gamma and chromaticities, or a name from a list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from groundglass.image.codecs.icc_matrix import STEPS, MatrixProfile

Floats = npt.NDArray[np.float64]
Chromaticities = tuple[float, float, float, float, float, float, float, float]
"""x and y of red, green, blue and white."""

_D65, _C, _E, _DCI, _D50 = (0.3127, 0.3290), (0.310, 0.316), (1 / 3, 1 / 3), (0.314, 0.351), (0.3457, 0.3585)
_XYZ = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
_BT709: Chromaticities = (0.640, 0.330, 0.300, 0.600, 0.150, 0.060, *_D65)
_ADOBE_RGB: Chromaticities = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *_D65)
_ROMM: Chromaticities = (0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001, *_D50)

# ITU-T H.273, table 2
_PRIMARIES: dict[int, tuple[str, Chromaticities]] = {
    1: ("BT.709", _BT709),
    4: ("BT.470 M", (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, *_C)),
    5: ("BT.601 625", (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *_D65)),
    6: ("BT.601 525", (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65)),
    7: ("SMPTE 240M", (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65)),
    8: ("film", (0.681, 0.319, 0.243, 0.692, 0.145, 0.049, *_C)),
    9: ("BT.2020", (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65)),
    10: ("XYZ", (*_XYZ, *_E)),
    11: ("DCI-P3", (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_DCI)),
    12: ("Display P3", (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_D65)),
    22: ("EBU 3213", (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *_D65)),
}

# ITU-T H.273, table 3. The camera curves of BT.709, BT.601, SMPTE 240M, xvYCC and BT.2020 are read as sRGB's, which
# is how browsers and viewers show them: sRGB's is between the curve's inverse and the screen's gamma of 2.4.
_SRGB, _PQ, _HLG = "sRGB", "PQ", "HLG"
_TRANSFERS: dict[int, str] = {
    **dict.fromkeys((1, 6, 7, 11, 13, 14, 15), _SRGB),
    4: "gamma 2.2",
    5: "gamma 2.8",
    8: "linear",
    9: "log 100",
    10: "log 316",
    16: _PQ,
    17: "SMPTE 428",
    18: _HLG,
}
_UNSPECIFIED = 2
_WITHOUT_RGB = (10, 11, 13, 14)
"""Matrix coefficients that no decoder here turns into RGB: constant luminance, SMPTE 2085, and ICtCp."""


@dataclass(frozen=True)
class StatedColour:
    """A colour space in numbers.

    name        for people: "Display P3 (nclx)"
    primaries   None where they are not known
    transfer    "sRGB", "PQ", "linear" … of this module; "" where it is not known
    gamma       the exponent from samples to light where ``transfer`` is "gamma"
    narrow      samples from 16 to 235 (of 255)
    """

    name: str
    primaries: Chromaticities | None
    transfer: str = _SRGB
    gamma: float = 1.0
    narrow: bool = False

    @property
    def warning(self) -> str | None:
        """The word of `header.WARNINGS` for it; None where it needs none."""
        if not self.is_known:
            return "unknown_colour"
        return "hdr" if self.transfer in (_PQ, _HLG) else None

    @property
    def is_known(self) -> bool:
        """Whether it can be converted to sRGB."""
        return self.primaries is not None and self.transfer != ""


def of_code_points(
    primaries: int, transfer: int, matrix: int = 0, full_range: bool = True, where: str = "nclx"
) -> StatedColour | None:
    """The colour space of H.273's code points; None where it is sRGB, or unspecified, which is taken as sRGB.

    ``where``: the part of the file that holds them. The decoder applies ``matrix``; where none can, the colour is
    unknown. Samples are narrow without ``full_range``; pass False only for samples that the decoder leaves narrow.

    >>> of_code_points(12, 13), of_code_points(1, 13), of_code_points(2, 2), of_code_points(9, 16).warning
    (StatedColour(name='Display P3 (nclx)', primaries=(0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329), \
transfer='sRGB', gamma=1.0, narrow=False), None, None, 'hdr')
    """
    if primaries == _UNSPECIFIED:
        primaries = 9 if _TRANSFERS.get(transfer) in (_PQ, _HLG) else 1
    if transfer == _UNSPECIFIED:
        transfer = 13
    title, chromaticities = _PRIMARIES.get(primaries, (f"primaries {primaries}", None))
    curve = _TRANSFERS.get(transfer, "")
    if matrix in _WITHOUT_RGB:
        title, chromaticities = f"{title}, matrix {matrix}", None
    if (primaries, curve, chromaticities) == (1, _SRGB, _BT709) and full_range:
        return None
    words = [title, *([] if curve == _SRGB else [curve or f"transfer {transfer}"])]
    words += [] if full_range else ["narrow range"]
    return StatedColour(f"{' '.join(words)} ({where})", chromaticities, curve, narrow=not full_range)


_SRGB_GAMMA, _NEAR = 0.45455, 0.005
_NEAR_CHROMATICITY = 0.005


def of_gamma(gamma: float | None, chromaticities: Chromaticities | None) -> StatedColour | None:
    """The colour space of a PNG's gAMA (the exponent from light to samples) and cHRM; None where it is sRGB.

    A gamma of 1/2.2 is a PNG's way to state sRGB's curve in one number.

    >>> of_gamma(1.0, None).name, of_gamma(0.45455, None), of_gamma(0.0, None).warning
    ('BT.709 gamma 1 (gAMA)', None, 'unknown_colour')
    """
    primaries = chromaticities or _BT709
    title, where = "BT.709", []
    if max(abs(a - b) for a, b in zip(primaries, _BT709, strict=True)) > _NEAR_CHROMATICITY:
        title, where = _nearest(primaries), ["cHRM"]
    else:
        primaries = _BT709
    like_srgb = gamma is None or abs(gamma - _SRGB_GAMMA) <= _NEAR
    if like_srgb and primaries == _BT709:
        return None
    if gamma is None or like_srgb:
        return _checked(StatedColour(f"{title} (cHRM)", primaries))
    where = ["gAMA", *where]
    if not 0.05 <= gamma <= 5:
        return StatedColour(f"{title} gamma 1/{gamma:g} ({', '.join(where)})", primaries, "")
    exponent = 1 / gamma
    return _checked(
        StatedColour(f"{title} gamma {exponent:.3g} ({', '.join(where)})", primaries, "gamma", exponent)
    )


def _nearest(primaries: Chromaticities) -> str:
    known = ((title, found) for title, found in _PRIMARIES.values())
    near = (
        title
        for title, found in known
        if max(abs(a - b) for a, b in zip(primaries, found, strict=True)) <= _NEAR_CHROMATICITY
    )
    return next(near, "own primaries")


def _checked(colour: StatedColour) -> StatedColour:
    """The same without primaries where the given ones enclose no colours."""
    try:
        usable = bool(np.isfinite(to_xyz(colour.primaries or _BT709)).all())
    except (np.linalg.LinAlgError, ZeroDivisionError):
        usable = False
    return colour if usable else StatedColour(colour.name, None, colour.transfer, colour.gamma)


ROMM_RGB = StatedColour("ROMM RGB (colr)", _ROMM, "ROMM")


def of_exif(colour_space: str) -> StatedColour | None:
    """The colour space of `exif.colour_space`; None where it is sRGB or not stated.

    >>> of_exif("Adobe RGB").name, of_exif("uncalibrated").warning, of_exif("sRGB")
    ('Adobe RGB (Exif)', 'unknown_colour', None)
    """
    if colour_space == "Adobe RGB":
        return StatedColour("Adobe RGB (Exif)", _ADOBE_RGB, "gamma", 563 / 256)
    return StatedColour("uncalibrated (Exif)", None, "") if colour_space == "uncalibrated" else None


@lru_cache(maxsize=64)
def profile_of(colour: StatedColour) -> MatrixProfile:
    """The conversion to sRGB as curves and a matrix. Light beyond white (PQ: beyond 203 cd/m², BT.2408) is cut after
    the matrix; HLG is read as the image that BT.2100 designed it to give on an SDR screen of BT.2020's colours.

    Raises ValueError where there is none.
    """
    if colour.primaries is None or not colour.transfer:
        raise ValueError(f"no way from {colour.name} to sRGB")
    samples = np.linspace(0, 1, STEPS)
    if colour.narrow:
        samples = ((samples * 255 - 16) / 219).clip(0, 1)
    light = samples**colour.gamma if colour.transfer == "gamma" else _LIGHT[colour.transfer](samples)
    matrix = np.linalg.inv(to_xyz(_BT709)) @ _adapted(colour.primaries)
    return MatrixProfile(np.tile(light.astype(np.float32), (3, 1)), matrix.astype(np.float32))


def to_xyz(primaries: Chromaticities) -> Floats:
    """3×3, linear RGB to XYZ with the white's Y = 1 (SMPTE RP 177). Raises LinAlgError, ZeroDivisionError."""
    if primaries[:6] == _XYZ:  # primaries without luminance are the axes themselves
        return np.diag(_white(primaries))
    if 0 in primaries[1::2]:
        raise ZeroDivisionError("a primary without luminance")
    x, y = np.array(primaries[:6:2]), np.array(primaries[1:6:2])
    colours = np.array([x / y, np.ones(3), (1 - x - y) / y])
    return colours * np.linalg.solve(colours, _white(primaries))


def _white(primaries: Chromaticities) -> Floats:
    x, y = primaries[6:]
    return np.array([x / y, 1.0, (1 - x - y) / y])


_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def _adapted(primaries: Chromaticities) -> Floats:
    """`to_xyz` as seen under D65: white in the file is white in sRGB (Bradford)."""
    cones = (_BRADFORD @ _white(_BT709)) / (_BRADFORD @ _white(primaries))
    return np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD @ to_xyz(primaries)


def _of_srgb(v: Floats) -> Floats:
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


_REFERENCE_WHITE = 203.0


def _of_pq(v: Floats) -> Floats:
    """SMPTE ST 2084, in units of the reference white of BT.2408."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = v ** (1 / m2)
    return (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1) * 10_000 / _REFERENCE_WHITE


_LIGHT: dict[str, Callable[[Floats], Floats]] = {
    _SRGB: _of_srgb,
    _HLG: _of_srgb,
    _PQ: _of_pq,
    "linear": lambda v: v,
    "gamma 2.2": lambda v: v**2.2,
    "gamma 2.8": lambda v: v**2.8,
    "log 100": lambda v: np.where(v > 0, 10 ** (2 * (v - 1)), 0),
    "log 316": lambda v: np.where(v > 0, 10 ** (2.5 * (v - 1)), 0),
    "SMPTE 428": lambda v: v**2.6 * 52.37 / 48,
    "ROMM": lambda v: np.where(v < 1 / 32, v / 16, v**1.8),
}
