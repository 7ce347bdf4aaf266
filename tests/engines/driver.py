"""Squares numbers with an engine: driver.py ENGINE FOLDER COUNT SECONDS [POISON ITEM [LIMIT]]."""

from __future__ import annotations

import sys
from pathlib import Path

from engine_drivers import ENGINES
from engine_jobs import Squares, left

from groundglass.kernel.engines.progress import Silent
from groundglass.kernel.engines.shards import Settings
from groundglass.kernel.errors import GroundglassError


def main(
    engine: str, folder: str, count: str, seconds: str, poison: str = "", item: str = "0", limit: str = "60"
) -> int:
    poisons = {int(item): poison} if poison else {}
    job = Squares(Path(folder), poisons, float(seconds))
    settings = Settings(workers=2, shard=8, seconds_per_image=float(limit))
    try:
        ENGINES[engine](job, left(job.folder, range(int(count))), settings, Silent())
    except GroundglassError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
