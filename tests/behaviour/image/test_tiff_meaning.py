"""A TIFF shows what its directory declares, whatever its depth: every file of many bits is its 8-bit twin."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from groundglass import testing
from groundglass.errors import ImageError
from groundglass.image import color_management, orientation
from groundglass.image.frame import open_frame
from shared_data import shared
from tiff_tools import (
    BLACK_IS_ZERO,
    DEFLATE,
    INKS,
    LAB,
    LZW,
    NONE,
    PACKBITS,
    PALETTE,
    RGB,
    WHITE_IS_ZERO,
    Layout,
    tiff,
    tiff_directory_first,
    tiff_of_pages,
)

DEPTHS = {
    8: "u1",
    9: "u2",
    10: "u2",
    12: "u2",
    14: "u2",
    16: "u2",
    "half": "f2",
    "float": "f4",
    "double": "f8",
}
EXTRAS = [(), (0,), (1,), (2,), (0, 0), (0, 2), (2, 0)]
PHOTO = testing.photo(45, 37)
CASES = ("..", "cases", "pictures")


def in_depth(values: np.ndarray, depth: int | str) -> np.ndarray:
    """8-bit values as samples of this depth."""
    kind = DEPTHS[depth]
    if isinstance(depth, str):
        return (values / 255).astype(kind)
    return np.rint(values * ((2**depth - 1) / 255)).astype(kind)


def declared(depth: int | str, layout: Layout, alpha: np.ndarray) -> tuple[bytes, np.ndarray]:
    """A file of `PHOTO` in this depth and layout, and the picture that it shows."""
    ink = 255 - PHOTO
    colour = {
        WHITE_IS_ZERO: ink[..., :1],
        BLACK_IS_ZERO: PHOTO[..., :1],
        RGB: PHOTO,
        INKS: np.dstack([ink, np.full(ink.shape[:2], 30, np.uint8)]),
    }[layout.photometric]
    shown = {RGB: PHOTO, INKS: np.rint(PHOTO * (225 / 255))}.get(layout.photometric, PHOTO[..., [0, 0, 0]])
    channels = colour.astype(float)
    if 1 in layout.extra:
        channels = channels * (alpha[..., None] / 255)
    stored = np.dstack([channels, *[alpha] * len(layout.extra)])
    if {1, 2} & set(layout.extra):
        share = alpha[..., None] / 255
        shown = shown * share + 255 * (1 - share)
    bits = depth if isinstance(depth, int) and depth % 8 else 0
    data = tiff(in_depth(stored, depth), replace(layout, bits=bits))
    return data, orientation.upright(np.rint(shown).astype(np.uint8), layout.orientation)


@st.composite
def layouts(draw: st.DrawFn) -> tuple[int | str, Layout]:
    depth = draw(st.sampled_from(list(DEPTHS)))
    compression = draw(st.sampled_from([NONE, LZW, DEFLATE, PACKBITS]))
    predictors = {LZW, DEFLATE} & {compression} and (depth in (8, 16) and [1, 2])
    if {LZW, DEFLATE} & {compression} and isinstance(depth, str):
        predictors = [1, 3]
    layout = Layout(
        photometric=draw(st.sampled_from([WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, INKS])),
        planar=draw(st.booleans()),
        tile=draw(st.sampled_from([0, 16, 32])),
        rows=draw(st.sampled_from([1, 7, 16, 37, 100])),
        extra=draw(st.sampled_from(EXTRAS)),
        orientation=draw(st.integers(1, 8)),
        compression=compression,
        predictor=draw(st.sampled_from(predictors or [1])),
        order=draw(st.sampled_from("<>")),
    )
    return depth, layout


@settings(max_examples=400, deadline=None)
@given(layouts(), st.integers(0, 2**32 - 1))
def test_a_file_shows_what_it_declares_and_so_does_its_twin(
    chosen: tuple[int | str, Layout], seed: int
) -> None:
    depth, layout = chosen
    alpha = np.random.default_rng(seed).integers(0, 256, PHOTO.shape[:2], np.uint8)
    data, shown = declared(depth, layout, alpha)
    twin, _ = declared(8, replace(layout, predictor=1), alpha)
    frame, frame_of_twin = open_frame(data), open_frame(twin)
    bits = {"half": 16, "float": 32, "double": 64}.get(str(depth), depth)
    assert (frame.header.bit_depth, frame_of_twin.header.bit_depth) == (bits, 8)
    assert frame.header.alpha == bool({1, 2} & set(layout.extra))
    assert frame.header.orientation == layout.orientation
    # alpha of 8 bits that colours were multiplied by takes up to a step from each
    inks = layout.photometric == INKS
    allowed = 2 + inks if 1 in layout.extra else 1 if layout.extra or inks else 0
    assert np.abs(frame.rgb.astype(int) - shown).max() <= allowed
    assert np.abs(frame.rgb.astype(int) - frame_of_twin.rgb).max() <= max(allowed, 1)


@settings(max_examples=100, deadline=None)
@given(layouts())
def test_another_decoder_reads_the_same_samples(chosen: tuple[int | str, Layout]) -> None:
    """tifffile, as a witness: what is written here is what is meant, and what is read is what is written."""
    tifffile = pytest.importorskip("tifffile")
    depth, layout = chosen
    layout = replace(
        layout,
        photometric=RGB,
        extra=(),
        orientation=1,
        compression=DEFLATE if layout.compression != NONE else NONE,
        predictor=layout.predictor if isinstance(depth, int) else 1,
    )
    if isinstance(depth, int) and depth % 8:
        return
    data, _ = declared(depth, layout, np.zeros(PHOTO.shape[:2], np.uint8))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        seen = file.pages[0].asarray()
    seen = np.moveaxis(seen, 0, -1) if layout.planar else seen
    white = 1 if seen.dtype.kind == "f" else np.iinfo(seen.dtype).max
    assert np.array_equal(open_frame(data).rgb, np.rint(seen.astype(float) * (255 / white)).astype(np.uint8))


@pytest.mark.parametrize("compression", [NONE, LZW, DEFLATE, PACKBITS])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_gives_its_colours(bits: int, compression: int) -> None:
    colours = np.random.default_rng(5).integers(0, 256, (2**bits, 3))
    indices = np.random.default_rng(6).integers(0, 2**bits, (30, 40), dtype=f"u{bits // 8}")
    for scale in (257, 1):  # some programs write 8-bit colours
        table = tuple((colours.T * scale).ravel().tolist())
        data = tiff(indices, Layout(PALETTE, compression=compression, more=((320, 3, table),)))
        assert np.array_equal(open_frame(data).rgb, colours[indices])


def test_lab_of_16_bits_is_lab_of_8() -> None:
    rng = np.random.default_rng(7)
    light = rng.integers(0, 256, (20, 20))
    tint = rng.integers(-60, 61, (20, 20, 2))
    few = np.dstack([light, tint & 0xFF]).astype(np.uint8)
    many = np.dstack([light * 257, (tint * 256) & 0xFFFF]).astype(np.uint16)
    pictures = [open_frame(tiff(values, Layout(LAB))).rgb for values in (few, many)]
    assert np.array_equal(*pictures)


def test_a_16_bit_profile_is_applied_to_all_16_bits() -> None:
    profile = testing.wide_profile()
    deep = in_depth(PHOTO, 16)
    tag = (34675, 1, tuple(profile))
    few, many = (open_frame(tiff(values, Layout(more=(tag,)))) for values in (PHOTO, deep))
    assert few.header.icc
    assert few.header.icc == many.header.icc
    assert np.abs(few.rgb.astype(int) - many.rgb).max() <= 1
    assert np.abs(color_management.luma(many.rgb).astype(int) - color_management.luma(PHOTO)).max() > 1


@pytest.mark.parametrize(
    ("samples", "layout", "words"),
    [
        (np.zeros((4, 4), np.int16), Layout(BLACK_IS_ZERO), "signed"),
        (np.zeros((4, 4, 3), np.uint16), Layout(6), "YCbCr of 16 bits"),
        (np.zeros((4, 4, 4), np.uint16), Layout(INKS, more=((332, 3, (2,)),)), "inks other than cyan"),
        (np.zeros((4, 4), np.uint16), Layout(32844), "LogL"),
        (np.zeros((4, 4), np.uint16), Layout(BLACK_IS_ZERO, more=((266, 3, (2,)),)), "reverse"),
        (np.zeros((4, 4), np.uint32), Layout(PALETTE), "palette of 32 bits"),
        (
            np.zeros((4, 4), np.uint16),
            Layout(BLACK_IS_ZERO, compression=7),
            "grey of 16 bits in JPEG compression",
        ),
    ],
)
def test_what_has_no_declared_meaning_is_refused(samples: np.ndarray, layout: Layout, words: str) -> None:
    with pytest.raises(ImageError, match=words) as caught:
        _ = open_frame(tiff(samples, layout)).rgb
    assert caught.value.reason == "unsupported"


@settings(max_examples=150, deadline=None)
@given(layouts(), st.floats(0, 1, exclude_max=True), st.integers(0, 7))
def test_no_bit_of_a_deflated_sample_changes_unnoticed(
    chosen: tuple[int | str, Layout], share: float, bit: int
) -> None:
    depth, layout = chosen
    layout = replace(layout, compression=DEFLATE)
    alpha = np.random.default_rng(1).integers(0, 256, PHOTO.shape[:2], np.uint8)
    data = bytearray(declared(depth, layout, alpha)[0])
    sound = open_frame(bytes(data)).rgb
    end = int.from_bytes(data[4:8], "little" if layout.order == "<" else "big")
    data[8 + int(share * (end - 8))] ^= 1 << bit
    try:
        assert np.array_equal(open_frame(bytes(data)).rgb, sound)  # a bit that nothing depends on
    except ImageError as error:
        assert error.reason in ("truncated", "corrupt")  # noqa: PT017


@given(layouts(), st.floats(0, 1, exclude_max=True))
@settings(max_examples=50, deadline=None)
def test_a_file_that_is_cut_is_an_error(chosen: tuple[int | str, Layout], share: float) -> None:
    """The directory first, as cameras write it, so that the cut hits the samples."""
    depth, layout = chosen
    if isinstance(depth, int) and depth % 8:
        layout = replace(layout, bits=depth)
    channels = {RGB: PHOTO, INKS: np.dstack([PHOTO, PHOTO[..., 0]])}.get(layout.photometric, PHOTO[..., 0])
    stored = in_depth(np.dstack([channels, *[PHOTO[..., 1]] * len(layout.extra)]), depth)
    data, begin = tiff_directory_first(stored, layout)
    assert np.array_equal(open_frame(data).rgb, open_frame(tiff(stored, layout)).rgb)
    with pytest.raises(ImageError, match="truncated"):
        _ = open_frame(data[: begin + int(share * (len(data) - begin - 1))]).rgb


def test_memory_does_not_follow_strips_without_compression() -> None:
    """One strip for the whole picture, as many programs write, of more than a band."""
    values = np.random.default_rng(8).integers(0, 65536, (1500, 1300, 3), dtype=np.uint16)
    for rows in (1500, 750, 1499):
        assert np.array_equal(
            open_frame(tiff(values, Layout(rows=rows))).rgb, np.rint(values / 257).astype(np.uint8)
        )


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("tiff16_fourth_channel/mask16.tif", "mask16.want.png"),
        ("tiff16_fourth_channel/mask8_twin.tif", "mask16.want.png"),
        ("tiff16_orientation/o3.tif", "o3.want.png"),
        ("tiff16_planar/planar.tif", "planar.want.png"),
        ("tiff16_white_is_zero/wiz.tif", "wiz.want.png"),
    ],
)
def test_shared_case(name: str, wanted: str) -> None:
    path = shared(*CASES, *name.split("/"))
    with Image.open(path.with_name(wanted)) as image:
        assert np.array_equal(open_frame(path).rgb, np.asarray(image.convert("RGB")))


SMALL = testing.photo(12, 9)
NIKON = ((254, 4, (1,)), (271, 2, tuple(b"NIKON\0")))
PREVIEW, PAGE = ((254, 4, (1,)),), ((254, 4, (2,)),)


def test_a_preview_gives_way_to_the_full_picture() -> None:
    full = Layout(compression=LZW)
    for preview in (Layout(more=PREVIEW), Layout(more=((255, 3, (2,)),))):
        for pages in ([(SMALL, preview), (PHOTO, full)], [(PHOTO, full), (SMALL, preview)]):
            frame = open_frame(tiff_of_pages(pages))
            assert np.array_equal(frame.rgb, PHOTO)
            assert (frame.header.frames, frame.warnings) == (1, ())
    hidden = tiff_of_pages([(SMALL, Layout(more=PREVIEW)), (PHOTO, full)], inside_first=[1])
    assert np.array_equal(open_frame(hidden).rgb, PHOTO)


def test_a_thumbnail_that_nobody_declares_gives_way_and_a_page_does_not() -> None:
    small = PHOTO[: 36 // 2 * 2 : 3, ::3][:12, :15]
    frame = open_frame(tiff_of_pages([(small, Layout()), (PHOTO[:36], Layout())]))
    assert frame.rgb.shape == (36, 45, 3)
    pages = tiff_of_pages([(PHOTO[:20], Layout(more=PAGE)), (PHOTO, Layout(more=PAGE))])
    frame = open_frame(pages)
    assert frame.rgb.shape == (20, 45, 3)
    assert (frame.header.frames, frame.warnings) == (2, ("more_images",))


def test_a_preview_of_few_bits_gives_way_in_pillows_formats_too() -> None:
    stream = io.BytesIO()
    Image.fromarray(SMALL).save(
        stream,
        "TIFF",
        save_all=True,
        append_images=[Image.fromarray(PHOTO)],
        compression="jpeg",
        quality=95,
        tiffinfo={254: 0},
    )
    data = bytearray(stream.getvalue())
    with Image.open(stream) as image:
        start = image.tag_v2.offset
    at = data.index(b"\xfe\0\4\0\1\0\0\0", start)
    data[at + 8] = 1
    frame = open_frame(bytes(data))
    assert frame.rgb.shape == PHOTO.shape
    assert np.abs(frame.rgb.astype(int) - PHOTO).mean() < 12


@pytest.mark.parametrize(
    ("pages", "words"),
    [
        (
            [(SMALL, Layout(more=PREVIEW)), (PHOTO[..., 0], Layout(32803))],
            r"camera raw \(a sensor's mosaic\)",
        ),
        ([(SMALL, Layout(more=NIKON)), (PHOTO[..., 0], Layout(32803))], "Nikon NEF"),
        ([(PHOTO, Layout(more=((50706, 1, (1, 4, 0, 0)),)))], "DNG"),
        ([(SMALL, Layout(more=PREVIEW))], "only a preview"),
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_camera_raw_is_named(pages: list[tuple[np.ndarray, Layout]], words: str, inside: bool) -> None:
    data = tiff_of_pages(pages, inside_first=[1] if inside and len(pages) > 1 else [])
    with pytest.raises(ImageError, match=words) as caught:
        open_frame(data)
    assert caught.value.reason == "unsupported"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (34712, "JPEG 2000"),
        (33005, "JPEG 2000"),
        (34887, "LERC"),
        (50002, "JPEG XL"),
        (34934, "JPEG XR"),
        (50001, "WebP"),
        (34661, "JBIG"),
        (12345, "compression 12345"),
    ],
)
@pytest.mark.parametrize("samples", [PHOTO, in_depth(PHOTO, 16)])
def test_a_compression_that_cannot_be_read_is_named(number: int, words: str, samples: np.ndarray) -> None:
    with pytest.raises(ImageError, match=f"a TIFF of RGB of .* bits in {words}") as caught:
        open_frame(tiff(samples, Layout(compression=number)))
    assert caught.value.reason == "unsupported"


def test_shared_cases_of_wrong_reasons() -> None:
    folder = shared(*CASES, "wrong_reason")
    with pytest.raises(ImageError, match=r"unsupported.*JPEG 2000"):
        open_frame(folder / "tif8_jpeg2000.tif")
    assert open_frame(folder / "tif_thumb_first.tif").rgb.shape == (120, 160, 3)
