"""Files of prompts: what they may look like, and what is said of the odd ones."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from groundglass import testing
from groundglass.sources.prompts import read_prompts
from groundglass.sources.source import SourceFault

CAT, DOG = "a red cat, sitting", "ein Dachshund – köstlich"


def write(folder: Path, name: str, content: bytes | str) -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def texts(name: str, column: str = "prompt") -> list[str]:
    return [row.text for row in read_prompts(name, column).rows]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lines_of_text_in_any_usual_form(tmp_path: Path, ending: str, encoding: str):
    text = ending.join([CAT, "", "   ", DOG, ""])
    name = write(tmp_path, "p.txt", text.encode(encoding))
    assert texts(name) == [CAT, DOG]
    assert read_prompts(name, "prompt").notes == ("left out: 2 rows without a prompt",)


def test_a_line_separator_inside_a_prompt_does_not_cut_it(tmp_path: Path):
    assert texts(write(tmp_path, "p.txt", f"one\u2028two\n{CAT}\n")) == ["one\u2028two", CAT]


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_a_table_brings_its_other_columns(tmp_path: Path, kind: str):
    rows = [{"text": CAT, "group": "animals", "n": 1}, {"text": DOG, "group": "food", "n": 2}]
    path = tmp_path / f"p.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif kind == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    else:
        sign = "," if kind == "csv" else "\t"
        named = [list(rows[0]), *(row.values() for row in rows)]
        lines = [sign.join(f'"{value}"' for value in row) for row in named]
        path.write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    found = read_prompts(str(path), "text")
    assert [row.text for row in found.rows] == [CAT, DOG]
    assert found.columns["group"] == "VARCHAR"
    assert [row.beside["group"] for row in found.rows] == ["animals", "food"]
    assert [int(row.beside["n"]) for row in found.rows] == [1, 2]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.csv", f'prompt\n"{CAT}"\n\n"{DOG}"\n'),
        ("p.tsv", f"prompt\n{CAT}\n{DOG}\n"),
        ("p.jsonl", f'{{"prompt": "{CAT}"}}\n{{"prompt": "{DOG}"}}\n'),
        ("p.jsonl", f'{{"prompt": "{CAT}", "n": {{"a": [1]}}}}\n{{"prompt": "{DOG}"}}\n'),
    ],
)
def test_a_table_of_prompts_alone(tmp_path: Path, name: str, content: str):
    found = read_prompts(write(tmp_path, name, content), "prompt")
    assert [(row.text, dict(row.beside)) for row in found.rows] == [(CAT, {}), (DOG, {})]
    assert not found.columns


def test_duplicates_and_long_prompts_are_kept_and_said(tmp_path: Path):
    found = read_prompts(write(tmp_path, "p.txt", f"{CAT}\n{'x' * 2000}\n{CAT}\n"), "prompt")
    assert len(found.rows) == 3
    said = " ".join(found.notes)
    assert "1 row with the prompt of an earlier row" in said
    assert "1 prompt of more than 300 characters, the longest 2,000" in said


def test_text_that_is_not_utf_8_is_read_and_said(tmp_path: Path):
    found = read_prompts(write(tmp_path, "p.txt", "a fine café\n".encode("cp1252")), "prompt")
    assert [row.text for row in found.rows] == ["a fine café"]
    assert "Windows-1252" in found.notes[0]


def test_a_missing_column_is_refused_with_the_nearest_name(tmp_path: Path):
    for name, text in (("p.csv", "promt,n\na,1\n"), ("p.jsonl", '{"promt": "a", "n": 1}\n')):
        with pytest.raises(SourceFault) as caught:
            read_prompts(write(tmp_path, name, text), "prompt")
        assert caught.value.keys == ("prompt",)
        assert "promt" in caught.value.valid
        assert "has no column 'prompt'" in caught.value.message


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.txt", ""),
        ("p.txt", " \n\n"),
        ("p.csv", "prompt\n"),
        ("p.jsonl", ""),
        ("p.txt", testing.png(testing.noise(16, 16))),
        ("p.xlsx", "x"),
    ],
)
def test_a_file_without_prompts_is_refused(tmp_path: Path, name: str, content: bytes | str):
    with pytest.raises(SourceFault) as caught:
        read_prompts(write(tmp_path, name, content), "prompt")
    assert caught.value.keys == ("generate",)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(SourceFault, match="there is no file of prompts"):
        read_prompts(str(tmp_path / "no.txt"), "prompt")
