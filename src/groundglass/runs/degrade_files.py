"""Single photos degraded without a recipe: by a preset, by a record, or as a sheet of all degradations."""

from __future__ import annotations

import io
import json
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from groundglass.degradations.chains import Chain
from groundglass.degradations.needs import check_installed
from groundglass.degradations.otf import Otf, chain_of
from groundglass.degradations.otf_options import Trainer, from_options, to_options
from groundglass.degradations.plain_chains import plain_chain
from groundglass.degradations.presets import PRESETS, find_preset
from groundglass.degradations.record import degraded, replayed, steps_of
from groundglass.degradations.settings import Pixels
from groundglass.degradations.sheet import sheet
from groundglass.errors import ImageError, RecipeError, UnreachableError, cannot_write
from groundglass.files.atomic import write_bytes
from groundglass.files.hashes import sha256_of
from groundglass.files.locators import read_file
from groundglass.image.encode import encode_png
from groundglass.image.frame import open_frame
from groundglass.image.region import Crop, parse
from groundglass.image.resize import crop_to_multiple
from groundglass.sources.folder import existing_folder, list_folders, name_as_text

STEP = "degrade"
"""The name of the step, for the random streams of single files."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Degrader:
    """A chain, its scale and the name that records give it.

    otf     the options of a trainer that describe the same chain; None if there are none
    notes   how the chain differs from the options that it was read from
    """

    name: str
    scale: int
    chain: Chain
    otf: Otf | None
    notes: Sequence[str] = ()


def find_degrader(preset: str) -> Degrader:
    """A preset by its name, or the chain of a trainer's options by the path of their file (.yml, .yaml, .toml).

    Raises RecipeError for an unknown name, and for a file without degradations.
    """
    if preset in PRESETS or Path(preset).suffix.lower() not in (".yml", ".yaml", ".toml"):
        found = find_preset(preset)
        return Degrader(found.name, found.scale, found.chain, found.otf)
    otf, notes = from_options(_options(Path(preset)))
    return Degrader(Path(preset).name, otf.scale, chain_of(otf), otf, notes)


def _options(file: Path) -> Mapping[str, Any]:
    text = _text(file)
    try:
        read: Any = tomllib.loads(text) if file.suffix.lower() == ".toml" else YAML(typ="safe").load(text)
    except (tomllib.TOMLDecodeError, YAMLError, ValueError) as error:
        raise RecipeError(f"{file} cannot be read: {error}") from error
    if not isinstance(read, Mapping):
        raise RecipeError(f"{file} holds no options", "expected the options file of a trainer")
    return read


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise RecipeError(f"there is no file {file}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{file} cannot be read: {error}") from error


def options_text(degrader: Degrader, trainer: Trainer) -> tuple[str, list[str]]:
    """The options of a trainer as YAML (TOML for neosr), and a note for everything that the trainer does differently.

    Raises RecipeError if the chain is not one that trainers can describe.
    """
    if degrader.otf is None:
        able = ", ".join(name for name, one in PRESETS.items() if one.otf)
        raise RecipeError(
            f"no trainer can express the chain of {degrader.name}", f"those that can be written: {able}"
        )
    options, notes = to_options(degrader.otf, trainer)
    heading = "".join(
        f"# {line}\n" for line in (f"The degradations of {degrader.name}, for {trainer}.", *notes)
    )
    if trainer == "neosr":
        return heading + _toml(options), notes
    return heading + _yaml(options), notes


def recipe_text(degrader: Degrader) -> str:
    """The chain as a step of a recipe, to copy and to change."""
    scale = {"scale": degrader.scale} if degrader.scale > 1 else {}
    return _yaml([{"transform": scale | {"degrade": plain_chain(degrader.chain)}}])


def _yaml(plain: Any) -> str:
    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = 110
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(plain, out)
    return out.getvalue()


def _toml(options: Mapping[str, Any]) -> str:
    """Numbers, texts, lists of them, and one level of tables: all that these options have, and as JSON writes them."""
    plain = [
        f"{key} = {json.dumps(value)}" for key, value in options.items() if not isinstance(value, Mapping)
    ]
    for name, table in options.items():
        if isinstance(table, Mapping):
            plain += ["", f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(plain) + "\n"


def records_file(out: Path) -> Path:
    """The file of the records of a folder: next to it, because trainers read everything in the folder as images."""
    return out.with_name(f"{out.absolute().name}-parameters.jsonl")


def photos_of(paths: Sequence[Path]) -> list[Path]:
    """The files as given; in place of a folder, all images in it and below, sorted.

    Raises RecipeError for a folder without images.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = list_folders([str(path)]).column("path").to_pylist()
        if not inside:
            raise RecipeError(f"the folder {path} has no images")
        place = existing_folder(str(path))
        found += [path / Path(os.fsdecode(one)).relative_to(place) for one in inside]
    return found


def degrade_files(paths: Sequence[Path], out: Path, degrader: Degrader, seed: int) -> Iterator[Row]:
    """Each photo degraded as ``out/<stem>.png``, and its record added to `records_file`, when its row is asked for.

    A row has the record's keys and uri, file, width, height and error (None, or why there is no file). If
    a side is not a multiple of the scale, its end is cropped first (right or bottom), and the record's region says so.
    Raises MissingExtra if a step of the chain needs an extra that is not installed.
    """
    check_installed(degrader.chain)

    def make(path: Path) -> Row:
        photo = read_file(path)
        whole = open_frame(photo).rgb
        rgb = crop_to_multiple(whole, degrader.scale) if degrader.scale > 1 else whole
        region = "" if rgb.shape == whole.shape else str(Crop(0, 0, rgb.shape[1], rgb.shape[0]))
        made, record = degraded(
            rgb,
            degrader.chain,
            seed=seed,
            step=STEP,
            sha256=sha256_of(photo),
            region=region,
            scale=degrader.scale,
        )
        file = out / f"{path.stem}.png"
        row = _written(made, file) | {"preset": degrader.name} | record
        _add_record({"uri": name_as_text(path)} | row | {"file": file.name}, records_file(out))
        return row

    return (_row(path, make) for path in paths)


def _add_record(record: Row, file: Path) -> None:
    try:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(record, ensure_ascii=False) + "\n")
    except OSError as error:
        raise cannot_write(file, error) from error


def replay_files(paths: Sequence[Path], out: Path, parameters: Path) -> Iterator[Row]:
    """Each photo degraded again by all records that have its sha256, as ``out/<the record's file>``.

    Rows as those of `degrade_files`. A photo without a record, and a replay that gives other pixels, have an error.
    Raises RecipeError if the file of parameters cannot be read, MissingExtra if a step of it needs one.
    """
    records = read_records(parameters)
    check_installed([one for record in records for one in steps_of(record)])
    return _replays(paths, out, parameters, records)


def _replays(paths: Sequence[Path], out: Path, parameters: Path, records: Sequence[Row]) -> Iterator[Row]:
    for path in paths:
        try:
            photo = read_file(path)
        except ImageError as error:
            yield _failed(path, error)
            continue
        ours = [record for record in records if record.get("sha256") == sha256_of(photo)]
        if not ours:
            yield _failed(path, RecipeError(f"{parameters} has no parameters of this photo"))
        for record in ours:
            yield _row(path, _replayer(photo, record, out))


def _replayer(photo: bytes, record: Row, out: Path) -> Callable[[Path], Row]:
    def make(path: Path) -> Row:
        region = str(record.get("region") or "")
        parse(region)
        made = replayed(open_frame(photo).at(region).rgb, record)
        name = Path(str(record.get("file") or f"{path.stem}.png")).name
        # A record of a release has a folder too; nothing may lead out of the folder to write to.
        inside = [
            part for part in PurePosixPath(str(record.get("folder") or "")).parts if part not in ("/", "..")
        ]
        return record | _written(made, out.joinpath(*inside, name).with_suffix(".png"))

    return make


def read_records(file: Path) -> list[Row]:
    """The records in a file: one, a JSON list of them, or one in each line.

    Rows without a file are left out, and those of restored images, which `parameters.jsonl` of a release may have.

    Raises RecipeError if there are none, or one is not complete.
    """
    text = _text(file)
    try:
        read: Any = json.loads(text)
    except json.JSONDecodeError:
        try:
            read = [json.loads(line) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError as error:
            raise RecipeError(f"{file} is not JSON: {error}") from error
    rows = [one for one in (read if isinstance(read, list) else [read]) if isinstance(one, dict)]
    records = [one for one in rows if one.get("error") is None and one.get("by") != "restored"]
    if not records:
        raise RecipeError(f"{file} has no parameters", "expected what `groundglass degrade --json` prints")
    for record in records:
        steps_of(record)
    return records


def sheet_files(paths: Sequence[Path], out: Path, seed: int) -> Iterator[Row]:
    """A sheet of all degradations on each photo, as ``out/<stem>-degradations.png``."""

    def make(path: Path) -> Row:
        return _written(sheet(open_frame(path).rgb, seed), out / f"{path.stem}-degradations.png")

    return (_row(path, make) for path in paths)


def _row(path: Path, make: Callable[[Path], Row]) -> Row:
    """The row of one photo; a bad one never stops the others."""
    try:
        return _named(path, make(path))
    except UnreachableError:
        raise
    except (ImageError, RecipeError) as error:
        return _failed(path, error)


def _failed(path: Path, error: Exception) -> Row:
    return _named(path, {"file": None, "width": None, "height": None, "error": str(error)})


def _named(path: Path, row: Row) -> Row:
    return {"uri": name_as_text(path)} | {key: value for key, value in row.items() if key != "uri"}


def _written(pixels: Pixels, file: Path) -> Row:
    if file.exists():
        raise RecipeError(f"{file} exists already; nothing is overwritten")
    write_bytes(encode_png(pixels), file)
    return {"file": str(file), "width": pixels.shape[1], "height": pixels.shape[0], "error": None}
