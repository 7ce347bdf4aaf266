"""`python -m groundglass.training JOB.json`, also under `torchrun`: does one job, on a machine that has only torch.

Exit codes: 0 trained, 2 the job is wrong, 3 a file is missing, 4 the loss was not finite (the result has the reason),
130 interrupted (the same command continues).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from groundglass.training.job import read_job
from groundglass.training.trainer import joined, run_job

USAGE = "usage: python -m groundglass.training JOB.json"


def main(arguments: list[str]) -> int:
    """Do the job; the result goes to stdout, progress and problems to stderr."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write(USAGE + "\n")
        return 0 if arguments in (["-h"], ["--help"]) else 2
    if not torch.cuda.is_available():
        # More threads are slower on small networks, and sums would depend on their number.
        torch.set_num_threads(1)
    try:
        job = read_job(Path(arguments[0]))
        with joined() as world:

            def say(iteration: int, loss: float) -> None:
                if world.writes:
                    sys.stderr.write(f"iteration {iteration} of {job.steps.iterations}, loss {loss:.5f}\n")

            result = run_job(job, world, say)
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the same command continues\n")
        return 130
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, ValueError) else 3
    if world.writes:
        sys.stdout.write(json.dumps(result) + "\n")
    return 4 if "reason" in result else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
