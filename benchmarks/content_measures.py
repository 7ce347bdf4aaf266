"""The accuracy and the cost of `objects_fast` and `text_and_graphics`.

    python -m benchmarks.content_measures [--save]

Photographs are those of the shared test data, drawings are rendered here and taken from the same data and from
scikit-image's. An image belongs to the half that nothing was fitted to ("unseen") if the SHA-256 of its name
begins with an odd byte; but the rounding of weights and the limit of .65 were chosen with the figures of both
halves known. `objects_fast` was fitted to neither: its three numbers were chosen for steadiness on other
photographs before the indoor frames were looked at. Times are of one core, from decoded pixels and luma.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata

from benchmarks.content_images import Pixels, captioned, drawn
from benchmarks.machine import facts, save
from benchmarks.timing import DATA, median_ms, pin_to_one_core
from groundglass import testing
from groundglass.errors import GroundglassError
from groundglass.image.frame import open_frame
from groundglass.measures.objects.regions import objects_fast
from groundglass.measures.text_and_graphics.text_and_graphics import text_and_graphics

Row = dict[str, Any]
Images = Mapping[str, Pixels]
DRAWN = (
    "ai_generated/gpt4o/57/example_8bit_pixel_beer.png", "ai_generated/gpt4o/88/case.png",
    "large_4k/budgie/valley-midnight.jpg", "benchmarks/Set14/HR/ppt3.png", "torture/pngsuite/PngSuite.png",
    "torture/pillow/p_16.png", "torture/pillow/rgb_trns.png", "torture/pillow/icc_profile.png",
    "torture/pillow/xmp_tags_orientation_exiftool.png", "torture/pillow/transparent.png",
    *(f"low_quality/RealSet80/{n}" for n in ("0014.jpg", "0015.jpg", "0030.jpg", "comic2.png", "comic3.png")),
    "low_quality/RealSet80/im_lq5.jpeg",
)  # fmt: skip
SKIMAGE = ("chessboard_GRAY.png", "horse.png", "logo.png", "phantom.png")
TAKEN = ("train_photos/*/*", "large_4k/*/*.jpg", "low_quality/digicam/*", "low_quality/lowlight_dicm/*")
INDOOR = "low_quality/indoor_robot_map"
GRAPHIC = 0.65
WIDTHS = (18, 44, 5, 7, 7, 7)


def unseen(name: str) -> bool:
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 1


def opened(folder: Path, names: Iterator[str] | tuple[str, ...]) -> dict[str, Pixels]:
    """Name → pixels; files that are not images are left out, and so are images under 32 px."""
    found: dict[str, Pixels] = {}
    for name in names:
        try:
            rgb = open_frame(folder / name).rgb
        except GroundglassError:
            continue
        if min(rgb.shape[:2]) >= 32:
            found[name] = rgb
    return found


def graphics() -> dict[str, Pixels]:
    import skimage

    return {
        **drawn(),
        **opened(DATA, DRAWN),
        **opened(Path(skimage.__path__[0]) / "data", SKIMAGE),
    }


def photographs() -> dict[str, Pixels]:
    """All photographs; a drawing and a screenshot among them are left out."""
    names = (str(path.relative_to(DATA)) for pattern in TAKEN for path in sorted(DATA.glob(pattern)))
    return opened(DATA, (name for name in names if "midnight" not in name and "Photoshop" not in name))


def values(rgb: Pixels) -> dict[str, Any]:
    return text_and_graphics(open_frame(testing.png(rgb)))


def count(rgb: Pixels) -> int:
    found = objects_fast(open_frame(testing.png(rgb)))["objects_fast"]
    assert isinstance(found, int)
    return found


def spearman(one: Any, other: Any) -> float:
    """Spearman's rank correlation."""
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])


def row(measure: str, figure: str, images: int, value: float, low: Any = "", high: Any = "") -> Row:
    numbers = [round(float(number), 3) if number != "" else "" for number in (value, low, high)]
    names = ("measure", "figure", "pictures", "value", "low", "high")
    return dict(zip(names, (measure, figure, images, *numbers), strict=True))


def rank_agreement() -> Iterator[Row]:
    """SRCC with the number of annotated boxes, and its bootstrapped 95 % interval."""
    paths = sorted((DATA / INDOOR / "images-optional").glob("*.jpg"))
    texts = [(DATA / INDOOR / "ground-truth" / f"{path.stem}.txt").read_text() for path in paths]
    boxes = np.array([sum(bool(line.strip()) for line in text.splitlines()) for text in texts])
    counts = np.array([count(open_frame(path).rgb) for path in paths])
    draws = np.random.default_rng(0).integers(0, len(paths), (2000, len(paths)))
    low, high = np.percentile([spearman(counts[d], boxes[d]) for d in draws], [2.5, 97.5])
    yield row("objects_fast", "SRCC with boxes", len(paths), spearman(counts, boxes), low, high)


def steadiness(photos: Images) -> Iterator[Row]:
    """Count of the spoilt photograph ÷ count of the photograph: median, least and greatest; and their SRCC."""
    some = [rgb for name, rgb in photos.items() if name.startswith("train_photos") and "t91" not in name][::6]
    plain = np.array([count(rgb) for rgb in some])
    spoilt: dict[str, Callable[[Pixels], Pixels]] = {
        "grain of 4": grained,
        "JPEG 40": lambda rgb: open_frame(testing.jpeg(rgb, 40)).rgb,
        "mirrored": lambda rgb: np.ascontiguousarray(rgb[:, ::-1]),
    }
    for name, spoil in spoilt.items():
        found = np.array([count(spoil(rgb)) for rgb in some])
        ratio = found / plain
        yield row(
            "objects_fast", f"ratio, {name}", len(some), float(np.median(ratio)), ratio.min(), ratio.max()
        )
        yield row("objects_fast", f"SRCC, {name}", len(some), spearman(found, plain))


def grained(rgb: Pixels) -> Pixels:
    noise = np.random.default_rng(0).normal(0, 4, rgb.shape)
    return (rgb + noise).round().clip(0, 255).astype(np.uint8)


def drawings(photos: Images) -> Iterator[Row]:
    """AUC of graphics_score, and the share over the limit, on both halves."""
    made = {name: values(rgb)["graphics_score"] for name, rgb in graphics().items()}
    taken = {name: values(rgb)["graphics_score"] for name, rgb in photos.items()}
    for half in (False, True):
        a, b = (np.array([v for n, v in group.items() if unseen(n) == half]) for group in (made, taken))
        ranks = rankdata(np.concatenate([a, b]))
        area = (ranks[: len(a)].sum() - len(a) * (len(a) + 1) / 2) / len(a) / len(b)
        word = "unseen" if half else "seen"
        yield row("text_and_graphics", f"AUC graphics_score, {word}", len(a) + len(b), area)
        yield row("text_and_graphics", f"drawings > {GRAPHIC}, {word}", len(a), (a > GRAPHIC).mean())
        yield row("text_and_graphics", f"photographs > {GRAPHIC}, {word}", len(b), (b > GRAPHIC).mean())


def lettering(photos: Images) -> Iterator[Row]:
    """Photographs (some do show words), and every second one with words written over it."""
    large = {name: rgb for name, rgb in photos.items() if "t91" not in name}
    for half in (False, True):
        word = "unseen" if half else "seen"
        mine = [rgb for name, rgb in large.items() if unseen(name) == half]
        plain = [values(rgb) for rgb in mine]
        # captions are numbered so that the halves share none
        written = [values(captioned(rgb, 1000 * half + n)) for n, rgb in enumerate(mine) if n % 2 == 0]
        for column in ("text_share", "overlay_share"):
            for figure, group in (("false alarms", plain), ("recall of captions", written)):
                share = np.mean([value[column] > 0 for value in group])
                yield row("text_and_graphics", f"{figure}, {column}, {word}", len(group), float(share))


def times() -> Iterator[Row]:
    sets = {"4K": "large_4k/*/*.jpg", "512 px": "train_photos/cid22/*.png"}
    for word, pattern in sets.items():
        frames = [open_frame(path) for path in sorted(DATA.glob(pattern))[:8]]
        for frame in frames:
            _ = frame.rgb, frame.luma, frame.histogram
        for measure in (objects_fast, text_and_graphics):
            each = [median_ms(partial(measure, frame), 5) for frame in frames]
            name = measure.__name__
            yield row(
                name, f"ms a picture, {word}", len(frames), float(np.median(each)), min(each), max(each)
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/content_measures.csv")
    options = parser.parse_args()
    pin_to_one_core()
    photos = photographs()
    rows = [
        *rank_agreement(),
        *steadiness(photos),
        *drawings(photos),
        *lettering(photos),
        *times(),
    ]
    for line in rows:
        print("  ".join(str(value).ljust(width) for value, width in zip(line.values(), WIDTHS, strict=True)))
    for name, value in facts().items():
        print(f"{name:>24}  {value}")
    if options.save:
        print(f"saved {save('content_measures', rows).name}")


if __name__ == "__main__":
    main()
