"""Names and texts that are not ours come out as they went in, whatever is in them: no step makes SQL, HTML, Markdown,
YAML or CSV of them."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from flow_tools import groundglass, picture, run_json
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from groundglass.releases.verify import verify_release
from groundglass.tables.quoting import RESERVED

EVIL = (
    'say "x"',
    "it's",
    '"; DROP TABLE rows; --',
    "'); SELECT 1; --",
    "a.b",
    "[0]",
    "{x}",
    "%s $1 ? :x",
    "two\nlines",
    "tab\there",
    "a|b",
    "<script>alert(1)</script>",
    "</script>",
    "`code`",
    "# no comment",
    "- no: list",
    "=1+1",
    "ünï 日本 😀",
    "\u202eright to left",
    "\u2028line",
    "select",
    "\\",
    " blank ",
    "root.x",
    "meta.x",
    "error:x",
    "#place",
)
NAMES = st.one_of(
    st.sampled_from(EVIL),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=20),
)
TEXTS = st.one_of(
    st.sampled_from(EVIL),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=30),
)
FILES = st.one_of(
    st.sampled_from([text for text in EVIL if "/" not in text]),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0/"), min_size=1, max_size=20),
).filter(lambda name: name.strip(". ") and "://" not in name)
PHOTOS = 6
TABLE = 'it\'s "a" list.parquet'
SCORES = 'scores "of" mine.parquet'


def named(name: str) -> str:
    """A column as an expression names it."""
    return '"' + name.replace('"', '""') + '"'


def column(name: str) -> str:
    """The same of a column that came with a source."""
    return f"meta.{named(name)}"


def quoted_text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@st.composite
def hostile_tables(draw: Any) -> dict[str, Any]:
    """A table of photographs: two columns with hostile names, hostile texts and file names; and a score."""
    names = draw(st.lists(NAMES, min_size=3, max_size=3, unique_by=lambda name: name.lower()))
    names = [name for name in names if name.lower() not in ("file", "licence", "license", "author")]
    if len(names) < 3:
        names = ['say "x"', "it's", "a.b"]
    files = draw(st.lists(FILES, min_size=PHOTOS, max_size=PHOTOS, unique_by=str.lower))
    texts = draw(st.lists(TEXTS, min_size=PHOTOS, max_size=PHOTOS))
    return {
        "texts": (names[0], texts),
        "numbers": (names[1], [None, *range(1, PHOTOS)]),
        "scores": names[2],
        "files": [f"{name}.png" for name in files],
    }


def write(folder: Path, drawn: dict[str, Any]) -> None:
    (text_name, texts), (number_name, numbers) = drawn["texts"], drawn["numbers"]
    for seed, file in enumerate(drawn["files"]):
        (folder / file).write_bytes(picture(96, 64, seed))
    table = pa.table({"file": drawn["files"], text_name: texts, number_name: pa.array(numbers, pa.int64())})
    pq.write_table(table, folder / TABLE)
    scores = pa.table({"uri": drawn["files"], drawn["scores"]: [float(n) for n in range(PHOTOS)]})
    pq.write_table(scores, folder / SCORES)
    text, number, score = column(text_name), column(number_name), named(f"p{drawn['scores']}")
    source: dict[str, Any] = {
        "table": TABLE,
        "path": "file",
        "licence": "CC0-1.0",
        "author": texts[0] or "me",
    }
    if not number_name.startswith(RESERVED):
        source["where"] = f"{named(number_name)} is null or {named(number_name)} >= 0"
    steps: list[dict[str, Any]] = [
        {"source": source, "name": "photos"},
        {"measure": ["sharpness", {"table": SCORES, "as": "p"}], "name": "scores"},
        {
            "select": {"where": f"{number} is null or {number} != 3 or {text} = {quoted_text(texts[0])}"},
            "name": "some",
        },
        {"select": {"deduplicate": "exact", "by": score, "order": "higher"}, "name": "unique"},
        {"select": {"top_k": 1, "by": "tenengrad", "per": text}, "name": "best"},
        {"hold_out": {"validation": {"next": 9, "by": "tenengrad", "pick": 1}}, "name": "held"},
        {"transform": {"tile": 32}, "name": "tiles"},
        {"measure": ["sharpness"], "name": "again"},
        {"select": {"where": f"tenengrad >= 0 and {text} is not null"}, "name": "last"},
        {"release": {"format": "folder", "names": "keep", "captions": text}, "name": "out"},
    ]
    with (folder / "small.yaml").open("w", encoding="utf-8") as file:
        yaml = YAML()
        yaml.width = 1_000_000  # ruamel.yaml loses characters where it breaks a line of control characters
        yaml.dump({"name": "small", "seed": 3, "steps": steps}, file)


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.reuse, Phase.generate],  # a run takes seconds: what fails is told as it was drawn
)
@given(hostile_tables())
def test_everything_comes_out_as_it_went_in(drawn: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write(folder, drawn)
        check(folder, drawn)


def check(folder: Path, drawn: dict[str, Any]) -> None:
    (text_name, texts), (number_name, numbers) = drawn["texts"], drawn["numbers"]
    text_of = dict(zip(drawn["files"], texts, strict=True))
    number_of = dict(zip(drawn["files"], numbers, strict=True))
    run_json(folder, "small.yaml")
    run = folder / "runs" / "small" / "0001"
    release = run / "release"
    assert verify_release(release) == []

    images = pq.read_table(run / "images" / "photos" / "part-0.parquet").to_pylist()
    assert {row["uri"] for row in images} == set(drawn["files"])
    assert all(row[f"meta.{text_name}"] == text_of[row["uri"]] for row in images)
    assert all(row[f"meta.{number_name}"] == number_of[row["uri"]] for row in images)

    manifest = pq.read_table(release / "manifest.parquet").to_pylist()
    assert manifest
    scored = dict(zip(drawn["files"], range(PHOTOS), strict=True))
    for row in manifest:
        assert row[f"meta.{text_name}"] == text_of[row["uri"]]
        assert row[f"meta.{number_name}"] == number_of[row["uri"]]
        score = row.get(f"root.p{drawn['scores']}")
        assert (row[f"p{drawn['scores']}"] if score is None else score) == scored[row["uri"]]
        caption = (release / row["file"]).with_suffix(".txt")
        assert caption.read_bytes().decode() == text_of[row["uri"]]
    told = metadata(release)
    assert told.keys() == {row["file"] for row in manifest}
    for row in manifest:
        values = list(told[row["file"]].values())
        assert text_of[row["uri"]] in values
        assert number_of[row["uri"]] in values

    with (release / "scores.csv").open(encoding="utf-8", newline="") as file:
        listed = {row["file"]: row for row in csv.DictReader(file)}
    assert all(listed[row["file"]][f"meta.{text_name}"] == text_of[row["uri"]] for row in manifest)

    card = (release / "README.md").read_text(encoding="utf-8")
    _, header, body = card.split("---\n", 2)
    assert YAML(typ="safe").load(io.StringIO(header))["pretty_name"] == "small"
    assert "<script>" not in body
    for table in re.findall(r"(?:^\|.*\n)+", body, re.MULTILINE):
        cells = {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in table.splitlines()}
        assert len(cells) == 1, table

    page = (run / "report" / "index.html").read_text(encoding="utf-8")
    page += "".join(path.read_text(encoding="utf-8") for path in (run / "report").glob("data*.js"))
    assert "<script>alert(1)" not in page

    for row in manifest[:2] + [row for row in images if row["uri"] not in {m["uri"] for m in manifest}][:1]:
        story = groundglass(folder, "why", str(run), row["id"], "--json")
        assert story.returncode == 0, story.stderr
        facts = json.loads(story.stdout)["facts"]
        assert facts[f"meta.{text_name}"] == text_of[row["uri"]]
    for said in (
        ("why", str(run), manifest[0]["uri"] if manifest[0]["region"] == "" else manifest[0]["id"]),
        ("show", str(run)),
        ("report", str(run)),
    ):
        done = groundglass(folder, *said)
        assert done.returncode == 0, (said, done.stderr)
    again = run_json(folder, "small.yaml")
    assert again
    done = groundglass(folder, "diff", str(run), str(run.with_name("0002")))
    assert done.returncode == 0, done.stderr


def metadata(release: Path) -> dict[str, dict[str, Any]]:
    """What is told of each picture, by its file in the release."""
    told: dict[str, dict[str, Any]] = {}
    for path in release.rglob("metadata.*"):
        rows = (
            pq.read_table(path).to_pylist()
            if path.suffix == ".parquet"
            else [json.loads(line) for line in path.read_bytes().decode().splitlines()]
        )
        for row in rows:
            told[(path.parent / row.pop("file_name")).relative_to(release).as_posix()] = row
    return told
