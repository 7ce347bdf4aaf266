"""The colours that AV1 and HEVC state inside their coded data, for files that do not state them outside it.

AV1: sequence header, section 5.5 of its specification. HEVC: the sequence parameter set's VUI, ITU-T H.265 annex E.
"""

from __future__ import annotations

from collections.abc import Sequence

from groundglass.image.codecs.stated_colour import StatedColour, of_code_points


def of_configuration(properties: Sequence[tuple[bytes, bytes]], data: bytes) -> StatedColour | None:
    """The colours by the boxes av1C or hvcC among the properties; ``data``: the whole file."""
    try:
        for kind, content in properties:
            if kind == b"hvcC":
                return _of_hevc(content)
            if kind == b"av1C":
                return _of_av1(content[4:]) or _of_av1(_media(data))
    except _Ended:
        return None
    return None


class _Ended(Exception):
    """The bits end too early."""


class _Bits:
    """Takes numbers from bytes, highest bits first."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> int:
        end = self.at + count
        if end > 8 * len(self.data):
            raise _Ended
        first, last = self.at // 8, (end + 7) // 8
        value = int.from_bytes(self.data[first:last], "big") >> (8 * last - end)
        self.at = end
        return value & ((1 << count) - 1)

    def exp_golomb(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
            # No number of the standard is longer: damaged bytes must not become a huge number.
            if zeros > 32:
                raise _Ended
        return (1 << zeros) - 1 + self.take(zeros)


def _media(data: bytes) -> bytes:
    """The coded data after the head of the first mdat box, at most 64 KiB."""
    at = data.find(b"mdat")
    return data[at + 4 : at + 4 + 65536] if at >= 0 else b""


_SEQUENCE_HEADER, _TEMPORAL_DELIMITER = 1, 2


def _of_av1(units: bytes) -> StatedColour | None:
    """The colours by the first sequence header among AV1's open bitstream units."""
    at = 0
    while at < len(units):
        kind, extended, sized = units[at] >> 3 & 15, units[at] & 4, units[at] & 2
        at += 2 if extended else 1
        if kind not in (_SEQUENCE_HEADER, _TEMPORAL_DELIMITER) or not sized:
            return None
        size, shift = 0, 0
        while at < len(units):
            size |= (units[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if not units[at - 1] & 128:
                break
        if kind == _SEQUENCE_HEADER:
            return _of_sequence_header(_Bits(units[at : at + size]))
        at += size
    return None


def _of_sequence_header(bits: _Bits) -> StatedColour | None:
    profile = bits.take(3)
    bits.take(1)
    if bits.take(1):  # reduced: a still image
        bits.take(5)
        _skip_sizes(bits, may_have_ids=False)
        bits.take(3)  # superblocks, intra filter, intra edges
    else:
        _skip_operating_points(bits)
        _skip_sizes(bits, may_have_ids=True)
        bits.take(3)
        _skip_tools(bits)
    bits.take(3)  # superres, cdef, restoration
    return _of_colour_config(bits, profile)


def _skip_operating_points(bits: _Bits) -> None:
    decoder_model, delay_bits = 0, 0
    if bits.take(1):  # timing
        bits.take(64)
        if bits.take(1):
            bits.exp_golomb()
        decoder_model = bits.take(1)
        if decoder_model:
            delay_bits = bits.take(5) + 1
            bits.take(42)
    delays = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if decoder_model and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if delays and bits.take(1):
            bits.take(4)


def _skip_sizes(bits: _Bits, may_have_ids: bool) -> None:
    width, height = bits.take(4) + 1, bits.take(4) + 1
    bits.take(width + height)
    if may_have_ids and bits.take(1):
        bits.take(7)


def _skip_tools(bits: _Bits) -> None:
    bits.take(4)
    order_hint = bits.take(1)
    if order_hint:
        bits.take(2)
    screen_content = 2 if bits.take(1) else bits.take(1)
    if screen_content > 0 and not bits.take(1):
        bits.take(1)
    if order_hint:
        bits.take(3)


def _of_colour_config(bits: _Bits, profile: int) -> StatedColour | None:
    high = bits.take(1)
    if profile == 2 and high:
        bits.take(1)
    if profile != 1:
        bits.take(1)  # monochrome
    return of_code_points(bits.take(8), bits.take(8), bits.take(8), where="AV1") if bits.take(1) else None


_SPS = 33


def _of_hevc(configuration: bytes) -> StatedColour | None:
    """The colours by the first sequence parameter set of an hvcC box."""
    at = 23
    for _ in range(configuration[22] if len(configuration) > 22 else 0):
        kind, count = (
            configuration[at] & 63 if at < len(configuration) else 0,
            int.from_bytes(configuration[at + 1 : at + 3], "big"),
        )
        at += 3
        for _ in range(count):
            length = int.from_bytes(configuration[at : at + 2], "big")
            if kind == _SPS:
                # A byte 3 after two zeros is stuffing, so that no start code appears inside a unit.
                unit = configuration[at + 4 : at + 2 + length]
                return _of_parameter_set(_Bits(unit.replace(b"\0\0\3", b"\0\0")))
            at += 2 + length
    return None


def _of_parameter_set(bits: _Bits) -> StatedColour | None:
    bits.take(4)
    layers = bits.take(3)
    bits.take(1)
    _skip_profile(bits, layers)
    bits.exp_golomb()
    chroma = bits.exp_golomb()
    if chroma == 3:
        bits.take(1)
    _skip_numbers(bits, 2)
    if bits.take(1):  # conformance window
        _skip_numbers(bits, 4)
    _skip_numbers(bits, 2)
    order_bits = bits.exp_golomb() + 4
    _skip_numbers(bits, 3 * (layers + 1 if bits.take(1) else 1))
    _skip_numbers(bits, 6)
    if bits.take(1) and bits.take(1):
        _skip_scaling_lists(bits)
    bits.take(2)
    if bits.take(1):  # PCM
        bits.take(8)
        _skip_numbers(bits, 2)
        bits.take(1)
    _skip_reference_sets(bits)
    if bits.take(1):  # long-term references
        for _ in range(bits.exp_golomb()):
            bits.take(order_bits + 1)
    bits.take(2)
    return _of_vui(bits) if bits.take(1) else None


def _skip_profile(bits: _Bits, layers: int) -> None:
    bits.take(96)
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    if layers:
        bits.take(2 * (8 - layers))
    for profile, level in present:
        bits.take(88 * profile + 8 * level)


def _skip_numbers(bits: _Bits, count: int) -> None:
    for _ in range(count):
        bits.exp_golomb()


def _skip_scaling_lists(bits: _Bits) -> None:
    for size in range(4):
        for _ in range(2 if size == 3 else 6):
            if bits.take(1):
                _skip_numbers(bits, min(64, 1 << (4 + 2 * size)) + (size > 1))
            else:
                bits.exp_golomb()


def _skip_reference_sets(bits: _Bits) -> None:
    references = 0
    for number in range(min(bits.exp_golomb(), 64)):
        if number and bits.take(1):  # predicted from the set before
            bits.take(1)
            bits.exp_golomb()
            references = sum(1 for _ in range(references + 1) if bits.take(1) or bits.take(1))
        else:
            negative, positive = bits.exp_golomb(), bits.exp_golomb()
            references = negative + positive
            for _ in range(references):
                bits.exp_golomb()
                bits.take(1)


def _of_vui(bits: _Bits) -> StatedColour | None:
    if bits.take(1) and bits.take(8) == 255:  # aspect ratio in numbers
        bits.take(32)
    if bits.take(1):
        bits.take(1)
    if not bits.take(1):
        return None
    bits.take(4)  # the video's format, and its range, which the decoder applies
    return of_code_points(bits.take(8), bits.take(8), bits.take(8), where="HEVC") if bits.take(1) else None
