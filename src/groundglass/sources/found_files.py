"""The content of a folder or an archive, sorted in one way: images, files next to them, and other files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from re import Pattern
from typing import Any

import pyarrow as pa

from groundglass.sources.archive_members import Member
from groundglass.sources.image_names import are_images, ending_of
from groundglass.sources.listing import Listed, to_table, unique
from groundglass.sources.sidecar_columns import Columns, columns_of, converted
from groundglass.sources.sidecar_texts import facts_in, guessed, read_texts
from groundglass.sources.sidecars import Pair, may_be_sidecar, merged, pair, shared_keys
from groundglass.text.format import some, thousands

MOST_NAMED = 5
"""Kinds of a note that are listed; the others are counted together."""
SKIPPED = pa.schema([("uri", pa.string()), ("reason", pa.string())])
"""Files that are neither images nor next to one, with the reason: ``not_an_image``, or ``system_file`` by name."""


@dataclass(frozen=True)
class Group:
    """The files of one folder or archive.

    prefix   the start of their uris; without its last character it is the uri of the archive itself
    members  all files but those of operating systems and programs
    systems  for those, the number of matches of each pattern: a folder counts once
    """

    prefix: str
    members: Sequence[Member]
    systems: Mapping[str, int] = field(default_factory=dict)
    skipped: Sequence[str] = ()


@dataclass(frozen=True)
class Image:
    """An image as found, with the facts next to it."""

    uri: str
    member: Member
    facts: Mapping[str, Any]
    wrong: str | None


@dataclass(frozen=True)
class FoundFiles:
    """The full content of a source's folders or archives.

    columns   the columns of the facts next to the images
    skipped   in the form of `SKIPPED`
    notes     remarks for the user, a sentence each
    """

    images: Sequence[Image]
    columns: Columns
    skipped: pa.Table
    notes: tuple[str, ...]

    def listing(self, types: Mapping[str, str] | None = None) -> pa.Table:
        """The images as rows of `LISTING`, with the facts of these columns; a value of another type is null."""
        return to_table((_listed(image, types or {}) for image in self.images), types)

    def unfit(self, types: Mapping[str, str]) -> dict[str, int]:
        """Counts the values of each column that do not fit the type given for it."""
        counts = {
            name: sum(
                image.facts.get(name) is not None and converted(image.facts[name], kind) is None
                for image in self.images
            )
            for name, kind in types.items()
        }
        return {name: count for name, count in counts.items() if count}


def sort_files(groups: Iterable[Group], place: str, wanted: Pattern[str] | None) -> FoundFiles:
    """Images, with the facts of the files next to them, and the files that are skipped.

    ``wanted`` selects images by their names below the folder; ``place`` is the key under which the texts next to them
    are remembered. A file with an image's ending is an image, whatever its content; any other file only if
    its first bytes are an image's.
    """
    images: list[tuple[str, Pair]] = []
    systems: Counter[str] = Counter()
    out: list[tuple[str, str]] = []
    remarks: list[str] = []
    shared: Counter[str] = Counter()
    for group in groups:
        systems.update(group.systems)
        out += [(group.prefix + name, "system_file") for name in group.skipped]
        remarks += [member.detail or "" for member in group.members if not member.name and not member.error]
        members = sorted((m for m in group.members if m.name or m.error), key=lambda member: member.name)
        fitting = [member for member in members if _is_wanted(member, wanted)]
        pairs, no_images = _sorted(fitting, [member for member in members if may_be_sidecar(member)])
        shared.update(shared_keys(image for image, _ in pairs))
        out += [(group.prefix + member.name, "not_an_image") for member in no_images]
        images += [
            (group.prefix + i.name if i.name else group.prefix[:-1], (i, beside)) for i, beside in pairs
        ]
    found, columns, said = _with_facts(images, place)
    notes = (
        *_system_notes(systems),
        *_no_image_notes(uri for uri, reason in out if reason == "not_an_image"),
        *_shared_notes(shared),
        *remarks,
        *said,
    )
    table = pa.table(list(map(list, zip(*sorted(out), strict=True))), schema=SKIPPED) if out else None
    return FoundFiles(found, columns, table or SKIPPED.empty_table(), notes)


def _is_wanted(member: Member, wanted: Pattern[str] | None) -> bool:
    return wanted is None or not member.name or wanted.fullmatch(member.name) is not None


def _sorted(fitting: Sequence[Member], sidecars: Sequence[Member]) -> tuple[list[Pair], list[Member]]:
    """The images of one place, and the files that are not images.

    A file that may be next to an image is only opened if there is no such image.
    """
    beside = set(map(id, sidecars))
    candidates = [member for member in fitting if id(member) not in beside]
    judged = list(zip(candidates, are_images(candidates), strict=True))
    images = [member for member, is_image in judged if is_image]
    pairs, alone = pair(images, sidecars)
    wanted = set(map(id, fitting))
    alone = [member for member in alone if id(member) in wanted]
    found = list(zip(alone, are_images(alone), strict=True))
    pairs += [(member, ()) for member, is_image in found if is_image]
    return sorted(pairs, key=lambda found: found[0].name), [
        member for member, is_image in (*judged, *found) if not is_image
    ]


def _with_facts(images: Sequence[tuple[str, Pair]], place: str) -> tuple[list[Image], Columns, list[str]]:
    """The images with their facts, the columns of all, and notes about texts that were guessed or left out."""
    sidecars = {id(one.member): one for _, (_, beside) in images for one in beside}
    texts = read_texts([one.member for one in sidecars.values()], place) if sidecars else []
    facts = {key: facts_in(text, one) for (key, one), text in zip(sidecars.items(), texts, strict=True)}
    spelled: dict[str, str] = {}
    found: list[Image] = []
    differing: Counter[str] = Counter()
    uris = unique([uri for uri, _ in images])
    for uri, (_, (member, beside)) in zip(uris, images, strict=True):
        its, several = merged([facts[id(one.member)][0] for one in beside], spelled)
        wrong = "; ".join(said for one in beside if (said := facts[id(one.member)][1]))
        differing.update(several)
        found.append(Image(uri, member, its, wrong[:300] or None))
    columns = columns_of(image.facts for image in found)
    wrong_ones = [said for _, said in facts.values() if said]
    notes: list[str] = []
    if wrong_ones:
        more = f" and {thousands(len(wrong_ones) - 1)} more" if len(wrong_ones) > 1 else ""
        notes.append(f"{some(len(wrong_ones), 'texts')} next to images left out: {wrong_ones[0]}{more}")
    if count := guessed(texts):
        notes.append(
            f"{some(count, 'texts')} next to images read as Windows-1252, a guess: save them as UTF-8 to be sure"
        )
    if differing:
        named = named_counts({f"meta.{name}": count for name, count in differing.items()})
        notes.append(
            f"files next to one image disagree ({named}): the closest name wins, then .json, .caption, .txt"
        )
    if columns.unusable:
        named = ", ".join(map(repr, columns.unusable[:MOST_NAMED]))
        more = f" and {len(columns.unusable) - MOST_NAMED} more" if len(columns.unusable) > MOST_NAMED else ""
        notes.append(f"fields left out, since their names cannot be column names: {named}{more}")
    return found, columns, notes


def _listed(image: Image, types: Mapping[str, str]) -> Listed:
    member = image.member
    beside = {name: converted(image.facts.get(name), kind) for name, kind in types.items()}
    time = None if member.error else member.mtime_ns
    detail = member.detail or image.wrong
    return Listed(image.uri, member.locator, member.size, time, member.error, detail, beside)


def named_counts(counts: Mapping[str, int]) -> str:
    """Kinds with their counts, the most frequent first.

    >>> named_counts({"md": 1, "txt": 12})
    'txt 12, md 1'
    """
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    parts = [f"{name} {thousands(count)}" for name, count in ordered[:MOST_NAMED]]
    others = sum(count for _, count in ordered[MOST_NAMED:])
    return ", ".join(parts) + (f", others {thousands(others)}" if others else "")


def _system_notes(systems: Mapping[str, int]) -> list[str]:
    if not systems:
        return []
    shown = {name.replace("\r", "\\r"): count for name, count in systems.items()}
    return [f"skipped files of operating systems and programs: {named_counts(shown)}"]


def _no_image_notes(uris: Iterable[str]) -> list[str]:
    counts = Counter(ending_of(uri) or "no ending" for uri in uris)
    total = counts.total()
    if not total:
        return []
    return [f"{some(total, 'files')} skipped, not an image: {named_counts(counts)}"]


def _shared_notes(shared: Mapping[str, int]) -> list[str]:
    if not shared:
        return []
    total = sum(shared.values())
    return [
        f"{some(total, 'images')} share another image's name up to its first dot ({named_counts(shared)}): "
        "each is a separate image with the same facts; `glob` can leave them out"
    ]
