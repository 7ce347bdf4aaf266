"""Opens every file of a folder and prints one JSON line each: run in a child process with little memory.

python look_at_torture.py FOLDER > observed.jsonl
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

MEMORY = 6 << 30
SECONDS = 240


def observe(path: Path) -> dict[str, Any]:
    """What `open_frame` makes of a file; anything but an ImageError ends the process."""
    from groundglass.errors import ImageError
    from groundglass.image.frame import open_frame

    try:
        frame = open_frame(path)
        red, green, blue = frame.rgb.reshape(-1, 3).mean(axis=0).round().astype(int).tolist()
        assert frame.grid_luma.size == frame.luma.size == frame.width * frame.height
    except ImageError as error:
        return {"reason": error.reason}
    return {
        "reason": "",
        "size": f"{frame.width}x{frame.height}",
        "orientation": frame.header.orientation,
        "colour": f"{red} {green} {blue}",
        "warnings": " ".join(frame.warnings),
    }


def main(folder: Path) -> None:
    """Print a JSON line for every file below the folder."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        row = {"path": path.relative_to(folder).as_posix(), **observe(path)}
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
