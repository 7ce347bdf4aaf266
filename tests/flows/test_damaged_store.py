"""A store is a cache: whatever becomes of it, the release is the same, and the damaged file is named."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flow_tools import groundglass, picture

from groundglass.tables import parts
from shared_data import shared

RECIPE = """name: small
steps:
  - source: {folder: photos, licence: CC0-1.0}
  - measure: [header, blockiness, sharpness]
  - select: {where: "tenengrad > %d"}
  - transform: {tile: 64}
  - select: {deduplicate: exact}
  - release: {format: folder, image: png}
"""


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_AGAIN", 0)


def run(folder: Path, limit: int, number: int) -> tuple[str, str]:
    """The checksums of the release of a run, and what it said."""
    (folder / "small.yaml").write_text(RECIPE % limit)
    done = groundglass(folder, "run", "small.yaml")
    assert done.returncode == 0, done.stderr
    sums = (folder / f"runs/small/{number:04d}/release/SHA256SUMS").read_text()
    return "".join(line for line in sums.splitlines(True) if "images/" in line), done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    (folder / "photos").mkdir()
    for seed in range(5):
        (folder / f"photos/{seed}.png").write_bytes(picture(160, 130, seed))
    run(folder, 1, 1)
    return folder


def store_parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("runs/small/store/**/part-*.parquet"))


@pytest.mark.parametrize("how", ["one bit", "cut off", "empty", "foreign", "gone", "all gone"])
def test_a_damaged_store_changes_no_release(made: Path, tmp_path: Path, how: str) -> None:
    clean, spoilt = tmp_path / "clean", tmp_path / "spoilt"
    for folder in (clean, spoilt):
        shutil.copytree(made, folder)
    right, _ = run(clean, 2, 2)
    rng = random.Random(how)
    damaged = [part for part in store_parts(spoilt) if rng.random() < 0.6]
    assert damaged
    for part in damaged:
        content = bytearray(part.read_bytes())
        if how == "one bit":
            bit = rng.randrange(8 * len(content))
            content[bit // 8] ^= 1 << bit % 8
            part.write_bytes(content)
        elif how == "gone":
            part.unlink()
        else:
            part.write_bytes(
                {"cut off": content[: len(content) // 2], "empty": b""}.get(how, b"PAR1 of another")
            )
    if how == "all gone":
        shutil.rmtree(spoilt / "runs/small/store")
    found, told = run(spoilt, 2, 2)
    assert found == right
    if "gone" not in how:
        named = [part.name for part in damaged if part.name in told]
        assert named, told
        assert "damaged" in told
    again, told = run(spoilt, 2, 3)
    assert again == right
    assert "damaged" not in told


def linked(part: Path) -> None:
    part.unlink()
    part.symlink_to(part.name)


def foldered(part: Path) -> None:
    part.unlink()
    part.mkdir()
    (part / "x").write_text("x")


def summed_by_a_folder(part: Path) -> None:
    sums = part.with_name(part.name + ".sum")
    sums.unlink()
    sums.mkdir()


def summed_by_nonsense(part: Path) -> None:
    part.with_name(part.name + ".sum").write_text("[" * 100_000)


def retyped(part: Path) -> None:
    """As another program would write it: its numbers as text, and no sums."""
    table = pq.read_table(part)
    as_text = {f.name: pa.binary() if pa.types.is_binary(f.type) else pa.string() for f in table.schema}
    pq.write_table(table.cast(pa.schema(as_text)), part)
    part.with_name(part.name + ".sum").unlink()


def folder_gone(part: Path) -> None:
    shutil.rmtree(part.parent)
    part.parent.write_text("x")


def all_columns_flipped(part: Path) -> None:
    """One bit in each column's bytes."""
    content = bytearray(part.read_bytes())
    group = pq.read_metadata(part).row_group(0)
    for number in range(group.num_columns):
        chunk = group.column(number)
        start = chunk.dictionary_page_offset or chunk.data_page_offset
        content[start + chunk.total_compressed_size // 2] ^= 1
    part.write_bytes(content)


OTHERWISE = (
    linked,
    foldered,
    summed_by_a_folder,
    summed_by_nonsense,
    retyped,
    folder_gone,
    all_columns_flipped,
)


def values(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """All that the store has measured, by measure."""
    found: dict[str, list[dict[str, Any]]] = {}
    for part in store_parts(folder):
        if part.parent.parent.name == "measures":
            found.setdefault(part.parent.name, []).extend(pq.read_table(part).to_pylist())
    return {key: sorted(rows, key=str) for key, rows in found.items()}


@pytest.mark.parametrize("damage", OTHERWISE)
def test_whatever_is_in_a_parts_place_it_is_measured_again(
    made: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """Also the measures that no selection reads; each is there again after one run, and it ends as well as ever."""
    folder = tmp_path / "spoilt"
    shutil.copytree(made, folder)
    right = values(folder)
    spared = ("files", "thumbnail-1")  # the latter holds no numbers that could be text
    damaged = [part for part in store_parts(folder) if part.parent.name not in spared]
    for part in damaged:
        damage(part)
    _, said = run(folder, 1, 2)
    assert values(folder) == right
    for part in damaged:
        assert (part.parent.name if damage is folder_gone else part.name) in said


def test_measures_that_changed_places_are_measured_again(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "spoilt"
    shutil.copytree(made, folder)
    right = values(folder)
    one, other = (
        next(folder.glob(f"runs/small/store/measures/{name}-*")) for name in ("blockiness", "sharpness")
    )
    one.rename(tmp_path / "one")
    other.rename(one)
    (tmp_path / "one").rename(other)
    run(folder, 1, 2)
    assert values(folder) == right


@pytest.mark.parametrize("command", [("why", "small", "0.png"), ("report", "small"), ("show", "small")])
def test_what_looks_at_a_run_names_the_damaged_part_and_goes_on(
    made: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    folder = tmp_path / "spoilt"
    shutil.copytree(made, folder)
    part = max(
        folder.glob("runs/small/store/measures/sharpness-*/part-*.parquet"), key=lambda p: p.stat().st_size
    )
    part.write_bytes(part.read_bytes()[:200])
    done = groundglass(folder, *command)
    assert done.returncode == 0, done.stderr
    if command[0] != "show":
        assert part.name in done.stderr


def test_a_part_cut_off_after_a_power_cut(tmp_path: Path) -> None:
    case = shared("..", "cases", "tables_and_servers", "store-part-cut-off")
    shutil.copytree(case / "img", tmp_path / "img")
    recipe = (case / "recipe.yaml").read_text()
    (tmp_path / "recipe.yaml").write_text(recipe)
    assert groundglass(tmp_path, "run", "recipe.yaml").returncode == 0
    (part, *_) = sorted(tmp_path.glob("runs/*/store/measures/sharpness-1/part-*.parquet"))
    part.write_bytes(part.read_bytes()[:200])
    (tmp_path / "recipe.yaml").write_text(recipe.replace("> 1", "> 2"))
    done = groundglass(tmp_path, "run", "recipe.yaml")
    assert done.returncode == 0, done.stderr
    assert part.name in done.stderr
