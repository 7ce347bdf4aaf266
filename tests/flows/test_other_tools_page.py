"""`docs/how-to/use-other-tools.md` as its reader follows it: the Python on it runs on a run of its recipe."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path

import duckdb
import pytest
from flow_tools import groundglass, make_photos

PAGE = (Path(__file__).parents[2] / "docs/how-to/use-other-tools.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
TOOLS = [re.search(r"^import (\w+)", block, re.MULTILINE)[1] for block in BLOCKS]  # type: ignore[index]


@pytest.fixture(scope="module")
def run_of_the_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    make_photos(folder / "photos")
    recipe = re.search(r"^```yaml\n(name: mine\n.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert recipe is not None
    (folder / "mine.yaml").write_text(recipe[1], encoding="utf-8")
    assert groundglass(folder, "run", "mine.yaml").returncode == 0
    return folder


def test_the_page_shows_each_tool_once():
    assert TOOLS == ["duckdb", "pandas", "polars"]


@pytest.mark.parametrize(("tool", "block"), list(zip(TOOLS, BLOCKS, strict=True)), ids=TOOLS)
def test_the_tables_open_in_each_tool(
    run_of_the_page: Path, tool: str, block: str, capsys: pytest.CaptureFixture[str]
):
    if importlib.util.find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed")
    if (
        tool == "duckdb"
    ):  # a reader's session is new; another test may have left a result open in this process
        duckdb.set_default_connection(duckdb.connect())
    before = Path.cwd()
    os.chdir(run_of_the_page)
    try:
        exec(compile(block, "page", "exec"), {})
    finally:
        os.chdir(before)
    said = capsys.readouterr().out
    assert "kept" in said
    assert tool != "duckdb" or "NULL" not in said.split("blockiness")[1].split("kept")[0]
