"""A study with its items, as its database keeps them: made once. Later only its turn and the owner's token change."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from groundglass.errors import RecipeError
from groundglass.recipes.study_model import StudyStep
from groundglass.studies.design import Design, design_of
from groundglass.studies.links import digest, new_token
from groundglass.studies.records import ItemRow, storable
from groundglass.studies.schema import ITEMS, STUDIES, VERSION


@dataclass(frozen=True)
class Facts:
    """The keys of a study, its seed, and its items by their ids, in their order: they never change."""

    body: StudyStep
    seed: int
    items: Mapping[str, ItemRow]

    def design(self) -> Design:
        return design_of(self.body, list(self.items.values()), self.seed)


def add_study(
    connection: Connection,
    study: str,
    name: str,
    body: Mapping[str, Any],
    seed: int,
    recipe: str,
    items: Sequence[ItemRow],
) -> str:
    """Make a study with its items; the owner's token."""
    token = new_token()
    row = {
        "id": study, "version": VERSION, "name": name, "body": body, "seed": seed, "recipe": recipe,
        "created": time.time(), "owner_hash": digest(token), "turn": 0,
    }  # fmt: skip
    connection.execute(insert(STUDIES), row)
    rows = [{**_storable(asdict(item)), "study": study} for item in items]
    if rows:
        connection.execute(insert(ITEMS), rows)
    return token


def _storable(row: Mapping[str, Any]) -> dict[str, Any]:
    """Texts that every database can hold: names of files may contain bytes that are not Unicode."""
    return {name: storable(value) if isinstance(value, str) else value for name, value in row.items()}


def is_there(connection: Connection, study: str) -> bool:
    """Whether a study was made."""
    return connection.execute(select(STUDIES.c.id).where(STUDIES.c.id == study)).first() is not None


def read_facts(connection: Connection, study: str) -> Facts:
    """The keys, the seed and the items of a study. Raises RecipeError if it was not made."""
    row = connection.execute(select(STUDIES).where(STUDIES.c.id == study)).mappings().first()
    if row is None:
        raise RecipeError("this database does not have the study", "create it first")
    asked = select(ITEMS).where(ITEMS.c.study == study).order_by(ITEMS.c.place)
    items = [
        ItemRow(**{name: value for name, value in item.items() if name != "study"})
        for item in connection.execute(asked).mappings().all()
    ]
    return Facts(StudyStep.model_validate(row["body"]), row["seed"], {item.id: item for item in items})


_TURN = select(STUDIES.c.turn).where(STUDIES.c.id == bindparam("study_id"))
_NEXT_TURN = (
    update(STUDIES)
    .where(STUDIES.c.id == bindparam("study_id"))
    .values(turn=STUDIES.c.turn + 1)
    .returning(STUDIES.c.turn)
)


def turn_of(connection: Connection, study: str) -> int:
    """A number that grows with every change of the study."""
    return connection.execute(_TURN, {"study_id": study}).scalar_one()


def take_turn(connection: Connection, study: str) -> int:
    """The number of a new change. Until its transaction ends, the database does no other change of the study."""
    return connection.execute(_NEXT_TURN, {"study_id": study}).scalar_one()
