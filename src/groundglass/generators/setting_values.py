"""The values that settings with a fixed meaning can have, and the names that cannot be settings."""

from __future__ import annotations

import math
from collections.abc import Mapping

from groundglass.generators.fault import SettingFault
from groundglass.generators.settings import SIZE, Generator, Range, Value

MOST_SEED = 2**63 - 1
"""The largest seed: a table's column of whole numbers holds it."""
COLUMNS = frozenset(
    {"generator", "model", "prompt", "prompt_id", "revised_prompt", "prompt_cut", "same_bytes_as"}
)
"""Columns of generated images that groundglass writes itself, so no setting can have their names."""
REQUESTS: Mapping[str, frozenset[str]] = {
    "openai": frozenset({"n", "response_format", "stream", "user"}),
    "google": frozenset({"sample_count", "candidate_count", "response_modalities", "contents", "instances"}),
    "diffusers": frozenset(),
}
"""Fields of a request that decide how many images it asks for, and in which form: groundglass sets them."""


def check_values(generator: Generator) -> None:
    """Raises SettingFault for a setting that groundglass sets itself, and for a value that no generator takes."""
    for name, setting in generator.settings.items():
        keys = ("settings", name)
        if name in COLUMNS or name in REQUESTS[generator.service]:
            hint = "the prompts, the model and the number of images have keys of their own"
            raise SettingFault(f"`{name}` cannot be a setting: groundglass sets it", hint, keys, name)
        values = (setting.low, setting.high) if isinstance(setting, Range) else setting
        if name == "size":
            _check_sizes(setting)
        elif name == "guidance" and not all(map(_is_number, values)):
            raise _fault(name, setting, "a number")
        elif name == "steps" and not all(_is_whole(value, 1) for value in _drawn(setting, name)):
            raise _fault(name, setting, "a whole number from 1")
        elif name == "seed" and not all(_is_whole(value, 0, MOST_SEED) for value in _drawn(setting, name)):
            raise _fault(name, setting, "a whole number from 0 to 2^63 - 1")


def _drawn(setting: Range | tuple[Value, ...], name: str) -> tuple[Value, ...]:
    """The values, or the ends of a range as they are drawn."""
    if not isinstance(setting, Range):
        return setting
    if not setting.is_whole(name):
        return (setting.low, float(setting.high))
    return (math.ceil(setting.low), math.floor(setting.high))


def _fault(name: str, setting: Range | tuple[Value, ...], needs: str) -> SettingFault:
    if isinstance(setting, Range):
        said = f"a range from {setting.low:g} to {setting.high:g}"
    else:
        said = ", ".join(f"'{value}'" for value in setting)
    return SettingFault(
        f"`{name}` cannot be {said}", f"write {needs}, a list, or a range", ("settings", name)
    )


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Value, low: int, high: int | None = None) -> bool:
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return low <= value and (high is None or value <= high)


def _check_sizes(setting: Range | tuple[Value, ...]) -> None:
    sizes = () if isinstance(setting, Range) else setting
    wrong = next((one for one in sizes if not (isinstance(one, str) and SIZE.fullmatch(one))), None)
    if isinstance(setting, Range) or wrong is not None:
        said = "a range" if isinstance(setting, Range) else f"'{wrong}'"
        raise SettingFault(
            f"`size` cannot be {said}",
            "write sizes as width x height: [512x512, 768x512]",
            ("settings", "size"),
        )
