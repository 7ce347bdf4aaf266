"""A first recipe for a folder: each choice follows from what a sample showed, and says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from groundglass.kernel.words import share, some, thousands
from groundglass.recipes.flow_style import comment, flow
from groundglass.recipes.looking import SEED, Look, Row, counted, short_side

BLOCKY, BLURRED, FRAMED = 30, 60, 0.02
"""Limits of the gates: blockiness, Laplacian variance, share of the image that is border."""
TILES = (512, 256, 128)
"""Sides of tiles that trainers are used to, px."""
FITTING = 0.8
"""Share of the images that a tile must fit into."""
TOO_MANY = 0.5
"""A gate that drops more than this share is written as a comment: the user decides."""
ENLARGED = 0.05
"""A share that is believed: of native images 2 % are called enlarged too."""


@dataclass(frozen=True)
class Choice:
    """One thing noticed, and the step that follows from it.

    topic  one word or two
    said   what was noticed, with numbers, and what is done about it
    step   the step as a recipe writes it, its name included; None where nothing is done
    off    the step is written as a comment
    fits   False where something of the folder does not fit a recipe that was chosen
    """

    topic: str
    said: str
    step: dict[str, Any] | None = None
    off: bool = False
    fits: bool = True


def choose_all(look: Look) -> list[Choice]:
    """The whole recipe for a folder, step by step."""
    return [choice for choose in CHOOSE for choice in choose(look)]


def source(look: Look) -> Iterator[Choice]:
    """The files; those that are no images fail, each with its reason."""
    formats = Counter(row["format"] for row in look.rows)
    kinds = ", ".join(f"{name} {thousands(count)}" for name, count in formats.most_common())
    said = f"{some(look.files, 'files')}; {all_of(look)} sound images: {kinds}."
    if look.broken:
        said = (
            f"{some(look.files, 'files')}; {thousands(len(look.broken))} of {thousands(look.sampled)} cannot be used: "
            f"{counted(look.broken.values())} (first: {next(iter(look.broken))}). The others: {kinds}."
        )
    licence = (
        "Say the licence of your images here (licence: CC-BY-4.0); it goes into the card of the release."
    )
    step = {"source": {"folder": look.folder.rstrip("/") or "/"}, "name": "photos"}
    yield Choice("files", f"{said} {licence}", step)


def all_of(look: Look) -> str:
    """The beginning of a sentence about every file that was looked at."""
    if look.sampled == 1:
        return "its" if look.whole else "the one sampled is among the"
    return f"all {'' if look.whole else f'{thousands(look.sampled)} sampled '}are"


def measures(look: Look) -> Iterator[Choice]:
    """What the gates below need, in one decode."""
    needed = [
        ("blockiness", bool(look.count(is_blocky))),
        ("sharpness", bool(look.count(is_blurred))),
        ("borders", bool(look.count(is_framed))),
    ]
    names = ["header", *(name for name, wanted in needed if wanted)]
    yield Choice("", "One decode of each image for all of these.", {"measure": names, "name": "scores"})


def blockiness(look: Look) -> Iterator[Choice]:
    """JPEG's blocks, where there are any."""
    jpegs = look.count(lambda row: row["format"] == "JPEG")
    found = look.values("jpeg_quality")
    about = f"{look.of_sampled(jpegs)} are JPEG" + (f", quality {span(found)}" if found else "")
    worst = look.values("blockiness")
    clean = (
        f"{about}; none is blocky (highest {worst[-1]:.3g}), so there is no gate." if worst else f"{about}."
    )
    gated = f"{about}; {{}} are blocky. Strong compression would be learnt as if it were detail."
    yield gate(look, "JPEG", is_blocky, f"blockiness < {BLOCKY}", "unblocked", clean, gated)


def sharpness(look: Look) -> Iterator[Choice]:
    """Blurred images; where most are soft, no fixed limit can be right, and the worst fifth goes."""
    values = look.values("laplacian_variance")
    blurred = look.count(is_blurred)
    if blurred <= TOO_MANY * len(look.rows):
        clean = f"None is blurred (lowest laplacian_variance {values[0]:.3g}), so there is no gate."
        gated = "{} have a laplacian_variance below 60: blurred, enlarged, or mostly sky."
        yield gate(look, "sharpness", is_blurred, f"laplacian_variance >= {BLURRED}", "sharp", clean, gated)
        return
    said = (
        f"{look.of_sampled(blurred)} have a laplacian_variance below {BLURRED}, half of all below "
        f"{values[len(values) // 2]:.3g}: soft images. No fixed limit fits them, so the worst fifth goes."
    )
    yield Choice(
        "sharpness", said, {"select": {"quantile": "20%", "by": "laplacian_variance"}, "name": "sharp"}
    )


def borders(look: Look) -> Iterator[Choice]:
    """Letterboxes and frames."""
    gated = "{} have bars or a frame around them, which are no part of the picture."
    if look.count(is_framed):
        yield gate(look, "borders", is_framed, f"border_share < {FRAMED}", "unframed", "", gated)


def leaks(look: Look) -> Iterator[Choice]:
    """Test images: whatever a sample shows, they are sought in all."""
    shown = [(row["uri"], row["leak_of"]) for row in look.rows if row.get("leak_of")]
    found = f"{look.of_sampled(len(shown))} show known test images"
    first = f" ({shown[0][0]} shows {shown[0][1]})" if shown else ""
    why = "A network that has seen its test images is not tested: Set5, Set14, BSD100 and Urban100 are known."
    yield Choice(
        "test images",
        f"{found}{first}. {why}",
        {"select": {"decontaminate": "all"}, "name": "clean-of-tests"},
    )


def duplicates(look: Look) -> Iterator[Choice]:
    """Copies: a sample shows few of those that a folder holds."""
    first = next(iter(look.copies.items()), None)
    found = f"{look.of_sampled(len(look.copies))} are near duplicates of another one"
    example = f" ({first[0]}: {first[1]})" if first else ""
    rest = "" if look.whole else " Copies are mostly not both in a sample, so there may be many more."
    step = {"select": {"deduplicate": "near"}, "name": "unique"}
    yield Choice("duplicates", f"{found}{example}.{rest} Of images that look alike one stays.", step)


def resolution(look: Look) -> Iterator[Choice]:
    """Enlarged images become as small as they truly are."""
    enlarged = look.count(lambda row: row.get("resolution_state") == "upscaled")
    unknown = look.count(lambda row: row.get("resolution_state") in (None, "unknown"))
    if not enlarged:
        return
    said = f"{look.of_sampled(enlarged)} seem to be enlarged ({thousands(unknown)} cannot be judged)"
    if enlarged < 2 or enlarged / len(look.rows) <= ENLARGED:
        yield Choice(
            "enlarged", f"{said}: no more than the measure `resolution` errs by, so nothing is done."
        )
        return
    step = {"transform": {"to_effective_resolution": True}, "name": "true-size"}
    yield Choice("enlarged", f"{said}. They become as small as they truly are, and are kept.", step)


def tiles(look: Look) -> Iterator[Choice]:
    """The largest tile that fits most images; none where they are tiles already."""
    sides = sorted(map(short_side, look.rows))
    sizes = {(row["width"], row["height"]) for row in look.rows}
    seen = f"Short sides are {span(sides)} px"
    if len(look.rows) > 1 and len(sizes) == 1 and sides[0] <= TILES[0]:
        width, height = next(iter(sizes))
        yield Choice("size", f"All are {width} × {height} px: tiles already, so they are not cut.")
        return
    tile = fitting_tile(sides, TILES)
    if tile is None:
        yield Choice("size", f"{seen}: too small for tiles of {TILES[-1]} px, so images stay whole.")
        return
    under = sum(side < tile for side in sides)
    larger = next((size for size in reversed(TILES) if size > tile), None)
    instead = ""
    if larger is not None:
        instead = f" (of {larger} px it would be {thousands(sum(side < larger for side in sides))})"
    said = (
        f"{seen}. {look.of_sampled(under)} are under {tile} px on the short side and give no tile{instead}."
    )
    yield Choice("size", said, {"transform": {"tile": tile}, "name": "tiles"})
    if sides[-1] >= 2 * tile:
        why = "Tiles of mere sky teach a network nothing. How many there are is not known before tiles are measured."
        yield Choice("", why, {"measure": ["sharpness"], "name": "tile-scores"})
        yield Choice("", "", {"select": {"where": "flat_share < 0.9"}, "name": "detailed"})


def split(look: Look) -> Iterator[Choice]:
    """A validation set, where there are images enough for one."""
    if look.usable < 20:
        yield Choice(
            "validation", f"About {some(look.usable, 'images')}: too few to hold some out for validation."
        )
        return
    part = "20%" if look.usable < 100 else "5%" if look.usable < 2000 else "1%"
    said = f"{part} of about {some(look.usable, 'images')}. Tiles of one image never end up on both sides."
    yield Choice("validation", said, {"split": {"validation": part}, "name": "split"})


def release(look: Look) -> Iterator[Choice]:
    """Pairs for super-resolution; of small images at one scale only."""
    small = sorted(map(short_side, look.rows))[len(look.rows) // 2] < TILES[-1]
    scales = [2] if small else [2, 4]
    body: dict[str, Any] = {"format": "paired", "lr_scales": scales, "kernel": "matlab_bicubic"}
    said = (
        f"HR with exact LR at {' and '.join(f'x{scale}' for scale in scales)}. "
        "Delete allow_unknown_licence once the source says its licence."
    )
    yield Choice("", said, {"release": body | {"allow_unknown_licence": True}, "name": "release"})


def others(look: Look) -> Iterator[Choice]:
    """What a user should know, and no step follows from."""
    grey = look.count(lambda row: bool(row.get("is_grey")))
    alpha = look.count(lambda row: bool(row["has_alpha"]))
    moving = look.count(lambda row: row["frames"] > 1)
    deep = look.count(lambda row: row["bit_depth"] > 8)
    notes = [
        ("grey", grey, 'have no colour. To leave them out: measure colour, and select where "not is_grey".'),
        (
            "transparent",
            alpha,
            'have transparency, which becomes white. To leave them out: where "not has_alpha".',
        ),
        ("animated", moving, "hold more than one frame or page; the first is used."),
        ("16 bits", deep, "have more than 8 bits a channel, and are rounded to 8."),
    ]
    yield from (Choice(topic, f"{look.of_sampled(count)} {said}") for topic, count, said in notes if count)


CHOOSE: Sequence[Callable[[Look], Iterator[Choice]]] = (
    source,
    measures,
    blockiness,
    sharpness,
    borders,
    leaks,
    duplicates,
    resolution,
    tiles,
    split,
    release,
    others,
)
"""In the order of the recipe."""


def is_blocky(row: Row) -> bool:
    return row["blockiness"] is not None and row["blockiness"] >= BLOCKY


def is_blurred(row: Row) -> bool:
    return row["laplacian_variance"] < BLURRED


def is_framed(row: Row) -> bool:
    return row["border_share"] is not None and row["border_share"] >= FRAMED


def gate(
    look: Look, topic: str, fails: Callable[[Row], bool], where: str, name: str, clean: str, gated: str
) -> Choice:
    """A gate where the sample says that it is of use: none where all would pass, a comment where most would fail."""
    failing = look.count(fails)
    if not failing:
        return Choice(topic, clean)
    said = gated.format(look.of_sampled(failing))
    step = {"select": {"where": where}, "name": name}
    if failing > TOO_MANY * len(look.rows):
        most = f"A gate at {where} would drop most of the folder, so it is a comment; better sources are the cure."
        return Choice(topic, f"{said} {most}", step, off=True)
    return Choice(topic, said, step)


def fitting_tile(sides: Sequence[int], tiles: Sequence[int]) -> int | None:
    """The largest tile that fits into most images by their short sides, ascending.

    >>> fitting_tile([300, 400, 500, 600, 700], (512, 256, 128))
    256
    """
    return next((tile for tile in tiles if sum(side >= tile for side in sides) >= FITTING * len(sides)), None)


def span(values: Sequence[float]) -> str:
    """The range of ascending values, and their middle.

    >>> span([30, 75, 95]), span([8, 8])
    ('30 to 95, half of them 75 or more', '8')
    """
    low, middle, high = values[0], values[len(values) // 2], values[-1]
    if low == high:
        return f"{low:,}"
    return f"{low:,} to {high:,}, half of them {middle:,} or more"


def allowed_to_fail(look: Look, least: int = 5) -> int:
    """Per cent of files that may fail before a run ends with exit code 4: twice what the sample shows, or ``least``.

    Rounded up to fives, so that it reads as the guess that it is.
    """
    return min(100, max(least, 5 * ceil(2 * 100 * len(look.broken) / look.sampled / 5)))


def headline(look: Look) -> str:
    """How much was looked at, and what that cannot tell."""
    if look.whole:
        return f"from a look at all of its {some(look.files, 'files')}"
    rare = share(3, look.sampled)
    return (
        f"from a look at {thousands(look.sampled)} of its {some(look.files, 'files')}, drawn by seed {SEED}. What none "
        f"of them shows may still be in up to {rare} of the folder (with 95 % confidence)."
    )


def written(name: str, head: Iterable[str], keys: Mapping[str, Any], choices: Sequence[Choice]) -> str:
    """The recipe as text: what was noticed stands above the step that follows from it, the rest at the top.

    ``keys`` are those of the recipe beside its name and steps.
    """
    lines = [line for text in head for line in comment(text)]
    notes = [choice.said for choice in choices if choice.step is None]
    lines += ["#", "# Noticed too:"] if notes else []
    lines += [line for note in notes for line in comment(f"- {note}")]
    lines += ["#", f"name: {name}"]
    lines += [f"{key}: {flow(value) if isinstance(value, dict) else value}" for key, value in keys.items()]
    lines += ["", "steps:"]
    for choice in choices:
        if choice.step is not None:
            lines += step_lines(choice)
    return "\n".join(lines).rstrip() + "\n"


def step_lines(choice: Choice) -> Iterator[str]:
    """A step with its comment above; one that is off is a comment itself."""
    assert choice.step is not None
    if choice.said:
        yield from comment(choice.said, indent=2)
    (kind, body), (_, name) = choice.step.items()
    off = "# " if choice.off else ""
    yield f"  {off}- {kind}: {flow(body)}"
    yield f"  {off}  name: {name}"
    yield ""
