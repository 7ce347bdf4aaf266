"""Archives that were joined, cut off or packed by others: what can be read is, and a note or a hint says the rest.

Every command that a hint names is run here, where its program is installed.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from archives import make_tar, make_zip, reasons, rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundglass import testing
from groundglass.errors import RecipeError
from groundglass.files.locators import read
from groundglass.sources.archive import find_archives, look_into_archives
from groundglass.sources.folder import look_into_folders
from patience import STOPS_A_HANG

PNG = testing.png(testing.flat(8, 8))


def members(*names: str) -> list[tuple[str, bytes]]:
    return [(name, name.encode()) for name in names]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(counts=st.lists(st.integers(0, 4), min_size=1, max_size=4), zeros=st.integers(0, 5000))
def test_joined_tars_are_one_archive(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], zeros: int
) -> None:
    place = tmp_path_factory.mktemp("joined")
    parts = [
        make_tar(place / f"{part}.tar", members(*(f"{part}-{n}.jpg" for n in range(count)))).read_bytes()
        for part, count in enumerate(counts)
    ]
    joined = place / "joined.tar"
    joined.write_bytes(bytes(512 * zeros).join(parts))
    found = look_into_archives([str(joined)])
    names = [f"{part}-{n}.jpg" for part, count in enumerate(counts) for n in range(count)]
    assert [image.uri for image in found.images] == [f"joined.tar/{name}" for name in sorted(names)]
    assert all(read(image.member.locator) == image.member.name.encode() for image in found.images)
    assert found.notes == ()


def test_what_follows_the_end_mark_and_is_no_tar_is_said(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "t.tar", members("a.jpg"))
    path.write_bytes(path.read_bytes() + b"not a tar" * 100)
    found = look_into_archives([str(path)])
    assert [image.member.error for image in found.images] == [None]
    assert found.notes == (
        "t.tar: the data after its end mark, at 10,240 bytes, is not a tar and is left out",
    )


def test_a_joined_tar_that_is_cut_off_keeps_what_is_whole(tmp_path: Path) -> None:
    first, second = (make_tar(tmp_path / f"{n}.tar", members(f"{n}.jpg", f"{n}b.jpg")) for n in (1, 2))
    path = tmp_path / "both.tar"
    path.write_bytes(first.read_bytes() + second.read_bytes()[: 1024 + 512 + 3])
    found = reasons(rows(path))
    assert {uri for uri, error in found.items() if error is None} == {
        "both.tar/1.jpg",
        "both.tar/1b.jpg",
        "both.tar/2.jpg",
    }
    assert "truncated" in found.values()


def test_a_tar_that_ends_between_two_members_is_said(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "t.tar", members("a.jpg", "b.jpg"))
    os.truncate(path, 1024)
    found = look_into_archives([str(path)])
    assert [image.uri for image in found.images] == ["t.tar/a.jpg"]
    assert found.notes == ("t.tar has no end mark: it may have been cut off",)


def command_in(text: str) -> str:
    """The command that a hint or a note names."""
    found = re.search(r"(?:unpack it first: (.*?); then )|(?:unpack it \((.*?)\) and write)", text)
    assert found, text
    return found[1] or found[2]


def do(command: str) -> None:
    program = command.split()[0]
    if shutil.which(program) is None:
        pytest.skip(f"needs {program}")
    subprocess.run(command, shell=True, check=True, capture_output=True, timeout=STOPS_A_HANG)


def zstd(data: bytes) -> bytes:
    if shutil.which("zstd") is None:
        pytest.skip("needs zstd")
    return subprocess.run(["zstd", "-c"], input=data, capture_output=True, check=True).stdout


PACKERS: dict[str, tuple[Callable[[bytes], bytes], list[str]]] = {
    "gzip": (gzip.compress, ["t.tar.gz", "t.tgz", "t.tar", "t", "T.TAR.GZ"]),
    "bzip2": (bz2.compress, ["t.tar.bz2", "t.tbz2", "t.tar", "t"]),
    "xz": (lzma.compress, ["t.tar.xz", "t.txz", "t.tar", "t"]),
    "zstd": (zstd, ["t.tar.zst", "t.tar", "t"]),
}


@pytest.mark.parametrize(
    ("packer", "name"), [(p, name) for p, (_, names) in PACKERS.items() for name in names]
)
@pytest.mark.parametrize("folder", ["plain", "it's a $folder"])
def test_the_command_for_a_compressed_tar_works(tmp_path: Path, packer: str, name: str, folder: str) -> None:
    place = tmp_path / folder
    place.mkdir()
    whole = make_tar(tmp_path / "whole.tar", [("a.jpg", PNG)]).read_bytes()
    packed = place / name
    packed.write_bytes(PACKERS[packer][0](whole))
    with pytest.raises(RecipeError) as caught:
        find_archives([str(packed)])
    do(command_in(caught.value.hint))
    made = [path for path in place.iterdir() if path != packed]
    assert [path.read_bytes() for path in made] == [whole]
    assert packed.exists()
    assert len(look_into_archives([str(made[0])]).images) == 1


@pytest.mark.parametrize(("head", "program"), [(b"7z\xbc\xaf\x27\x1c", "7z x"), (b"Rar!\x1a\7\0", "unrar x")])
def test_what_is_no_tar_is_unpacked_into_a_new_folder(tmp_path: Path, head: bytes, program: str) -> None:
    path = tmp_path / "a.7z"
    path.write_bytes(head + bytes(600))
    (tmp_path / "a").mkdir()
    with pytest.raises(RecipeError) as caught:
        find_archives([str(path)])
    assert program in caught.value.hint
    assert f"then write folder: {tmp_path / 'a-2'}" in caught.value.hint, (
        "nothing is unpacked over what is there"
    )


def test_the_command_for_other_packing_works(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "m.zip", [("a.jpg", PNG)], zipfile.ZIP_BZIP2)
    found = look_into_archives([str(path)])
    assert [image.member.error for image in found.images] == ["unsupported"]
    (note,) = found.notes
    assert note.startswith("of m.zip 1 are compressed by a method")
    do(command_in(note))
    (folder,) = re.findall(r"write folder: (.*)", note)
    assert [image.member.error for image in look_into_folders([folder]).images] == [None]


@pytest.mark.parametrize(
    ("flags", "method", "program"), [(1, 8, "unzip"), (1, 99, "7z"), (0, 9, "unzip"), (0, 14, "7z")]
)
def test_a_zip_for_other_programs_names_one_that_reads_it(
    tmp_path: Path, flags: int, method: int, program: str
) -> None:
    path = make_zip(tmp_path / "e.zip", [("a.jpg", PNG)])
    data = bytearray(path.read_bytes())
    for signature, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        start = data.index(signature) + at
        data[start : start + 4] = struct.pack("<HH", flags, method)
    path.write_bytes(data)
    found = look_into_archives([str(path)])
    assert [image.member.error for image in found.images] == ["unreadable" if flags else "unsupported"]
    assert command_in(found.notes[0]).startswith(program)
