"""Degraded images: the record of a chain with its seed, and the pixels that follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from groundglass.degradations.catalog import DISTORTIONS
from groundglass.degradations.chains import Chain
from groundglass.degradations.needs import extras_of
from groundglass.degradations.plain_chains import plain_chain, read_chain
from groundglass.degradations.record import OF_EXTRAS, changed_since, degraded, versions
from groundglass.errors import ImageError, RecipeError
from groundglass.image.frame import MadeImage, Pixels


def degraded_record(chain: Chain, scale: int, seed: int, step: str) -> dict[str, Any]:
    """The record of a step that degrades: its chain as plain data, and all that its chance depends on.

    Another version of a library may give other pixels, so the versions are in it: then the images are other images.
    """
    # An extra that the chain does not use changes nothing.
    needed = extras_of(chain)
    used = {name: now for name, now in versions().items() if needed or name not in OF_EXTRAS}
    return {
        "by": "degraded",
        "chain": plain_chain(chain),
        "scale": scale,
        "seed": seed,
        "step": step,
        "made_with": used,
    }


def make_degraded(rgb: Pixels, sha256: str, region: str, record: Mapping[str, Any]) -> MadeImage:
    """The degraded image.

    Raises ImageError ``degrade_failed`` if a step refuses the image, ``changed`` if a version is not the record's: the
    pixels might be others.
    """
    if changed := changed_since(record["made_with"]):
        raise ImageError(
            "changed", f"degraded with other versions ({', '.join(changed)}); run the recipe again"
        )
    seed, step, scale = record["seed"], record["step"], record["scale"]
    try:
        made, drawn = degraded(
            rgb, read_chain(record["chain"]), seed=seed, step=step, sha256=sha256, region=region, scale=scale
        )
    except RecipeError as error:
        raise ImageError("degrade_failed", error.message) from error
    return MadeImage(made, in_words(drawn["applied"]), drawn)


def in_words(applied: Sequence[Mapping[str, Any]]) -> str:
    """The steps that were applied, in their order, with their settings.

    >>> in_words([{"name": "jpeg", "settings": {"quality": 42, "shift_x": 0}}])
    'jpeg quality 42'
    """
    said = (f"{one['name']} {settings_in_words(one['name'], one['settings'])}" for one in applied)
    return " → ".join(map(str.strip, said)) or "unchanged"


def settings_in_words(name: str, settings: Mapping[str, Any]) -> str:
    """The settings of a degradation that are not its defaults."""
    neutral = vars(DISTORTIONS[name].settings()) if name in DISTORTIONS else {}
    return ", ".join(f"{key} {_short(value)}" for key, value in settings.items() if value != neutral.get(key))


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
