"""A proof in sentences: they say the verdict, and never more than it."""

from __future__ import annotations

import pytest

from groundglass.proofs.prove import ArmResult, Proof
from groundglass.proofs.sentences import (
    gates_in_words,
    headline,
    proof_in_words,
    reasons_in_words,
    sentence,
)


def arm(
    name: str, against: str, verdict, effect: float | None = 0.02, reason: str = "", how: str = "selection"
):
    ends = None if effect is None else (effect - 0.01, effect + 0.01)
    spread = (None, None) if effect is None else (0.004, 0.012)
    return ArmResult(name, against, verdict, effect, ends, *spread, 40, how, reason)


def proof(*arms: ArmResult, folders: bool = False) -> Proof:
    return Proof(arms, "instant", 1.0, 0.0, 20, "crops", folders=folders)


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (
            arm("selected", "random", "better"),
            "The selection trains better than as many random images: +0.020 dB (95 % interval +0.010 to +0.030)",
        ),
        (
            arm("selected", "random", "no difference shown", 0.002),
            "No difference shown between the selection and as many random images: "
            "this proof could have shown ±0.012 dB",
        ),
        (
            arm("without sharp", "selected", "worse", -0.02),
            "The recipe without sharp trains worse than the selection: −0.020 dB (95 % interval −0.030 to −0.010)",
        ),
        (
            arm("without idle", "selected", "no difference shown", 0.0),
            "The recipe without idle has the same images as the selection",
        ),
        (
            arm("50 % of selected", "selected", "worse", -0.02, how="size"),
            "50 % of the selection trains worse than the whole selection: "
            "−0.020 dB (95 % interval −0.030 to −0.010)",
        ),
        (
            arm("selected", "random", "failed", None, "the loss is nan"),
            "The comparison of the selection with as many random images failed: the loss is nan",
        ),
    ],
)
def test_a_comparison_is_one_sentence(one: ArmResult, said: str):
    assert sentence(one) == said
    assert headline(proof(one)) == said


def test_the_selection_against_random_images_comes_first():
    found = proof(arm("without a", "selected", "worse", -0.02), arm("selected", "random", "better"))
    assert headline(found).startswith("The selection trains better than as many random images")
    first, gates = proof_in_words(found)
    assert first == headline(found)
    assert gates == "Gates that help: a"


def test_gates_are_sorted_by_what_they_do():
    found = proof(
        arm("without a", "selected", "worse", -0.02),
        arm("without b", "selected", "better"),
        arm("without c", "selected", "no difference shown", 0.001),
        arm("without d", "selected", "no difference shown", 0.0),
        arm("without e", "selected", "failed", None, "too few"),
    )
    assert gates_in_words(found) == (
        "Gates that help: a. Gates that do harm: b. Gates with no difference shown: c. Gates that change nothing: d. "
        "Gates not compared: e."
    )


def test_folders_keep_the_names_that_the_user_chose():
    found = proof(
        arm("selected", "random", "worse", -0.02),
        arm("without", "random", "worse", -0.04),
        arm("turned", "random", "no difference shown", 0.001),
        folders=True,
    )
    assert headline(found) == (
        "selected and without train worse than random. No difference shown: turned vs random"
    )
    assert sentence(found.arms[0], folders=True).startswith("selected trains worse than random: −0.020 dB")
    assert gates_in_words(found) == ""


def test_a_reason_that_several_share_is_said_once():
    found = proof(*(arm(name, "clean", "failed", None, "clean has 3 usable images") for name in ("a", "b")))
    assert reasons_in_words(found) == ["a vs clean and b vs clean failed: clean has 3 usable images"]
