"""A study is made once, opens again as it was, and a wrong study.yaml says where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="needs the extra studies")

from flow_tools import picture, run_json

from groundglass.errors import RecipeError
from groundglass.studies.open_study import look_at_study, open_study

RECIPE = """
name: few
steps:
  - source: {folder: photos}
    name: photos
  - measure: [sharpness]
  - select: {where: "tenengrad > 1"}
    name: sharp
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("few")
    (place / "photos").mkdir()
    for number in range(3):
        (place / "photos" / f"{number}.png").write_bytes(picture(64, 48, number))
    (place / "few.yaml").write_text(RECIPE)
    run_json(place, "few.yaml")
    return place / "runs/few/0001"


def write(folder: Path, text: str, name: str = "rate.yaml") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_a_study_opens_again_with_the_same_items(run, tmp_path):
    path = write(tmp_path, "protocol: acr\nvotes: 2\n")
    with open_study(run, path).store as store:
        first = store.items()
        store.invite(1)
    for again in (path, "rate", str(run / "studies/rate")):
        with open_study(run, again).store as store:
            assert store.items() == first
            assert store.raters().num_rows == 1
    assert (run / "studies/rate/study.yaml").read_text().startswith("name: rate\nprotocol: acr\n")


def test_a_changed_study_is_refused_and_the_first_one_stays(run, tmp_path):
    path = write(tmp_path, "name: kept\nprotocol: acr\nvotes: 2\n")
    open_study(run, path).store.close()
    before = (run / "studies/kept/study.yaml").read_bytes()
    write(tmp_path, "name: kept\nprotocol: acr\nvotes: 3\nquestion: How good?\n")
    with pytest.raises(RecipeError, match="in votes, question"):
        open_study(run, path)
    assert (run / "studies/kept/study.yaml").read_bytes() == before


def test_a_study_that_was_killed_while_it_was_made_has_the_keys_of_its_database(run, tmp_path):
    path = write(tmp_path, "name: killed\nprotocol: acr\n")
    open_study(run, path).store.close()
    (run / "studies/killed/study.yaml").unlink()  # it is written last
    write(tmp_path, "name: killed\nprotocol: pairwise\n")
    for name in (path, "killed"):
        study = open_study(run, name)
        assert study.body.protocol == study.store.body.protocol == "pairwise"
        assert study.store.items().num_rows == 3
        study.store.close()


def test_keys_that_were_changed_in_the_folder_of_the_study_are_refused(run, tmp_path):
    path = write(tmp_path, "name: edited\nprotocol: acr\nvotes: 2\n")
    open_study(run, path).store.close()
    made = run / "studies/edited/study.yaml"
    made.write_text(made.read_text().replace("protocol: acr", "protocol: slider"))
    for name in ("edited", str(made)):
        with pytest.raises(RecipeError, match="was changed after the study was made, in protocol"):
            open_study(run, name)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "wrong.yaml:1:1: this study is empty"),
        ("protocol: slider\ndimensions: [fit, fit]\n", "`dimensions` has 'fit' twice"),
        ("protocol: accept\nreasons: [a, b, a]\n", "`reasons` has 'a' twice"),
        ("checks: {trap: 0.5}\n", "`trap` must be a number from 0 to 0.3 or a percentage"),
        (
            "protocol: acr\nvotse: 3\n",
            "wrong.yaml:2:1: `votse` is not a key of `study`; did you mean `votes`?",
        ),
        ("protocol: arc\n", "`protocol` cannot be 'arc'; did you mean `acr`?"),
        ("name: a/b\n", "wrong.yaml:1:7: `name` must be a name"),
        ("name:\n", "`name` must be a name"),
        ("- a\n", "a study is a mapping of keys"),
        ("votes: 0\n", "`votes` must be"),
        (
            "protocol: acr\nprompt: meta.captoin\n",
            "wrong.yaml:2:9: `prompt`: this run has no column 'meta.captoin'",
        ),
        ("protocol: accept\ndropped_by: shrap\n", "no selection 'shrap'. Did you mean 'sharp'?"),
        ("checks: {answers: none.csv}\n", "cannot read the answers none.csv"),
    ],
)
def test_a_wrong_study_says_where(run, tmp_path, text, says):
    with pytest.raises(RecipeError) as refused:
        open_study(run, write(tmp_path, text, "wrong.yaml"))
    assert says in refused.value.message
    assert not (run / "studies/wrong/study.yaml").exists()


def test_an_unknown_study_names_those_that_exist(run, tmp_path):
    open_study(run, write(tmp_path, "name: known\n")).store.close()
    with pytest.raises(RecipeError) as refused:
        open_study(run, "knwon")
    assert "Did you mean 'known'?" in refused.value.message


def test_two_studies_of_a_run_have_their_own_votes(run, tmp_path):
    for name in ("one", "two"):
        with open_study(run, write(tmp_path, f"name: {name}\n")).store as store:
            store.invite(1 if name == "one" else 2)
    counts = []
    for name in ("one", "two"):
        with open_study(run, name).store as store:
            counts.append(store.raters().num_rows)
    assert counts == [1, 2]


def test_a_password_is_not_written_down(run, tmp_path):
    from groundglass.studies.database_url import without_password

    assert (
        without_password("postgresql+pg8000://anna:s%40cret@db/votes") == "postgresql+pg8000://anna@db/votes"
    )
    assert without_password("postgresql://db/votes") == "postgresql://db/votes"


def test_votes_stay_in_the_database_that_the_study_was_made_with(run, tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path}/votes.sqlite"
    monkeypatch.setenv("GROUNDGLASS_DATABASE", url)
    for name in ("alpha", "beta"):
        with open_study(run, write(tmp_path, f"name: {name}\n")).store as store:
            store.invite(1 if name == "alpha" else 2)
    assert (tmp_path / "votes.sqlite").exists()
    monkeypatch.delenv("GROUNDGLASS_DATABASE")
    with open_study(run, "beta").store as store:
        assert store.raters().num_rows == 2
    with open_study(run, write(tmp_path, "name: gamma\n")).store:
        assert (run / "studies/gamma/votes.sqlite").exists()
    monkeypatch.setenv("GROUNDGLASS_DATABASE", url)
    open_study(run, "gamma", url).store.close()  # the command gives the variable's value to every study
    with pytest.raises(RecipeError, match="has its votes in"):
        open_study(run, "gamma", f"sqlite:///{tmp_path}/other.sqlite")


def test_a_plan_makes_nothing(run, tmp_path):
    before = sorted(run.rglob("*"))
    name, _, units, left_out = look_at_study(run, write(tmp_path, "name: planned\nitems: 2\n"))
    assert (name, units, left_out.num_rows) == ("planned", 2, 0)
    assert sorted(run.rglob("*")) == before
    assert look_at_study(None, write(tmp_path, "items: 7\n"))[2] == 7
    with pytest.raises(RecipeError, match="does not say how many images"):
        look_at_study(None, write(tmp_path, "votes: 7\n"))
