"""A first recipe for a folder: each choice follows from the values of a sample, and says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from groundglass.drafts.filter_recipe import bare
from groundglass.drafts.look_at_folder import Look, Row, counted, short_side
from groundglass.text.format import number, some, thousands

BLOCKY, BLURRED, FRAMED = 30, 60, 0.02
"""Limits of the gates: blockiness, Laplacian variance, share of the image that is border."""
TILES = (512, 256, 128)
"""Usual sides of training tiles, px."""
FITTING = 0.8
"""Share of the images that a tile must fit into."""
TOO_MANY = 0.5
"""A gate that drops more than this share is written as a comment: the user decides."""
UPSCALED = 0.05
"""A larger share of upscaled images is believed: the measure also calls 2 % of native images upscaled."""


@dataclass(frozen=True)
class Choice:
    """One remark on the folder, and the step that follows from it.

    topic  one word or two
    said   the remark, with numbers, and the action that follows
    step   the step in the form that a recipe has, with its name; None for no action
    off    the step is written as a comment
    fits   False if the folder does not fit the shipped recipe in this point
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
    """The files; those that are not images fail, each with its reason."""
    formats = Counter(row["format"] for row in look.rows)
    kinds = ", ".join(f"{name} {thousands(count)}" for name, count in formats.most_common())
    said = f"{some(look.files, 'files')}; each one looked at is a readable image: {kinds}."
    if look.broken:
        said = (
            f"{some(look.files, 'files')}; {thousands(len(look.broken))} of {thousands(look.sampled)} cannot be used: "
            f"{counted(look.broken.values())} (first: {next(iter(look.broken))}). The others: {kinds}."
        )
    licence = (
        "Write the licence of your images here (licence: CC-BY-4.0); it goes into the card of the release."
    )
    step = {"source": {"folder": bare(look.folder)}, "name": "photos"}
    yield Choice("files", f"{said} {licence}", step)
    yield from (Choice("next to them", note) for note in look.notes)


def measures(look: Look) -> Iterator[Choice]:
    """The measures that the gates below need."""
    needed = [
        ("blockiness", bool(look.count(is_blocky))),
        ("sharpness", bool(look.count(is_blurred))),
        ("borders", bool(look.count(is_framed))),
    ]
    names = ["header", *(name for name, wanted in needed if wanted)]
    yield Choice("", "All of these share one decode of each image.", {"measure": names, "name": "scores"})


def blockiness(look: Look) -> Iterator[Choice]:
    """JPEG blocks, if there are any."""
    jpegs = look.count(lambda row: row["format"] == "JPEG")
    found = look.values("jpeg_quality")
    about = look.say(jpegs, "are") + (f" JPEG of quality {span(found)}" if found else " JPEG")
    worst = look.values("blockiness")
    clean = f"{about}. None is blocky (highest {number(worst[-1])})." if worst else f"{about}."
    why = "blocky. A network would learn strong compression as if it were detail."
    yield gate(
        look, "JPEG", is_blocky, f"blockiness < {BLOCKY}", "unblocked", clean, f"{about}. {{are}} {why}"
    )


def sharpness(look: Look) -> Iterator[Choice]:
    """Blurred images; if most are soft, no fixed limit can be right, and the worst fifth is dropped."""
    values = look.values("laplacian_variance")
    blurred = look.count(is_blurred)
    if blurred <= TOO_MANY * len(look.rows):
        clean = f"None is blurred (lowest laplacian_variance {number(values[0])})."
        gated = f"{{have}} a laplacian_variance below {BLURRED}: blurred, upscaled, or mostly sky."
        yield gate(look, "sharpness", is_blurred, f"laplacian_variance >= {BLURRED}", "sharp", clean, gated)
        return
    said = (
        f"{look.say(blurred, 'have')} a laplacian_variance below {BLURRED}, half of all below "
        f"{number(values[len(values) // 2])}: soft images. No fixed limit fits them, so the worst fifth is dropped."
    )
    yield Choice(
        "sharpness", said, {"select": {"quantile": "20%", "by": "laplacian_variance"}, "name": "sharp"}
    )


def borders(look: Look) -> Iterator[Choice]:
    """Letterboxes and frames."""
    gated = "{have} bars or a frame around the content."
    if look.count(is_framed):
        yield gate(look, "borders", is_framed, f"border_share < {FRAMED}", "unframed", "", gated)


def leaks(look: Look) -> Iterator[Choice]:
    """Test images: whatever a sample shows, all images are searched for them."""
    shown = [(row["uri"], row["leak_of"]) for row in look.rows if row.get("leak_of")]
    first = f" ({shown[0][0]} shows {shown[0][1]})" if shown else ""
    why = "Test images in a training set make test scores worthless: Set5, Set14, BSD100 and Urban100 are recognised."
    said = f"{look.say(len(shown), 'show')} a known test image{first}. {why}"
    yield Choice("test images", said, {"select": {"decontaminate": "all"}, "name": "clean-of-tests"})


def duplicates(look: Look) -> Iterator[Choice]:
    """Copies: a sample shows few of the copies that a folder holds."""
    first = next(iter(look.copies.items()), None)
    example = f" ({first[0]}: {first[1]})" if first else ""
    rest = "" if look.whole else " A sample rarely contains both of two copies, so there may be many more."
    step = {"select": {"deduplicate": "near"}, "name": "unique"}
    said = f"{look.say(len(look.copies), 'repeat')} another one, nearly or exactly{example}.{rest}"
    yield Choice("duplicates", f"{said} Of images that look alike, one is kept.", step)


def resolution(look: Look) -> Iterator[Choice]:
    """Upscaled images are scaled down to their true size."""
    upscaled = look.count(lambda row: row.get("resolution_state") == "upscaled")
    unknown = look.count(lambda row: row.get("resolution_state") in (None, "unknown"))
    if not upscaled:
        return
    unsure = f" ({thousands(unknown)} cannot be judged)" if unknown else ""
    said = f"{look.say(upscaled, 'seem')} to be upscaled{unsure}"
    if upscaled < 2 or upscaled / len(look.rows) <= UPSCALED:
        yield Choice(
            "upscaled", f"{said}. The measure `resolution` makes that many errors, so nothing is done."
        )
        return
    step = {"transform": {"to_effective_resolution": True}, "name": "true-size"}
    yield Choice("upscaled", f"{said}. They are scaled down to their true size, and kept.", step)


def tiles(look: Look) -> Iterator[Choice]:
    """The largest tile that fits into most images; none if they are tiles already."""
    sides = sorted(map(short_side, look.rows))
    sizes = {(row["width"], row["height"]) for row in look.rows}
    seen = f"Short sides are {span(sides, ' px')}"
    if len(look.rows) > 1 and sizes == {(sides[0], sides[0])} and sides[0] <= TILES[0]:
        yield Choice(
            "size", f"All are {sides[0]} × {sides[0]} px: they are tiles already, so they are not cut."
        )
        return
    tile = fitting_tile(sides, TILES)
    if tile is None:
        yield Choice("size", f"{seen}: too small for tiles of {TILES[-1]} px, so images are not cut.")
        return
    under = sum(side < tile for side in sides)
    lost = ", so it gives no tile" if under == 1 else ", so they give no tile" if under else ""
    larger = next((size for size in reversed(TILES) if size > tile), None)
    instead = (
        f"; of {larger} px it would be {thousands(sum(side < larger for side in sides))}" if larger else ""
    )
    said = f"{seen}. {look.say(under, 'are')} under {tile} px on the short side{lost}{instead}."
    yield Choice("size", said, {"transform": {"tile": tile}, "name": "tiles"})
    if sides[-1] >= 2 * tile:
        why = "A network learns nothing from tiles of plain sky. Only measuring the tiles shows how many there are."
        yield Choice("", why, {"measure": ["sharpness"], "name": "tile-scores"})
        yield Choice("", "", {"select": {"where": "flat_share < 0.9"}, "name": "detailed"})


def split(look: Look) -> Iterator[Choice]:
    """A validation set, if there are enough images for one."""
    if look.usable < 20:
        yield Choice("validation", f"{about_images(look)}: too few to hold any out for validation.")
        return
    part = "20%" if look.usable < 100 else "5%" if look.usable < 2000 else "1%"
    said = f"{about_images(look)}, so {part} of them. Tiles of one image never end up in both splits."
    yield Choice("validation", said, {"split": {"validation": part}, "name": "split"})


def about_images(look: Look) -> str:
    """How many readable images the folder holds: counted, or guessed from the sample."""
    return f"{'' if look.whole else 'About '}{some(look.usable, 'images')}"


def release(look: Look) -> Iterator[Choice]:
    """Pairs for super-resolution; of small images at one scale only."""
    small = sorted(map(short_side, look.rows))[len(look.rows) // 2] < TILES[-1]
    scales = [2] if small else [2, 4]
    body: dict[str, Any] = {"format": "paired", "lr_scales": scales, "kernel": "matlab_bicubic"}
    said = (
        f"HR with exact LR at {' and '.join(f'x{scale}' for scale in scales)}. "
        "Delete allow_unknown_licence once the source has a licence."
    )
    yield Choice("", said, {"release": body | {"allow_unknown_licence": True}, "name": "release"})


def others(look: Look) -> Iterator[Choice]:
    """Remarks without a step."""
    grey = look.count(lambda row: bool(row.get("is_grey")))
    alpha = look.count(lambda row: bool(row["has_alpha"]))
    moving = look.count(lambda row: row["frames"] > 1)
    deep = look.count(lambda row: row["bit_depth"] > 8)
    notes = [
        (
            "grey",
            grey,
            "have",
            'no colour. To drop them: measure colour, and select where "not is_grey".',
        ),
        (
            "transparent",
            alpha,
            "have",
            'transparency, which becomes white. To drop them: where "not has_alpha".',
        ),
        ("animated", moving, "hold", "more than one frame or page; the first is used."),
        ("16 bits", deep, "have", "more than 8 bits per channel, which are rounded to 8."),
    ]
    yield from (
        Choice(topic, f"{look.say(count, verb)} {said}") for topic, count, verb, said in notes if count
    )


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
    """A gate if it would drop some of the sample: none if all would pass, a comment if most would fail.

    ``gated`` has ``{are}`` or ``{have}`` in the place of the count of images that fail.
    """
    failing = look.count(fails)
    if not failing:
        return Choice(topic, f"{clean} So there is no gate for it.")
    said = gated.format(are=look.say(failing, "are"), have=look.say(failing, "have"))
    step = {"select": {"where": where}, "name": name}
    if failing > TOO_MANY * len(look.rows):
        return Choice(
            topic, f"{said} This gate would drop most of the folder, so it is left to you.", step, off=True
        )
    return Choice(topic, said, step)


def fitting_tile(sides: Sequence[int], tiles: Sequence[int]) -> int | None:
    """The largest tile that fits into most images by their short sides, ascending.

    >>> fitting_tile([300, 400, 500, 600, 700], (512, 256, 128))
    256
    """
    return next((tile for tile in tiles if sum(side >= tile for side in sides) >= FITTING * len(sides)), None)


def span(values: Sequence[float], unit: str = "") -> str:
    """The range of ascending values, and their median.

    >>> span([30, 75, 95]), span([8, 8], " px")
    ('30 to 95 (half: 75 or more)', '8 px')
    """
    low, middle, high = values[0], values[len(values) // 2], values[-1]
    if low == high:
        return f"{low:,}{unit}"
    return f"{low:,} to {high:,}{unit} (half: {middle:,} or more)"
