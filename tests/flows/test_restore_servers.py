"""Images that servers restore for a recipe: well and ill, killed and continued, and never paid for twice."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from flow_tools import ENVIRONMENT, command, groundglass, heeds_control_c, picture, run_json, steps

from groundglass.calls import retry
from groundglass.calls.ledger import read_lines
from groundglass.files.folder_lock import only_one
from groundglass.image.frame import open_frame
from groundglass.image.resize import resize
from groundglass.testing.image_server import AskedImage, ImageServer, image_for
from groundglass.testing.model_server import ModelServer
from patience import STOPS_A_HANG, wait_until

pytest.importorskip("httpx2", reason="needs the extra 'annotate'")

KEY = "key-that-nobody-may-see"
RECIPE = """
name: hq
steps:
  - source: {{folder: photos, licence: CC0-1.0}}
  - transform:
      restore: "{model}"
      base_url: "{url}"
      scale: {scale}
      price: 0.5
      {prompt}
      {more}
    name: better
  - release: {{format: paired}}
"""
OPENAI, GEMINI = "openai:some-model", "google:gemini-9-image"
FIXED = 'prompt: "Restore."'
PHOTOS = 6


def prepared(
    folder: Path,
    server: ImageServer,
    more: str = "",
    model: str = OPENAI,
    prompt: str = FIXED,
    scale: int = 2,
    photos: int = PHOTOS,
) -> Path:
    (folder / "photos").mkdir(exist_ok=True)
    for number in range(photos):
        (folder / "photos" / f"{number}.png").write_bytes(picture(60, 48, number))
    url = server.url if model == OPENAI else server.root
    text = RECIPE.format(url=url, model=model, scale=scale, prompt=prompt, more=more)
    (folder / "hq.yaml").write_text(text, encoding="utf-8")
    return folder / "runs" / "hq"


def rewrite(folder: Path, old: str, new: str) -> None:
    recipe = folder / "hq.yaml"
    assert old in recipe.read_text()
    recipe.write_text(recipe.read_text().replace(old, new))


def pixels_of(number: int) -> Any:
    return open_frame(picture(60, 48, number)).rgb


def number_of(asked: AskedImage) -> int:
    """The number of the photo that was sent."""
    sent = open_frame(asked.image).rgb
    return next(number for number in range(64) if (pixels_of(number) == sent).all())


def one_fault(fault: str, number: int = 3) -> Callable[[AskedImage], str]:
    """The fault for one photo, each time that it is sent."""
    return lambda asked: fault if number_of(asked) == number else ""


def manifest(runs: Path, number: int = 1) -> list[dict[str, Any]]:
    return pq.read_table(runs / f"{number:04d}" / "release" / "manifest.parquet").to_pylist()


def ledger(runs: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    lines = list(read_lines(runs / "store" / "made" / "calls" / "hq.better.jsonl"))
    return [one for one in lines if one["event"] == "sent"], [one for one in lines if one["event"] == "ended"]


def replies(runs: Path, service: str = "openai") -> list[Path]:
    folder = runs / "store" / "made" / "replies" / service
    return sorted(one for one in folder.glob("*.*") if not one.name.startswith("."))


def restored(runs: Path) -> list[Path]:
    return [one for one in (runs / "store" / "made").rglob("*.png") if one.parents[1].name != "replies"]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry.Patience, "wait", lambda *_: 0.01)


@pytest.mark.parametrize("model", [OPENAI, GEMINI])
def test_hr_is_the_answer_brought_to_its_size_and_lr_the_image_that_was_sent(tmp_path: Path, model: str):
    with ImageServer() as server:
        runs = prepared(tmp_path, server, model=model, scale=4, more="settings: {quality: high}")
        done = steps(run_json(tmp_path, "hq.yaml"))
        assert done["better"]["out"] == server.paid() == PHOTOS
        for one in server.served:
            assert one.asked.prompt == "Restore."
            assert one.asked.seed is None
            assert one.asked.settings["quality"] == "high"
        answers = {number_of(one.asked): image_for(one.asked) for one in server.served}
        again = steps(run_json(tmp_path, "hq.yaml"))
        assert again["better"]["out"] == PHOTOS
        assert server.asked == PHOTOS, "nothing is asked for twice"
    rows = manifest(runs)
    assert len(rows) == 2 * PHOTOS
    for row in rows:
        number = int(row["uri"].split(".")[0])
        found = open_frame(runs / "0001" / "release" / row["file"]).rgb
        if row["role"] == "lr":
            assert (found == pixels_of(number)).all()
        else:
            wanted = resize(open_frame(answers[number]).rgb, 240, 192, "matlab_bicubic")
            assert (found == wanted).all()
    lines = [json.loads(one) for one in (runs / "0001/release/parameters.jsonl").read_text().splitlines()]
    assert {(one["prompt"], one["model"], one["answer"]["size"]) for one in lines} == {
        ("Restore.", model.partition(":")[2], "120x96")
    }
    assert {one.read_bytes() for one in replies(runs, model.partition(":")[0])} == set(answers.values())
    sent, ended = ledger(runs)
    assert len(sent) == len(ended) == PHOTOS
    assert sum(line["cost"] for line in ended) == PHOTOS * 0.5


def test_another_scale_price_or_address_uses_the_same_answers(tmp_path: Path):
    with ImageServer() as first, ImageServer() as second:
        runs = prepared(tmp_path, first)
        run_json(tmp_path, "hq.yaml")
        keys = {one.name for one in (runs / "store" / "made").glob("*.json")}
        rewrite(tmp_path, first.url, second.url)
        rewrite(tmp_path, "price: 0.5", "price: 2")
        assert steps(run_json(tmp_path, "hq.yaml"))["better"]["out"] == PHOTOS
        assert {one.name for one in (runs / "store" / "made").glob("*.json")} == keys
        rewrite(tmp_path, "scale: 2", "scale: 3")
        assert steps(run_json(tmp_path, "hq.yaml"))["better"]["out"] == PHOTOS
        assert second.asked == 0
        assert {(row["width"], row["height"]) for row in manifest(runs, 3) if row["role"] == "hr"} == {
            (180, 144)
        }
        rewrite(tmp_path, "Restore.", "Restore it.")
        assert steps(run_json(tmp_path, "hq.yaml"))["better"]["out"] == PHOTOS
        assert second.asked == PHOTOS, "another prompt is another question"


REASONS = {
    "refusal": "refused",
    "filtered": "refused",
    "text": "no_image",
    "other_ratio": "wrong_size",
    "not_an_image": "not_an_image",
    "broken_base64": "no_image",
    "empty": "no_image",
    "cut": "server_error",
    "page": "server_error",
    "error": "server_error",
    "bad": "bad_request",
    "bad_url": "server_error",
    "lost_url": "server_error",
    "inner_url": "server_error",
    "black": "blank",
    "half_file": "truncated",
}


@pytest.mark.parametrize("fault", REASONS)
def test_one_bad_answer_is_one_row_with_its_reason(tmp_path: Path, fault: str):
    with ImageServer(one_fault(fault)) as server:
        # Without settings, a request that is not accepted may also mean that the image is refused.
        runs = prepared(tmp_path, server, more="settings: {quality: high}")
        done = steps(run_json(tmp_path, "hq.yaml", "--max-failed", "1"))
        assert (done["better"]["out"], done["better"]["failed"]) == (PHOTOS - 1, 1)
        assert done["better"]["reasons"] == {REASONS[fault]: 1}
        assert any(note.startswith(f"{REASONS[fault]}, for example: ") for note in done["better"]["notes"])
        assert "3.png" not in {row["uri"] for row in manifest(runs)}
        asked = server.asked
        planned = groundglass(tmp_path, "plan", "hq.yaml")
        assert "not asked again without `--retry failed`: 1 failure of earlier runs" in planned.stdout
        steps(run_json(tmp_path, "hq.yaml", "--max-failed", "1"))
        assert server.asked == asked, "a failure is not asked for again"
        server.misbehave = lambda _: ""
        again = steps(run_json(tmp_path, "hq.yaml", "--retry", "failed"))
        assert again["better"]["out"] == PHOTOS
        assert server.asked == asked + 1, "only the failure is asked for again"


@pytest.mark.parametrize("fault", ["refusal", "filtered", "text", "not_an_image", "other_ratio", "empty"])
def test_googles_answers_too(tmp_path: Path, fault: str):
    with ImageServer(one_fault(fault)) as server:
        prepared(tmp_path, server, model=GEMINI)
        done = steps(run_json(tmp_path, "hq.yaml", "--max-failed", "1"))
    assert done["better"]["reasons"] == {REASONS[fault]: 1}


def test_an_answer_of_nearly_the_same_ratio_is_cut_and_that_is_on_record(tmp_path: Path):
    with ImageServer(one_fault("near_ratio")) as server:
        runs = prepared(tmp_path, server)
        run_json(tmp_path, "hq.yaml")
        answer = next(image_for(one.asked, one.fault) for one in server.served if one.fault)
    lines = [json.loads(one) for one in (runs / "0001/release/parameters.jsonl").read_text().splitlines()]
    assert [one["answer"].get("cut_to") for one in lines].count("120x96") == 1
    row = next(row for row in manifest(runs) if row["uri"] == "3.png" and row["role"] == "hr")
    found = open_frame(runs / "0001" / "release" / row["file"]).rgb
    whole = open_frame(answer).rgb
    assert whole.shape == (96, 121, 3)
    assert np.array_equal(found, whole[:, :120])


def test_the_bytes_decide_and_not_the_type_that_a_server_states(tmp_path: Path):
    with ImageServer(one_fault("wrong_type")) as server:
        runs = prepared(tmp_path, server)
        assert steps(run_json(tmp_path, "hq.yaml"))["better"]["out"] == PHOTOS
    assert sorted(one.suffix for one in replies(runs)) == [".jpg", *[".png"] * (PHOTOS - 1)]


def test_the_image_that_was_sent_as_an_answer_is_on_record(tmp_path: Path):
    with ImageServer(one_fault("copy")) as server:
        runs = prepared(tmp_path, server, scale=1)
        run_json(tmp_path, "hq.yaml")
    lines = [json.loads(one) for one in (runs / "0001/release/parameters.jsonl").read_text().splitlines()]
    assert sum(one["answer"].get("unchanged", False) for one in lines) == 1


def test_equal_photos_are_paid_for_once(tmp_path: Path):
    with ImageServer() as server:
        prepared(tmp_path, server)
        (tmp_path / "photos" / "again.png").write_bytes(picture(60, 48, 0))
        assert steps(run_json(tmp_path, "hq.yaml"))["better"]["out"] == PHOTOS + 1
        assert server.paid() == PHOTOS


def test_one_answer_to_all_images_is_said(tmp_path: Path):
    with ImageServer(lambda _: "same") as server:
        prepared(tmp_path, server)
        done = steps(run_json(tmp_path, "hq.yaml"))
    assert f"{PHOTOS - 1} answers with the bytes of another image's answer" in done["better"]["notes"]


def test_images_that_the_size_cannot_fit_are_not_paid_for(tmp_path: Path):
    with ImageServer() as server:
        prepared(tmp_path, server, more="settings: {size: 150x120}")
        (tmp_path / "photos" / "square.png").write_bytes(picture(48, 48, 20))
        done = steps(run_json(tmp_path, "hq.yaml", "--max-failed", "1"))
        assert done["better"]["reasons"] == {"wrong_size": 1}
        assert server.asked == PHOTOS
        assert {one.asked.settings["size"] for one in server.served} == {"150x120"}


@pytest.mark.parametrize("fault", ["huge", "huge_url", "drip"])
def test_a_reply_without_end_is_a_row(tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(retry, "Patience", partial(retry.Patience, attempts=1))
    with ImageServer(one_fault(fault), seconds=0.05) as server:
        prepared(tmp_path, server, more="timeout: 4" if fault == "drip" else "")
        done = steps(run_json(tmp_path, "hq.yaml", "--max-failed", "1"))
    assert done["better"]["reasons"] == {"timeout" if fault == "drip" else "server_error": 1}


def test_a_setting_that_a_server_refuses_is_left_out_and_said(tmp_path: Path):
    with ImageServer(lambda _: "no_response_format") as server:
        prepared(tmp_path, server)
        done = steps(run_json(tmp_path, "hq.yaml"))
        assert server.paid() == PHOTOS
    assert "`response_format` is left out" in " ".join(done["better"]["notes"])


def test_a_busy_server_is_waited_for(tmp_path: Path):
    with ImageServer(lambda asked: "busy" if asked.number < 3 else "") as server:
        runs = prepared(tmp_path, server)
        run_json(tmp_path, "hq.yaml")
        assert server.paid() == PHOTOS
    _, ended = ledger(runs)
    assert sum(line["cost"] for line in ended) == PHOTOS * 0.5, "a refused request costs nothing"


@pytest.mark.parametrize("fault", ["no_access", "error"])
def test_a_server_that_refuses_everything_stops_the_run(tmp_path: Path, fault: str):
    photos = 14
    with ImageServer(lambda _: fault) as server:
        runs = prepared(tmp_path, server, photos=photos)
        done = groundglass(tmp_path, "run", "hq.yaml", GROUNDGLASS_API_KEY=KEY)
        assert done.returncode == 3
        assert KEY not in done.stdout + done.stderr
        assert not any(KEY.encode() in path.read_bytes() for path in runs.rglob("*") if path.is_file())
        server.misbehave = lambda _: ""
        assert steps(run_json(tmp_path, "hq.yaml"))["better"]["out"] == photos, (
            "nothing was held against an image"
        )


def test_no_file_holds_the_key_and_no_address_behind_which_an_answer_was(tmp_path: Path):
    with ImageServer(lambda _: "url") as server:
        runs = prepared(tmp_path, server)
        done = groundglass(tmp_path, "run", "hq.yaml", "--json", GROUNDGLASS_API_KEY=KEY)
        assert done.returncode == 0, done.stderr
        assert all(one.asked.key == KEY for one in server.served)
        assert len(server.fetched) == PHOTOS
        assert KEY not in json.dumps(server.fetched)
    assert not any(KEY.encode() in path.read_bytes() for path in runs.rglob("*") if path.is_file())
    assert not list(runs.rglob(".*.reply"))


@pytest.mark.parametrize(("budget", "most"), [("{calls: 4}", 4), ("{money: 1.5}", 3)])
def test_a_budget_stops_in_the_middle_and_a_larger_one_goes_on(tmp_path: Path, budget: str, most: int):
    with ImageServer() as server:
        prepared(tmp_path, server, more=f"budget: {budget}")
        first = steps(run_json(tmp_path, "hq.yaml", "--max-failed", "1"))
        assert server.asked == first["better"]["out"] == most
        assert first["better"]["reasons"] == {"budget": PHOTOS - most}
        planned = groundglass(tmp_path, "plan", "hq.yaml")
        assert f"at most {PHOTOS - most} calls of {OPENAI}" in planned.stdout
        assert server.asked == most, "plan asks nobody"
        steps(run_json(tmp_path, "hq.yaml", "--max-failed", "1"))
        assert server.asked == most, "the budget holds for all runs"
        rewrite(tmp_path, f"budget: {budget}", "budget: {money: 100}")
        assert steps(run_json(tmp_path, "hq.yaml"))["better"]["out"] == PHOTOS
        assert server.asked == PHOTOS


def started(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command("run", "hq.yaml", "--json"),
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heeds_control_c,
    )


@pytest.mark.parametrize("arrived", [1, 7])
def test_a_killed_run_pays_for_nothing_that_arrived(tmp_path: Path, arrived: int):
    photos = 12
    with ImageServer(lambda _: "slow", seconds=0.15) as server:
        runs = prepared(tmp_path, server, photos=photos, more="concurrency: 2")
        program = started(tmp_path)
        wait_until(lambda: len(ledger(runs)[1]) >= arrived)
        program.send_signal(signal.SIGKILL)
        program.communicate(timeout=STOPS_A_HANG)
        there = {path.stem for path in replies(runs)}
        assert len(there) <= server.paid() <= len(there) + 2
        server.misbehave = lambda _: ""
        assert steps(run_json(tmp_path, "hq.yaml"))["better"]["out"] == photos
        asked = [line["image"] for line in ledger(runs)[0]]
        assert all(asked.count(key) == 1 for key in there)
        assert server.paid() <= photos + 2


def test_an_answer_whose_download_a_kill_cut_off_is_not_paid_for_again(tmp_path: Path):
    with ImageServer(lambda _: "slow_url", seconds=20) as server:
        runs = prepared(tmp_path, server, more="concurrency: 2")
        program = started(tmp_path)
        wait_until(lambda: len(list(runs.rglob(".*.reply"))) == 2)
        program.send_signal(signal.SIGKILL)
        program.communicate(timeout=STOPS_A_HANG)
        server.seconds = 0
        assert steps(run_json(tmp_path, "hq.yaml"))["better"]["out"] == PHOTOS
        assert server.asked == PHOTOS
    assert not list(runs.rglob(".*.reply")), "an address may let anybody read the image"


def test_an_answer_whose_address_does_not_answer_is_fetched_later_without_pay(tmp_path: Path):
    with ImageServer(one_fault("away_url")) as server:
        prepared(tmp_path, server)
        done = steps(run_json(tmp_path, "hq.yaml", "--max-failed", "1"))
        assert done["better"]["reasons"] == {"server_error": 1}
        server.away = False
        assert steps(run_json(tmp_path, "hq.yaml", "--retry", "failed"))["better"]["out"] == PHOTOS
        assert server.asked == PHOTOS


@pytest.mark.parametrize("lost", ["pixels", "pixels and lines", "note"])
def test_what_a_kill_cut_off_after_the_answer_follows_from_the_reply(tmp_path: Path, lost: str):
    with ImageServer() as server:
        runs = prepared(tmp_path, server)
        run_json(tmp_path, "hq.yaml")
        before = {one: one.read_bytes() for one in restored(runs)}
        assert len(before) == PHOTOS
        for one in before:
            (one.with_suffix(".json") if lost == "note" else one).unlink()
        if "lines" in lost:
            (runs / "store" / "made" / "replies" / "made.jsonl").unlink()
        # Values that were measured would hide that pixels are lost.
        (runs / "store" / "measures").rename(runs / "store" / "gone")
        assert steps(run_json(tmp_path, "hq.yaml"))["better"]["out"] == PHOTOS
        assert {one: one.read_bytes() for one in restored(runs)} == before
        assert server.asked == PHOTOS


def test_two_runs_do_not_ask_for_the_same_images_at_the_same_time(tmp_path: Path):
    with ImageServer() as server:
        runs = prepared(tmp_path, server)
        (runs / "store" / "made").mkdir(parents=True)
        with only_one(runs / "store" / "made"):
            done = groundglass(tmp_path, "run", "hq.yaml")
        assert done.returncode == 2
        assert "in use by process" in done.stderr
        assert not server.asked
        assert steps(run_json(tmp_path, "hq.yaml"))["better"]["out"] == PHOTOS


def test_control_c_saves_what_arrived_and_the_same_command_goes_on(tmp_path: Path):
    photos = 10
    with ImageServer(lambda _: "slow", seconds=0.2) as server:
        runs = prepared(tmp_path, server, photos=photos, more="concurrency: 2")
        program = started(tmp_path)
        wait_until(lambda: len(ledger(runs)[1]) >= 3)
        program.send_signal(signal.SIGINT)
        program.communicate(timeout=STOPS_A_HANG)
        assert program.returncode == 130
        assert len(ledger(runs)[0]) == len(ledger(runs)[1]), "calls under way ended"
        server.misbehave = lambda _: ""
        assert steps(run_json(tmp_path, "hq.yaml"))["better"]["out"] == photos
        assert server.paid() == photos


ADAPTIVE = """prompt: "Restore this. It shows: {{text}}"
      prompt_from: meta.caption"""


def with_captions(folder: Path, captions: dict[int, str]) -> None:
    for number, caption in captions.items():
        (folder / "photos" / f"{number}.txt").write_text(caption)


def test_adaptive_prompts_are_of_the_row_and_a_row_without_text_is_not_paid_for(tmp_path: Path):
    with ImageServer() as server:
        runs = prepared(tmp_path, server, prompt=ADAPTIVE.replace("{{", "{").replace("}}", "}"))
        with_captions(tmp_path, dict.fromkeys(range(4), "a cat") | {4: "a {text} dog"})
        planned = groundglass(tmp_path, "plan", "hq.yaml")
        assert planned.returncode == 0, planned.stderr
        done = steps(run_json(tmp_path, "hq.yaml", "--max-failed", "1"))
        assert done["better"]["reasons"] == {"no_text": 1}
        said = {number_of(one.asked): one.asked.prompt for one in server.served}
        assert said == dict.fromkeys(range(4), "Restore this. It shows: a cat") | {
            4: "Restore this. It shows: a {text} dog"
        }
        prompts = {json.loads(one.read_text())["prompt"] for one in (runs / "store" / "made").glob("*.json")}
        assert prompts == set(said.values()), "one record for each distinct prompt"
        with_captions(tmp_path, {5: "a tree", 0: "a lion"})
        assert steps(run_json(tmp_path, "hq.yaml"))["better"]["out"] == PHOTOS
        assert server.asked == 7, "only new prompts are asked"
        planned = groundglass(tmp_path, "plan", "hq.yaml")
        assert f"no call of {OPENAI}" in planned.stdout


def test_prompts_may_be_answers_of_the_same_run_and_images_may_be_tiles(tmp_path: Path):
    recipe = """
name: hq
steps:
  - source: {{folder: photos, licence: CC0-1.0}}
  - transform: {{tile: 24}}
  - annotate: {{model: {{openai: m, base_url: "{words}"}}, ask: [caption]}}
  - transform: {{restore: "openai:m", base_url: "{images}", scale: 2, prompt_from: caption}}
    name: better
  - release: {{format: paired}}
"""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "0.png").write_bytes(picture(48, 24, 0))
    with ModelServer() as model, ImageServer() as server:
        (tmp_path / "hq.yaml").write_text(recipe.format(words=model.url, images=server.url))
        planned = groundglass(tmp_path, "plan", "hq.yaml")
        assert "at most 2 calls of openai:m" in planned.stdout, planned.stderr
        done = steps(run_json(tmp_path, "hq.yaml"))
        assert done["better"]["out"] == server.paid() == 2
        sent = [open_frame(one.asked.image).rgb for one in server.served]
        left, right = np.split(pixels_of_wide(), 2, axis=1)
        assert sorted(one.tobytes() for one in sent) == sorted([left.tobytes(), right.tobytes()])
        captions = {one.asked.prompt for one in server.served}
        assert all(captions)
        planned = groundglass(tmp_path, "plan", "hq.yaml")
        assert "no call of openai:m" in planned.stdout


def pixels_of_wide() -> Any:
    return open_frame(picture(48, 24, 0)).rgb


BAD = {
    "service": (("openai:", "opnai:"), "there is no service 'opnai'. Did you mean 'openai'?"),
    "imagen": (("openai:some-model", "google:imagen-4"), "imagen-4 takes no image to edit"),
    "no prompt": ((FIXED, ""), "openai:some-model needs a `prompt`"),
    "no place": ((FIXED, "prompt: Sharp.\n      prompt_from: uri"), "`prompt` has no place for `uri`"),
    "no column": ((FIXED, "prompt: 'It is {text}'"), "`{text}` needs `prompt_from`"),
    "unknown column": ((FIXED, "prompt_from: captoin"), "captoin"),
    "no text": ((FIXED, "prompt_from: width"), "'width' is not a text"),
    "no scale": (("scale: 2", ""), "a server has no scale of its own"),
    "overlap": (("scale: 2", "scale: 2\n      overlap: 8"), "a model behind a server takes no `overlap`"),
    "budget": (("scale: 2", "scale: 2\n      budget: {}"), "`budget` holds no limit"),
    "price": (("price: 0.5", "budget: {money: 1}"), "`money` needs the price of an image"),
    "setting": (("scale: 2", "scale: 2\n      settings: {n: 2}"), "`n` cannot be a setting"),
    "image": (("scale: 2", "scale: 2\n      settings: {image: a}"), "`image` cannot be a setting"),
    "size": (("scale: 2", "scale: 2\n      settings: {size: big}"), "`size` cannot be 'big'"),
    "address": (("http://", "ftp://"), "is not an address"),
    "key": (("base_url", "timeout: 3 #"), "needs a key in the environment"),
    "bicubic": (("openai:some-model", "bicubic"), "bicubic takes no `base_url`"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_recipe_that_cannot_be_stops_in_plan(name: str, tmp_path: Path):
    (old, new), said = BAD[name]
    with ImageServer() as server:
        prepared(tmp_path, server, photos=1)
        rewrite(tmp_path, old, new)
        done = groundglass(tmp_path, "plan", "hq.yaml", OPENAI_API_KEY="")
        assert done.returncode == 2
        assert "hq.yaml:" in done.stderr
        assert said in " ".join(done.stderr.replace("\n", " ").split())
        assert not server.asked


def test_plan_states_the_calls_and_asks_nobody(tmp_path: Path):
    with ImageServer() as server:
        runs = prepared(tmp_path, server, more="budget: {calls: 100}")
        done = groundglass(tmp_path, "plan", "hq.yaml")
        assert f"at most {PHOTOS} calls of {OPENAI} plus retries after failures, cost 3" in done.stdout
        assert "nothing is asked before the run" in done.stdout
        assert "images are sent to some-model at http://127.0.0.1" in done.stdout
        assert not server.asked
    assert not (runs / "store" / "made").exists()
