"""The adapter to pyiqa, on a stand-in of a few lines: the package itself is under a non-commercial licence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from groundglass import testing
from groundglass.errors import RecipeError
from groundglass.image.frame import open_frame
from groundglass.measures.measure_job import ask_of
from groundglass.measures.pyiqa import LICENCE, MEASURE

FAKE = Path(__file__).parents[2] / "fake_pyiqa"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)
    monkeypatch.syspath_prepend(str(FAKE))


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyiqa"]:
        monkeypatch.delitem(sys.modules, name)


def test_without_the_package_plan_says_what_to_type(monkeypatch: pytest.MonkeyPatch):
    forget(monkeypatch)
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    with pytest.raises(RecipeError, match="pyiqa needs a package that is not installed: pyiqa") as caught:
        ask_of(MEASURE, {"metric": "musiq"})
    assert caught.value.hint.startswith("pip install pyiqa")
    assert "non-commercial" in caught.value.hint


@pytest.mark.usefixtures("installed")
def test_direction_and_range_are_those_of_its_own_table():
    def column(metric: str) -> tuple[object, ...]:
        found = ask_of(MEASURE, {"metric": metric}).definition.columns["pyiqa"]
        return found.low, found.high, found.better

    assert column("brightness") == (0.0, 1.0, "higher")
    assert column("darkness") == (None, None, "lower")
    assert column("crops") == (None, None, "higher")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("britghness", "no metric 'britghness'. Did you mean 'brightness'"),
        ("lpips", "'lpips' needs more than one image"),
        ("fid", "'fid' needs more than one image"),
        ("", "the metric is not given"),
    ],
)
def test_a_metric_that_it_has_not_or_that_needs_more(metric: str, said: str):
    with pytest.raises(RecipeError, match=said):
        ask_of(MEASURE, {"metric": metric})


@pytest.mark.usefixtures("installed")
def test_values_and_chance_are_the_same_each_time():
    frame = open_frame(testing.png(testing.photo(60, 40)))
    bright = MEASURE.compute(frame, metric="brightness", device="cpu")["pyiqa"]
    assert bright == pytest.approx(frame.rgb.mean() / 255, abs=1e-5)
    crops = [MEASURE.compute(frame, metric="crops", device="cpu") for _ in range(2)]
    assert crops[0] == crops[1]


@pytest.mark.usefixtures("installed")
def test_the_version_is_in_the_key_and_the_licence_is_told(monkeypatch: pytest.MonkeyPatch):
    import pyiqa

    before = ask_of(MEASURE, {"metric": "brightness"})
    monkeypatch.setattr(pyiqa, "__version__", "0.1")
    assert ask_of(MEASURE, {"metric": "brightness"}).key != before.key
    assert before.use is not None
    assert before.use.weights.licence == LICENCE
    assert MEASURE.network is not None
    assert "non-commercial" in MEASURE.network.notice


@pytest.mark.usefixtures("installed")
def test_it_takes_no_weights():
    with pytest.raises(RecipeError, match="takes no weights"):
        ask_of(MEASURE, {"metric": "brightness", "weights": "musiq.safetensors"})
