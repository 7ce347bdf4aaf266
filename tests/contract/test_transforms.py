"""What must be true of every transform in the catalog, on any set."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import get_args

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from groundglass.errors import REASONS
from groundglass.image.frame import open_frame
from groundglass.image.resize import KERNELS
from groundglass.made_images.makes import MakesImages
from groundglass.measures.catalog import MEASURES
from groundglass.tables.parquet import derived_id
from groundglass.transforms.catalog import TRANSFORMS
from groundglass.transforms.degrade import Degrade
from groundglass.transforms.derived import DERIVED, Derived
from groundglass.transforms.restore import Restore
from groundglass.transforms.tile import Tile
from groundglass.transforms.transform import Kernel, Transform

sys.path.insert(0, str(Path(__file__).parents[1] / "behaviour" / "transforms"))
sys.path.insert(0, str(Path(__file__).parent))
from members import members_like, written
from sets import followed, photographs, sets

NAMES = {transform.keys[0]: transform for transform in TRANSFORMS}
every = pytest.mark.parametrize("name", NAMES)


DEGRADED = st.one_of(
    st.sampled_from(["realesrgan-x4plus", "realesrgan-x2plus", "camera"]).map(lambda name: {"degrade": name}),
    st.integers(1, 5).map(
        lambda scale: {
            "degrade": (
                {"resize_by": {"factor": 1 / scale, "kernel": "area", "of": "photo"}},
                {"jpeg": {"quality": [20, 60]}},
            ),
            "scale": scale,
        }
    ),
)
"""Chains have no schema from which settings could be made up."""


def settings_of(name: str) -> st.SearchStrategy[Transform]:
    if name == "degrade":
        return DEGRADED.map(Degrade.model_validate)
    if name == "restore":
        return st.integers(1, 3).map(lambda scale: Restore(restore="bicubic", scale=scale))
    return members_like(NAMES[name])


def measured(rows: pa.Table, size: int) -> pa.Table:
    """What a measuring job could have found: a place inside every picture that is large enough."""
    values = []
    for row in rows.to_pylist():
        fits = min(row["width"], row["height"]) >= size
        place = (
            {"x": row["width"] - size, "y": (row["height"] - size) // 2} if fits else {"error": "too_small"}
        )
        values.append({"sha256": row["sha256"], "region": row["region"], **place})
    text, number = pa.string(), pa.int64()
    fields = [("sha256", text), ("region", text), ("x", number), ("y", number), ("error", text)]
    return pa.Table.from_pylist(values, schema=pa.schema(fields))


def resolutions(rows: pa.Table) -> pa.Table:
    """What the measure `resolution` could have found: by the size, so that it follows from the picture alone."""
    states = ("native", "upscaled", "unknown")
    values = [
        {
            "sha256": row["sha256"],
            "region": row["region"],
            "resolution_state": states[(row["width"] + row["height"]) % 3] if row["width"] > 20 else None,
            "effective_scale": 0.4,
            "error": None if row["width"] > 20 else "truncated",
        }
        for row in rows.to_pylist()
    ]
    text = pa.string()
    names = ("sha256", "region", "resolution_state", "effective_scale", "error")
    schema = pa.schema([(name, pa.float64() if name == "effective_scale" else text) for name in names])
    return pa.Table.from_pylist(values, schema=schema)


def apply(transform: Transform, rows: pa.Table) -> Derived:
    wanted = transform.measured()
    if wanted is None:
        return transform.make(rows, None)
    if wanted.measure == "resolution":
        return transform.make(rows, resolutions(rows))
    return transform.make(rows, measured(rows, dict(wanted.settings)["size"]))


@every
@given(data=st.data(), photo_sizes=sets)
@settings(max_examples=30, deadline=None)
def test_images_stay_inside_their_photograph_and_are_never_enlarged(name: str, data, photo_sizes) -> None:
    made = apply(data.draw(settings_of(name)), photographs(photo_sizes)).rows
    for row in made.to_pylist():
        photograph = photo_sizes[int(row["uri"].removesuffix(".png"))]
        assert followed(row["region"], photograph) == (row["width"], row["height"])
        assert row["x"] + row["box_width"] <= photograph[0]
        assert row["y"] + row["box_height"] <= photograph[1]
        assert 0 < row["scale"] <= 1 or name == "restore"


@every
@given(data=st.data(), photo_sizes=sets)
@settings(max_examples=20, deadline=None)
def test_ids_are_unique_and_follow_from_root_and_region(name: str, data, photo_sizes) -> None:
    rows = photographs(photo_sizes)
    once = apply(data.draw(settings_of(name)), rows).rows
    twice = apply(data.draw(settings_of(name)), once).rows
    for made, incoming in ((once, rows), (twice, once)):
        ids = made["id"].to_pylist()
        assert len(set(ids)) == len(ids)
        assert ids == [derived_id(row["root"], row["region"]) for row in made.to_pylist()]
        assert set(made["parent"].to_pylist()) <= set(incoming["id"].to_pylist())
        assert set(made["root"].to_pylist()) <= set(rows["id"].to_pylist())


@every
@given(data=st.data(), photo_sizes=sets)
@settings(max_examples=20, deadline=None)
def test_every_incoming_row_is_a_parent_or_is_refused_with_a_reason(name: str, data, photo_sizes) -> None:
    rows = photographs(photo_sizes)
    made = apply(data.draw(settings_of(name)), rows)
    assert made.rows.schema == DERIVED
    parents, refused = set(made.rows["parent"].to_pylist()), made.refused["id"].to_pylist()
    assert parents.isdisjoint(refused)
    assert sorted([*parents, *refused]) == sorted(rows["id"].to_pylist())
    assert set(made.refused["reason"].to_pylist()) <= REASONS.keys()


@every
@given(data=st.data(), photo_sizes=sets)
@settings(max_examples=20, deadline=None)
def test_the_same_rows_give_the_same_images_and_stay_as_they_were(name: str, data, photo_sizes) -> None:
    rows, chosen = photographs(photo_sizes), data.draw(settings_of(name))
    first = apply(chosen, rows)
    assert rows == photographs(photo_sizes)
    second = apply(chosen, rows.append_column("blockiness", pa.array([1.0] * rows.num_rows)))
    assert first.rows == second.rows
    assert first.refused == second.refused


@every
@given(data=st.data(), photo_sizes=sets)
@settings(max_examples=10, deadline=None)
def test_a_rows_images_do_not_depend_on_its_neighbours(name: str, data, photo_sizes) -> None:
    rows, chosen = photographs(photo_sizes), data.draw(settings_of(name))
    together = apply(chosen, rows).rows
    alone = [apply(chosen, rows.slice(number, 1)).rows for number in range(rows.num_rows)]
    assert together == pa.concat_tables([DERIVED.empty_table(), *alone])


@every
@given(data=st.data(), photo_sizes=sets)
@settings(max_examples=20, deadline=None)
def test_it_never_makes_more_than_it_said_it_could(name: str, data, photo_sizes) -> None:
    rows, chosen = photographs(photo_sizes), data.draw(settings_of(name))
    most = chosen.at_most(rows)
    assert apply(chosen, rows).rows.num_rows <= (rows.num_rows if most is None else most.rows.num_rows)


@every
@given(data=st.data(), photo_sizes=sets)
@settings(max_examples=20, deadline=None)
def test_a_side_that_it_states_is_every_images_side(name: str, data, photo_sizes) -> None:
    chosen = data.draw(settings_of(name))
    rows = apply(chosen, photographs(photo_sizes)).rows
    assert chosen.side() is None or {*rows["width"].to_pylist(), *rows["height"].to_pylist()} <= {
        chosen.side()
    }


@every
def test_its_record_says_what_it_is(name: str) -> None:
    transform = NAMES[name]
    wanted = written("transform", transform.example)
    assert isinstance(wanted, transform)
    assert wanted.label()
    assert transform.summary().endswith(".")
    assert transform.reference
    found = wanted.measured()
    assert found is None or not isinstance(found.measure, str) or found.measure in MEASURES
    assert all(field.description for field in transform.model_fields.values())


def test_a_kernel_is_what_the_resizer_knows() -> None:
    assert set(get_args(Kernel)) == set(KERNELS)


def test_importing_the_catalog_is_light() -> None:
    heavy = {"numba", "cv2", "PIL", "scipy"}
    script = f"import sys, groundglass.transforms.catalog; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_rows_of_unknown_size_are_a_fault_of_the_program() -> None:
    rows = photographs([(9, 9)])
    unknown = rows.set_column(7, "width", pa.array([None], pa.int64()))
    with pytest.raises(ValueError, match="unknown size"):
        Tile(tile=8).make(unknown, None)


@every
@given(data=st.data(), photo_size=st.tuples(st.integers(8, 160), st.integers(8, 160)))
@settings(max_examples=8, deadline=None)
def test_the_pixels_have_the_size_that_the_row_says(name: str, data, photo_size) -> None:
    width, height = photo_size
    chosen = data.draw(settings_of(name))
    with tempfile.TemporaryDirectory() as folder:
        if chosen.makes:
            chosen.keep_record(Path(folder))
        frame = open_frame(png_of(np.zeros((height, width, 3), np.uint8)), makes=MakesImages(Path(folder)))
        for row in apply(chosen, photographs([photo_size])).rows.slice(0, 20).to_pylist():
            assert frame.at(row["region"]).rgb.shape == (row["height"], row["width"], 3)


def png_of(rgb: np.ndarray) -> bytes:
    data = io.BytesIO()
    Image.fromarray(rgb).save(data, "PNG")
    return data.getvalue()


def test_no_setting_has_the_name_of_another_transform() -> None:
    """The key that a recipe gives decides which transform it means."""
    naming = {key for transform in TRANSFORMS for key in transform.keys}
    for transform in TRANSFORMS:
        assert naming.isdisjoint(set(transform.model_fields) - set(transform.keys)), transform.keys
