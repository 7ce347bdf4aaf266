"""Weights on this machine: which files are meant, and what is refused before anything is loaded."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pytest

from groundglass.errors import RecipeError
from groundglass.files.hash_cache import remembered_sha256
from groundglass.models.find_weights import find_weights
from groundglass.models.safetensors_header import shapes_of


def safetensors(path: Path, shape: tuple[int, ...] = (2, 3), cut: int = 0) -> Path:
    """A file with one tensor of zeros, ``cut`` bytes short."""
    count = 4 * shape[0] * shape[1]
    header = {"fc.weight": {"dtype": "F32", "shape": shape, "data_offsets": [0, count]}}
    text = json.dumps(header).encode()
    whole = struct.pack("<Q", len(text)) + text + bytes(count)
    path.write_bytes(whole[: len(whole) - cut])
    return path


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_one_file(tmp_path: Path):
    path = safetensors(tmp_path / "a.safetensors")
    found = find_weights(str(path))
    assert (found.origin, found.revision, found.path, found.absent) == ("a.safetensors", "", path, ())
    assert found.sha256 == remembered_sha256(path)
    assert shapes_of(path) == {"fc.weight": (2, 3)}


def test_the_one_file_of_a_folder(tmp_path: Path):
    folder = tmp_path / "net"
    folder.mkdir()
    path = safetensors(folder / "a.safetensors")
    (folder / "a.pth").write_bytes(b"a pickle")
    assert find_weights(str(folder)).path == path
    safetensors(folder / "b.safetensors")
    with pytest.raises(RecipeError, match="2 files of weights"):
        find_weights(str(folder))


@pytest.mark.parametrize("cut", [1, 24, 60])
def test_a_truncated_file_is_refused(tmp_path: Path, cut: int):
    path = safetensors(tmp_path / "a.safetensors", cut=cut)
    with pytest.raises(RecipeError, match=r"truncated|cut off"):
        find_weights(str(path))


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 a pickle in disguise", b"\xff" * 100, b"\x02\0\0\0\0\0\0\0[]"]
)
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match="not a safetensors file"):
        find_weights(str(path))


def test_a_pickle_needs_leave(tmp_path: Path):
    path = tmp_path / "a.pth"
    path.write_bytes(b"a pickle")
    with pytest.raises(RecipeError, match="is a pickle") as caught:
        find_weights(str(path))
    assert "allow_pickle: true" in caught.value.hint
    assert find_weights(str(path), allow_pickle=True).path == path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no weights are given"),
        ("nowhere.safetensors", "no weights nowhere"),
        ("owner/name", "no weights owner/name"),
    ],
)
def test_what_is_not_there(text: str, said: str):
    with pytest.raises(RecipeError, match=said) as caught:
        find_weights(text)
    assert "OWNER/NAME@REVISION" in caught.value.hint


def test_a_folder_without_weights(tmp_path: Path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(RecipeError, match="holds no weights"):
        find_weights(str(tmp_path), ("*.json", "*.safetensors"))


@pytest.mark.parametrize("spoil", [b"", b"\xff", b"0" * 64, None])
def test_a_note_of_a_hash_that_was_damaged_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: bytes | None
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "weights.onnx"
    path.write_bytes(b"weights")
    right = remembered_sha256(path)
    (note,) = (tmp_path / "cache").rglob("sha256/*")
    flipped = bytes([note.read_bytes()[0] ^ 1]) + note.read_bytes()[1:]
    note.write_bytes(flipped if spoil is None else spoil)
    assert remembered_sha256(path) == right == remembered_sha256(path)


def test_a_hash_is_remembered_until_the_file_changes(tmp_path: Path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"one")
    first, about = remembered_sha256(path), path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert remembered_sha256(path) == first  # same size, same time: it was not read again
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns + 1))
    assert remembered_sha256(path) != first
