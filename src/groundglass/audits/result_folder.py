"""The results of audits in a run's folder: those of the command, and those of its `audit` steps."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass.audits.scorecard import Scorecard
from groundglass.errors import RecipeError
from groundglass.files.atomic import write_text
from groundglass.plans.run_folder import RunFolder, load_record
from groundglass.tables.parquet import write_parquet

COMMAND = "audit"
"""The folder of `groundglass audit`, which audits all gates of a finished run."""
CARD = "scorecard.json"
SLIPPED = "slipped.parquet"
PEOPLE = "audit-people"
"""The folder of `groundglass audit --study`: a file for each study."""


def step_place(run: Path, step: str) -> Path:
    """The folder of an `audit` step."""
    return run / "audits" / step


def keep_audit(place: Path, card: Scorecard, slipped: pa.Table) -> None:
    """Write the results of an audit; the scorecard comes last, so that its presence means that everything is there."""
    write_parquet(slipped, place / SLIPPED)
    write_text(json.dumps(card.plain(), indent=1, ensure_ascii=False) + "\n", place / CARD)


def keep_people(run: Path, study: str, found: Mapping[str, Any]) -> None:
    """Write how the gates of a run agree with the verdicts of a study, in the place of an earlier comparison."""
    write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", run / PEOPLE / f"{study}.json")


def read_people(run: Path) -> list[Mapping[str, Any]]:
    """All comparisons of a run's gates with people, by study; files that cannot be read are left out."""
    found: list[Mapping[str, Any]] = []
    for path in sorted((run / PEOPLE).glob("*.json")):
        with contextlib.suppress(OSError, ValueError):
            found.append(json.loads(path.read_text(encoding="utf-8")))
    return found


def latest_audit(run: Path) -> Path | None:
    """The folder of the audit of a run with the most gates: the command's, else its last step's; None without any."""
    places = [run / COMMAND]
    try:
        steps = load_record(RunFolder(run)).steps
    except RecipeError:
        steps = ()
    places += [step_place(run, step.step) for step in reversed(steps) if step.kind == "audit"]
    return next((place for place in places if (place / CARD).is_file()), None)


def read_card(place: Path) -> Mapping[str, Any] | None:
    """A scorecard as written; None if there is no readable one."""
    try:
        return json.loads((place / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
