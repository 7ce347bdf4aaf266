"""`groundglass check-pairs`: every pair has a verdict and a reason, and bad input is a row."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "flows"))
from flow_tools import groundglass

from groundglass.measures.pairs.faithful_fit import reduced

WIDTH, HEIGHT = 192, 160


def scene(seed: int, width: int = WIDTH, height: int = HEIGHT) -> Any:
    random = np.random.default_rng(seed)
    planes = sum(
        cv2.GaussianBlur(random.normal(0, 40 * s, (height, width, 3)), (0, 0), s) for s in (1, 2, 5, 12)
    )
    return np.clip(planes + 128, 0, 255).astype(np.uint8)


def low(hq: Any, scale: int = 4) -> Any:
    return np.round(
        reduced(cv2.GaussianBlur(hq, (0, 0), 1.5), hq.shape[1] // scale, hq.shape[0] // scale)
    ).astype(np.uint8)


def put(folder: Path, name: str, pixels: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    for number in range(3):
        hq = scene(number)
        put(tmp_path / "hq", f"{number}.png", hq)
        put(tmp_path / "lq", f"{number}.png", low(hq))
    return tmp_path


def check(folder: Path, *words: str, code: int = 0) -> dict[str, Any]:
    done = groundglass(folder, "check-pairs", *(words or ("lq", "hq")), "--json", "--against", "none")
    assert done.returncode == code, done.stderr
    return {pair["name"]: pair for pair in json.loads(done.stdout)["pairs"]}


def test_sound_pairs_are_accepted_with_their_values(pairs: Path):
    found = check(pairs)
    assert [pair["verdict"] for pair in found.values()] == ["accepted"] * 3
    keys = {"name", "verdict", "reasons", "shift", "colour_residual", "hallucinated_share"}
    assert keys <= found["0.png"].keys()
    assert found["0.png"]["shift"] < 0.3
    assert found["0.png"]["hallucinated_share"] == 0


def test_swapped_names_are_found(pairs: Path):
    (pairs / "hq/0.png").rename(pairs / "hq/x.png")
    (pairs / "hq/1.png").rename(pairs / "hq/0.png")
    (pairs / "hq/x.png").rename(pairs / "hq/1.png")
    found = check(pairs)
    assert found["0.png"]["verdict"] == "rejected"
    assert found["0.png"]["reasons"][0].startswith("names: LQ fits 1.png")
    assert found["1.png"]["reasons"][0].startswith("names: LQ fits 0.png")
    assert found["2.png"]["verdict"] == "accepted"


def test_duplicates_identical_pairs_and_copies_are_rejected(pairs: Path):
    hq = scene(0)
    put(pairs / "hq", "again.png", hq)
    put(pairs / "lq", "again.png", low(hq))
    same = scene(8)
    put(pairs / "hq", "same.png", same)
    put(pairs / "lq", "same.png", same)
    small = low(scene(9))
    put(pairs / "lq", "up.png", small)
    up = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    put(pairs / "hq", "up.png", up)
    found = check(pairs)
    assert any(
        "duplicate: HQ has the same pixels as" in r
        for r in found["again.png"]["reasons"] + found["0.png"]["reasons"]
    )
    assert [found[name]["verdict"] for name in ("0.png", "again.png")].count("rejected") == 1
    assert any(reason.startswith("identical") for reason in found["same.png"]["reasons"])
    assert found["up.png"]["reasons"][0].startswith("copy")


def test_an_lq_larger_than_hq_and_other_ratios_are_rejected(pairs: Path):
    found = check(pairs, "hq", "lq")
    assert all("LQ is larger than HQ" in pair["reasons"][0] for pair in found.values())
    put(pairs / "lq", "2.png", low(scene(2), 2))
    assert "in most pairs" in check(pairs)["2.png"]["reasons"][0]
    put(pairs / "lq", "2.png", low(scene(2))[:30])
    assert "differ" in " ".join(check(pairs)["2.png"]["reasons"])


def test_files_without_a_partner_or_with_damage_are_unknown(pairs: Path):
    (pairs / "lq/0.png").unlink()
    (pairs / "lq/1.png").write_bytes(b"no image")
    put(pairs / "lq", "3.png", low(scene(3)))
    found = check(pairs, code=4)
    assert found["0.png"]["reasons"] == ["no_partner: there is no LQ file for it"]
    assert found["3.png"]["reasons"] == ["no_partner: there is no HQ file for it"]
    assert found["1.png"]["verdict"] == "unknown"
    assert found["2.png"]["verdict"] == "accepted"


def test_an_animation_is_unknown_and_16_bits_are_noted(pairs: Path):
    frames = [Image.fromarray(scene(n)) for n in (0, 7)]
    (pairs / "hq/0.png").unlink()
    frames[0].save(pairs / "hq/0.webp", save_all=True, append_images=frames[1:], lossless=True)
    deep = scene(1).astype(np.uint16) * 257
    cv2.imwrite(str(pairs / "hq/1.png"), deep[..., ::-1])
    found = check(pairs, code=4)
    animated = next(pair for pair in found.values() if pair["lq"] == "0.png")
    assert animated["verdict"] == "unknown"
    assert "animated: HQ has 2 frames" in " ".join(animated["reasons"])
    assert found["1.png"]["verdict"] == "accepted"
    assert "16 bits" in found["1.png"]["notes"][0]


def test_a_16_bit_or_animated_lq_is_named_as_lq(pairs: Path):
    deep = low(scene(1)).astype(np.uint16) * 257
    cv2.imwrite(str(pairs / "lq/1.png"), deep[..., ::-1])
    frames = [Image.fromarray(low(scene(n))) for n in (0, 7)]
    frames[0].save(pairs / "lq/0.png", save_all=True, append_images=frames[1:])
    found = check(pairs, code=4)
    assert "animated: LQ has 2 frames" in " ".join(found["0.png"]["reasons"])
    assert found["1.png"]["notes"][0].startswith("LQ has 16 bits a sample")


def test_an_hq_of_a_test_set_is_a_leak(pairs: Path):
    put(pairs / "tests", "mine.png", scene(1))
    done = groundglass(pairs, "fingerprint", "tests", "-o", "mine.parquet")
    assert done.returncode == 0, done.stderr
    done = groundglass(pairs, "check-pairs", "lq", "hq", "--json", "--against", "mine.parquet")
    found = {pair["name"]: pair for pair in json.loads(done.stdout)["pairs"]}
    assert found["1.png"]["verdict"] == "rejected"
    assert found["1.png"]["reasons"][0].startswith("leak: HQ shows the test image")
    assert found["0.png"]["verdict"] == found["2.png"]["verdict"] == "accepted"


def test_near_duplicates_across_pairs_are_noted_and_not_rejected(pairs: Path):
    near = np.clip(scene(0).astype(int) + 2, 0, 255).astype(np.uint8)
    put(pairs / "hq", "near.png", near)
    put(pairs / "lq", "near.png", low(near))
    found = check(pairs)
    notes = {name: " ".join(pair["notes"]) for name, pair in found.items()}
    assert [name for name, said in notes.items() if "near-duplicate" in said] in (["0.png"], ["near.png"])
    assert {pair["verdict"] for pair in found.values()} == {"accepted"}


def test_a_large_pair_is_only_seen_in_pieces(pairs: Path, monkeypatch: pytest.MonkeyPatch):
    """The memory that a pair takes beyond its pixels is that of one piece, whatever its size."""
    from groundglass.measures.pairs import gates

    seen: list[int] = []

    def watched(lq: Any, hq: Any) -> Any:
        seen.append(max(*lq.shape[:2], hq.shape[0] // 4, hq.shape[1] // 4))
        return align(lq, hq)

    align = gates.align
    monkeypatch.setattr(gates, "align", watched)
    large = scene(6, 2400, 1600)
    put(pairs / "hq", "large.png", large)
    put(pairs / "lq", "large.png", low(large))
    assert check(pairs)["large.png"]["verdict"] == "accepted"
    assert len(seen) > 6
    assert max(seen) <= gates.PIECE


def test_an_lq_of_40_px_is_judged_and_one_of_24_px_is_unknown(pairs: Path):
    forty = scene(4, 160, 160)
    put(pairs / "hq", "forty.png", forty)
    put(pairs / "lq", "forty.png", low(forty))
    tiny = scene(5, 96, 96)
    put(pairs / "hq", "tiny.png", tiny)
    put(pairs / "lq", "tiny.png", low(tiny))
    found = check(pairs, code=4)
    assert found["forty.png"]["verdict"] == "accepted"
    assert found["tiny.png"]["verdict"] == "unknown"
    assert "at least 32" in found["tiny.png"]["reasons"][0]


def test_the_table_names_what_to_type_next_and_one_folder_twice_is_refused(pairs: Path):
    done = groundglass(pairs, "check-pairs", "lq", "hq")
    assert done.returncode == 0, done.stderr
    assert "accepted" in done.stdout
    assert "invisible to all gates" in done.stdout
    assert "check-pairs lq hq --json" in done.stdout.splitlines()[-1]
    assert groundglass(pairs, "check-pairs", "lq", "lq").returncode == 2
    assert groundglass(pairs, "check-pairs", "lq", "hq", "--against", "Set6").returncode == 2
    assert groundglass(pairs, "check-pairs", "lq", "nowhere").returncode == 2
