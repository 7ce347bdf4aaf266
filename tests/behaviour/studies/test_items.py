"""Which images a study has: drawn by the seed, with partners, openable, and with answers where people gave them."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundglass import testing
from groundglass.errors import RecipeError
from groundglass.files.hashes import sha256_of
from groundglass.recipes.study_model import StudyChecks, StudyStep
from groundglass.studies.candidates import Candidate, candidates_in, locator_of
from groundglass.studies.items import choose_items
from groundglass.studies.right_answers import read_answers


@pytest.fixture
def images(tmp_path: Path) -> list[Candidate]:
    found = []
    for number in range(6):
        path = tmp_path / f"{number}.png"
        path.write_bytes(testing.png(testing.noise(16, 12, number)))
        found.append(
            Candidate(
                f"row{number}", path.name, str(path).encode(), sha256_of(path.read_bytes()), 16, 12,
                content=f"c{number // 2}", size=path.stat().st_size, mtime_ns=path.stat().st_mtime_ns,
                also=(path.name,),
            )
        )  # fmt: skip
    return found


def test_the_draw_depends_on_the_seed_and_not_on_the_order(images):
    body = StudyStep(items=3)
    one = {item.row for item in choose_items(body, images, 1, "x").rated}
    assert one == {item.row for item in choose_items(body, images[::-1], 1, "x").rated}
    assert len({tuple(sorted(i.row for i in choose_items(body, images, s, "x").rated)) for s in range(8)}) > 1


def test_no_item_shows_its_name_in_its_id(images):
    items = choose_items(StudyStep(), images, 1, "x").items
    assert len({item.id for item in items}) == 6
    assert all("row" not in item.id and len(item.id) == 32 for item in items)
    assert [locator_of(item.locator) for item in items] == [one.path for one in images]


def test_a_file_that_moved_changed_or_is_damaged_is_left_out_with_a_reason(images):
    Path(images[0].path.decode()).unlink()
    Path(images[1].path.decode()).write_bytes(b"another")
    path = Path(images[2].path.decode())
    path.write_bytes(path.read_bytes()[:-200])
    broken = Candidate(
        "row2",
        "2.png",
        images[2].path,
        sha256_of(path.read_bytes()),
        16,
        12,
        mtime_ns=path.stat().st_mtime_ns,
    )
    found = choose_items(StudyStep(), [*images[:2], broken, *images[3:]], 1, "x")
    assert [item.row for item in found.rated] == ["row3", "row4", "row5"]
    reasons = dict(zip(found.left_out["row"].to_pylist(), found.left_out["reason"].to_pylist(), strict=True))
    assert reasons["row0"] == "vanished"
    assert reasons["row1"] == "changed"
    assert reasons["row2"] in ("truncated", "corrupt")


def test_a_study_without_any_image_says_why(images):
    for one in images:
        Path(one.path.decode()).unlink()
    with pytest.raises(RecipeError, match=r"no image to rate: 6 are left out, such as 0.png \(vanished"):
        choose_items(StudyStep(), images, 1, "x")


def test_whole_contents_are_compared_and_lonely_images_left_out(images):
    body = StudyStep(protocol="pairwise", content="meta.scene", items=2)
    found = choose_items(body, images[:5], 3, "x")
    assert found.left_out.to_pylist() == [
        {"row": "row4", "name": "4.png", "reason": "no_partner", "detail": ""}
    ]
    assert len({item.content for item in found.rated}) == 1
    assert len(found.rated) == 2


def test_a_review_takes_the_first_ones(images):
    found = choose_items(StudyStep(protocol="accept", dropped_by="sharp", items=2), images[::-1], 1, "x")
    assert [item.row for item in found.rated] == ["row5", "row4"]


def answers(tmp_path: Path, text: str) -> StudyStep:
    (tmp_path / "gold.csv").write_text(text)
    return StudyStep(checks=StudyChecks(answers=str(tmp_path / "gold.csv"), training=1))


def test_answers_make_gold_and_training_images_that_are_not_rated(images, tmp_path):
    body = answers(tmp_path, "item,low,high\n0.png,1,2\n1.png,4,5\nrow2,5,5\n")
    items = choose_items(body, images, 1, "x").items
    assert [item.row for item in items if item.role == "rate"] == ["row3", "row4", "row5"]
    known = {item.row: (item.role, item.low, item.high) for item in items if item.role != "rate"}
    assert {row: ends[1:] for row, ends in known.items()} == {"row0": (1, 2), "row1": (4, 5), "row2": (5, 5)}
    assert sorted(ends[0] for ends in known.values()) == ["gold", "gold", "train"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("item,low\n0.png,1\n", "needs the columns item, low and high; it has item, low"),
        ("item,low,high\n0.png,one,2\n", ":2: low and high must be numbers"),
        ("item,low,high\n0.png,3,2\n", "3 to 2 is not within 1 to 5"),
        ("item,low,high\n0.png,1,9\n", "1 to 9 is not within 1 to 5"),
        ("item,low,high\n0.png,1,nan\n", "is not within"),
        ("item,low,high\n0.png,1\n", "low and high must be numbers"),
        ("item,low,high\n0.png,1,2\n0.png,2,3\n", ":3: '0.png' has two answers"),
        ("item,low,high\n0.pgn,1,2\n", "'0.pgn' is not an image of this study. Did you mean '0.png'?"),
        ("", "it has nothing"),
    ],
)
def test_a_fault_in_the_answers_is_refused_with_its_line(images, tmp_path, text, says):
    with pytest.raises(RecipeError) as refused:
        choose_items(answers(tmp_path, text), images, 1, "x")
    assert says in refused.value.message


def test_verdicts_may_be_written_as_words(tmp_path):
    path = tmp_path / "gold.csv"
    path.write_text("item,low,high\na,keep,keep\nb,drop,drop\n")
    assert read_answers(path, StudyStep(protocol="accept")) == {"a": (1, 1), "b": (0, 0)}


def test_files_of_one_name_are_partners_whatever_their_ending(tmp_path):
    for arm, names in {"a": ("x.png", "sub/y.png", "only.png"), "b": ("x.jpg", "sub/y.png")}.items():
        for name in names:
            path = tmp_path / arm / name
            path.parent.mkdir(parents=True, exist_ok=True)
            image = testing.noise(16, 12, len(name))
            path.write_bytes(testing.jpeg(image) if name.endswith("jpg") else testing.png(image))
    (tmp_path / "b" / "broken.png").write_bytes(testing.png(testing.noise(16, 12, 1))[:60])
    folders = {arm: str(tmp_path / arm) for arm in "ab"}
    found, lost = candidates_in(folders)
    body = StudyStep(protocol="pairwise", folders=folders)
    items = choose_items(body, found, 0, "x", lost)
    assert {(item.row, item.content) for item in items.rated} == {
        ("a/x.png", "x"), ("b/x.jpg", "x"), ("a/sub/y.png", "sub/y"), ("b/sub/y.png", "sub/y"),
    }  # fmt: skip
    assert set(items.left_out["row"].to_pylist()) == {"a/only.png", "b/broken.png"}
