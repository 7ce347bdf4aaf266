"""Recipes written for a test, and what their refusal says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from groundglass.errors import RecipeError
from groundglass.recipes.load import LoadedRecipe, load_recipe

WHOLE = """\
name: whole
seed: 7
limits: {pixels: 100e6, failed: 5%}
store: measures
profiles:
  offline:
    scores: {measure: [sharpness]}
steps:
  - source: {folder: [a/, "b c/"], glob: "*.jpg", licence: CC-BY-4.0, author: "Ada, Bob", limit: 100}
    name: photos
  - measure:
      - header
      - blockiness: {search_phases: true, as: b_}
      - {table: scores.csv, key: sha256, columns: mos, as: t_}
    name: scores
  - select: {where: "b_blockiness < 30 and t_mos >= 3.5"}
    if: width > 512
    note: |
      two lines
      of reasons: # no comment
  - select: {quantile: 20%, by: tenengrad, order: higher, per: source}
  - select: {top_k: 2000, by: tenengrad}
  - select: {quota: {people: 500, "no": 0}, per: meta.category, by: tenengrad}
  - select: {deduplicate: near, by: tenengrad, distance: 6}
  - select: {deduplicate: exact}
  - select: {keep: good.txt, drop: bad.txt}
  - select:
      intersect:
        - where: entropy > 6
        - {quantile: 0.25, by: entropy}
  - hold_out:
      validation: {next: 100, by: tenengrad, pick: 4}
      test: {list: test.txt}
      other: {count: 10, pick: [a, "1"]}
  - transform: {multiscale: [1.0, 0.75], shortest_edge: 512, kernel: lanczos}
  - transform: {tile: 512, stride: 256, edges: shift}
    name: tiles
  - transform: {best_tile: 128}
  - transform: {downscale: 2, kernel: box}
  - transform: {downscale: 0.5}
  - transform: {to_effective_resolution: true}
  - split: {validation: 5%, test: 0.1, stratify: source, group: meta.scene}
  - release:
      format: paired
      names: hash
      lr_scales: [2, 4]
      kernel: box
      validation_lr: {scales: 3, kernel: area}
      meta_info: false
      scores: false
      archive: 7z
      card: false
      licence: CC-BY-4.0
      allow_unknown_licence: true
      image: webp
"""
"""Every key of the grammar at least once."""


@dataclass(frozen=True)
class Refusal:
    """An error's parts: where (line:column), the sentence, the words above the carets, the hint."""

    at: str
    says: str
    under: str
    hint: str


def write(folder: Path, text: str | bytes, name: str = "r.yaml") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def load(folder: Path, text: str, sets: Sequence[str] = (), profile: str | None = None) -> LoadedRecipe:
    return load_recipe(write(folder, text), sets, profile)


def refusal(path: Path, sets: Sequence[str] = (), profile: str | None = None) -> Refusal:
    """How a recipe is refused; every refusal is exit code 2 in at most six lines."""
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, sets, profile)
    error = caught.value
    assert error.exit_code == 2
    assert error.hint
    first, shown, carets = error.message.split("\n")
    where, says = first.removeprefix(f"{path}:").split(": ", 1)
    start = carets.index("^")
    return Refusal(where, says, shown[start : start + carets.count("^")], error.hint)
