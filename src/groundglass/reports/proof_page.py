"""The page of a run's proofs: one answer, plot and table for each proof."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

from groundglass.proofs.comparison import limits
from groundglass.proofs.preset import PRESETS
from groundglass.proofs.prove import ArmResult, Proof
from groundglass.proofs.result_folder import COMMAND, PROOF, RESULT, read_proofs
from groundglass.proofs.sentences import (
    alarms_in_words,
    blind_in_words,
    gates_in_words,
    headline,
    meaning,
    numbers,
    preset_in_words,
    reasons_in_words,
    scored_in_words,
    sentence,
)
from groundglass.reports.charts_svg import Axis
from groundglass.text.format import duration, some

GLYPHS = {"better": "●", "worse": "✕", "no difference shown": "○", "failed": "–"}
TONES = {"better": "kept", "worse": "dropped", "no difference shown": "unknown", "failed": "muted"}
_SHAPES = {
    "better": '<circle r="5"/>',
    "worse": '<path d="M-4.5-4.5 4.5 4.5M-4.5 4.5 4.5-4.5"/>',
    "no difference shown": '<circle r="4.5"/>',
}
TICKS = 5


@dataclass(frozen=True)
class ArmView:
    """One comparison: a row of the table, with its part of the plot.

    tone     the class of its colour; the glyph and the word say the same
    meaning  what the verdict means for a gate; "" for other arms
    """

    arm: str
    against: str
    strip: str
    effect: str
    interval: str
    power: str
    images: str
    verdict: str
    glyph: str
    tone: str
    meaning: str


@dataclass(frozen=True)
class ProofView:
    """One proof of a run; ``headline`` is "" and ``file`` is named if it cannot be read."""

    name: str
    title: str
    file: str
    headline: str = ""
    lead: str = ""
    gates: str = ""
    arms: tuple[ArmView, ...] = ()
    scale: str = ""
    notes: tuple[str, ...] = ()
    how: tuple[str, ...] = ()

    @property
    def by_command(self) -> bool:
        """Whether `groundglass prove` made it, not a step."""
        return self.name == COMMAND


def view_proofs(run: Path) -> tuple[ProofView, ...]:
    """All proofs of a run: those of steps, that of the command, and those that cannot be read."""
    found = read_proofs(run)
    order = sorted(found, key=lambda name: (found[name] is None, name == COMMAND, name))
    return tuple(_view(name, found[name]) for name in order)


def _view(name: str, proof: Proof | None) -> ProofView:
    title = "groundglass prove" if name == COMMAND else f"step {name}"
    file = f"{PROOF}/{name}/{RESULT}"
    if proof is None:
        return ProofView(name, title, file)
    axis = axis_of(proof)
    arms = tuple(
        _row(arm, band, axis, proof.folders) for arm, band in zip(proof.arms, bands(proof), strict=True)
    )
    return ProofView(
        name,
        title,
        file,
        f"{headline(proof)}.",
        f"Preset {preset_in_words(proof)} · scored on {scored_in_words(proof)} · "
        f"{duration(proof.cpu_seconds)} of CPU time · seed {proof.seed}",
        gates_in_words(proof),
        arms,
        scale(axis),
        (*(f"{_opened(each)}." for each in (*reasons_in_words(proof), *proof.notes)), alarms_in_words(proof)),
        how_in_words(proof),
    )


def bands(proof: Proof) -> list[float | None]:
    """Around 0, in dB, the effects that are not called different; None for an arm that failed.

    By Holm's method the clearest effect must leave the widest band. From the first that does not leave its own, all
    others are held to that limit.
    """
    judged = [arm for arm in proof.arms if arm.effect is not None and arm.power is not None]
    found = limits(len(judged))
    order = sorted(judged, key=lambda arm: -abs(arm.effect or 0) / arm.power if arm.power else 0)
    ranks: dict[int, int] = {}
    rank = 0
    for place, arm in enumerate(order):
        rank = place if place == 0 or order[place - 1].verdict != "no difference shown" else rank
        ranks[id(arm)] = rank
    return [
        arm.power * found[ranks[id(arm)]] / found[0] if id(arm) in ranks and arm.power is not None else None
        for arm in proof.arms
    ]


def axis_of(proof: Proof) -> Axis:
    """One axis for all arms: it holds 0, every interval and every band, with some room."""
    ends = [0.0]
    for arm in proof.arms:
        if arm.ci95 is not None and arm.power is not None:
            ends += [*arm.ci95, -arm.power, arm.power]
    low, high = min(ends), max(ends)
    room = 0.06 * (high - low) or 0.01
    return Axis(low - room, high + room)


def _row(arm: ArmResult, band: float | None, axis: Axis, folders: bool) -> ArmView:
    return ArmView(
        arm.arm,
        arm.against,
        strip(arm, band, axis, f"{sentence(arm, folders)}."),
        *numbers(arm),
        some(arm.n_images, "images") if arm.n_images else "–",
        arm.verdict,
        GLYPHS[arm.verdict],
        TONES[arm.verdict],
        meaning(arm, folders),
    )


def strip(arm: ArmResult, band: float | None, axis: Axis, title: str) -> str:
    """An arm's part of the plot as SVG: the band of chance, the 95 % interval, and the effect.

    All places are per cents, so that strips of any width line up.
    """
    parts = [_rule(axis, tick, "zero" if tick == 0 else "grid") for tick in axis.ticks(TICKS)]
    if band is not None:
        left, right = (100 * axis.place(end) for end in (-band, band))
        parts.append(
            f'<rect class="chance" x="{left:.2f}%" width="{right - left:.2f}%" y="0" height="100%">'
            f"<title>Effects up to ±{band:.3f} dB are not called different.</title></rect>"
        )
    parts.append(_rule(axis, 0.0, "zero"))
    if arm.effect is not None and arm.ci95 is not None:
        low, high = (100 * axis.place(end) for end in arm.ci95)
        parts.append(
            f'<g class="arm {TONES[arm.verdict]}"><line x1="{low:.2f}%" x2="{high:.2f}%" y1="50%" y2="50%"/>'
            f'<svg x="{100 * axis.place(arm.effect):.2f}%" y="50%" overflow="visible">{_SHAPES[arm.verdict]}</svg></g>'
        )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" class="strip" width="100%" height="100%" role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title>'
        "<desc>The dot is the effect, the line its 95 % interval, the band what chance covers.</desc>"
        f"{''.join(parts)}</svg>"
    )


def scale(axis: Axis) -> str:
    """The numbers above the plot, as SVG."""
    marks = "".join(
        f'<text x="{100 * axis.place(tick):.2f}%" y="12" text-anchor="middle">{_tick(tick)}</text>'
        for tick in axis.ticks(TICKS)
        if 0.04 < axis.place(tick) < 0.96
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" class="scale" width="100%" height="16" aria-hidden="true">'
        f"{marks}</svg>"
    )


def how_in_words(proof: Proof) -> tuple[str, ...]:
    """Three sentences: training, what decides, and the blind spots of the preset."""
    preset = PRESETS.get(proof.preset)
    trained = (
        f"Preset {proof.preset} trains {preset.meaning}"
        if preset
        else f"Preset {proof.preset} trains networks"
    )
    splits = preset.splits if preset else "several"
    best = f"; bicubic upscaling alone gets {proof.bicubic:.2f} dB" if proof.bicubic is not None else ""
    return (
        f"{trained}, on each set of images, and scores it by PSNR of luma{best}.",
        f"Other images are compared with {splits} random splits of the same images, since several seeds of one split "
        "would not sample the photos; the same photos in another form are compared with resamples of the photos.",
        f"An effect counts only beyond 3 standard deviations of chance and 3 standard errors over the scored images, "
        f"more where {some(len(proof.arms), 'comparisons')} are made (Holm).",
        *filter(None, [blind_in_words(proof.preset)]),
    )


def _rule(axis: Axis, value: float, kind: str) -> str:
    at = f"{100 * axis.place(value):.2f}%"
    return f'<line class="{kind}" x1="{at}" x2="{at}" y1="0" y2="100%"/>'


def _tick(value: float) -> str:
    return "0" if value == 0 else f"{value:+.3g}".replace("-", "−")


def _opened(text: str) -> str:
    return text[:1].upper() + text[1:]
