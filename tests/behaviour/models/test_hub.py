"""Weights of a hub: listed, hashed before they are here, fetched, checked, and known again without the hub."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundglass.errors import RecipeError, UnreachableError
from groundglass.models.find_weights import find_weights
from groundglass.models.hub import fetch
from loopback_hub import COMMIT, Hub, serve

constants = pytest.importorskip("huggingface_hub.constants")

FILES = {"config.json": b"{}", "net.onnx": b"weights" * 100, "net.bin": b"pickle", "README.md": b"a card"}
PATTERNS = ("*.json", "*.onnx")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serve(Hub(FILES, large=("net.onnx", "net.bin"))) as served:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "ours"))
        monkeypatch.setattr(constants, "ENDPOINT", served.endpoint)
        template = served.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        yield served


def test_the_hash_is_known_before_anything_large_is_fetched(hub: Hub):
    found = find_weights("tiny/net@main", PATTERNS)
    assert (found.origin, found.revision, found.licence) == ("tiny/net", COMMIT, "apache-2.0")
    assert [file.name for file in found.files] == ["config.json", "net.onnx"]
    assert [file.name for file in found.absent] == ["net.onnx"]
    assert found.files[1].sha256 == hashlib.sha256(FILES["net.onnx"]).hexdigest()
    assert not any("net.onnx" in path for path in hub.asked)


def test_fetched_weights_are_where_they_were_said_to_be_and_have_the_same_hash(hub: Hub):
    before = find_weights("tiny/net@main", PATTERNS)
    told: list[str] = []
    fetch(before, lambda file: told.append(file.name))
    assert told == ["net.onnx"]
    assert (before.path / "net.onnx").read_bytes() == FILES["net.onnx"]
    after = find_weights("tiny/net@main", PATTERNS)
    assert after.absent == ()
    assert after.sha256 == before.sha256


def test_one_file_may_be_named(hub: Hub):
    found = find_weights("tiny/net@main/net.onnx")
    fetch(found)
    assert found.path.read_bytes() == FILES["net.onnx"]
    with pytest.raises(RecipeError, match=r"Did you mean 'net\.onnx'"):
        find_weights("tiny/net@main/nat.onnx")


def test_a_folder_with_the_same_files_has_the_same_hash(hub: Hub, tmp_path: Path):
    folder = tmp_path / "own"
    folder.mkdir()
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    assert find_weights(str(folder), PATTERNS).sha256 == find_weights("tiny/net@main", PATTERNS).sha256


def test_a_full_commit_is_not_asked_for_twice(hub: Hub):
    fetch(find_weights(f"tiny/net@{COMMIT}", PATTERNS))
    hub.asked.clear()
    assert find_weights(f"tiny/net@{COMMIT}", PATTERNS).absent == ()
    assert hub.asked == []


def test_what_is_here_is_found_while_the_hub_is_out_of_reach(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    before = find_weights("tiny/net@main", PATTERNS)
    fetch(before)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert find_weights("tiny/net@main", PATTERNS).sha256 == before.sha256


@pytest.mark.parametrize("how", ["closed", "silent"])
def test_a_hub_that_does_not_answer(hub: Hub, how: str, monkeypatch: pytest.MonkeyPatch):
    if how == "closed":
        monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    else:
        hub.slow = 2.0
        monkeypatch.setattr("groundglass.models.hub.PATIENCE", 0.2)
    with pytest.raises(UnreachableError, match="tiny/net@main: cannot be fetched from http") as caught:
        find_weights("tiny/net@main", PATTERNS)
    assert "weights: PATH" in caught.value.hint
    assert caught.value.exit_code == 3


def test_what_is_not_what_the_hub_states_is_refused(hub: Hub):
    hub.stated["net.onnx"] = "0" * 64
    with pytest.raises(UnreachableError, match="differs from what the hub states"):
        fetch(find_weights("tiny/net@main", PATTERNS))


@pytest.mark.parametrize(
    ("text", "said"),
    [("tiny/none@main", "no such repository"), ("tiny/net@v9", "no such revision")],
)
def test_names_that_the_hub_does_not_know_are_the_recipes_fault(hub: Hub, text: str, said: str):
    with pytest.raises(RecipeError, match=said):
        find_weights(text, PATTERNS)


def test_a_pickle_is_refused_before_it_is_fetched(hub: Hub):
    with pytest.raises(RecipeError, match="is a pickle"):
        find_weights("tiny/net@main/net.bin")
    assert find_weights("tiny/net@main/net.bin", allow_pickle=True).absent[0].name == "net.bin"
