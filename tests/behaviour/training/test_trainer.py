"""Jobs: trained, stopped and continued, finetuned, failed with a reason, refused."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from groundglass.training.checkpoint import NAME as CHECKPOINT  # noqa: E402
from groundglass.training.job import RESULT, WEIGHTS, Job, JobError, read_job  # noqa: E402
from groundglass.training.networks import make_network  # noqa: E402
from groundglass.training.trainer import World, run_job  # noqa: E402
from patience import wait_until  # noqa: E402
from training_jobs import small_job, start  # noqa: E402

ALONE = World(0, 1, torch.device("cpu"))


class Stopped(Exception):
    """A kill, as far as the files are concerned."""


def stop_at(iteration: int) -> Callable[[int, float], None]:
    def say(at: int, loss: float) -> None:
        if at >= iteration:
            raise Stopped

    return say


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Job:
    """A job that was done without a stop."""
    job = small_job(tmp_path_factory.mktemp("whole"))
    run_job(job, ALONE)
    return job


def weights(job: Job) -> bytes:
    return (job.out / WEIGHTS).read_bytes()


def test_a_job_gives_scores_weights_and_the_facts_they_depend_on(whole):
    result = json.loads((whole.out / RESULT).read_text())
    assert len(result["psnr"]) == 2
    assert all(10 < value < 60 for value in result["psnr"])
    assert (result["iterations"], result["processes"], result["precision"]) == (12, 1, "float32")
    assert (result["device"], result["torch"]) == ("CPU", torch.__version__)
    assert not (whole.out / CHECKPOINT).exists()


def test_a_finished_job_is_not_done_again(whole):
    before = (whole.out / RESULT).stat().st_mtime_ns
    assert run_job(whole, ALONE) == json.loads((whole.out / RESULT).read_text())
    assert (whole.out / RESULT).stat().st_mtime_ns == before


@settings(max_examples=6, deadline=None)
@given(stops=st.lists(st.integers(1, 12), min_size=1, max_size=3), every=st.integers(1, 5))
def test_a_job_stopped_anywhere_ends_with_the_same_weights(whole, tmp_path_factory, stops, every):
    job = replace(whole, out=tmp_path_factory.mktemp("stopped"), checkpoint_every=every)
    for stop in stops:
        with pytest.raises(Stopped):
            run_job(job, ALONE, stop_at(stop))
    result = run_job(job, ALONE)
    assert weights(job) == weights(whole)
    assert result["psnr"] == json.loads((whole.out / RESULT).read_text())["psnr"]


def test_a_process_killed_in_the_middle_goes_on_to_the_same_weights(tmp_path: Path):
    job = small_job(tmp_path)
    job = replace(job, steps=replace(job.steps, iterations=400), checkpoint_every=3)
    straight = replace(job, out=tmp_path / "straight")
    job.write(tmp_path / "job.json")
    straight.write(tmp_path / "straight.json")
    process = start(["groundglass.training", str(tmp_path / "job.json")])
    wait_until((job.out / CHECKPOINT).exists, "a checkpoint")
    process.kill()
    process.communicate()
    assert not (job.out / RESULT).exists()
    for name in ("job", "straight"):
        process = start(["groundglass.training", str(tmp_path / f"{name}.json")])
        out, _ = process.communicate()
        assert process.returncode == 0
        assert json.loads(out)["iterations"] == 400
    assert weights(job) == weights(straight)


def test_a_kill_while_a_checkpoint_is_written_leaves_the_one_before(whole, tmp_path, monkeypatch):
    job = replace(whole, out=tmp_path, checkpoint_every=2)
    save = torch.save
    written: list[Path] = []

    def half(content, path):
        save(content, path)
        written.append(path)
        if len(written) == 3:
            path.write_bytes(path.read_bytes()[:100])
            raise Stopped

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(Stopped):
        run_job(job, ALONE)
    monkeypatch.undo()
    said: list[int] = []
    run_job(job, ALONE, lambda iteration, _: said.append(iteration))
    assert said[0] == 6
    assert weights(job) == weights(whole)


def test_a_checkpoint_or_result_of_another_job_is_refused(whole, tmp_path):
    other = replace(whole, seed=4)
    with pytest.raises(JobError, match="of another job"):
        run_job(other, ALONE)
    with pytest.raises(Stopped):
        run_job(replace(whole, out=tmp_path, checkpoint_every=2), ALONE, stop_at(6))
    with pytest.raises(ValueError, match="of another job"):
        run_job(replace(other, out=tmp_path), ALONE)
    (tmp_path / CHECKPOINT).write_bytes(b"damaged")
    with pytest.raises(ValueError, match="cannot be read; delete it"):
        run_job(replace(whole, out=tmp_path), ALONE)


def test_a_job_is_the_same_job_in_another_folder(whole, tmp_path):
    for path in (whole.pool, whole.scored):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    moved = replace(whole, pool=tmp_path / whole.pool.name, scored=tmp_path / whole.scored.name)
    assert "psnr" in run_job(moved, ALONE)


def test_finetuning_starts_from_given_weights(whole, tmp_path):
    trained = make_network("msrresnet", 2, seed=8)
    torch.save({"params": trained.state_dict()}, tmp_path / "x2.pth")
    steps = replace(whole.steps, iterations=1, rate=1e-12)
    job = replace(whole, network="msrresnet", start=tmp_path / "x2.pth", out=tmp_path / "out", steps=steps)
    run_job(job, ALONE)
    from safetensors.torch import load_file

    for name, value in load_file(job.out / WEIGHTS).items():
        torch.testing.assert_close(value, trained.state_dict()[name], atol=1e-9, rtol=0)


def test_training_edsr_leaves_its_mean_colours(whole, tmp_path):
    steps = replace(whole.steps, iterations=1, rate=1e-2)
    run_job(replace(whole, network="edsr", out=tmp_path, steps=steps, scored=None), ALONE)
    from safetensors.torch import load_file

    after, before = load_file(tmp_path / WEIGHTS), make_network("edsr", 2, whole.seed).state_dict()
    moved = {name for name in before if not torch.equal(after[name], before[name])}
    assert moved == {name for name in before if "_mean." not in name}


def test_bfloat16_on_a_cpu_trains_about_the_same(whole, tmp_path):
    result = run_job(replace(whole, precision="bfloat16", out=tmp_path), ALONE)
    assert result["precision"] == "bfloat16"
    wanted = json.loads((whole.out / RESULT).read_text())["psnr"]
    assert result["psnr"] != wanted
    assert np.allclose(result["psnr"], wanted, atol=0.5)


def test_a_loss_that_is_not_finite_is_a_result_with_its_reason(whole, tmp_path):
    state = make_network("quick", 2).state_dict()
    state["last.bias"][0] = math.nan
    torch.save(state, tmp_path / "broken.pth")
    job = replace(whole, start=tmp_path / "broken.pth", out=tmp_path / "out")
    result = run_job(job, ALONE)
    assert result["reason"] == "the loss is nan at iteration 0"
    assert "psnr" not in result
    assert not (job.out / WEIGHTS).exists()
    assert run_job(job, ALONE) == result


def test_a_rate_that_is_too_high_is_a_result_with_its_reason(whole, tmp_path):
    steps = replace(whole.steps, rate=1e30)
    result = run_job(replace(whole, out=tmp_path, steps=steps), ALONE)
    assert re.fullmatch(r"the loss is (nan|inf) at iteration [1-9]\d*", result["reason"])


def test_a_last_step_that_breaks_the_weights_is_a_failure_too(whole, tmp_path):
    steps = replace(whole.steps, iterations=1, rate=1e39)
    result = run_job(replace(whole, out=tmp_path, steps=steps), ALONE)
    assert result["reason"] == "a weight is not finite after iteration 0"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _: {"network": "edrs"}, "no network 'edrs'; did you mean 'edsr'"),
        (lambda _: {"scale": 4}, "LR images are 1/2 of their HR, the network upscales by 4"),
        (lambda job: {"steps": replace(job.steps, patch=21)}, "20 px, too few for patches of 21 px"),
        (lambda _: {"precision": "float16"}, "float16 needs a GPU"),
        (lambda _: {"shares": ((7, 1.0),)}, "holds 3 units, none of number 7"),
        (lambda _: {"shares": ((0, 0.0),)}, "no unit has a share above 0"),
        (lambda _: {"shares": ((0, math.nan),)}, "share of unit 0 is nan"),
        (lambda _: {"shares": ((0, -1.0),)}, "share of unit 0 is -1.0"),
        (lambda job: {"steps": replace(job.steps, rate=math.nan)}, "steps.rate is nan"),
        (lambda job: {"pool": job.scored}, "does not hold a pool"),
    ],
)
def test_jobs_that_cannot_be_done_are_refused_by_the_value(whole, tmp_path, change, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        run_job(replace(whole, out=tmp_path, **change(whole)), ALONE)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_pool_is_a_missing_file(whole, tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        run_job(replace(whole, pool=tmp_path / "nowhere", out=tmp_path / "out"), ALONE)


BOTH_GRADIENTS = """
import sys
from pathlib import Path
import torch
from groundglass.training.job import read_job
from groundglass.training.trainer import Training, joined, name_of, run_job

torch.set_num_threads(1)
job = read_job(Path(sys.argv[1]))
with joined() as world:
    training = Training(job, name_of(job), world)
    for batch in range(2):
        lr, hr = training.patches()
        training.network.zero_grad()
        training.loss(lr, hr).backward()
        gradients = {name: value.grad for name, value in training.network.named_parameters()}
        torch.save([lr, hr, gradients], job.out.parent / f"{world.size}.{world.rank}.{batch}")
    run_job(job, world)
"""


def test_two_processes_see_the_batch_of_one_and_take_the_same_steps(tmp_path: Path):
    job = small_job(tmp_path)
    (tmp_path / "both.py").write_text(BOTH_GRADIENTS)
    for processes in (1, 2):
        one = replace(job, out=tmp_path / f"out{processes}")
        one.write(tmp_path / f"job{processes}.json")
        process = start(
            [
                *("torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)),
                *(str(tmp_path / "both.py"), str(tmp_path / f"job{processes}.json")),
            ]
        )
        _, said = process.communicate()
        assert process.returncode == 0, said
    for batch in range(2):
        lr, hr, gradients = torch.load(tmp_path / f"1.0.{batch}")
        parts = [torch.load(tmp_path / f"2.{rank}.{batch}") for rank in (0, 1)]
        assert torch.equal(torch.cat([part[0] for part in parts]), lr)
        assert torch.equal(torch.cat([part[1] for part in parts]), hr)
        for part in parts:
            for name, gradient in gradients.items():
                torch.testing.assert_close(part[2][name], gradient, atol=1e-7, rtol=1e-4)
    results = [json.loads((tmp_path / f"out{n}" / RESULT).read_text()) for n in (1, 2)]
    assert [result["processes"] for result in results] == [1, 2]
    assert results[0]["job"] == results[1]["job"]
    assert np.allclose(results[0]["psnr"], results[1]["psnr"], atol=1e-2)


def test_the_command_line_says_by_its_exit_code_how_it_ended(tmp_path: Path):
    from groundglass.training.__main__ import main

    job = small_job(tmp_path)
    broken = make_network("quick", 2).state_dict()
    broken["last.bias"][0] = math.nan
    torch.save(broken, tmp_path / "broken.pth")
    cases = {
        0: job,
        2: replace(job, network="none", out=tmp_path / "b"),
        3: replace(job, pool=tmp_path / "nowhere", out=tmp_path / "c"),
        4: replace(job, start=tmp_path / "broken.pth", out=tmp_path / "d"),
    }
    for code, case in cases.items():
        case.write(tmp_path / "job.json")
        assert main([str(tmp_path / "job.json")]) == code
    assert main([]) == 2
    assert main(["--help"]) == 0
    assert main([str(tmp_path / "no.json")]) == 3


def test_an_interrupt_ends_with_its_own_code(tmp_path: Path, monkeypatch, capsys):
    from groundglass.training import __main__ as command

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    small_job(tmp_path).write(tmp_path / "job.json")
    monkeypatch.setattr(command, "run_job", interrupted)
    assert command.main([str(tmp_path / "job.json")]) == 130
    assert "the same command continues" in capsys.readouterr().err


def test_a_written_job_reads_back_and_odd_ones_are_refused_by_the_key(tmp_path: Path):
    job = small_job(tmp_path, start=None, precision="bfloat16")
    job.write(tmp_path / "job.json")
    assert read_job(tmp_path / "job.json") == job
    good = json.loads((tmp_path / "job.json").read_text())
    for change, said in (
        ({"form": 2}, "has the form 2; this version reads form 1"),
        ({"netwrok": "edsr"}, "unknown key netwrok"),
        ({"steps": {"iterations": 3, "speed": 1}}, "unknown key steps.speed"),
        ({"steps": {"rate": 1}}, "the key steps.iterations is missing"),
        ({"steps": 3}, "steps is not an object"),
        ({"seed": "3"}, "seed is '3', not a whole number"),
        ({"shares": [1, 2]}, "shares is not a list of [unit, share]"),
        ({"pool": 3}, "pool is 3, not a text"),
        ({"checkpoint_every": 0}, "checkpoint_every is 0"),
    ):
        (tmp_path / "odd.json").write_text(json.dumps({**good, **change}))
        with pytest.raises(JobError, match=re.escape(said)):
            read_job(tmp_path / "odd.json")
    (tmp_path / "odd.json").write_text("{")
    with pytest.raises(JobError, match="not JSON"):
        read_job(tmp_path / "odd.json")
    del good["pool"]
    (tmp_path / "odd.json").write_text(json.dumps(good))
    with pytest.raises(JobError, match="the key pool is missing"):
        read_job(tmp_path / "odd.json")


def test_a_folder_with_a_job_can_be_moved(tmp_path: Path):
    job = small_job(tmp_path / "here")
    job.write(tmp_path / "here" / "job.json")
    (tmp_path / "here").rename(tmp_path / "there")
    moved = read_job(tmp_path / "there" / "job.json")
    assert moved.pool == tmp_path / "there" / "pool.safetensors"
    assert moved.out == tmp_path / "there" / "out"
    assert "psnr" in run_job(moved, ALONE)


def test_paths_outside_the_folder_of_a_job_stay_whole(tmp_path: Path, monkeypatch):
    job = small_job(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jobs").mkdir()
    replace(job, pool=Path("data/pool.safetensors")).write(Path("jobs/job.json"))
    assert read_job(Path("jobs/job.json")) == job


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), value=ANY_JSON)
def test_any_value_in_a_job_file_is_read_or_refused_as_a_job_error(whole, tmp_path_factory, data, value):
    content = whole.as_json()
    key = data.draw(st.sampled_from([*content, *(f"steps.{name}" for name in content["steps"])]))
    if key.startswith("steps."):
        content["steps"][key.removeprefix("steps.")] = value
    else:
        content[key] = value
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(content))
    try:
        job = read_job(path)
    except JobError:
        return
    assert isinstance(job, Job)
    job.write(path)
    assert read_job(path) == job
