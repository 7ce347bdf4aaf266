"""The commands as a newcomer meets them: help, results, errors and exit codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "flows"))
from flow_tools import command, groundglass, groundglass_process, make_photos, write_recipe

from groundglass import testing
from groundglass.cli.main import COMMANDS, GROUPS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_within_the_width(tmp_path: Path, name: str):
    said = groundglass(tmp_path, name, "--help", COLUMNS="100")
    assert said.returncode == 0
    assert said.stdout.startswith(f"Usage: main {name}") or said.stdout.startswith("Usage:")
    assert max(map(len, said.stdout.splitlines())) <= 100


def test_the_list_of_commands_is_complete(tmp_path: Path):
    said = groundglass(tmp_path, "--help").stdout
    assert all(re.search(rf"^  {name} ", said, re.MULTILINE) for name in COMMANDS)


def test_version_loads_nothing_heavy(tmp_path: Path):
    code = (
        "import sys; sys.argv = ['groundglass', '--version']\n"
        "from groundglass.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([name for name in ('numpy', 'pyarrow', 'duckdb', 'numba', 'cv2', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pln"], "Did you mean 'plan'?"),
        (["run", "quikstart"], "quickstart"),
        (["run", "nowhere.yaml"], "there is no such file"),
        (["measure", "blokiness", "a.png"], "Did you mean 'blockiness'?"),
        (["measures", "sharpnes"], "Did you mean 'sharpness'?"),
        (["show", "nothing"], "there is no run nothing"),
        (["quickstart", "no/such/folder"], "there is no folder"),
        (["downscale", "a.png", "-o", "out", "-k", "bicubic"], "matlab_bicubic"),
        (["run", "quickstart", "--max-failed", "much"], "not a share"),
    ],
)
def test_wrong_words_end_with_2_and_the_nearest_right_one(tmp_path: Path, words: list[str], said: str):
    done = groundglass(tmp_path, *words)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_measure_answers_for_every_path_in_order(tmp_path: Path):
    (tmp_path / "a.jpg").write_bytes(testing.jpeg(testing.photo(96, 80, 1), quality=50))
    (tmp_path / "b c.png").write_bytes(testing.png(testing.photo(96, 80, 2)))
    (tmp_path / "flat.png").write_bytes(testing.png(testing.flat(96, 80)))
    (tmp_path / "text.txt").write_text("no picture")
    (tmp_path / "cut.png").write_bytes((tmp_path / "b c.png").read_bytes()[:4000])
    (tmp_path / "empty.png").touch()
    (tmp_path / "-odd.png").write_bytes((tmp_path / "a.jpg").read_bytes())
    names = [
        "b c.png",
        "a.jpg",
        "flat.png",
        "text.txt",
        "cut.png",
        "empty.png",
        "gone.png",
        "-odd.png",
        "a.jpg",
    ]
    done = groundglass_process(tmp_path, "measure", "blockiness,sharpness", "--json", "--", *names)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["uri"] for row in rows] == names
    assert {frozenset(row) for row in rows} == {frozenset(rows[0])}
    assert [row["error"] and row["error"].partition(": begins")[0].partition(": 0 bytes")[0] for row in rows] == [
        None, None, "blockiness: flat", "not_an_image: text", "truncated", "empty",
        "vanished: there is no such file", None, None,
    ]  # fmt: skip
    assert rows[1] | {"uri": ""} == rows[7] | {"uri": ""} == rows[8] | {"uri": ""}
    assert rows[1]["blockiness"] > 30 > rows[0]["blockiness"]
    assert rows[2]["laplacian_variance"] == 0


def test_header_alone_needs_no_pixels(tmp_path: Path):
    (tmp_path / "cut.jpg").write_bytes(testing.jpeg(testing.photo(96, 80), quality=71)[:2500])
    row = json.loads(groundglass(tmp_path, "measure", "header", "cut.jpg", "--json").stdout)[0]
    assert (row["width"], row["height"], row["jpeg_quality"], row["error"]) == (96, 80, 71, None)


def test_downscale_is_exact_and_overwrites_nothing(tmp_path: Path):
    from groundglass.image.frame import open_frame
    from groundglass.image.resize import resize

    photo = testing.photo(97, 83)
    (tmp_path / "a.png").write_bytes(testing.png(photo))
    first = json.loads(
        groundglass_process(tmp_path, "downscale", "a.png", "-o", "lr", "-s", "4", "--json").stdout
    )
    assert (first[0]["width"], first[0]["height"], first[0]["error"]) == (24, 20, None)
    made = open_frame(tmp_path / "lr" / "a.png").rgb
    assert (made == resize(photo[:80, :96], 24, 20, "matlab_bicubic")).all()
    again = json.loads(groundglass(tmp_path, "downscale", "a.png", "-o", "lr", "--json").stdout)
    assert "nothing is overwritten" in again[0]["error"]


@pytest.mark.parametrize("catalog", ["measures", "selections", "transforms"])
def test_catalogs_are_listed_and_shown_whole(tmp_path: Path, catalog: str):
    entries = json.loads(groundglass(tmp_path, catalog, "--json").stdout)
    listed = groundglass(tmp_path, catalog).stdout
    assert all(entry["name"] in listed for entry in entries)
    one = groundglass(tmp_path, catalog, entries[0]["name"])
    assert one.returncode == 0
    assert "Returns" not in listed
    assert "``" not in one.stdout + listed


def test_plan_says_what_run_then_does(tmp_path: Path):
    make_photos(tmp_path / "photos")
    write_recipe(tmp_path)
    before = json.loads(groundglass(tmp_path, "plan", "small.yaml", "--json").stdout)
    assert not (tmp_path / "runs" / "small" / "0001").exists()
    assert [(s["into"], s["to_do"], s["cached"]) for s in before["steps"][:1]] == [(19, 19, 0)]
    assert groundglass(tmp_path, "run", "small.yaml").returncode == 0
    after = json.loads(groundglass(tmp_path, "plan", "small.yaml", "--json").stdout)
    shown = json.loads(groundglass(tmp_path, "show", "small", "--json").stdout)
    assert [s["to_do"] for s in after["steps"] if s["to_do"] is not None] == [0, 0, 0]
    planned = {s["name"]: s["into"] for s in after["steps"] if s["kind"] != "release"}
    assert planned == {s["step"]: s["in"] for s in shown["steps"] if s["kind"] != "release"}


def test_plan_points_at_the_word(tmp_path: Path):
    make_photos(tmp_path / "photos", 3)
    recipe = write_recipe(tmp_path)
    recipe.write_text(recipe.read_text().replace('"blockiness < 30"', '"blokiness < 30"'))
    said = groundglass(tmp_path, "plan", "small.yaml").stderr
    line = next(n for n, text in enumerate(recipe.read_text().splitlines(), 1) if "blokiness" in text)
    assert f"small.yaml:{line}:" in said
    assert "did you mean 'blockiness'?" in said


def test_a_measure_of_other_images_is_explained(tmp_path: Path):
    make_photos(tmp_path / "photos", 3)
    write_recipe(
        tmp_path,
        "name: small\nsteps:\n  - source: {folder: photos}\n  - measure: [blockiness]\n  - transform: {tile: 64}\n"
        "  - select: {where: 'blockiness < 30'}\n",
    )
    said = groundglass(tmp_path, "plan", "small.yaml").stderr
    assert "write root.blockiness, or measure it again here" in said


def test_results_go_to_stdout_and_talk_to_stderr(tmp_path: Path):
    make_photos(tmp_path / "photos", 3)
    write_recipe(tmp_path)
    done = groundglass(tmp_path, "run", "small.yaml", "--json")
    json.loads(done.stdout)
    assert "opened runs/small/0001" in done.stderr


def test_a_closed_pipe_is_no_error(tmp_path: Path):
    code = subprocess.run(
        f"{' '.join(map(repr, command('measures', '--json')))} | head -c 1 > /dev/null; echo ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert "Traceback" not in code.stderr


def test_quickstart_keeps_every_photograph_and_no_damage(tmp_path: Path):
    pytest.importorskip("skimage", reason="the sample photos come with scikit-image")
    from groundglass.sources.sample import FAULTS, ORIGINALS

    done = groundglass(tmp_path, "quickstart", COLUMNS="80")
    assert done.returncode == 0, done.stderr
    table = re.findall(
        r"^  (\w+)  .*?  +(\d+) +(\d+)(?:  .*)?$", done.stdout.split("version ")[1], re.MULTILINE
    )
    photographs = len(ORIGINALS)
    assert {fault: (int(files), int(kept)) for fault, files, kept in table} == {
        fault: (photographs, photographs if fault == "original" else 0) for fault in FAULTS
    }
    assert (
        f"{photographs} of {photographs} photos are kept, each once, all as the original file." in done.stdout
    )
    assert f"0 of {photographs * 6} damaged versions are kept." in done.stdout
    assert "validation 20% by photo" in done.stdout
    assert re.search(r"train of \d photos, validation of \d photo", done.stdout)
    assert re.search(r"release  \d+ train \+ \d+ validation", done.stdout)
    assert done.stdout.splitlines()[-1].startswith("  next     ")
    assert max(map(len, done.stdout.splitlines()[:-3])) <= 80
    assert (tmp_path / "runs" / "quickstart" / "0001" / "report" / "index.html").exists()


def test_quickstart_does_not_hide_what_went_wrong(tmp_path: Path):
    """What is printed of the sample comes from the run: with other gates, other numbers."""
    pytest.importorskip("skimage", reason="the sample photos come with scikit-image")
    from click.testing import CliRunner

    from groundglass.cli.quickstart import print_planted
    from groundglass.plans.run_folder import RunFolder, load_record

    changes = (
        "steps.unblocked.select.where='blockiness < 100'",
        "steps.unique.select.where='tenengrad > 9000'",
    )
    options = [
        word for change in (*changes, "steps.unique.select.deduplicate=") for word in ("--set", change)
    ]
    done = groundglass(tmp_path, "run", "quickstart", *options)
    assert done.returncode == 0, done.stderr
    folder = RunFolder(tmp_path / "runs" / "quickstart" / "0001")
    with CliRunner().isolation() as streams:
        print_planted(folder, load_record(folder))
        said = streams[0].getvalue().decode()
    assert re.search(r"[1-6] of 7 photos are kept, \d+ times in all, ", said)
    assert re.search(r"Lost: chelsea.png, at unique: tenengrad 4,?\d+, limit 9,?000", said)
    assert re.search(r"[1-7] of 42 damaged versions are kept", said)
    assert re.search(r"No gate caught: .*_jpeg_q60.jpg", said)


def test_quickstart_on_photos_of_ones_own(tmp_path: Path):
    """Each folder has runs of its own name, whatever it is called; the same folder comes back to its own."""
    make_photos(tmp_path / "my photos", 4)
    make_photos(tmp_path / "other" / "My Photos", 5)
    for folder in ("my photos", "other/My Photos"):  # one that a tile can be cut from, or nothing is released
        (tmp_path / folder / "large.png").write_bytes(testing.png(testing.photo(300, 280, 9)))

    def run(folder: str) -> tuple[str, int, int]:
        done = groundglass(tmp_path, "quickstart", folder, "--json")
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        return answer["name"], answer["number"], answer["steps"][0]["in"]

    assert run("my photos") == ("quickstart-my-photos", 1, 10)
    assert run("other/My Photos") == ("quickstart-my-photos-2", 1, 11)
    assert run(str(tmp_path / "my photos")) == ("quickstart-my-photos", 2, 10)
    assert not (tmp_path / "runs" / "quickstart").exists()


def test_quickstart_writes_nothing_into_the_photos(tmp_path: Path):
    make_photos(tmp_path / "mine", 3)
    before = sorted((tmp_path / "mine").iterdir())
    done = groundglass(tmp_path / "mine", "quickstart", ".")
    assert done.returncode == 2
    assert "put them elsewhere: --runs ../runs" in done.stderr
    assert sorted((tmp_path / "mine").iterdir()) == before


def test_help_has_a_heading_for_each_group_and_a_line_for_each_command(tmp_path: Path):
    said = groundglass(tmp_path, "--help", COLUMNS="80").stdout.split("Options:")[1]
    places = [said.index(f"\n{heading}:") for heading in GROUPS]
    assert places == sorted(places)
    for group in GROUPS.values():
        for name, line in group.items():
            assert re.search(rf"^  {name} +{re.escape(line)}$", said, re.MULTILINE), f"{name} needs one line"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_in_80_columns(tmp_path: Path, name: str):
    said = groundglass(tmp_path, name, "--help", COLUMNS="80").stdout
    wide = [line for line in said.splitlines() if len(line) > 80]
    assert all(line.lstrip().startswith("groundglass ") for line in wide), (
        wide
    )  # a command to copy stays whole
