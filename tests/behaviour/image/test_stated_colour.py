"""Colours that a file states without an ICC profile come out as those of its twin that has one."""

from __future__ import annotations

import struct
from functools import lru_cache
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass import testing
from groundglass.errors import ImageError
from groundglass.image import color_transforms
from groundglass.image.codecs import stated_colour
from groundglass.image.frame import Frame, open_frame
from groundglass.image.header import ImageLimits, read_header
from shared_data import shared_case
from stated_files import (
    LOSSLESS,
    corners_chunk,
    gamma_chunk,
    heic,
    icc_chunk,
    jxl,
    stated,
    with_chunks,
    with_colr,
)

PHOTO = testing.photo(64, 48)
REFUSE = ImageLimits(unknown_colour="refuse")

# red, green and blue as seen under D50, as published in profiles and by Bruce Lindbloom
COLORANTS = {
    1: ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)),
    9: ((0.67348, 0.27904, -0.00193), (0.16567, 0.67534, 0.02998), (0.12505, 0.04561, 0.79686)),
    12: ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),
}
# parametric curves of kind 3: gamma, a, b, c, d
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
CURVES = {
    1: SRGB_CURVE,
    13: SRGB_CURVE,
    14: SRGB_CURVE,
    4: (2.2, 1, 0, 0, 0),
    5: (2.8, 1, 0, 0, 0),
    8: (1, 1, 0, 0, 0),
}
CARRIERS = ["PNG", "AVIF", "JPEG2000"]
CARRIERS += ["HEIF"] if find_spec("pillow_heif") else []
CARRIERS += ["JXL"] if find_spec("pillow_jxl") else []


@lru_cache
def profile(primaries: int, transfer: int) -> bytes:
    return testing.matrix_profile(COLORANTS[primaries], CURVES[transfer])


def by_littlecms(samples: np.ndarray, primaries: int, transfer: int) -> np.ndarray:
    return color_transforms._LittleCms(profile(primaries, transfer), "RGB").apply(samples)


def samples_of(data: bytes) -> np.ndarray:
    """The samples of the file as they are stored, its colours left alone."""
    frame = open_frame(data)
    from groundglass.image import color_management, decode

    samples, _ = decode._samples(data, frame.header)
    return color_management._plain(samples.band(slice(0, samples.size[0])))


@pytest.mark.parametrize("format", CARRIERS)
@pytest.mark.parametrize("primaries", [1, 9, 12])
@pytest.mark.parametrize("transfer", [1, 8, 13])
def test_comes_out_like_its_twin_with_a_profile(format: str, primaries: int, transfer: int) -> None:
    data = stated(PHOTO, format, primaries, transfer)
    frame = open_frame(data)
    expected = by_littlecms(samples_of(data), primaries, transfer)
    off = np.abs(frame.rgb.astype(int) - expected)
    assert off.max() <= 3, "LittleCMS rounds to 8 bits, and to 16 on its way"
    assert frame.warnings == ()
    if format in LOSSLESS:
        twin = open_frame(testing.encoded(PHOTO, "PNG", icc_profile=profile(primaries, transfer)))
        assert np.abs(frame.rgb.astype(int) - twin.rgb).max() <= (40 if transfer == 8 else 3)


@given(
    st.sampled_from([format for format in CARRIERS if format in LOSSLESS]),
    st.sampled_from([1, 9, 12]),
    st.sampled_from([1, 8, 13]),
    st.integers(0, 10_000),
)
def test_any_colours_come_out_like_the_twins(format: str, primaries: int, transfer: int, seed: int) -> None:
    rgb = testing.noise(24, 16, seed)
    twin = open_frame(testing.encoded(rgb, "PNG", icc_profile=profile(primaries, transfer))).rgb
    assert np.abs(open_frame(stated(rgb, format, primaries, transfer)).rgb.astype(int) - twin).max() <= 3


@pytest.mark.parametrize("format", CARRIERS)
def test_the_header_names_the_colours(format: str) -> None:
    where = {"PNG": "cICP", "JPEG2000": "colr", "JXL": "JXL"}.get(format, "nclx")
    wide = read_header(stated(PHOTO, format, 12, 13))
    plain = read_header(stated(PHOTO, format, 1, 13))
    assert wide.icc == f"Display P3 ({where})"
    assert plain.icc is None


@pytest.mark.parametrize("format", CARRIERS)
@pytest.mark.parametrize("transfer", [16, 18])
def test_high_dynamic_range_is_a_warning_and_can_be_refused(format: str, transfer: int) -> None:
    data = stated(PHOTO, format, 9, transfer)
    header = read_header(data)
    assert header.warnings == ("hdr",)
    assert header.icc is not None
    assert header.icc.startswith(f"BT.2020 {'PQ' if transfer == 16 else 'HLG'}")
    with pytest.raises(ImageError, match=r"BT\.2020") as caught:
        read_header(data, REFUSE)
    assert caught.value.reason == "unsupported"
    read_header(stated(PHOTO, format, 12, 13), REFUSE)


@pytest.mark.skipif("JXL" not in CARRIERS, reason="needs pillow-jxl-plugin")
def test_a_grey_jpeg_xl_says_it_too() -> None:
    grey = PHOTO[..., 0].copy()
    assert read_header(jxl(grey, 1, 16)).warnings == ("hdr",)
    linear = open_frame(jxl(grey, 1, 8))
    assert (
        np.abs(linear.rgb[..., 1].astype(int) - by_littlecms(np.dstack([grey] * 3), 1, 8)[..., 1]).max() <= 3
    )
    assert read_header(jxl(grey, 1, 13)).icc is None


def pq_code(nits: float) -> float:
    """SMPTE ST 2084's samples of a luminance, 0 to 1."""
    y = (nits / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375


@pytest.mark.parametrize("nits", [0, 1, 20, 100, 203, 1000])
def test_pq_is_brought_to_the_light_it_stands_for(nits: float) -> None:
    code = round(255 * pq_code(nits))
    frame = open_frame(stated(testing.flat(16, 16, code), "PNG", 9, 16))
    light = min(1, nits / 203)
    expected = 255 * (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055)
    assert (
        np.abs(frame.rgb.astype(float) - expected).max() <= 4
    )  # one step of 8 bits in PQ is up to three in sRGB


def test_pngs_of_every_gamma_look_alike() -> None:
    """What PngSuite's files of this name are for."""
    light = (testing.photo(40, 30) / 255.0) ** 2.2
    plain = open_frame(testing.png(np.rint(255 * light ** (1 / 2.2)).astype(np.uint8))).rgb
    for gamma in (0.35, 0.55, 0.7, 1.0):
        samples = np.rint(255 * light**gamma).astype(np.uint8)
        frame = open_frame(with_chunks(testing.png(samples), gamma_chunk(gamma)))
        bright = plain > 60  # the shadows of sRGB are no power of 2.2
        assert np.abs(frame.rgb.astype(int) - plain)[bright].max() <= 4
        assert frame.header.icc == f"BT.709 gamma {1 / gamma:.3g} (gAMA)"


def test_chromaticities_of_a_png_are_its_primaries() -> None:
    adobe = corners_chunk((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
    data = with_chunks(testing.png(PHOTO), adobe, gamma_chunk(256 / 563))
    exact = with_chunks(testing.png(PHOTO), adobe, gamma_chunk(0.4))
    for file, gamma in ((data, None), (exact, 2.5)):
        frame = open_frame(file)
        curve = SRGB_CURVE if gamma is None else (gamma, 1, 0, 0, 0)
        colorants = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
        twin = open_frame(testing.encoded(PHOTO, "PNG", icc_profile=testing.matrix_profile(colorants, curve)))
        assert np.abs(frame.rgb.astype(int) - twin.rgb).max() <= 2
        assert "cHRM" in (frame.header.icc or "")


def test_which_chunk_of_a_png_counts() -> None:
    """cICP before iCCP before sRGB before gAMA and cHRM."""
    p3, wide, linear = (b"cICP", bytes([12, 13, 0, 1])), icc_chunk(testing.wide_profile()), gamma_chunk(1.0)
    srgb = (b"sRGB", b"\0")
    plain = testing.png(PHOTO)
    for chunks, name in [
        ((linear, srgb, wide, p3), "Display P3 (cICP)"),
        ((linear, srgb, wide), "wide"),
        ((linear, srgb), None),
        ((linear,), "BT.709 gamma 1 (gAMA)"),
        (((b"cICP", bytes([1, 13, 0, 1])), wide), None),
        (((b"cICP", bytes([99, 13, 0, 1])), wide), "wide"),
        ((srgb, linear), None),
    ]:
        header = read_header(with_chunks(plain, *chunks))
        assert (header.icc, header.warnings) == (name, ())


@pytest.mark.parametrize(
    "chunks",
    [
        [(b"cICP", bytes([99, 13, 0, 1]))],
        [(b"cICP", bytes([1, 99, 0, 1]))],
        [(b"cICP", bytes([1, 13, 9, 1]))],
        [gamma_chunk(0.0)],
        [gamma_chunk(42.0)],
        [corners_chunk((0.3, 0.3), (0.3, 0.3), (0.3, 0.3))],
        [corners_chunk((0.0, 0.0), (0.0, 0.0), (0.0, 0.0))],
    ],
)
def test_what_cannot_be_converted_is_a_warning(chunks: list[tuple[bytes, bytes]]) -> None:
    data = with_chunks(testing.png(PHOTO), *chunks)
    frame = open_frame(data)
    assert frame.header.warnings == ("unknown_colour",)
    assert np.array_equal(frame.rgb, PHOTO)
    with pytest.raises(ImageError, match="cannot be converted"):
        read_header(data, REFUSE)


def test_narrow_range_is_stretched() -> None:
    narrow = np.rint(16 + PHOTO * (219 / 255)).astype(np.uint8)
    frame = open_frame(with_chunks(testing.png(narrow), (b"cICP", bytes([1, 13, 0, 0]))))
    assert np.abs(frame.rgb.astype(int) - PHOTO).max() <= 1


@pytest.mark.parametrize("bad", [b"nonsense" * 40, testing.wide_profile()[:200]])
def test_a_profile_that_cannot_be_used_is_told_by_the_header_and_refused(bad: bytes) -> None:
    cmyk = testing.wide_profile().replace(b"RGB XYZ ", b"CMYKLab ")
    table = testing.wide_profile().replace(b"rTRC", b"A2B0")
    for profile in (bad, cmyk, table):
        data = testing.jpeg(PHOTO, icc_profile=profile)
        assert read_header(data).warnings == ("bad_icc",)
        with pytest.raises(ImageError, match="profile"):
            read_header(data, REFUSE)


def test_the_profile_comes_before_nclx_in_avif() -> None:
    data = testing.encoded(
        PHOTO, "AVIF", icc_profile=testing.wide_profile(), quality=100, subsampling="4:4:4"
    )
    assert data.count(b"colr") == 2
    assert open_frame(data).header.icc == "wide"


@pytest.mark.skipif("HEIF" not in CARRIERS, reason="needs pillow-heif")
@pytest.mark.parametrize(("primaries", "name"), [(12, "Display P3 (HEVC)"), (9, "BT.2020 (HEVC)"), (1, None)])
def test_hevc_says_it_where_no_box_does(primaries: int, name: str | None) -> None:
    data = heic(PHOTO, color_primaries=primaries, transfer_characteristics=13)
    assert open_frame(data.replace(b"colrnclx", b"freenclx")).header.icc == name


def test_av1_says_it_where_no_box_does() -> None:
    """A sequence header by hand: still, reduced, 64 x 48 px, with a colour description."""
    bits = "00011" + "00000" + f"{5:04b}{5:04b}{63:06b}{47:06b}" + "000000"
    bits += "001" + "".join(f"{number:08b}" for number in (12, 13, 6)) + "1000000"
    body = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    unit = bytes([1 << 3 | 2, len(body)]) + body
    data = testing.encoded(PHOTO, "AVIF")
    at = data.index(b"mdat")
    data = data[: at + 4].replace(b"colrnclx", b"freenclx") + unit + data[at + 4 :]
    assert stated_colour.of_code_points(12, 13, where="AV1") is not None
    from groundglass.image.codecs import media_boxes

    found = media_boxes.of_heif(data).stated
    assert found is not None
    assert found.name == "Display P3 (AV1)"


def test_jpeg_2000_by_its_colr_box() -> None:
    plain = testing.encoded(PHOTO, "JPEG2000", irreversible=False)
    wide = b"\2\0\0" + testing.wide_profile()
    enumerated = {number: struct.pack(">3BI", 1, 0, 0, number) for number in (14, 16, 20, 21)}
    assert read_header(with_colr(plain, enumerated[16])).icc is None
    assert read_header(with_colr(plain, enumerated[21])).icc == "ROMM RGB (colr)"
    assert read_header(with_colr(plain, wide)).icc == "wide"
    assert read_header(with_colr(plain, wide, enumerated[16])).icc == "wide", "the first counts"
    assert read_header(with_colr(plain, b"\4\0\0" + bytes(16), wide)).icc == "wide", (
        "a vendor's own is passed over"
    )
    assert read_header(with_colr(plain, b"\4\0\0" + bytes(16))).warnings == ("unknown_colour",)
    for number in (14, 20):
        with pytest.raises(ImageError, match="JPEG 2000 in"):
            read_header(with_colr(plain, enumerated[number]))


def test_romm_rgb() -> None:
    """Its white is D50's, its curve a power of 1.8 (ISO 22028-2)."""
    plain = testing.encoded(testing.flat(16, 16, 128), "JPEG2000", irreversible=False)
    frame = open_frame(with_colr(plain, struct.pack(">3BI", 1, 0, 0, 21)))
    light = (128 / 255) ** 1.8
    assert np.abs(frame.rgb - 255 * (1.055 * light ** (1 / 2.4) - 0.055)).max() <= 1


@given(st.binary(max_size=300), st.integers(0, 400))
def test_damaged_boxes_never_raise_anything_but_an_image_error(junk: bytes, at: int) -> None:
    for format in ("AVIF", "JPEG2000", "HEIF"):
        if format in CARRIERS:
            data = bytearray(_file(format))
            data[at : at + len(junk)] = junk
            try:
                frame: Frame = open_frame(bytes(data))
            except ImageError:
                continue
            assert frame.header.width > 0


@lru_cache
def _file(format: str) -> bytes:
    return stated(PHOTO, format, 12, 13)


def test_the_shared_cases() -> None:
    folder = shared_case("pictures", "colour_by_nclx")
    wide = open_frame(folder / "avif_p3nclx.avif")
    assert wide.header.icc == "Display P3 (nclx)"
    if find_spec("pillow_heif"):
        assert read_header((folder / "heic_pq.heic").read_bytes()).warnings == ("hdr",)
    folder = shared_case("pictures", "jp2_icc")
    frame, wanted = open_frame(folder / "icc.jp2"), open_frame(folder / "icc.want.png")
    assert frame.header.icc
    assert np.abs(frame.rgb.astype(int) - wanted.rgb).max() <= 6
