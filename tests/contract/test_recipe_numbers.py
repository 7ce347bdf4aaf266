"""Every number in the comments of a shipped recipe is true: of a pool of the size it speaks of, of the recipe itself,
of the code, or as it was published.

A comment is given here as a sentence with names for its numbers. What a name stands for is asked of `plan`, of the
recipe or of the code, so a changed setting makes the sentence another one, and a number that no sentence has is found.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from groundglass.errors import Waiting
from groundglass.extras import is_installed
from groundglass.generators.settings import Range
from groundglass.image.gradient_statistics import PATCH
from groundglass.measures.catalog import MEASURES
from groundglass.models.architectures.coco_labels import COCO
from groundglass.models.architectures.hyperiqa import SIDE
from groundglass.recipes.load import load_recipe
from groundglass.recipes.shipped import shipped, shipped_names
from groundglass.recipes.study_model import StudyStep
from groundglass.runs.forecast import make_forecast
from groundglass.runs.make_plan import make_plan
from groundglass.selections.quantile import Quantile
from groundglass.sources.sample import FAULTS, ORIGINALS

WORDS = (
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
PARTS = {0.5: "half", 1 / 3: "third", 0.25: "quarter", 0.2: "fifth", 0.1: "tenth"}
NUMBER = re.compile(
    r"(?<![A-Za-z0-9.,])(?<![A-Za-z]-)x?\.?\d(?:[\d.,]*\d)?(?![A-Za-z0-9])"
    rf"|\b(?:{'|'.join([*WORDS[2:], *PARTS.values()])})\b"
)
"""In digits or in words; of names such as Set5, DF2K or CC-BY-4.0 the digits are none."""
COMMAND = re.compile(r"(?:groundglass run \w+|--profile \w+|--set \S+=\S+)")

COMMENTS: dict[str, tuple[str, ...]] = {
    "faceup": (
        "as it made FaceUp from {pool} photos",
        "HyperIQA needs {crop} px at least",
        "The guide: {best} of {pool}, which lifts the mean score from {mean_before} to {mean_after}.",
        "{pick} of the next {next}.",
        "Every image at {sizes} sizes",
        "{best} become {scaled}.",
        "{each} of an image of {side} px with its scales, {tiles} in all.",
        "The guide: of {tiles} the best {best_tiles}, mean {mean_tiles}.",
        "{first}.png … {last}.png",
    ),
    "bhi": (
        "as it took DF2K from {tiles_published} tiles to {kept_published} at equal",
        "{networks} of the {judges} are networks",
        "from an image of {batch} x {channels} x {size} x {size}",
        "so the worst {share} by each is dropped",
        "HyperIQA needs {crop} px at least",
        "{each} of an image of {width} x {height} px, as most of DF2K's are.",
        "cut at ({off},{off}), a blocky image",
        "judged by all {judges} on the same pool",
    ),
    "diverseg": (
        "(ECCV {year})",
        "which made {made} images of ImageNet",
        "DiverSeg's limit is {limit}: ImageNet has {imagenet} and PASS {passes}; Places365, with {places}, was left",
        "keeps images of {masks} masks and more by Segment Anything (ViT-H), a {share} of ImageNet",
        "and {recall} % of what SAM would keep is kept",
        "Networks were trained at {scale}.",
        "The best {best} by regions between edges, counted without a network, replaces a {share} by masks",
        "{objects} objects and more by Detic",
        "with the {kinds} kinds of COCO",
        "so check how many images of your pool reach {objects}",
    ),
    "4klsdb": (
        "as it made {train} images of native 4K for training, {validation} for validation and {test} for tests",
        "the figure in the paper says {figure_low} to {figure_high}.",
        "Either drops plain {wide} images, {width} x {height} among them",
        "write {wider} for {high}, here and under `shape`",
        "It kept {rules} of the images there",
        "An image needs the {percentile} percentile of the pool in both",
        "which keeps {both_least} to {both_most} % of it",
        "as the heads agree; {heads} there",
        "by the variance of the Laplacian ({least} to {most}), or too flat: {flat} of the patches of {patch} px have a "
        "Sobel variance under {flat_below}",
        "the other published limits, {loose_least} to {loose_most}, and {loose_flat} of the patches under "
        "{loose_below}",
        "Both together kept {edges} of the images there",
        "Here {people} people look at every image and say keep or drop ({agreed} were kept)",
        "LR at {scales} by bicubic",
        "{share} % for each is their share of all",
    ),
    "aigiqa": (
        "(Li et al., CVPRW {year})",
        "compared {models} text-to-image models: {all} images with",
        "{ratings} ratings by {people} people, and a benchmark of {rivals} quality models",
        "# {small} models of your own",
        "is such a table: {train} rows with {prompts} different prompts",
        "with exit code {exit}.",
        "{many} images of {many_models} models, {some} of {some_models}, {few} of {few_models}.",
        "that a {default} of the images took the model's own steps, a {less} took {default} of them, and a {less} took "
        "a {less}:",
        "Guidance (from {low} to twice the model's own)",
        "latent-consistency/lcm-lora-sdv1-{lora}",
        "LCM_SD1.5: {{diffusers: lcm-sd15, images: {distilled}, settings: {{guidance: {none}, steps: {steps}, "
        "scheduler: lcm}}}}",
        "LCM_SDXL: {{diffusers: lcm-sdxl, images: {distilled}, settings: {{guidance: {none}, steps: {steps}, "
        "scheduler: lcm}}}}",
        "Midjourney (v5.2, {few} images) has no endpoint, and DeepFloyd IF ({few}) is a chain of {chain} pipelines",
        "all of the {rivals} models that the paper compared",
        "{people} people rate every image: {people} x {all} = {ratings} ratings",
        "how much less exact {fewer} votes are",
        "no formula that makes it of {scores} is known to us",
        "AGIQA-3K keeps {scores} scores, and so does this recipe: they say more, and correlated at {both} there",
        "{split}, the same shares of each generator ({train_many}, {train_some} and {train_few} training images there)",
        "as NTIRE {year} held one",
        "by (SRCC + PLCC) / {mean}",
        "{small_first} small pipelines in folders",
    ),
    "quickstart": (
        "{photographs} freely licensed photos",
        "and {versions} versions of each",
        "JPEG at quality {q1}, {q2} and {q3}, false",
        "writes {scale} training pairs",
        "JPEG leaves edges every {block} pixels: a clean photo measures about {clean}, "
        "JPEG at quality {q} about {blocky}.",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def pools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the pools, with stand-ins for the weights that nothing here reads."""
    folder = tmp_path_factory.mktemp("pools")
    (folder / "koniq_pretrained.pkl").write_bytes(b"stand-in")
    (folder / "photos").mkdir()
    return folder


def pool_of(folder: Path, images: int, width: int, height: int) -> str:
    """A source of so many images of one size: one black PNG, named again and again in one table."""
    path = folder / f"{images}-{width}x{height}.parquet"
    if not path.exists():
        png = io.BytesIO()
        Image.new("1", (width, height)).save(png, "PNG")
        pq.write_table(pa.table({"file": pa.array([png.getvalue()] * images, pa.binary())}), path)
    return f"{{table: {path}, bytes: file}}"


def planned(folder: Path, name: str, pool: str, profile: str | None, *changes: str) -> dict[str, int]:
    """What `plan` says comes into each step, or at most can."""
    loaded = load_recipe(shipped(name), [f"steps.photos.source={pool}", *changes], profile)
    return {step.name: step.into for step in make_forecast(make_plan(loaded), folder / "runs").steps}


def recipe(name: str, profile: str | None = None) -> dict[str, Any]:
    """What the steps of a shipped recipe say, by their names."""
    return {step.name: step.body for step in load_recipe(shipped(name), profile=profile).recipe.steps}


def profiles(name: str) -> list[str | None]:
    """With its networks where they can be planned, and with what stands in for them."""
    return [None, "offline"] if is_installed("models") else ["offline"]


def faceup(folder: Path) -> Iterator[dict[str, Any]]:
    for profile in profiles("faceup"):
        steps, side = recipe("faceup", profile), 1024
        into = planned(folder, "faceup", pool_of(folder, 70_000, side, side), profile)
        one = planned(folder, "faceup", pool_of(folder, 1, side, side), profile)
        held = steps["held-out"].splits["validation"]
        train = into["release"] - held.next
        yield {
            "pool": f"{into['best']:,}",
            "best": f"{into['scales']:,}",
            "scaled": f"{into['tiles']:,}",
            "tiles": f"{into['tile-scores']:,}",
            "best_tiles": f"{train:,}",
            "first": f"{0:04}",
            "last": f"{train - 1:04}",
            "each": one["tile-scores"],
            "sizes": WORDS[one["tiles"]],
            "side": side,
            "pick": held.pick,
            "next": held.next,
            "crop": SIDE,
            # The guide's scores, of its own pictures.
            "mean_before": ".531",
            "mean_after": ".684",
            "mean_tiles": ".766",
        }


def bhi(folder: Path) -> Iterator[dict[str, Any]]:
    steps, offline, (width, height) = recipe("bhi"), recipe("bhi", "offline"), (2040, 1356)
    (share,) = {rule.quantile for rule in offline["bhi"].intersect if isinstance(rule, Quantile)}
    requests = steps["scores"].measures
    one = planned(folder, "bhi", pool_of(folder, 1, width, height), "offline")
    yield {
        "networks": WORDS[sum(MEASURES[one.measure].network is not None for one in requests)].capitalize(),
        "judges": WORDS[len(requests)],
        "batch": 1,
        "channels": 3,
        "size": requests[2].parameters["size"],
        "share": PARTS[share],
        "crop": SIDE,
        "each": one["scores"],
        "width": width,
        "height": height,
        "off": 2,  # any offset that is no multiple of the block
        # Published with BHI.
        "tiles_published": "21,387",
        "kept_published": "12,639",
    }


def diverseg(folder: Path) -> Iterator[dict[str, Any]]:
    steps, detect, offline = recipe("diverseg"), recipe("diverseg", "detect"), recipe("diverseg", "offline")
    yield {
        "limit": f"{steps['good-sources'].source_divergence.least:g}".removeprefix("0"),
        "masks": steps["diverse"].where.removeprefix("objects_sam >= "),
        "objects": detect["diverse"].where.removeprefix("objects_detect >= "),
        "recall": f"{100 * steps['diverse'].cascade.recall:g}",
        "best": PARTS[round(1 - offline["diverse"].quantile, 6)],
        "scale": f"x{steps['release'].lr_scales[0]}",
        "kinds": len(COCO),
        # Published with DiverSeg.
        "year": 2024,
        "made": "259,000",
        "imagenet": ".955",
        "passes": ".998",
        "places": ".750",
        "share": "fifth",
    }


def quickstart(folder: Path) -> Iterator[dict[str, Any]]:
    qualities = [fault.removeprefix("jpeg_q") for fault in FAULTS if fault.startswith("jpeg_q")]
    steps = recipe("quickstart")
    yield {
        "photographs": WORDS[len(ORIGINALS)],
        "versions": WORDS[len(FAULTS) - 1],
        **{f"q{place}": quality for place, quality in enumerate(qualities, 1)},
        "scale": f"x{steps['release'].lr_scales[0]}",
        "block": 8,
        # Published with the measure; tests/behaviour/measures/test_measure_blockiness.py holds ours to it.
        "clean": 1,
        "q": 85,
        "blocky": 47,
    }


def klsdb(folder: Path) -> Iterator[dict[str, Any]]:
    steps, offline, loose = recipe("4klsdb"), recipe("4klsdb", "offline"), recipe("4klsdb", "loose")
    low, high = steps["shape"].where.removeprefix("width / height between ").split(" and ")
    assert f"/ HEIGHT between {low} and {high}" in steps["photos"].where
    width, height = re.findall(r"\d{4}", steps["size"].where)[:2]
    limits = [re.findall(r"[\d.]+$|[\d.]+(?= and)", which["sharp"].where) for which in (steps, loose)]
    (flat,), (edges,) = MEASURES["sharpness"].parameters.values(), loose["edges"].measures
    heads = steps["good-by-both"].intersect
    (quantile,) = {rule.quantile for rule in (*heads, *offline["good-by-both"].intersect)}
    split, shares = steps["splits"], offline["splits"]
    published = {"train": 129_484, "validation": 2000, "test": 1984}
    assert (split.validation, split.test) == (published["validation"], published["test"])
    whole = sum(published.values())
    assert (
        shares.validation == shares.test == round(split.validation / whole, 3) == round(split.test / whole, 3)
    )
    scales = [f"x{scale}" for scale in steps["release"].lr_scales]
    yield {
        **{name: f"{count:,}" for name, count in published.items()},
        "wide": "16:9",
        "width": width,
        "height": height,
        "wider": 2,  # any ratio of 16:9 or more
        "high": high,
        "percentile": f"{100 * quantile:g}th",
        # At worst the two heads drop other images each, at best the same.
        "both_least": f"{100 * (1 - quantile) ** 2:.0f}",
        "both_most": f"{100 * (1 - quantile):g}",
        "least": limits[0][0],
        "most": f"{int(limits[0][1]):,}",
        "flat": PARTS[float(limits[0][2])],
        "patch": PATCH,
        "flat_below": f"{flat.default:g}",
        "loose_least": limits[1][0],
        "loose_most": f"{int(limits[1][1]):,}",
        "loose_flat": limits[1][2].removeprefix("0"),
        "loose_below": edges.parameters["flat_below"],
        "scales": f"{', '.join(scales[:-1])} and {scales[-1]}",
        "share": f"{100 * shares.test:g}",
        # Published with 4KLSDB.
        "figure_low": 0.5,
        "figure_high": 1.5,
        "rules": ".716",
        "heads": ".799",
        "edges": ".583",
        "agreed": ".928",
        "people": "two",
    }


def aigiqa(folder: Path) -> Iterator[dict[str, Any]]:
    steps, small = recipe("aigiqa"), recipe("aigiqa", "offline")
    asked = [one.images for one in steps["images"].generators.values()]
    text = shipped("aigiqa").read_text(encoding="utf-8")
    loras = [int(count) for count in re.findall(r"# LCM_\S+: \{.*images: (\d+)", text)]
    elsewhere = [500, 500]  # Midjourney and DeepFloyd IF, as published
    counts = Counter([*asked, *loras, *elsewhere])
    many, some, few = sorted(counts, reverse=True)
    study, split = steps["rating"], steps["splits"]
    total = sum(counts.elements())
    published = {"all": 20_000, "people": 21, "train": 14_000}
    assert (total, study.votes, study.raters) == (published["all"], published["people"], published["people"])
    rest = round(1 - split.validation - split.test, 6)
    assert total * rest == published["train"]
    guided = [
        one.settings["guidance"] for one in steps["images"].generators.values() if "guidance" in one.settings
    ]
    assert {one.high / one.low for one in guided if isinstance(one, Range)} == {4}
    own = steps["images"].generators["SD1.5"].settings["steps"]
    distilled = steps["images"].generators["LCM_Pixart"].settings["steps"]
    assert [count for _, count in Counter(own).most_common()] == [2, 1, 1]
    yield {
        "models": len(asked) + len(loras) + len(elsewhere),
        **{name: f"{count:,}" for name, count in published.items()},
        "ratings": f"{study.votes * total:,}",
        "many": f"{many:,}",
        "some": f"{some:,}",
        "few": few,
        **{f"{name}_models": counts[size] for name, size in (("many", many), ("some", some), ("few", few))},
        **{
            f"train_{name}": f"{size * rest:,.0f}"
            for name, size in (("many", many), ("some", some), ("few", few))
        },
        "small": WORDS[len(small["images"].generators)],
        "small_first": WORDS[len(small["images"].generators)].capitalize(),
        "exit": Waiting.exit_code,
        "default": PARTS[own.count(own[0]) / len(own)],
        "less": PARTS[own.count(own[-1]) / len(own)],
        "low": "half",  # so that twice is four times of it, as above
        "distilled": some,
        "steps": f"[{', '.join(map(str, distilled))}]",
        "none": 1,  # guidance of 1 is none
        "split": f"{10 * rest:g}:{10 * split.validation:g}:{10 * split.test:g}",
        "scores": WORDS[len(study.dimensions)],
        "fewer": StudyStep().votes,
        "mean": 2,
        "lora": 5,  # a part of its name
        "chain": "three",
        # Published with AIGIQA-20K and AGIQA-3K, or counted in info_train.csv.
        "year": 2024,
        "rivals": 16,
        "prompts": "13,624",
        "both": ".742",
    }


FACTS = {
    "4klsdb": klsdb,
    "aigiqa": aigiqa,
    "faceup": faceup,
    "bhi": bhi,
    "diverseg": diverseg,
    "quickstart": quickstart,
}


def comments(name: str) -> list[str]:
    """The comments of a recipe, line by line."""
    text = shipped(name).read_text(encoding="utf-8")
    found = [re.search(r"(?:^|\s)#(.*)$", line) for line in text.splitlines()]
    return [match[1] for match in found if match]


@pytest.mark.parametrize("name", shipped_names())
def test_every_number_in_a_comment_is_true(name: str, pools: Path, monkeypatch: pytest.MonkeyPatch):
    assert name in COMMENTS, "say here what the numbers in its comments stand for"
    monkeypatch.chdir(pools)
    text = COMMAND.sub("", " ".join(" ".join(comments(name)).split()))
    for facts in FACTS[name](pools):
        sentences = [sentence.format_map(facts) for sentence in COMMENTS[name]]
        assert [sentence for sentence in sentences if sentence not in text] == []
        rest = text
        for sentence in sentences:
            rest = rest.replace(sentence, "…")
        assert NUMBER.findall(rest) == [], "these numbers stand in no sentence of this test"


def test_the_sentences_above_have_no_numbers_of_their_own():
    own = [number for sentences in COMMENTS.values() for one in sentences for number in NUMBER.findall(one)]
    assert own == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("26 of 52,000, x4, .5 and 1.5 %; 3-4.", ["26", "52,000", "x4", ".5", "1.5", "3", "4"]),
        ("a fifth of three", ["fifth", "three"]),
        ("Set5, DF2K, CC-BY-4.0, ic9600.onnx, ViT-B/16x", []),
    ],
)
def test_what_counts_as_a_number(text: str, numbers: list[str]):
    assert NUMBER.findall(text) == numbers


@pytest.mark.parametrize("name", shipped_names())
def test_every_setting_in_a_comment_can_be_typed(name: str):
    for line in comments(name):
        settings = [typed.replace("=PATH", "=photos") for typed in re.findall(r"--set (\S+=\S+)", line)]
        for profile in re.findall(r"--profile (\w+)", line) or [None]:
            load_recipe(shipped(name), settings, profile)
