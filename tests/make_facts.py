"""An invented run: facts for a report, with images that look like photos."""

from __future__ import annotations

import datetime
from dataclasses import replace

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from groundglass.catalog import Column
from groundglass.reports.facts import (
    ROWS,
    VERDICTS,
    Failure,
    RunFacts,
)
from groundglass.tables.parquet import derived_id, image_id
from groundglass.tables.step_record import StepRecord, Threshold
from shared_data import DATA

COLUMNS = {
    "blockiness": Column("", 0, None, "lower", "how much the 8×8 grid of JPEG shows"),
    "sharpness": Column("", 0, None, "higher", "variance of the Laplacian"),
    "noise": Column("", 0, None, "lower", "standard deviation of the noise, estimated on flat patches"),
    "clipped": Column("", 0, 1, "lower", "share of pixels that are black or white"),
    "detail": Column("bit/px", 0, 8, "higher", "entropy of the luma"),
}
WHERE = {"rule": "where", "exact": True}
"""What a step says of itself whose thresholds are its whole rule."""
NASTY = (
    "<img src=x onerror=window.hacked=1>.jpg",
    "</script><script>window.hacked=1</script>.jpg",
    "-rf.jpg",
    "two\nlines\tand 'quotes' \"too\".png",
    "日本語/ファイル 🌄 \u202egpj.exe",
    "__proto__",
)
SIDES = ((1536, 1024), (1024, 1536), (2048, 1365), (1280, 1280), (2400, 1024))


def photographs(many: int, seed: int) -> list[np.ndarray]:
    """Small BGR images: crops of real photographs where there are some, otherwise painted ones."""
    stream = np.random.default_rng(seed)
    files = sorted((DATA / "train_photos").glob("*/*")) if DATA.exists() else []
    loaded = [cv2.imread(str(path)) for path in files if path.suffix in (".jpg", ".png")]
    bases = [picture for picture in loaded if picture is not None and min(picture.shape[:2]) >= 256]
    bases = bases or [_painted(stream) for _ in range(40)]
    return [_cropped(bases[index % len(bases)], SIDES[index % len(SIDES)], stream) for index in range(many)]


def _painted(stream: np.random.Generator) -> np.ndarray:
    coarse = stream.integers(20, 235, (8, 12, 3), dtype=np.uint8)
    picture = cv2.resize(coarse, (480, 320), interpolation=cv2.INTER_CUBIC)
    for _ in range(12):
        centre = tuple(int(v) for v in stream.integers(0, 320, 2))
        cv2.circle(picture, centre, int(stream.integers(6, 60)), stream.integers(0, 255, 3).tolist(), -1)
    return picture


def _cropped(base: np.ndarray, side: tuple[int, int], stream: np.random.Generator) -> np.ndarray:
    height, width = base.shape[:2]
    wanted_height = 200 if side[1] <= side[0] else 240
    wanted_width = round(wanted_height * side[0] / side[1])
    scale = max(wanted_width / width, wanted_height / height, 0.5 + 0.35 * stream.random())
    big = cv2.resize(base, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    y = int(stream.integers(0, big.shape[0] - wanted_height + 1))
    x = int(stream.integers(0, big.shape[1] - wanted_width + 1))
    cut = big[y : y + wanted_height, x : x + wanted_width]
    return cut[:, ::-1] if stream.random() < 0.5 else cut


def _spoilt(picture: np.ndarray, kind: int) -> np.ndarray:
    if kind == 1:
        return cv2.imdecode(cv2.imencode(".jpg", picture, [1, 9])[1], cv2.IMREAD_COLOR)
    if kind == 2:
        return cv2.GaussianBlur(picture, (0, 0), 2.2)
    return picture


def _measured(picture: np.ndarray, kind: int, stream: np.random.Generator) -> dict[str, float]:
    luma = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    shares = np.bincount(luma.ravel(), minlength=256) / luma.size
    blocky = stream.lognormal(4.1, 0.45) if kind == 1 else stream.lognormal(1.9, 0.75)
    return {
        "blockiness": float(blocky),
        "sharpness": float(cv2.Laplacian(luma, cv2.CV_64F).var()),
        "noise": float(stream.gamma(2.0, 0.9)),
        "clipped": float(shares[[0, 1, 254, 255]].sum()),
        "detail": float(-(shares[shares > 0] * np.log2(shares[shares > 0])).sum()),
    }


def _encoded(picture: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", picture, [1, 90])[1].tobytes()


class _Run:
    """Rows, verdicts and thumbnails while they are made."""

    def __init__(self) -> None:
        self.rows: list[dict] = []
        self.verdicts: list[dict] = []
        self.thumbnails: dict[str, bytes] = {}
        self.pictures: dict[str, np.ndarray] = {}

    def judge(
        self, step: str, pool: list[dict], keep: list[bool], reason: str, margins: list[float]
    ) -> list[dict]:
        for row, kept, margin in zip(pool, keep, margins, strict=True):
            self.verdicts.append(
                {"step": step, "id": row["id"], "kept": kept, "failed": False, "margin": margin}
                | {"reason": None if kept else reason}
            )
            if not kept:
                row.update(left_at=step, status="dropped", reason=reason)
        return [row for row, kept in zip(pool, keep, strict=True) if kept]


def make_facts(many: int = 200, *, seed: int = 7, nasty: bool = True) -> RunFacts:
    """A whole run over ``many`` photographs: two rules, near-duplicates, tiles, a ranking, a release."""
    stream = np.random.default_rng(seed)
    run = _Run()
    steps: list[StepRecord] = []
    current = _take_photographs(run, many, stream, nasty)
    reasons = {"truncated": 0, "not_an_image": 0}
    for row in run.rows:
        if row["status"] == "failed":
            reasons[row["reason"]] += 1
    failed = sum(reasons.values())
    steps.append(
        StepRecord(
            "source-1", "source", "photos/", many, len(current), failed=failed, seconds=41.3, reasons=reasons
        )
    )
    known = len(current) // 2
    names = tuple(COLUMNS)
    steps.append(
        StepRecord(
            "measure-1",
            "measure",
            ", ".join(names),
            len(current),
            len(current),
            seconds=12.0,
            cached=known,
            facts={"columns": names},
        )
    )
    current = _where(run, steps, current, (Threshold("blockiness", "<", 30.0),))
    current = _where(
        run, steps, current, (Threshold("sharpness", ">=", 120.0), Threshold("detail", ">=", 6.2))
    )
    keep = [bool(stream.random() > 0.06) for _ in current]
    left = run.judge(
        "select-3", current, keep, "near-duplicate of a better one", [float("nan")] * len(current)
    )
    _count(
        steps,
        "select-3",
        "near-duplicates",
        current,
        left,
        "near-duplicate of a better one",
        3.0,
    )
    tiles = _cut_tiles(run, left, stream)
    steps.append(StepRecord("transform-1", "transform", "tile 512", len(left), len(tiles), seconds=0.4))
    steps.append(
        StepRecord(
            "measure-2",
            "measure",
            "sharpness, detail",
            len(tiles),
            len(tiles),
            seconds=96.0,
            facts={"columns": ("sharpness", "detail")},
        )
    )
    best = sorted((row["sharpness"] for row in tiles), reverse=True)[: max(1, round(0.6 * len(tiles)))]
    cut = best[-1] if best else 0.0
    keep = [row["sharpness"] >= cut for row in tiles]
    reason = f"not among the best {len(best):,}"
    kept = run.judge("select-4", tiles, keep, reason, [row["sharpness"] - cut for row in tiles])
    _count(steps, "select-4", f"best {len(best):,} by sharpness", tiles, kept, reason, 0.1)
    steps[-1] = replace(
        steps[-1], facts={"ranking": {"column": "sharpness", "order": "higher", "rule": "top_k"}}
    )
    steps.append(StepRecord("release-1", "release", "folder, png", len(kept), len(kept), seconds=75.0))
    return _facts(run, steps, reasons)


def _take_photographs(run: _Run, many: int, stream: np.random.Generator, nasty: bool) -> list[dict]:
    sources = ("photos", "unsplash", "frames")
    good = []
    for index, picture in enumerate(photographs(many, int(stream.integers(1 << 30)))):
        source = sources[int(stream.choice(3, p=[0.6, 0.3, 0.1]))]
        uri = (
            NASTY[index // 3]
            if nasty and index % 3 == 1 and index // 3 < len(NASTY)
            else f"{index % 23:02d}/IMG_{4000 + index}.jpg"
        )
        width, height = SIDES[index % len(SIDES)]
        row = {
            "id": image_id(source, uri),
            "parent": None,
            "uri": uri,
            "source": source,
            "width": width,
            "height": height,
            "region": "",
        }
        row |= {
            "born_at": "source-1",
            "left_at": None,
            "status": "kept",
            "reason": None,
            "licence": "CC-BY-4.0",
            "format": "JPEG",
        }
        run.rows.append(row)
        if stream.random() < 0.02:
            reason = "truncated" if stream.random() < 0.8 else "not_an_image"
            row.update(left_at="source-1", status="failed", reason=reason, width=None, height=None)
            continue
        kind = int(stream.choice(3, p=[0.76, 0.14, 0.10]))
        spoilt = _spoilt(picture, kind)
        row |= _measured(spoilt, kind, stream)
        run.pictures[row["id"]] = spoilt
        run.thumbnails[row["id"]] = _encoded(spoilt)
        good.append(row)
    return good


def _where(run: _Run, steps: list[StepRecord], pool: list[dict], tests: tuple[Threshold, ...]) -> list[dict]:
    name, label = f"select-{sum(step.kind == 'select' for step in steps) + 1}", " and ".join(map(str, tests))

    def margin(row: dict, test: Threshold) -> float:
        away = row[test.column] - test.limit
        return -away if test.op == "<" else away

    margins = [min(margin(row, test) for test in tests) for row in pool]
    keep = [away > 0 or (away == 0 and tests[0].op == ">=") for away in margins]
    left = run.judge(name, pool, keep, f"not {label}", margins)
    _count(steps, name, label, pool, left, f"not {label}", 0.02)
    steps[-1] = replace(steps[-1], thresholds=tests, facts=WHERE)
    return left


def _count(
    steps: list[StepRecord],
    name: str,
    label: str,
    pool: list,
    left: list,
    reason: str,
    seconds: float,
) -> None:
    gone = len(pool) - len(left)
    steps.append(
        StepRecord(
            name,
            "select",
            label,
            len(pool),
            len(left),
            gone,
            seconds=seconds,
            reasons={reason: gone} if gone else {},
        )
    )


def _cut_tiles(run: _Run, photos: list[dict], stream: np.random.Generator) -> list[dict]:
    tiles = []
    for photo in photos:
        photo["left_at"] = "transform-1"
        picture = run.pictures[photo["id"]]
        side = round(picture.shape[0] * 512 / photo["height"])
        for x in range(0, photo["width"] - 511, 1024):
            region = f"crop({x},{256},512,512)"
            left, top = round(x * side / 512), round(side / 2)
            cut = picture[top : top + side, left : left + side]
            key = derived_id(photo["id"], region)
            row = photo | {"id": key, "parent": photo["id"], "region": region, "width": 512, "height": 512}
            row |= {
                "born_at": "transform-1",
                "left_at": None,
                "blockiness": None,
                "noise": None,
                "clipped": None,
            }
            row |= {
                name: value
                for name, value in _measured(cut, 0, stream).items()
                if name in ("sharpness", "detail")
            }
            run.rows.append(row)
            tiles.append(row)
            run.thumbnails[key] = _encoded(cv2.resize(cut, (192, 192), interpolation=cv2.INTER_AREA))
    return tiles


def _schema() -> pa.Schema:
    return pa.schema(
        [
            *ROWS,
            *(pa.field(name, pa.float64()) for name in COLUMNS),
            pa.field("licence", pa.string()),
            pa.field("format", pa.string()),
        ]
    )


def _facts(run: _Run, steps: list[StepRecord], reasons: dict[str, int]) -> RunFacts:
    said = {"truncated": "3 of 40 rows are missing", "not_an_image": "begins with <!DOCTYPE html>"}
    bad = [row for row in run.rows if row["status"] == "failed"]
    names = _schema().names
    return RunFacts(
        name="faceup",
        number=3,
        state="done",
        made_at=datetime.datetime(2026, 3, 14, 9, 26),
        seed=7,
        lock="5c1e9a07",
        folder="runs/faceup/0003",
        recipe="faceup.yaml",
        steps=tuple(steps),
        rows=pa.Table.from_pylist([{name: row.get(name) for name in names} for row in run.rows], _schema()),
        columns=COLUMNS,
        thumbnails=run.thumbnails,
        verdicts=pa.Table.from_pylist(run.verdicts, VERDICTS),
        failures=tuple(
            Failure(row["uri"], row["source"], "source-1", row["reason"], said[row["reason"]]) for row in bad
        ),
    )


def empty_facts() -> RunFacts:
    """A run whose source had no files."""
    facts = make_facts(3, nasty=False)
    steps = tuple(StepRecord(s.step, s.kind, s.label, 0, 0, seconds=0.0) for s in facts.steps)
    return replace(
        facts,
        steps=steps,
        rows=facts.rows.slice(0, 0),
        verdicts=facts.verdicts.slice(0, 0),
        thumbnails={},
        failures=(),
    )


def unreadable_facts(many: int = 12) -> RunFacts:
    """A run of which no image could be read, and that stopped there."""
    facts = make_facts(many, nasty=False)
    width = facts.rows.schema.get_field_index("left_at")
    photos = facts.rows.filter(pc.is_null(facts.rows["parent"]))
    photos = photos.set_column(width, "left_at", pa.array(["source-1"] * many))
    photos = photos.set_column(photos.schema.get_field_index("status"), "status", pa.array(["failed"] * many))
    photos = photos.set_column(
        photos.schema.get_field_index("reason"), "reason", pa.array(["truncated"] * many)
    )
    source = replace(facts.steps[0], out=0, failed=many, reasons={"truncated": many})
    rest = tuple(StepRecord(s.step, s.kind, s.label, 0, 0, seconds=0.0) for s in facts.steps[1:])
    failures = tuple(
        Failure(uri, "photos", "source-1", "truncated", "0 of 1024 rows") for uri in photos["uri"].to_pylist()
    )
    return replace(
        facts,
        steps=(source, *rest),
        rows=photos,
        verdicts=facts.verdicts.slice(0, 0),
        thumbnails={},
        failures=failures,
    )


def stopped_facts(many: int = 60) -> RunFacts:
    """A run that was interrupted after its second rule."""
    facts = make_facts(many, nasty=False)
    photos = facts.rows.filter(pc.is_null(facts.rows["parent"]))
    later = pc.is_in(photos["left_at"], pa.array([s.step for s in facts.steps[4:]]))
    left = pc.if_else(later, pa.scalar(None, pa.string()), photos["left_at"])
    status = pc.if_else(later, pa.scalar("kept"), photos["status"])
    photos = photos.set_column(photos.schema.get_field_index("left_at"), "left_at", left)
    photos = photos.set_column(photos.schema.get_field_index("status"), "status", status)
    steps = facts.steps[:4] + tuple(
        StepRecord(s.step, s.kind, s.label, 0, 0, seconds=None) for s in facts.steps[4:]
    )
    verdicts = facts.verdicts.filter(pc.is_in(facts.verdicts["step"], pa.array(["select-1", "select-2"])))
    return replace(facts, state="interrupted", steps=steps, rows=photos, verdicts=verdicts)


def many_facts(many: int = 10_000, seed: int = 3) -> RunFacts:
    """A run over very many photographs with small painted images, made in a moment: no tiles."""
    stream = np.random.default_rng(seed)
    colours = stream.integers(30, 220, (64, 3))
    pictures = [_encoded(np.full((64, 96, 3), colour, np.uint8)) for colour in colours]
    ids = [image_id("photos", f"{index:05d}.jpg") for index in range(many)]
    blockiness, sharpness = stream.lognormal(2.2, 0.9, many), stream.lognormal(6, 1, many)
    keep = blockiness < 30
    source = StepRecord("source-1", "source", "photos/", many, many, seconds=2.0)
    gone = int((~keep).sum())
    rule = StepRecord(
        "select-1",
        "select",
        "blockiness < 30",
        many,
        many - gone,
        gone,
        seconds=0.0,
        reasons={"not blockiness < 30": gone},
        thresholds=(Threshold("blockiness", "<", 30.0),),
        facts=WHERE,
    )
    reasons = [None if kept else "not blockiness < 30" for kept in keep]
    rows = {
        "id": ids,
        "parent": [None] * many,
        "uri": [f"{index:05d}.jpg" for index in range(many)],
        "source": ["photos"] * many,
        "width": [96] * many,
        "height": [64] * many,
        "region": [""] * many,
        "born_at": ["source-1"] * many,
        "left_at": [None if kept else "select-1" for kept in keep],
        "status": ["kept" if kept else "dropped" for kept in keep],
        "reason": reasons,
        "blockiness": blockiness,
        "sharpness": sharpness,
    }
    columns = {name: COLUMNS[name] for name in ("blockiness", "sharpness")}
    schema = pa.schema([*ROWS, *(pa.field(name, pa.float64()) for name in columns)])
    verdicts = {
        "step": ["select-1"] * many,
        "id": ids,
        "kept": keep,
        "failed": [False] * many,
        "reason": reasons,
        "margin": 30 - blockiness,
    }
    return RunFacts(
        "many",
        1,
        "done",
        datetime.datetime(2026, 3, 14, 9, 26),
        3,
        "0011aabb",
        "runs/many/0001",
        "many.yaml",
        (source, rule),
        pa.Table.from_pydict(rows, schema),
        columns,
        {key: pictures[index % 64] for index, key in enumerate(ids)},
        pa.Table.from_pydict(verdicts, VERDICTS),
    )
