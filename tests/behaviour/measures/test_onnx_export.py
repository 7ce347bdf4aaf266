"""The export that the how-to shows works, and its file is asked as the how-to asks it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from groundglass import testing
from groundglass.image.frame import open_frame
from groundglass.measures.measure_job import ask_of
from groundglass.measures.onnx import MEASURE
from groundglass.models.loaded import answer, in_memory

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/how-to/bring-your-own-scorer.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The page's first piece of code in a language."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_the_page_exports_is_what_its_recipe_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import torch

    class Complexity(torch.nn.Module):
        """A score and a map, as IC9600 gives them."""

        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            places = pixels.abs().mean(1, keepdim=True)
            return places.mean((1, 2, 3)), places

    monkeypatch.chdir(tmp_path)
    exec(block("python"), {"torch": torch, "model": Complexity()})
    (step, _) = YAML(typ="safe").load(block("yaml"))
    (told,) = (dict(one["onnx"]) for one in step["measure"])
    del told["as"]
    ask = ask_of(MEASURE, {**told, "device": "cpu"})
    assert ask.use is not None
    assert ask.definition.network is not None
    network = in_memory(ask.definition.network, ask.use, ask.settings)
    assert network.most > 1, "its first dimension is open"
    assert answer(network, open_frame(testing.png(testing.flat(40, 40, 255))))["onnx"] == pytest.approx(
        ((1 - 0.485) / 0.229 + (1 - 0.456) / 0.224 + (1 - 0.406) / 0.225) / 3, rel=1e-3
    )


def test_the_extra_installs_what_the_export_needs():
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    installed = {re.split(r"[><=\[]", name)[0] for name in told["project"]["optional-dependencies"]["models"]}
    assert {"torch", "onnx", "onnxruntime"} <= installed
