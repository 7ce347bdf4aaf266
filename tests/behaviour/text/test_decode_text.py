"""Text files come in the encodings of the programs that wrote them, and none becomes nonsense in silence."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.text.decode_text import WINDOWS, decode_text

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff"), max_size=40)


@given(WORDS)
def test_every_encoding_with_a_mark_gives_the_text_that_was_written(text: str) -> None:
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        assert decode_text(text.encode(encoding)).text == text
    big_endian = codecs.BOM_UTF16_BE + text.encode("utf-16-be")
    assert decode_text(big_endian).text == text


@given(WORDS)
def test_utf_8_without_a_mark_is_utf_8(text: str) -> None:
    assert decode_text(text.encode()) == (text, "utf-8")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40))
def test_utf_16_without_a_mark_is_seen_by_its_zeros(text: str) -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        assert decode_text(text.encode(encoding)).text == text


def test_western_text_of_old_windows_is_read_and_named() -> None:
    text = "Ein Café in Köln – “schön” für 5 €"
    assert decode_text(text.encode(WINDOWS)) == (text, WINDOWS)


@pytest.mark.parametrize(
    "data",
    [
        "Кошка на окне".encode("cp1251"),
        "窓辺の猫".encode("shift_jis"),
        "窗边的猫".encode("gbk"),
        "a cat".encode("utf-16")[:-1],
        b"\xef\xbb\xbfcaf\xe9",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    ],
)
def test_what_cannot_be_told_is_refused_and_not_guessed(data: bytes) -> None:
    with pytest.raises(ValueError, match="it "):
        decode_text(data)


def test_two_marks_are_both_taken_off() -> None:
    assert decode_text(codecs.BOM_UTF8 * 2 + b"a cat").text == "a cat"
