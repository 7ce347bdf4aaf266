"""The measure that `decontaminate` needs: `leaks` of the photographs, against the sets and files of the recipe."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from groundglass.catalog import settings_key
from groundglass.measures.leaks import MEASURE as LEAKS
from groundglass.measures.measure_job import Ask, ask_of
from groundglass.similarity.test_images.fingerprints import read_prints
from groundglass.similarity.test_images.known_sets import ALL, SETS, digest_of, resolve
from groundglass.tables.columns import Scope, measured_columns
from groundglass.tables.parquet import compute, only


def leaks_ask(words: Iterable[str]) -> Ask:
    """The measure against these sets and files. Raises RecipeError for any other word, or an unusable file.

    The values are stored under a hash of the files' contents, so that a renamed file needs no new measuring.

    >>> leaks_ask(["Set5", "Set14", "BSD100", "Urban100"]) == leaks_ask(["all"])
    True
    """
    sets, files = resolve(words)
    if sets == SETS and not files:
        return ask_of(LEAKS, {})
    names = [ALL] if sets == SETS else list(sets)
    if not files:
        return ask_of(LEAKS, {"against": ",".join(names)})

    for path in files:
        read_prints(path)
    key = settings_key(LEAKS.name, LEAKS.version, {"against": sorted([*names, *map(digest_of, files)])})
    return Ask(LEAKS.name, key, (("against", "\n".join([*names, *map(str, files)])),), LEAKS)


def with_leaks(scope: Scope, ask: Ask) -> Scope:
    """The scope with the photographs' leaks, whether or not the recipe measures them too."""
    return scope.with_columns(measured_columns(LEAKS, ask.key, "", LEAKS.name, 0))


def photographs_of(rows: pa.Table, seen: pa.Table) -> pa.Table:
    """The photographs, among all rows ``seen``, that rows come from."""
    return only(seen, compute.unique(rows["root"]))
