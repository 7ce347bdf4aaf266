"""Squares numbers with an engine: driver.py ENGINE FOLDER COUNT SECONDS [POISON ITEM [LIMIT [GRACE]]].

Each wish to stop leaves a file ``wish-1``, ``wish-2`` … in the folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # where what all tests share lies
from engine_jobs import Squares, left

from groundglass.engines import local
from groundglass.engines.progress import Silent
from groundglass.engines.run import run_job
from groundglass.engines.shards import Settings, Stop
from groundglass.errors import GroundglassError


class Told(Stop):
    """A wish to stop that can be seen from outside."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def ask(self, error: GroundglassError | None = None) -> None:
        super().ask(error)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"wish-{self.times}").touch()


def main(
    engine: str,
    folder: str,
    count: str,
    seconds: str,
    poison: str = "",
    item: str = "0",
    limit: str = "60",
    grace: str = "",
) -> int:
    if grace:
        local.GRACE = float(grace)
    poisons = {int(item): poison} if poison else {}
    job = Squares(Path(folder), poisons, float(seconds))
    settings = Settings(workers=2, shard=8, seconds_per_image=float(limit), engine=engine)
    try:
        run_job(job, left(job.folder, range(int(count))), settings, Silent(), Told(job.folder))
    except GroundglassError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
