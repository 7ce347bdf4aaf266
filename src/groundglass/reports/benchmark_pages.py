"""The pages of a run's benchmarks, next to its report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from groundglass.benchmarks.result_folder import BENCHMARK, IMAGES, KeptBenchmark, read_benchmarks
from groundglass.files.hashes import file_sha256
from groundglass.reports.benchmark_page import benchmark_page
from groundglass.reports.facts import RunFacts


def benchmark_files(facts: RunFacts) -> dict[str, str]:
    """The page of each benchmark that can be read, by its step, in the order of the steps."""
    there = read_benchmarks(Path(facts.folder))
    return {
        step.step: f"benchmark-{step.step}.html"
        for step in facts.steps
        if step.kind == "benchmark" and there.get(step.step) is not None
    }


def write_benchmarks(facts: RunFacts, folder: Path) -> None:
    """Write the page of each benchmark."""
    there = read_benchmarks(Path(facts.folder))
    for step, name in benchmark_files(facts).items():
        kept = there[step]
        assert kept is not None
        title = f"{facts.name} {facts.number} · {step}"
        data = file_sha256(Path(facts.folder) / BENCHMARK / step / IMAGES)
        text = benchmark_page(kept.found, title, data, _thumbnails(facts, kept), "index.html")
        (folder / name).write_text(text, encoding="utf-8")


def _thumbnails(facts: RunFacts, kept: KeptBenchmark) -> Mapping[str, bytes]:
    """The images of the gallery by their names."""
    rows = dict(zip(kept.found.images.names, kept.rows, strict=True))
    shown = {
        image["image"]
        for score in kept.found.gallery
        for kind in ("overrated", "underrated")
        for image in score[kind]
    }
    return {name: facts.thumbnails[rows[name]] for name in shown if rows[name] in facts.thumbnails}
