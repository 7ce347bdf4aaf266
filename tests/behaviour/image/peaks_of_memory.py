"""For test_memory: says as JSON how much more memory each file took than the process had before, and what the header
foresees. Runs in a process of its own, which is where a peak can be read.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from groundglass import testing
from groundglass.image import header as headers
from groundglass.image import memory
from groundglass.image.frame import open_frame
from groundglass.image.header import ImageLimits
from groundglass.measures.catalog import MEASURES
from groundglass.releases.write_job import Write


def status(word: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(word))
    return int(line.split()[1]) * 1024


def peak_of(path: Path, how: str) -> dict[str, object]:
    limits = ImageLimits(pixels=1e9)
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here on
    before = status("VmRSS")
    data = path.read_bytes()
    frame = open_frame(data, limits)
    _ = frame.rgb
    if how == "measured":
        for measure in MEASURES.values():
            if measure.network is None:
                measure.compute(frame)
    if how == "released":
        Write(path.parent / "out", path.parent / "parts")._write_file(frame.rgb, f"{path.name}.png")
    foreseen = headers.memory_needed(frame.header, len(data)) - memory.WORKER
    return {
        "name": path.name,
        "took": status("VmHWM") - before,
        "foreseen": foreseen,
        "whole": status("VmHWM"),
    }


if __name__ == "__main__":
    warm = open_frame(testing.encoded(testing.photo(256, 256), "PNG", icc_profile=testing.wide_profile()))
    _ = warm.grid_luma
    for name in sys.argv[2:]:
        sys.stdout.write(json.dumps(peak_of(Path(name), sys.argv[1])) + "\n")
