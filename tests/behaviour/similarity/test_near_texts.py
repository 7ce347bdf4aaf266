"""Prompts that are the same, nearly the same, and different."""

from __future__ import annotations

import itertools
import unicodedata

import numpy as np
import pytest

from groundglass.similarity.near_texts import near_groups, normal_text, text_group


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A cat, sitting!", "a  CAT sitting"),
        (unicodedata.normalize("NFC", "café naïve"), unicodedata.normalize("NFD", "Café naïve")),
        ("４K photo", "4k photo"),
        ("Straße", "STRASSE"),
        ("हिन्दी शब्द", " हिन्दी, शब्द."),
    ],
)
def test_case_spaces_punctuation_and_unicode_form_make_no_difference(one: str, other: str):
    assert text_group(one) == text_group(other)


def test_different_prompts_differ_and_blank_ones_have_no_group():
    assert len({text_group(text) for text in ("a cat", "a cats", "acat", "?!", "!?", "🐱", "🐶")}) == 7
    assert text_group(" \u00a0\n") is None
    assert text_group(None) is None


def test_near_groups_are_those_of_all_pairs():
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(list("abcdefgh"), random.integers(1, 9))) for _ in range(150)]
    texts += ["word " * 400 + "end", "word " * 401 + "end", ""]
    for least in (0.5, 0.8, 1.0):
        root = list(range(len(texts)))
        bags = [list(normal_text(text).split()) for text in texts]
        for one, other in itertools.combinations(range(len(texts)), 2):
            both = sum(min(bags[one].count(word), bags[other].count(word)) for word in set(bags[one]))
            if both and both / (len(bags[one]) + len(bags[other]) - both) >= least - 1e-9:
                low, high = sorted((root[one], root[other]))
                root = [low if place == high else place for place in root]
        assert near_groups(texts, least) == root
