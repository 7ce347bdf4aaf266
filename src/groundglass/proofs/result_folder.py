"""The results of proofs in a run's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundglass.files.atomic import write_text
from groundglass.proofs.prove import Proof

PROOF = "proof"
COMMAND = "command"
"""Below `PROOF`: the folder of `groundglass prove`; a `prove` step has one of its own name."""
RESULT = "proof.json"


def keep_proof(place: Path, proof: Proof) -> None:
    """Write what a proof found."""
    write_text(json.dumps(proof.plain(), indent=1, ensure_ascii=False) + "\n", place / RESULT)


def read_proofs(run: Path) -> dict[str, Mapping[str, Any]]:
    """Every proof of a run that can be read, by the name of its step; the command's is `COMMAND`."""
    found: dict[str, Mapping[str, Any]] = {}
    for path in sorted((run / PROOF).glob(f"*/{RESULT}")):
        try:
            found[path.parent.name] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
    return found
