"""The dataset card: README.md with the header that the Hugging Face hub reads."""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass import __version__
from groundglass.files.atomic import write_text
from groundglass.image.header import WARNINGS
from groundglass.releases.card_notes import Notes
from groundglass.releases.file_layout import low_folder
from groundglass.releases.manifest import high_rows, is_high
from groundglass.releases.metadata import NAMES, kind_of
from groundglass.releases.split_names import ordered_splits
from groundglass.releases.writers.writer import Release
from groundglass.text.format import size

HUB_LICENCES = frozenset(
    [
        *(f"cc-by-{version}" for version in ("2.0", "2.5", "3.0", "4.0")),
        *(f"cc-by-sa-{version}" for version in ("3.0", "4.0")),
        *(f"cc-by-nc-{version}" for version in ("2.0", "3.0", "4.0")),
        *(f"cc-by-nc-sa-{version}" for version in ("2.0", "3.0", "4.0")),
        *("apache-2.0", "mit", "cc0-1.0", "pddl", "odbl", "odc-by", "cdla-permissive-2.0", "unlicense"),
    ]
)
"""Licences for which the hub has this word; others are ``other`` with a name."""

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def write_card(folder: Path, manifest: pa.Table, step: Release, name: str, notes: Notes) -> None:
    """``README.md`` of the written files. It has no date and no path: equal releases have equal text."""
    write_text(render_card(manifest, step, name, notes), folder / "README.md")


def render_card(manifest: pa.Table, step: Release, name: str, notes: Notes) -> str:
    """The card's text; ``name`` is its title."""
    import jinja2

    columns = [
        "file",
        "split",
        "scale",
        "role",
        "width",
        "height",
        "bytes",
        "root",
        "source",
        "licence",
        "author",
    ]
    files = manifest.select(columns).to_pylist()
    high = [row for row in files if is_high(row)]
    low = low_scales(files)
    licences = Counter(row["licence"] or "unknown" for row in high)
    kind = kind_of(notes.beside, step.metadata) if notes.beside else None
    metadata = notes.beside.files(kind) if notes.beside and kind else []
    warnings = [(word, WARNINGS.get(word, ""), many) for word, many in notes.warnings.items()]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # Markdown; `_cell` makes cells safe
        keep_trailing_newline=True,
        trim_blocks=False,
    )
    environment.filters["cell"] = _cell
    return environment.get_template("card.md.j2").render(
        header=card_header(high, step, name, licences, metadata),
        name=_cell(name),
        version=__version__,
        images=len(high),
        photos=len({row["root"] for row in high}),
        splits=_splits(high, low),
        files=len(files),
        size=size(sum(row["bytes"] for row in files)),
        original=step.image == "original",
        loading=_loading(high, low),
        metadata=NAMES[kind] if kind else "",
        described=notes.beside.columns if notes.beside and kind else (),
        captions=step.captions,
        kernels=_kernels(high, step),
        sources=_sources(high),
        licences=[(_cell(licence), count) for licence, count in sorted(licences.items())],
        generated=_generated(manifest),
        share=_share,
        **vars(notes) | {"warnings": warnings},
    )


def card_header(
    high: Sequence[Mapping[str, Any]],
    step: Release,
    name: str,
    licences: Mapping[str, int],
    metadata: Sequence[str] = (),
) -> str:
    """The YAML header of the card: licence, size, tags, and the files of each split with their ``metadata`` files.

    With several folders, ImageFolder makes labels of their names unless there is metadata or the header forbids it.
    """
    from ruamel.yaml import YAML

    licence = step.licence or (next(iter(licences)) if len(licences) == 1 else "mixed, see below")
    known = licence.lower() in HUB_LICENCES or licence == "unknown"
    header: dict[str, Any] = {"license": licence.lower() if known else "other"}
    header |= {} if known else {"license_name": licence}
    header |= {
        "pretty_name": name,
        "task_categories": ["image-to-image"],
        "tags": ["super-resolution", "image-restoration", "groundglass"],
        "size_categories": [size_category(len(high))],
        "configs": [_config(high, step, metadata)],
    }
    text = io.StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.dump(header, text)
    return text.getvalue()


def size_category(count: int) -> str:
    """The hub's word for a number of rows.

    >>> size_category(40), size_category(10_000)
    ('n<1K', '10K<n<100K')
    """
    return next((word for limit, word in _SIZES if count < limit), "n>1M")


def _config(high: Sequence[Mapping[str, Any]], step: Release, metadata: Sequence[str]) -> dict[str, Any]:
    """The part that `datasets.load_dataset` reads: the images and the metadata of each split."""
    folders = _folders(high)
    paths = {split: _patterns(high, split, folder, step, bool(metadata)) for split, folder in folders.items()}
    for split, file in zip(folders, metadata, strict=False):
        paths[split].append(file)
    files = [
        {"split": split, "path": found[0] if len(found) == 1 else found} for split, found in paths.items()
    ]
    labels = {"drop_labels": True} if len(folders) > 1 else {}
    return {"config_name": "default", **labels, "data_files": files}


def _folders(high: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The folder of each split's HR images."""
    folders = {row["split"]: Path(row["file"]).parent.as_posix() for row in high}
    return {split: folders[split] for split in ordered_splits(folders)}


def _patterns(
    high: Sequence[Mapping[str, Any]], split: str, folder: str, step: Release, metadata: bool
) -> list[str]:
    """Patterns of a split's image files. Originals have various endings, and other files are next to them."""
    if step.image != "original":
        return [f"{folder}/*.{step.image}"]
    if step.captions is None and not metadata:
        return [f"{folder}/*"]
    endings = {Path(row["file"]).suffix for row in high if row["split"] == split}
    return [f"{folder}/*{ending}" for ending in sorted(endings)]


def low_scales(files: Iterable[Mapping[str, Any]]) -> Mapping[str, list[int]]:
    """The scales of the LR versions of each split."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for row in files:
        if not is_high(row):
            found[row["split"]].add(row["scale"])
    return {split: sorted(scales) for split, scales in found.items()}


def _splits(high: Sequence[Mapping[str, Any]], low: Mapping[str, list[int]]) -> list[dict[str, Any]]:
    members: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in high:
        members[row["split"]].append((row["width"], row["height"]))
    return [_split_row(split, members[split], low.get(split, [])) for split in ordered_splits(members)]


def _split_row(split: str, sizes: Sequence[tuple[int, int]], low: Sequence[int]) -> dict[str, Any]:
    areas = sorted(sizes, key=lambda size: (size[0] * size[1], size))
    return {
        "name": split,
        "images": len(sizes),
        "megapixels": f"{sum(width * height for width, height in sizes) / 1e6:.2f}",
        "smallest": f"{areas[0][0]} × {areas[0][1]}",
        "largest": f"{areas[-1][0]} × {areas[-1][1]}",
        "low": ", ".join(f"×{scale}" if scale > 1 else "same size" for scale in low) or "none",
    }


def _kernels(high: Iterable[Mapping[str, Any]], step: Release) -> list[str]:
    chosen = {split: step.low_resolution(split) for split in ordered_splits(row["split"] for row in high)}
    return [f"{split}: kernel `{low.kernel}`" for split, low in chosen.items() if low is not None]


def _loading(high: Sequence[Mapping[str, Any]], low: Mapping[str, list[int]]) -> str:
    lines = ["| split | HR | LR |", "|---|---|---|"]
    for split, folder in _folders(high).items():
        base = folder.removesuffix("hr")
        pairs = ", ".join(f"`{base}{low_folder(scale)}/`" for scale in low.get(split, ()))
        lines.append(f"| {split} | `{folder}/` | {pairs} |")
    note = "\n\nFiles of a pair have the same name in both folders." if any(low.values()) else ""
    return "\n".join(lines) + note


def _sources(high: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    members: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in high:
        members[row["source"] or ""].append(row)
    return [
        {
            "name": _cell(source),
            "licence": _cell(", ".join(sorted({row["licence"] or "unknown" for row in rows}))),
            "authors": _some(sorted({row["author"] for row in rows if row["author"]})),
            "images": len(rows),
            "photos": len({row["root"] for row in rows}),
        }
        for source, rows in sorted(members.items())
    ]


def _generated(manifest: pa.Table) -> Counter[str]:
    """The number of HR images of each generator."""
    if "meta.generator" not in manifest.column_names:
        return Counter()
    return Counter(str(name) for name in high_rows(manifest)["meta.generator"].to_pylist() if name)


def _some(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(_cell(name) for name in names[:most])
    return f"{shown} and {len(names) - most} more (manifest)" if len(names) > most else shown


def _share(value: float | None, ends: tuple[float, float] | None) -> str:
    """
    >>> _share(0.5, (0.25, 0.75)), _share(None, None)
    ('50 % (25–75 %)', '–')
    """
    if value is None or ends is None:
        return "–"
    return f"{100 * value:.0f} % ({100 * ends[0]:.0f}–{100 * ends[1]:.0f} %)"


def _cell(value: object) -> str:
    """Text that cannot break out of a table cell or become HTML."""
    text = " ".join(str(value).split())
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
