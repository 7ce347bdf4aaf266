"""The results of proofs in a run's folder."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import TypeAdapter

from groundglass.files.atomic import write_text
from groundglass.proofs.prove import Proof

PROOF = "proof"
COMMAND = "command"
"""Below `PROOF`: the folder of `groundglass prove`; a `prove` step has one of its own name."""
RESULT = "proof.json"
_PROOF = TypeAdapter(Proof)


def keep_proof(place: Path, proof: Proof) -> None:
    """Write what a proof found."""
    write_text(json.dumps(proof.plain(), indent=1, ensure_ascii=False) + "\n", place / RESULT)


def read_proofs(run: Path) -> dict[str, Proof | None]:
    """Every proof of a run, by the name of its step; the command's is `COMMAND`. None if its file cannot be read."""
    return {path.parent.name: read_proof(path.parent) for path in sorted((run / PROOF).glob(f"*/{RESULT}"))}


def read_proof(place: Path) -> Proof | None:
    """The proof that a folder keeps; None if there is none, or if it cannot be read."""
    try:
        return _PROOF.validate_json((place / RESULT).read_bytes())
    except (OSError, ValueError):
        return None
