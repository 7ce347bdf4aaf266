"""A release that is killed, starved of disk or interrupted goes on and comes out the same."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from making import CONTEXT, make_photographs, make_rows

from groundglass.engines.shards import Settings
from groundglass.errors import RecipeError, UnreachableError
from groundglass.releases import release
from groundglass.releases.file_layout import plan_files
from groundglass.releases.journal import INCOMPLETE, PARTS, claimed, content_key
from groundglass.releases.release import write_release
from groundglass.releases.verify import verify_release
from groundglass.releases.write_job import Write
from groundglass.releases.writers import writer
from groundglass.releases.writers.folder import FolderRelease
from groundglass.releases.writers.paired import PairedRelease

STEP = PairedRelease(lr_scales=(2, 4), names="keep", archive="zip")
PHOTOGRAPHS = 24
TILES = tuple(f"crop({x},{y},96,96)" for y in (0, 64) for x in (0, 64, 96))
DRIVER = """
import sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, {tests!r})
from making import CONTEXT, make_rows
from groundglass.engines.shards import Settings
from groundglass.releases.release import write_release
from test_resume import PHOTOGRAPHS, STEP, TILES
if __name__ == "__main__":
    if len(sys.argv) > 3:
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
    paths = [Path(sys.argv[1]) / f"p{{n}}.png" for n in range(PHOTOGRAPHS)]
    context = replace(CONTEXT, settings=Settings(workers=2, shard=2))
    write_release(Path(sys.argv[2]), make_rows(paths, TILES), STEP, context)
"""


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    make_photographs(folder, PHOTOGRAPHS, 200, 170)
    return folder


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    script = tmp_path_factory.mktemp("driver") / "driver.py"
    script.write_text(DRIVER.format(tests=str(Path(__file__).parent)))
    return script


@pytest.fixture(scope="module")
def undisturbed(photographs, driver, tmp_path_factory):
    """The release as it comes out when nothing happens."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    subprocess.run([sys.executable, driver, photographs, out], check=True)
    return out


def kill_when(count: int, command: list[object], folder: Path) -> int:
    """Run a command and kill it, alone and at once, when ``folder`` holds ``count`` pictures; its exit code."""
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        if sum(1 for _ in folder.rglob("*.png")) >= count:
            os.kill(process.pid, signal.SIGKILL)
            break
        time.sleep(0.002)
    return process.wait()


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 8))])
def test_killed_at_random_moments_it_comes_out_the_same(photographs, driver, undisturbed, tmp_path, seed):
    total = PHOTOGRAPHS * len(TILES) * 3
    out = tmp_path / "out"
    command = [sys.executable, driver, photographs, out]
    for count in sorted(random.Random(seed).sample(range(1, 3 * total // 4), 3)):
        assert kill_when(count, command, out) == -signal.SIGKILL
        assert verify_release(out) == ["the release is not finished: run the same command again"]
    subprocess.run(command, check=True)
    assert (out / "SHA256SUMS").read_text() == (undisturbed / "SHA256SUMS").read_text()
    assert verify_release(out) == []
    assert out.with_suffix(".zip").read_bytes() == undisturbed.with_suffix(".zip").read_bytes()
    assert not [path for path in out.rglob("*") if path.name.startswith(".")]


def test_a_full_disk_stops_it_with_what_to_do_and_it_goes_on(photographs, driver, undisturbed, tmp_path):
    out = tmp_path / "out"
    small = subprocess.run(
        [sys.executable, driver, photographs, out, "12000"], capture_output=True, text=True, check=False
    )
    assert small.returncode != 0
    assert "UnreachableError" in small.stderr
    assert (out / INCOMPLETE).exists()
    subprocess.run([sys.executable, driver, photographs, out], check=True)
    assert (out / "SHA256SUMS").read_text() == (undisturbed / "SHA256SUMS").read_text()


def test_what_was_written_before_the_disk_was_full_is_kept(photographs, tmp_path, monkeypatch):
    rows = make_rows([photographs / f"p{n}.png" for n in range(2)], TILES)
    out = tmp_path / "out"
    job = Write(out, out / PARTS)
    write_bytes, written = Path.write_bytes, []

    def until_full(path: Path, data: bytes) -> int:
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        return write_bytes(path, data)

    monkeypatch.setattr(Path, "write_bytes", until_full)
    result = job.one(plan_files(rows, FolderRelease())[0])
    assert len(result.rows) == 3
    with pytest.raises(UnreachableError, match="No space left") as raised:
        job.save([result])
    assert raised.value.exit_code == 3
    assert len(list((out / PARTS).glob("part-*.parquet"))) == 1
    assert not list(out.rglob(".*.tmp"))


def test_an_interrupted_release_says_so_and_what_is_there_is_not_written_again(photographs, tmp_path):
    out = tmp_path / "out"
    paths = [photographs / f"p{n}.png" for n in range(4)]
    rows = make_rows(paths, TILES)
    away = [path.rename(path.with_suffix(".away")) for path in paths[2:]]
    with pytest.raises(KeyboardInterrupt):
        write_release(out, rows, STEP, replace(CONTEXT, progress=StopAtTheEnd()))
    for path in away:
        path.rename(path.with_suffix(".png"))
    assert "not finished" in (out / INCOMPLETE).read_text()
    assert verify_release(out) == ["the release is not finished: run the same command again"]
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    assert before
    facts = write_release(out, rows, STEP, CONTEXT)
    assert facts.resumed == 2 * len(TILES)
    assert facts.failed == ()
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert verify_release(out) == []


class StopAtTheEnd:
    """Lets every shard be saved and then stops the release as Ctrl-C would."""

    def begin(self, total: int) -> None: ...
    def add(self, summary: object) -> None: ...
    def tick(self, under_way: int) -> None: ...

    def end(self) -> None:
        raise KeyboardInterrupt


def test_a_file_damaged_in_between_is_written_again(photographs, tmp_path):
    out = tmp_path / "out"
    rows = make_rows([photographs / "p0.png", photographs / "p1.png"])
    with pytest.raises(KeyboardInterrupt):
        write_release(out, rows, FolderRelease(), replace(CONTEXT, progress=StopAtTheEnd()))
    damaged = out / "images" / "0001.png"
    content = damaged.read_bytes()
    damaged.write_bytes(content[:200] + bytes([content[200] ^ 1]) + content[201:])
    assert write_release(out, rows, FolderRelease(), CONTEXT).resumed == 1
    assert damaged.read_bytes() == content


@pytest.mark.parametrize("last_act", ["write_meta_info", "write_checksums", "write_archive", "close"])
def test_stopped_in_its_last_acts_it_writes_no_picture_again(photographs, tmp_path, monkeypatch, last_act):
    out = tmp_path / "out"
    rows = make_rows([photographs / "p0.png", photographs / "p1.png"])
    step = FolderRelease(archive="zip")
    write_release(tmp_path / "reference", rows, step, CONTEXT)
    with monkeypatch.context() as patch:
        patch.setattr(writer if last_act == "write_meta_info" else release, last_act, interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_release(out, rows, step, CONTEXT)
    assert (out / INCOMPLETE).exists()
    (tmp_path / ".out.zip.0123abcd.tmp").write_text("what a killed archiver leaves")
    assert write_release(out, rows, step, CONTEXT).resumed == 2
    assert (out / "SHA256SUMS").read_text() == (tmp_path / "reference" / "SHA256SUMS").read_text()
    assert verify_release(out) == []
    assert not list(tmp_path.glob(".*"))


def interrupted(*args: object, **settings: object) -> None:
    raise KeyboardInterrupt


def test_another_content_does_not_go_on_in_its_folder(photographs, tmp_path):
    out = tmp_path / "out"
    rows = make_rows([photographs / "p0.png", photographs / "p1.png"])
    with pytest.raises(KeyboardInterrupt):
        write_release(out, rows, FolderRelease(), replace(CONTEXT, progress=StopAtTheEnd()))
    for other, step in ((rows.slice(0, 1), FolderRelease()), (rows, FolderRelease(names="hash"))):
        with pytest.raises(RecipeError, match="other content"):
            write_release(out, other, step, CONTEXT)


def test_two_processes_do_not_write_one_release(photographs, tmp_path):
    rows = make_rows([photographs / "p0.png"])
    key = content_key(rows, FolderRelease(), CONTEXT.name)
    with claimed(tmp_path / "out", key, None), pytest.raises(RecipeError, match="another process"):
        write_release(tmp_path / "out", rows, FolderRelease(), CONTEXT)


def test_workers_and_shards_do_not_change_a_byte(photographs, tmp_path):
    rows = make_rows([photographs / f"p{n}.png" for n in range(5)], TILES)
    for name, settings in (("a", Settings(workers=1, shard=100)), ("b", Settings(workers=3, shard=1))):
        write_release(tmp_path / name, rows, FolderRelease(), replace(CONTEXT, settings=settings))
    assert (tmp_path / "a" / "SHA256SUMS").read_text() == (tmp_path / "b" / "SHA256SUMS").read_text()
