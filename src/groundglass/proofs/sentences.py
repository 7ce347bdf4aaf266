"""A proof in plain English: the sentences that the terminal, the report, the funnel and a card share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from groundglass.proofs.arms import RANDOM, SELECTED
from groundglass.proofs.preset import PRESETS
from groundglass.proofs.prove import ArmResult, Proof
from groundglass.text.format import percent, some

WITHOUT = "without "
_OF_SELECTED, _RESOLUTION = " of selected", "resolution "
_BLIND_NETWORK = (
    "It trains at x2 for a short time. Differences in content (variety, flat or detailed scenes) can change their "
    "sign with longer training: take them as a hint."
)
_BLIND = {
    "instant": "It learns from windows of 7x7 pixels at x2. It is blind to upscaling by 4, to content (variety, flat "
    "or detailed scenes), and to all that a network learns from a wider view. Rely on the sign of its effects: "
    "networks show larger ones.",
    "quick": _BLIND_NETWORK,
    "standard": _BLIND_NETWORK,
    "gpu": "It trains and scores at x2, by PSNR: it is blind to upscaling by 4 and to texture that a GAN would learn.",
}


def headline(proof: Proof) -> str:
    """The answer to the proof's main question, without a full stop.

    That is the comparison of the selection with random images; of folders, a summary.
    """
    main = _main(proof)
    if main:
        return sentence(main, proof.folders)
    return _opened(_summary(proof.arms, proof.folders), proof.folders)


def _main(proof: Proof) -> ArmResult | None:
    """The comparison that matters most; None among several of equal weight."""
    found = [arm for arm in proof.arms if (arm.arm, arm.against) == (SELECTED, RANDOM) and not proof.folders]
    return found[0] if found else proof.arms[0] if len(proof.arms) == 1 else None


def sentence(arm: ArmResult, folders: bool = False) -> str:
    """The result of one comparison, without a full stop; ``folders``: the user chose the arms' names."""
    one, other = (name if folders else _in_words(name, arm) for name in (arm.arm, arm.against))
    if arm.effect is None or arm.ci95 is None or arm.power is None:
        return f"The comparison of {one} with {other} failed: {arm.reason}"
    if same_images(arm):
        return _opened(f"{one} has the same images as {other}", folders)
    if arm.verdict == "no difference shown":
        return (
            f"No difference shown between {one} and {other}: this proof could have shown ±{arm.power:.3f} dB"
        )
    low, high = (decibels(end) for end in arm.ci95)
    size = f"{decibels(arm.effect)} dB (95 % interval {low} to {high})"
    return _opened(f"{one} trains {arm.verdict} than {other}: {size}", folders)


def gates_in_words(proof: Proof) -> str:
    """The effect of leaving out each gate; "" for a proof that left out none.

    >>> arms = (ArmResult("without a", "selected", "worse", -0.1, (-0.2, -0.05), 0.01, 0.03, 40, "selection"),)
    >>> gates_in_words(Proof(arms, "instant", 0, None))
    'Gates that help: a.'
    """
    arms = [] if proof.folders else [arm for arm in proof.arms if arm.arm.startswith(WITHOUT)]
    groups = {
        "Gates that help": [arm for arm in arms if arm.verdict == "worse"],
        "Gates that do harm": [arm for arm in arms if arm.verdict == "better"],
        "Gates with no difference shown": [
            arm for arm in arms if arm.verdict == "no difference shown" and not same_images(arm)
        ],
        "Gates that change nothing": [arm for arm in arms if same_images(arm)],
        "Gates not compared": [arm for arm in arms if arm.verdict == "failed"],
    }
    lists = {
        said: ", ".join(arm.arm.removeprefix(WITHOUT) for arm in found) for said, found in groups.items()
    }
    return " ".join(f"{said}: {names}." for said, names in lists.items() if names)


def proof_in_words(proof: Proof) -> tuple[str, ...]:
    """The whole result in sentences without a full stop, the answer first, as the funnel shows it."""
    main = _main(proof)
    others = [arm for arm in proof.arms if not arm.arm.startswith(WITHOUT) and arm is not main]
    said = (
        *([sentence(main)] if main else []),
        gates_in_words(proof).removesuffix("."),
        *map(sentence, others),
    )
    return tuple(dict.fromkeys(filter(None, said)))


def reasons_in_words(proof: Proof) -> list[str]:
    """Why comparisons failed, one sentence for each reason, without a full stop."""
    reasons: dict[str, list[str]] = {}
    for arm in proof.arms:
        if arm.reason:
            reasons.setdefault(arm.reason, []).append(label(arm))
    return [f"{_listed(names)} failed: {reason}" for reason, names in reasons.items()]


def same_images(arm: ArmResult) -> bool:
    """Whether both arms are the same images: only then there is not the smallest difference."""
    return arm.effect == 0


def meaning(arm: ArmResult, folders: bool = False) -> str:
    """The meaning of a verdict for the gate that was left out; "" for other arms."""
    if folders or not arm.arm.startswith(WITHOUT):
        return ""
    if same_images(arm):
        return "the same images"
    return {"worse": "the gate helps", "better": "the gate does harm"}.get(arm.verdict, "")


def label(arm: ArmResult) -> str:
    """A comparison in few letters; it names the other arm unless the first name already implies it.

    >>> arm = ArmResult("q75", "clean", "worse", -0.1, (-0.2, -0.05), 0.01, 0.03, 40, "same photos")
    >>> label(arm)
    'q75 vs clean'
    """
    open_ = not arm.arm.startswith((WITHOUT, _RESOLUTION)) and not arm.arm.endswith(_OF_SELECTED)
    return f"{arm.arm} vs {arm.against}" if open_ else arm.arm


def numbers(arm: ArmResult) -> tuple[str, str, str]:
    """The effect, its 95 % interval, and the smallest effect that could have been shown, in dB as text.

    >>> numbers(ArmResult("q75", "clean", "worse", -0.1, (-0.2, -0.05), 0.01, 0.03, 40, "same photos"))
    ('−0.100', '−0.200 to −0.050', '±0.030')
    """
    if arm.effect is None or arm.ci95 is None or arm.power is None:
        return "–", "–", "–"
    could_show = "–" if same_images(arm) else f"±{arm.power:.3f}"
    return decibels(arm.effect), " to ".join(map(decibels, arm.ci95)), could_show


def short_verdict(arm: ArmResult) -> str:
    """The verdict as an entry of a column "difference"."""
    return "none shown" if arm.verdict == "no difference shown" else arm.verdict


def scored_in_words(proof: Proof) -> str:
    """Of how many images the results are, and of which.

    >>> scored_in_words(Proof((), "instant", 0, None, 95, "crops"))
    '95 images of crops'
    """
    held = proof.scored_on == "held-out photos"
    return (
        some(proof.n_scored, "held-out photos")
        if held
        else f"{some(proof.n_scored, 'images')} of {proof.scored_on}"
    )


def preset_in_words(proof: Proof) -> str:
    """The preset, and the network that was trained if the user chose it.

    >>> preset_in_words(Proof((), "gpu", 0, None, network="msrresnet", start="weights/base.pth"))
    'gpu: msrresnet from base.pth'
    """
    start = f" from {PurePath(proof.start).name}" if proof.start else ""
    return f"{proof.preset}: {proof.network}{start}" if proof.network else proof.preset


def alarms_in_words(proof: Proof) -> str:
    """The rate of false alarms in a sentence."""
    if proof.false_alarm_rate is None:
        return "The rate of false alarms was not measured in this proof."
    share = percent(proof.false_alarm_rate)
    known = PRESETS[proof.preset].known if proof.preset in PRESETS else None
    if known is not None and proof.false_alarms_of != "proof":
        return f"Of {known[1]} pairs of random halves of 200 photos (measured before), {share} were called different."
    return f"Of 40 pairs of random halves of the images, {share} would have been called different."


def blind_in_words(preset: str) -> str:
    """The blind spots of a preset; "" if none are on record."""
    return _BLIND.get(preset, "")


def decibels(value: float) -> str:
    """A difference with its sign; a true minus is as wide as a plus.

    >>> decibels(0.0184), decibels(-0.2), decibels(-0.0001)
    ('+0.018', '−0.200', '0.000')
    """
    text = f"{value:+.3f}"
    return "0.000" if text in ("+0.000", "-0.000") else text.replace("-", "−")


def _summary(arms: Sequence[ArmResult], folders: bool) -> str:
    """Several comparisons of equal weight: which are better, which worse, of which nothing is shown."""
    found: list[str] = []
    for against in dict.fromkeys(arm.against for arm in arms):
        here = [arm for arm in arms if arm.against == against]
        than = against if folders else _in_words(against, here[0])
        for verdict in ("better", "worse"):
            names = [arm.arm for arm in here if arm.verdict == verdict]
            if names:
                verb = "trains" if len(names) == 1 else "train"
                found.append(f"{_listed(names)} {verb} {verdict} than {than}")
    left = [label(arm) for arm in arms if arm.verdict == "no difference shown"]
    failed = [label(arm) for arm in arms if arm.verdict == "failed"]
    found += [f"No difference shown: {_listed(left)}"] if left else []
    found += [f"Failed: {_listed(failed)}"] if failed else []
    return ". ".join(found)


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _in_words(name: str, arm: ArmResult) -> str:
    """An arm that a recipe's proof made, as a part of a sentence."""
    kind, _, column = name.partition(":")
    if name == SELECTED:
        return "the whole selection" if arm.how == "size" else "the selection"
    if name == RANDOM:
        return "as many random images"
    if name.startswith(WITHOUT):
        return f"the recipe {name}"
    if name.endswith(_OF_SELECTED):
        return f"{name.removesuffix(_OF_SELECTED)} of the selection"
    if name.startswith(_RESOLUTION):
        part = name.removeprefix(_RESOLUTION)
        return "full resolution" if part == "1" else f"{part} of the resolution"
    if name == "turned":
        return "the selection with flips and rotations"
    return {"best": f"a choice by {column} alone", "balanced": f"a choice balanced over {column}"}.get(
        kind, name
    )


def _opened(text: str, folders: bool) -> str:
    """With a capital letter, except for a name that the user chose."""
    return text if folders else text[:1].upper() + text[1:]
