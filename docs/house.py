"""Draws docs/images/house.svg, the picture of the floors in docs/architecture.md. `make docs` runs it.

Its floors are those that `tests/contract/test_layers.py` enforces; `tests/contract/test_architecture.py` compares them.
"""

from __future__ import annotations

from pathlib import Path

FLOORS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("package", ("__init__",)),
    ("program", ("__main__",)),
    ("commands, Python", ("cli", "api")),
    ("for people", ("reports", "testing", "web")),
    ("their look", ("pages",)),
    ("first recipes", ("drafts",)),
    ("whole recipes", ("runs",)),
    ("steps", ("steps",)),
    ("tests, studies", ("audits", "proofs", "studies", "benchmarks")),
    ("plan and state", ("plans",)),
    ("language", ("recipes",)),
    ("families", ("sources", "measures", "annotators", "selections", "transforms", "releases")),
    ("made images", ("generators", "made_images")),
    ("calls of servers", ("calls",)),
    ("work", ("engines", "degradations", "similarity", "models", "source_quality", "ratings")),
    ("tables", ("tables",)),
    ("pixels", ("image",)),
    ("bytes", ("files",)),
    ("libraries", ("libraries",)),
    ("records", ("errors", "catalog", "settings")),
    ("extras", ("extras",)),
    ("words, chance", ("text", "random_streams", "notices", "training")),
)
"""(heading, rooms) of each floor, from the roof down."""

IMAGE = {
    "cli",
    "runs",
    "steps",
    "plans",
    "sources",
    "files",
    "engines",
    "image",
    "measures",
    "tables",
    "selections",
    "transforms",
    "releases",
    "reports",
}
"""Rooms that an image passes on its way from a file to a release."""
THRESHOLD = {"cli", "recipes", "settings", "runs", "steps", "plans", "selections", "tables", "reports"}
"""Rooms that a threshold passes on its way from a recipe to a verdict."""

HEADING, ROOM, ROW, GAP, ROOF = 122, 132, 30, 8, 62
WIDE = HEADING + 3 * (ROOM + GAP) + 34
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .room { font-family: ui-monospace, monospace; font-size: 12.5px; text-anchor: middle }
  .heading, .note { fill: #57606a; font-size: 12px }
  .box { fill: #f6f8fa; stroke: #afb8c1 }
  .floor { stroke: #d0d7de }
  .image { fill: #0969da }
  .threshold { fill: #bc4c00 }
"""


def svg() -> str:
    """The drawing: a roof, the floors, and a dot in each room for each of the two walks that pass it."""
    parts, y = [], ROOF + 12.0
    for heading, rooms in FLOORS:
        for row in range(0, len(rooms), 3):
            if row == 0:
                parts.append(f'<text class="heading" x="16" y="{y + 20:g}">{heading}</text>')
            parts += [
                room(name, HEADING + place * (ROOM + GAP), y)
                for place, name in enumerate(rooms[row : row + 3])
            ]
            y += ROW + GAP
        parts.append(f'<path class="floor" d="M16 {y - GAP / 2:g}H{WIDE - 34}"/>')
    foot = y + 12
    arrow = f'<path d="M{WIDE - 26} {ROOF + 30}V{y - 24:g}m-5 -9 5 9 5 -9" fill="none" stroke="#57606a"/>'
    down = (
        f'<text class="note" transform="translate({WIDE - 17} {(ROOF + y) / 2:g}) rotate(90)" text-anchor="middle">'
        "imports go down only</text>"
    )
    legend = (
        f'<circle class="image" cx="22" cy="{foot + 6:g}" r="4"/><text class="note" x="32" y="{foot + 10:g}">'
        f'an image passes</text><circle class="threshold" cx="152" cy="{foot + 6:g}" r="4"/>'
        f'<text class="note" x="162" y="{foot + 10:g}">a threshold passes</text>'
    )
    middle = WIDE / 2
    roof = (
        f'<path d="M8 {ROOF}L{middle:g} 12L{WIDE - 8} {ROOF}z" fill="#eaeef2" stroke="#afb8c1"/>'
        f'<text x="{middle:g}" y="{ROOF - 10}" text-anchor="middle" font-weight="600">groundglass</text>'
    )
    high = foot + 28
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {high:g}" width="{WIDE}" height="{high:g}" '
        f'role="img" aria-label="The floors of the package and the rooms on each">\n<style>{STYLE}</style>\n'
        f'<rect width="{WIDE}" height="{high:g}" rx="10" fill="#ffffff"/>\n'
        + "\n".join([roof, *parts, arrow, down, legend])
        + "\n</svg>\n"
    )


def room(name: str, x: float, y: float) -> str:
    """A room with its name and its dots."""
    dots = "".join(
        f'<circle class="{walk}" cx="{x + 10 + 10 * place}" cy="{y + ROW - 7:g}" r="3"/>'
        for place, walk in enumerate(
            walk for walk, rooms in (("image", IMAGE), ("threshold", THRESHOLD)) if name in rooms
        )
    )
    return (
        f'<rect class="box" x="{x}" y="{y:g}" width="{ROOM}" height="{ROW}" rx="4"/>{dots}'
        f'<text class="room" x="{x + ROOM / 2:g}" y="{y + 19:g}">{name}</text>'
    )


def main() -> None:
    """Write the drawing."""
    (Path(__file__).parent / "images" / "house.svg").write_text(svg(), encoding="utf-8")


if __name__ == "__main__":
    main()
